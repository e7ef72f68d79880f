//! Answers to requests that may not pass: 401 with the way to sign in, 403 with the missing scopes, 503
//! when nothing can be said (RFC 6750 §3, RFC 9728 §5.1).

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::oauth::error::{json as json_response, sanitised};

/// The parts of every challenge of one resource, prepared once.
#[derive(Debug, Clone)]
pub(crate) struct Challenge {
    /// `Bearer resource_metadata="…", scope="…"`.
    sign_in: HeaderValue,
    metadata_url: String,
    scope: String,
}

impl Challenge {
    /// `None` when the URL or the scope cannot be in a header, which configuration rules out.
    pub(crate) fn new(metadata_url: String, scopes: &[String]) -> Option<Self> {
        let scope = scopes.join(" ");
        let sign_in = format!(r#"Bearer resource_metadata="{metadata_url}", scope="{scope}""#);
        Some(Self { sign_in: HeaderValue::from_str(&sign_in).ok()?, metadata_url, scope })
    }

    /// No credentials were sent, so nothing is said about an error (RFC 6750 §3.1).
    pub(crate) fn sign_in(&self) -> Response<Body> {
        let body = json!({ "error": "unauthorized", "error_description": "Sign in first: see the WWW-Authenticate header" });
        with_header(json_response(StatusCode::UNAUTHORIZED, &body), self.sign_in.clone())
    }

    /// The token is no good.
    pub(crate) fn invalid_token(&self, text: &str) -> Response<Body> {
        self.error(StatusCode::UNAUTHORIZED, "invalid_token", text, &self.scope)
    }

    /// The token is good here, and not for what is behind: the next one must bring more ([Microsoft: claims challenge]).
    /// MCP clients sign in again at any 401; those that know Microsoft's pass the claims on.
    ///
    /// [Microsoft: claims challenge]: https://learn.microsoft.com/entra/identity-platform/claims-challenge
    pub(crate) fn insufficient_claims(&self, text: &str, claims: Option<&str>) -> Response<Body> {
        let Some(claims) = claims else {
            return self.invalid_token(text);
        };
        let mut response = self.error(StatusCode::UNAUTHORIZED, "insufficient_claims", text, &self.scope);
        let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let challenge = challenge.map(|value| format!(r#"{value}, claims="{}""#, STANDARD.encode(claims)));
        if let Some(value) = challenge.and_then(|value| HeaderValue::try_from(value).ok()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    }

    /// The credentials cannot be read: two headers, for example.
    pub(crate) fn invalid_request(&self, text: &str) -> Response<Body> {
        self.error(StatusCode::BAD_REQUEST, "invalid_request", text, &self.scope)
    }

    /// Signing in again with all of these scopes would help, for which some are missing.
    pub(crate) fn insufficient_scope(&self, missing: &[String], scopes: &[String]) -> Response<Body> {
        let text = format!("This call needs a scope that the access token lacks: {}", missing.join(" "));
        self.error(StatusCode::FORBIDDEN, "insufficient_scope", &text, &scopes.join(" "))
    }

    fn error(&self, status: StatusCode, error: &str, text: &str, scope: &str) -> Response<Body> {
        let text = sanitised(text);
        let url = &self.metadata_url;
        let value = format!(
            r#"Bearer resource_metadata="{url}", scope="{scope}", error="{error}", error_description="{text}""#
        );
        let value = HeaderValue::from_str(&value).unwrap_or_else(|_| self.sign_in.clone());
        with_header(json_response(status, &json!({ "error": error, "error_description": text })), value)
    }
}

/// Entra cannot be asked: not the token's fault, so not a 401.
pub(crate) fn unavailable() -> Response<Body> {
    let text = "Tokens cannot be checked at the moment, try again shortly";
    let body = json!({ "error": "temporarily_unavailable", "error_description": text });
    let mut response = json_response(StatusCode::SERVICE_UNAVAILABLE, &body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn with_header(mut response: Response<Body>, value: HeaderValue) -> Response<Body> {
    response.headers_mut().insert(WWW_AUTHENTICATE, value);
    response
}
