//! `POST /oauth/consent`: the person's answer. Only a form that was shown to this very browser counts, and only one that
//! comes from our own page.

use axum::body::Body;
use axum::extract::{Request, State};
use http::{HeaderMap, Response, StatusCode};

use super::begin::{shown_name, to_entra};
use super::callback::failed;
use super::failure::Failure;
use super::transaction::{Approval, Pending, hashed};
use super::{Broker, NO_SUCH_SERVER, START_AGAIN, broker, browser_of, dead_end, is_from_here, single};
use crate::facade::{Facade, body_bytes};
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::params::Params;
use crate::trace::{Leg, Outcome};

/// A sealed request may hold long redirect URIs and states.
const MAX_BODY: usize = 64 * 1024;

pub(crate) async fn post(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let broker = match broker(&facade) {
        Ok(broker) => broker,
        Err(elsewhere) => return *elsewhere,
    };
    let headers = request.headers().clone();
    if !is_from_here(&facade, &headers) {
        return dead_end(
            StatusCode::FORBIDDEN,
            "This answer does not come from the page that asked",
            START_AGAIN,
        );
    }
    let params = match body_bytes(request, MAX_BODY).await {
        Ok(body) => Params::parse(&body),
        Err(status) => {
            let error = OAuthError::new(Code::InvalidRequest, "the body is too large, slow, or was cut off");
            return OAuthError { status, ..error }.response();
        }
    };
    answer(&facade, broker, &headers, &params).await
}

async fn answer(facade: &Facade, broker: &Broker, headers: &HeaderMap, params: &Params) -> Response<Body> {
    let opened = single(params, "request").and_then(|text| broker.seal.open::<Pending>(text).ok());
    let Some(pending) = opened else {
        return dead_end(StatusCode::BAD_REQUEST, "This consent form was not made here", START_AGAIN);
    };
    // CSRF: the form and the cookie were given to the same browser.
    let is_its = browser_of(broker, headers).is_some_and(|browser| hashed(&browser) == pending.browser);
    if !is_its {
        let fix = "Allow cookies for this site, and answer in the browser in which the page was opened. Then start the sign-in again in your application.";
        return dead_end(
            StatusCode::FORBIDDEN,
            "This consent page was opened in another browser, or its cookie is gone",
            fix,
        );
    }
    let now = facade.entra.clock.now();
    if now >= pending.expires {
        return dead_end(StatusCode::BAD_REQUEST, "This consent page was open for too long", START_AGAIN);
    }
    let asked = &pending.asked;
    // The operator may have taken the address off the list since.
    if !facade.entra.redirects.allows(&asked.reply.redirect_uri) {
        return dead_end(
            StatusCode::BAD_REQUEST,
            "The application's address is no longer allowed here",
            START_AGAIN,
        );
    }
    let Some(target) = facade.target(&asked.resource) else {
        return dead_end(StatusCode::BAD_REQUEST, NO_SUCH_SERVER, START_AGAIN);
    };
    let approval = match (single(params, "decision"), single(params, "remember")) {
        (Some("approve"), Some("yes")) => Approval::Remember,
        (Some("approve"), _) => Approval::Now,
        (Some("deny"), _) => {
            broker.traces.record(
                &asked.trace,
                Leg::Consent,
                Outcome::Failed,
                "the person did not allow the application",
            );
            let failure = Failure::told(Code::AccessDenied, "the person did not allow this application");
            return asked.reply.error(&failure.in_trace(&asked.trace).error);
        }
        _ => return dead_end(StatusCode::BAD_REQUEST, "The form holds no answer", START_AGAIN),
    };
    broker.traces.record(&asked.trace, Leg::Consent, Outcome::Passed, "the person allowed the application");
    let (trace, reply, client) = (asked.trace.clone(), asked.reply.clone(), shown_name(&asked.client));
    let sent = match pending.approve(approval, now) {
        Ok((consented, cookie)) => to_entra(facade, broker, target, &consented, &cookie, headers).await,
        Err(error) => Err(error.into()),
    };
    sent.unwrap_or_else(|failure| failed(facade, failure, &reply, &trace, &client))
}
