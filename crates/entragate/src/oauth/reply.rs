//! The authorization response: back to the client with a code or an error, its own `state`, and `iss` where the
//! answer is ours (RFC 6749 §4.1.2, RFC 9207 §2).

use axum::body::Body;
use http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use http::{HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::error::{Code, OAuthError};
use super::params::encoded;
use super::redirect_uri::RedirectUri;

/// Where the answer to a request goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReplyTo {
    pub(crate) redirect_uri: RedirectUri,
    pub(crate) state: Option<String>,
    /// Our issuer, when we answer the client ourselves; in relay mode Entra does, and sends none.
    pub(crate) issuer: Option<String>,
}

impl ReplyTo {
    /// The URL that tells the client what went wrong.
    pub(crate) fn error_url(&self, error: &OAuthError) -> String {
        let mut pairs = vec![("error", error.code.as_str())];
        if !error.description.is_empty() {
            pairs.push(("error_description", &error.description));
        }
        pairs.extend(error.uri.as_deref().map(|uri| ("error_uri", uri)));
        self.url(pairs)
    }

    /// Sends the browser back with an error.
    pub(crate) fn error(&self, error: &OAuthError) -> Response<Body> {
        found(&self.error_url(error))
    }

    /// Sends the browser back with a code.
    pub(crate) fn code(&self, code: &str) -> Response<Body> {
        found(&self.url(vec![("code", code)]))
    }

    fn url<'a>(&'a self, mut pairs: Vec<(&'a str, &'a str)>) -> String {
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        pairs.extend(self.issuer.as_deref().map(|issuer| ("iss", issuer)));
        self.redirect_uri.with_query(&encoded(pairs))
    }
}

/// 302, never 307 (RFC 9700 §4.12): a posted form must not be posted on.
pub(crate) fn found(url: &str) -> Response<Body> {
    redirect(StatusCode::FOUND, url)
}

/// 303: the answer to a form.
pub(crate) fn see_other(url: &str) -> Response<Body> {
    redirect(StatusCode::SEE_OTHER, url)
}

fn redirect(status: StatusCode, url: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(url) else {
        return OAuthError::new(Code::InvalidRequest, "the request cannot be expressed as a URL").response();
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
