//! How a permitted call is answered that cannot go on: inside the protocol, so that the person reads why.
//!
//! As with a missing role (docs/clients.md K50) a client would drop the connection or the registration on a status; only
//! an outage is one, because there trying again helps.

use axum::body::Body;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::oauth::error::json as json_response;
use crate::policy::call::Message;
use crate::policy::refusal::{FORBIDDEN, told};
use crate::principal::Permit;

/// The answer to a message that does not go on, with the text that the person reads.
pub(crate) fn refusal(permit: &Permit, text: &str) -> Response<Body> {
    match permit.message() {
        Message::Empty => json_response(
            StatusCode::BAD_GATEWAY,
            &json!({ "error": "upstream_identity", "error_description": text }),
        ),
        message => told(message, permit.principal(), |_| text.to_owned()),
    }
}

/// The same where trying again helps.
pub(crate) fn outage(message: &Message, text: &str, seconds: u64) -> Response<Body> {
    let body = message.error_body(FORBIDDEN, text).unwrap_or_else(|| {
        json!({ "error": "temporarily_unavailable", "error_description": text }).to_string().into_bytes()
    });
    let mut response = json_response(StatusCode::SERVICE_UNAVAILABLE, &());
    *response.body_mut() = Body::from(body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}
