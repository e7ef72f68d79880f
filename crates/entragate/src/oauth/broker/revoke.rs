//! `POST /oauth/revoke` (RFC 7009): either token of a sign-in ends all of it. Entra has no revocation for applications, so
//! it is ours to remember.

use axum::body::Body;
use axum::extract::{Request, State};
use http::{Response, StatusCode};
use serde_json::json;

use super::tokens::RefreshToken;
use super::{Broker, broker};
use crate::facade::Facade;
use crate::oauth::client::Client;
use crate::oauth::client::authentication::authenticated;
use crate::oauth::error::{Code, OAuthError, json as json_response};
use crate::oauth::token::{form, refused};
use crate::token::sealed::AccessToken;

pub(crate) async fn post(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let broker = match broker(&facade) {
        Ok(broker) => broker,
        Err(elsewhere) => return *elsewhere,
    };
    match revoke(&facade, broker, request).await {
        Ok(()) => json_response(StatusCode::OK, &json!({})),
        Err(error) => refused("revoke", &error),
    }
}

async fn revoke(facade: &Facade, broker: &Broker, request: Request) -> Result<(), OAuthError> {
    let (headers, params) = form(request).await?;
    params
        .refuse_repeated(&[])
        .map_err(|repeated| OAuthError::new(Code::InvalidRequest, repeated.to_string()))?;
    let client = authenticated(facade, broker, &headers, &params).await?;
    let token =
        params.get("token").ok_or_else(|| OAuthError::new(Code::InvalidRequest, "token is missing"))?;
    // A token that is not the client's is as unknown as one that never was: 200, and nothing happens (K49).
    let Some(family) = family(broker, &client, token) else { return Ok(()) };
    broker.families.revoke(&family).await.map_err(|error| super::failure::Failure::from(error).error)?;
    tracing::info!(target: "entragate::signin", leg = "revoke", client = client.label, "a client ended its sign-in");
    Ok(())
}

/// The family of the client's own token. `token_type_hint` is not needed: the two kinds look different.
fn family(broker: &Broker, client: &Client, token: &str) -> Option<String> {
    if let Ok(refresh) = broker.seal.open::<RefreshToken>(token) {
        return (refresh.family.client == client.fingerprint).then_some(refresh.family.id);
    }
    let access: AccessToken = broker.seal.open(token).ok()?;
    (access.label == client.label).then_some(access.family)
}
