//! What clients read before they sign in: pure functions of the configuration.

pub(crate) mod authorization_server;
pub(crate) mod challenge;
pub(crate) mod protected_resource;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use serde::Serialize;

use crate::signin::{Leg, leg};

/// A JSON document, serialised once.
#[derive(Clone)]
pub(crate) struct Document {
    body: Bytes,
    leg: Leg,
}

impl Document {
    fn new(content: &impl Serialize, leg: Leg) -> Self {
        Self { body: serde_json::to_vec(content).unwrap_or_default().into(), leg }
    }

    /// What a trace calls the reading of it.
    pub(crate) const fn what(&self) -> &'static str {
        match self.leg {
            Leg::ProtectedResource => "protected resource metadata was read",
            _ => "authorization server metadata was read",
        }
    }

    pub(crate) fn response(&self) -> Response<Body> {
        leg!(self.leg);
        let mut response = Response::new(Body::from(self.body.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        response
    }
}
