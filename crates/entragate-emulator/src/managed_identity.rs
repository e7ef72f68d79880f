//! `/metadata/identity/oauth2/token`: the metadata service of an Azure machine, which hands out tokens of its managed
//! identities. The real one is at `http://169.254.169.254`, without TLS too.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::directory::ManagedIdentity;
use crate::entra::Entra;
use crate::event::Outcome;
use crate::exchange::{Answer, Exchange};
use crate::jwt::{self, Object};

/// The resource of federated identity credentials, and the app of Microsoft's that it belongs to in the worldwide cloud.
const TOKEN_EXCHANGE: (&str, &str) = ("api://AzureADTokenExchange", "fb60f99c-7a34-4190-8149-302f77469936");

/// A day, as for real.
const LIFETIME: u64 = 86_400;

pub(crate) fn answer(entra: &Entra, exchange: &Exchange) -> Answer {
    if exchange.method != Method::GET {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "Only GET is allowed");
    }
    match token(entra, exchange) {
        Ok(body) => Answer::json(StatusCode::OK, &body).outcome(Outcome::Tokens),
        Err((error, description)) => refuse(StatusCode::BAD_REQUEST, error, description),
    }
}

fn token(entra: &Entra, exchange: &Exchange) -> Result<Value, (&'static str, &'static str)> {
    // A forged cross-site request cannot set a header.
    if !exchange.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(("invalid_request", "Required metadata header not specified"));
    }
    // Nor does Azure answer what a proxy passes on; the words are ours.
    if exchange.headers.contains_key("x-forwarded-for") {
        return Err(("invalid_request", "A request with an X-Forwarded-For header is not answered"));
    }
    let query = &exchange.query;
    query
        .get("api-version")
        .ok_or(("invalid_request", "Required query variable 'api-version' is missing"))?;
    let resource =
        query.get("resource").ok_or(("invalid_request", "Required query variable 'resource' is missing"))?;
    let audience = resource_id(entra, resource).ok_or(("invalid_resource", "The resource does not exist"))?;
    let identity = identity(entra, query.get("client_id"))?;
    let now = entra.now();
    Ok(json!({
        "access_token": sign(entra, identity, &audience, now),
        "client_id": identity.client_id,
        "expires_in": LIFETIME.to_string(),
        "expires_on": (now + LIFETIME).to_string(),
        "ext_expires_in": LIFETIME.to_string(),
        "not_before": now.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    }))
}

/// The id of the app that has this resource as its identifier URI: what `aud` becomes.
pub(crate) fn resource_id(entra: &Entra, resource: &str) -> Option<String> {
    let api = entra.apis().find(resource, None).map(|api| api.id.clone());
    let (uri, id) = TOKEN_EXCHANGE;
    api.or_else(|| [uri, id].contains(&resource).then(|| id.to_owned()))
}

fn identity<'a>(
    entra: &'a Entra,
    client_id: Option<&str>,
) -> Result<&'a ManagedIdentity, (&'static str, &'static str)> {
    let all = &entra.directory.managed_identities;
    match (client_id, all.as_slice()) {
        (Some(id), _) => {
            let named = all.iter().find(|identity| identity.client_id.eq_ignore_ascii_case(id));
            named.ok_or(("invalid_request", "Identity not found"))
        }
        (None, [only]) => Ok(only),
        (None, []) => Err(("invalid_request", "Identity not found")),
        (None, _) => Err((
            "invalid_request",
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the \
             token request",
        )),
    }
}

/// Always a v2 token, as for the token exchange.
fn sign(entra: &Entra, identity: &ManagedIdentity, audience: &str, now: u64) -> String {
    let mut claims = Object::new();
    let mut set = |name: &str, value: Value| claims.insert(name.into(), value);
    set("aud", audience.into());
    set("iss", entra.v2_issuer(&identity.tenant).into());
    set("iat", json!(now));
    set("nbf", json!(now));
    set("exp", json!(now + LIFETIME));
    set("aio", entra.random(|random| random.opaque(48)).into());
    set("azp", identity.client_id.clone().into());
    // Azure holds a certificate for every managed identity.
    set("azpacr", "2".into());
    set("idtyp", "app".into());
    set("oid", identity.object_id.clone().into());
    let roles = roles(entra, identity, audience);
    if !roles.is_empty() {
        set("roles", roles.into());
    }
    set("rh", format!("1.{}.", entra.random(|random| random.opaque(30))).into());
    set("sub", identity.object_id.clone().into());
    set("tid", identity.tenant.clone().into());
    set("uti", entra.random(|random| random.opaque(16)).into());
    set("ver", "2.0".into());
    let key = entra.state.with(|state| state.keys.active.clone());
    jwt::sign_claims(&key, &jwt::header(&key, 2), &claims)
}

/// The app roles that the identity holds on the API of that id.
fn roles(entra: &Entra, identity: &ManagedIdentity, api: &str) -> Vec<String> {
    let assignments = entra.directory.app(api).map(|api| api.assignments.as_slice()).unwrap_or_default();
    let held = assignments.iter().filter(|held| held.principal == identity.name);
    held.filter_map(|held| held.role.clone()).collect()
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Answer {
    Answer::json(status, &json!({ "error": error, "error_description": description }))
        .outcome(Outcome::Refused)
}
