//! From a request below `/v1.0` to its resource, and from the result to an answer.

use http::header::{HeaderName, RETRY_AFTER};
use http::{Method, StatusCode};
use serde_json::json;

use super::call::{Call, Called};
use super::caller::Caller;
use super::error::GraphError;
use super::key::Path;
use super::{application, grant, people, service_principal, tenant};
use crate::entra::Entra;
use crate::errors::Trace;
use crate::event::Outcome;
use crate::exchange::{Answer, Exchange};
use crate::fault::FaultKind;

/// Answers a request whose path below `/v1.0/` this is.
pub(crate) fn answer(entra: &Entra, exchange: &Exchange, path: &str) -> Answer {
    let trace = entra.trace(&exchange.headers);
    let answer = match Call::of(entra, exchange) {
        Ok(call) => {
            let named = |answer: Answer| match &call.caller.user {
                Some(user) => answer.client(&call.caller.client).user(&user.name),
                None => answer.client(&call.caller.client),
            };
            named(dispatch(&call, Path::of(path)).unwrap_or_else(|error| error.answer(entra, &trace)))
        }
        Err(error) => error.answer(entra, &trace),
    };
    finish(answer, &trace)
}

/// The answer to an injected fault.
pub(crate) fn faulty(entra: &Entra, exchange: &Exchange, kind: &FaultKind) -> Answer {
    let trace = entra.trace(&exchange.headers);
    let answer = match kind {
        FaultKind::Throttle { retry_after_seconds } => {
            GraphError::throttled().answer(entra, &trace).with(RETRY_AFTER, &retry_after_seconds.to_string())
        }
        _ => GraphError::unavailable().answer(entra, &trace),
    };
    finish(answer, &trace).outcome(Outcome::Fault)
}

/// `/oidc/userinfo`: who the token speaks for (OpenID Connect Core, section 5.3).
pub(crate) fn user_info(entra: &Entra, exchange: &Exchange) -> Answer {
    let trace = entra.trace(&exchange.headers);
    let user = Caller::of(entra, exchange).and_then(|caller| caller.user.ok_or_else(GraphError::denied));
    let answer = match user {
        Ok(user) => {
            let subject = crate::tokens::access::subject(crate::fixtures::GRAPH, &user.oid);
            let body = json!({
                "sub": subject,
                "name": user.display_name,
                "family_name": user.family_name,
                "given_name": user.given_name,
                "email": user.upn,
            });
            Answer::json(StatusCode::OK, &body).user(&user.name)
        }
        Err(error) => error.answer(entra, &trace),
    };
    finish(answer, &trace)
}

fn finish(answer: Answer, trace: &Trace) -> Answer {
    answer
        .uncached()
        .with(HeaderName::from_static("request-id"), &trace.id)
        .with(HeaderName::from_static("client-request-id"), &trace.correlation_id)
}

/// What is below `/v1.0`.
const COLLECTIONS: [&str; 11] = [
    "applications",
    "servicePrincipals",
    "directory",
    "oauth2PermissionGrants",
    "me",
    "users",
    "groups",
    "domains",
    "organization",
    "policies",
    "identity",
];

fn dispatch(call: &Call<'_>, mut path: Path) -> Called {
    // Graph does not mind the case: the Azure CLI writes `oAuth2PermissionGrants` where it deletes one.
    if let Some(known) = COLLECTIONS.iter().find(|known| known.eq_ignore_ascii_case(&path.collection)) {
        (*known).clone_into(&mut path.collection);
    }
    let known = [Method::GET, Method::POST, Method::PATCH, Method::DELETE];
    if !known.contains(call.method()) {
        return Err(GraphError::no_method());
    }
    match path.collection.as_str() {
        "applications" => application::answer(call, path.key, &path.rest),
        "servicePrincipals" => service_principal::answer(call, path.key, &path.rest),
        "directory" => application::deleted(call, path.key.as_ref(), &path.rest),
        "oauth2PermissionGrants" => grant::answer(call, path.key, &path.rest),
        "me" | "users" | "groups" => people::answer(call, &path),
        "domains" | "organization" | "policies" | "identity" => tenant::answer(call, &path),
        other => Err(GraphError::no_segment(other)),
    }
}
