//! `GET /oauth/jwks`: the keys that sign the access tokens, which in relay mode are Entra's. Passed on, so
//! that the metadata is complete and an MCP server that verifies tokens itself finds them here.

use axum::body::Body;
use axum::extract::State;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

use super::error::{Code, OAuthError};
use crate::facade::Facade;

pub(crate) async fn get(State(facade): State<Facade>) -> Response<Body> {
    let Ok(snapshot) = facade.entra.keyring.snapshot().await else {
        return OAuthError::new(Code::TemporarilyUnavailable, "Entra's keys are not available at the moment")
            .response();
    };
    let mut response = Response::new(Body::from(snapshot.jwks.to_vec()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
