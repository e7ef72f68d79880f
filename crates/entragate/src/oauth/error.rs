//! OAuth errors as every endpoint answers them (RFC 6749 §4.1.2.1, §5.2; RFC 7591 §3.2.2).

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// The `error` codes this server uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    InvalidClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    InvalidTarget,
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidGrant,
    AccessDenied,
    ConsentRequired,
    TemporarilyUnavailable,
    ServerError,
}

impl Code {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidGrant => "invalid_grant",
            Self::AccessDenied => "access_denied",
            Self::ConsentRequired => "consent_required",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

/// An error on its way to a client, as JSON or as parameters of a redirect.
#[derive(Debug, Clone)]
pub(crate) struct OAuthError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) description: String,
    pub(crate) uri: Option<String>,
    pub(crate) retry_after: Option<HeaderValue>,
}

impl OAuthError {
    pub(crate) fn new(code: Code, description: impl AsRef<str>) -> Self {
        let status = match code {
            Code::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then(|| HeaderValue::from_static("5"));
        let (code, description) = (code.as_str().to_owned(), sanitised(description.as_ref()));
        Self { status, code, description, uri: None, retry_after }
    }

    pub(crate) fn response(&self) -> Response<Body> {
        #[derive(Serialize)]
        struct Wire<'a> {
            error: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            error_description: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            error_uri: Option<&'a str>,
        }
        let wire =
            Wire { error: &self.code, error_description: &self.description, error_uri: self.uri.as_deref() };
        let mut response = json(self.status, &wire);
        if let Some(after) = &self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, after.clone());
        }
        response
    }
}

/// A JSON answer that no cache may keep (RFC 6749 §5.1).
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// `error_description` may only hold %x20-21 / %x23-5B / %x5D-7E (RFC 6749 §5.2): quotes become `'`, line
/// breaks and everything outside ASCII become a space or `?`.
pub(crate) fn sanitised(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        let c = match c {
            '"' | '\u{201c}' | '\u{201d}' | '\u{2019}' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            c if c.is_whitespace() || c.is_control() => ' ',
            _ => '?',
        };
        if !(c == ' ' && clean.ends_with(' ')) {
            clean.push(c);
        }
    }
    clean.truncate(1_000);
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn description_keeps_to_the_character_set_of_rfc_6749(text in "\\PC{0,100}|[\\x00-\\x7f]{0,100}") {
            let clean = sanitised(&text);
            prop_assert!(clean.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }
}
