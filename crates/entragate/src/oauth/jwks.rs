//! `GET /oauth/jwks`: the keys that sign the access tokens, which in relay mode are Entra's, and ours, which sign
//! assertions for MCP servers. Entra's are passed on so that the metadata is complete and an MCP server that verifies
//! tokens itself finds them here.

use axum::body::Body;
use axum::extract::State;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use serde_json::{Value, json};

use super::error::{Code, OAuthError};
use crate::facade::Facade;
use crate::upstream::assertion::Assertions;

pub(crate) async fn get(State(facade): State<Facade>) -> Response<Body> {
    let snapshot = facade.entra.keyring.snapshot().await;
    let keys = match (&facade.entra.assertions, &snapshot) {
        (None, Ok(snapshot)) => snapshot.jwks.to_vec(),
        (Some(ours), snapshot) => together(ours, snapshot.as_ref().ok().map(|snapshot| &*snapshot.jwks)),
        (None, Err(_)) => {
            let text = "Entra's keys are not available at the moment";
            return OAuthError::new(Code::TemporarilyUnavailable, text).response();
        }
    };
    let mut response = Response::new(Body::from(keys));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    // Without Entra's it is only half of what it should be, which nobody is to keep.
    let keep = if snapshot.is_ok() { "public, max-age=300" } else { "no-store" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}

/// Ours first: an outage of Entra does not keep an MCP server from verifying what we signed.
fn together(ours: &Assertions, entras: Option<&[u8]>) -> Vec<u8> {
    let mut keys: Vec<Value> = ours.jwks().cloned().collect();
    let entras = entras.and_then(|set| serde_json::from_slice::<Value>(set).ok());
    if let Some(Value::Array(more)) = entras.and_then(|mut set| set.get_mut("keys").map(Value::take)) {
        keys.extend(more);
    }
    json!({ "keys": keys }).to_string().into_bytes()
}
