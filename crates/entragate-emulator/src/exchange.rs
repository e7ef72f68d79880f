//! A request as the endpoints see it, and an answer as they give it.

use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use serde_json::Value;

use crate::directory::App;
use crate::errors::{Refusal, Trace};
use crate::event::Outcome;
use crate::params::Params;

/// A request, read to its end.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// As sent, without the query.
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) query: Params,
    /// Empty unless the body is a form.
    pub(crate) form: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The client, when its id is the URL of a document.
    pub(crate) document_client: Option<Result<App, Refusal>>,
}

impl Exchange {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer, with what the narration says about it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
    pub(crate) outcome: Outcome,
    pub(crate) aadsts: Option<u32>,
    /// Names of the app and user concerned.
    pub(crate) client: Option<String>,
    pub(crate) user: Option<String>,
}

impl Answer {
    fn new(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Self { response, outcome: Outcome::Served, aadsts: None, client: None, user: None }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(crate) fn html(body: String) -> Self {
        let answer = Self::new(StatusCode::OK, "text/html; charset=utf-8", body);
        answer.with(HeaderName::from_static("x-content-type-options"), "nosniff")
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::new(status, "text/plain; charset=utf-8", "")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "There is nothing here.\n")
    }

    /// The state file could not be written.
    pub(crate) fn unsaved(error: &std::io::Error) -> Self {
        let text = format!("The emulator's state could not be saved: {error}\n");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", text)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::empty(StatusCode::FOUND).with(LOCATION, to)
    }

    /// Adds a header; a value that cannot be one is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    pub(crate) fn cookie(mut self, cookie: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            self.response.headers_mut().append(SET_COOKIE, value);
        }
        self
    }

    pub(crate) fn uncached(self) -> Self {
        self.with(CACHE_CONTROL, "no-store, no-cache").with(PRAGMA, "no-cache")
    }

    /// Readable by scripts of any origin.
    pub(crate) fn cors(self) -> Self {
        self.with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
    }

    pub(crate) fn traced(self, trace: &Trace) -> Self {
        let answer = self.with(HeaderName::from_static("x-ms-request-id"), &trace.id);
        if trace.echo {
            return answer.with(HeaderName::from_static("client-request-id"), &trace.correlation_id);
        }
        answer
    }

    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    pub(crate) fn refused(mut self, code: u32) -> Self {
        self.aadsts = Some(code);
        self.outcome(Outcome::Refused)
    }

    pub(crate) fn client(mut self, name: &str) -> Self {
        self.client = Some(name.to_owned());
        self
    }

    pub(crate) fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }
}
