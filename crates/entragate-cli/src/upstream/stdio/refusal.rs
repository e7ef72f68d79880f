//! What a client is told when its request does not reach a server process, or an answer does not come.
//!
//! Here the gateway is the MCP server's HTTP side, so 400, 404, 405 and 406 mean what the transport says they mean
//! (unlike in front of a server that speaks HTTP itself, see `failure`). Codes lie outside the reserved range (TR-11).

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use entragate::Permit;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::exit::Ended;
use super::slots::Full;
use crate::upstream::failure::{UPSTREAM_TIMED_OUT, UPSTREAM_UNAVAILABLE};

/// JSON-RPC error code: no process can be had now.
pub const SERVER_BUSY: i64 = -31503;
const SESSION_NEEDED: i64 = -31400;
const NO_SESSION: i64 = -31404;
const NOT_ALLOWED: i64 = -31405;
const NOT_ACCEPTED: i64 = -31406;
const ID_IN_USE: i64 = -31409;
/// JSON-RPC's own (§5.1): what came is no message that anybody could answer.
const INVALID_REQUEST: i64 = -32600;
const INTERNAL: i64 = -31500;
/// How soon somebody who found no slot may try again.
const SOON: Duration = Duration::from_secs(5);

/// Why a request has no answer of a server process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A revision without sessions. 400 without an error of that revision sends clients that know both back to
    /// `initialize` (2026-07-28, Streamable HTTP, Backward Compatibility).
    Sessionless,
    /// The version in the header is none that a session can have.
    Version,
    /// Neither request nor notification nor answer.
    NoMessage,
    /// `initialize` that is no request of its own.
    Initialize,
    /// No session id, and it is not `initialize`.
    SessionNeeded,
    /// There is no such session for this caller.
    NoSession,
    /// What the transport does not have.
    Method,
    /// The client takes neither kind of answer.
    NotAccepted,
    /// A call with this id is in flight.
    IdInUse,
    /// More calls in flight than one session may have.
    TooManyCalls,
    /// All processes are in use.
    Full(Full),
    /// The last processes ended as soon as they had begun.
    Resting(Duration),
    /// It could not be started at all.
    NotStarted,
    /// It ended before it answered.
    Ended(Ended),
    /// It did not answer `initialize` in time.
    StartTimedOut,
    /// It does not read what it is sent.
    NotReading,
    /// A defect, or no randomness.
    Internal,
}

impl Refusal {
    fn parts(&self) -> (StatusCode, i64, &'static str) {
        match self {
            Self::Sessionless | Self::SessionNeeded => {
                (StatusCode::BAD_REQUEST, SESSION_NEEDED, "session_needed")
            }
            Self::Version => (StatusCode::BAD_REQUEST, SESSION_NEEDED, "unsupported_version"),
            Self::NoMessage | Self::Initialize => {
                (StatusCode::BAD_REQUEST, INVALID_REQUEST, "invalid_request")
            }
            Self::NoSession => (StatusCode::NOT_FOUND, NO_SESSION, "not_found"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, NOT_ALLOWED, "method_not_allowed"),
            Self::NotAccepted => (StatusCode::NOT_ACCEPTABLE, NOT_ACCEPTED, "not_acceptable"),
            Self::IdInUse => (StatusCode::CONFLICT, ID_IN_USE, "id_in_use"),
            Self::TooManyCalls | Self::Full(_) | Self::Resting(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, SERVER_BUSY, "busy")
            }
            Self::NotStarted | Self::Ended(_) => {
                (StatusCode::BAD_GATEWAY, UPSTREAM_UNAVAILABLE, "upstream_unavailable")
            }
            Self::StartTimedOut | Self::NotReading => {
                (StatusCode::GATEWAY_TIMEOUT, UPSTREAM_TIMED_OUT, "upstream_timed_out")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, "server_error"),
        }
    }

    fn text(&self) -> String {
        let text = match self {
            Self::Sessionless => {
                "this MCP server is reached by the revisions up to 2025-11-25 only: begin with initialize"
            }
            Self::SessionNeeded => "there is no session id: begin with initialize",
            Self::Version => {
                "MCP-Protocol-Version is none of the revisions that this MCP server is reached by"
            }
            Self::NoMessage => "the body is no JSON-RPC request with an id, no notification and no answer",
            Self::Initialize => "initialize must be a request with an id, and not part of a batch",
            Self::NoSession => "there is no such session for this caller: begin with initialize",
            Self::Method => "an MCP endpoint takes POST, GET and DELETE",
            Self::NotAccepted => "the client must accept application/json or text/event-stream",
            Self::IdInUse => "a call with this id is in flight in this session",
            Self::TooManyCalls => "too many calls of this session are in flight",
            Self::Full(Full::Total) => "all processes of this MCP server are in use, try again later",
            Self::Full(Full::Person) => {
                "all your sessions with this MCP server are in use: end one of them first"
            }
            Self::Resting(_) => "this MCP server ends as soon as it is started, try again later",
            Self::NotStarted => "this MCP server could not be started, see the gateway's log",
            Self::Ended(ended) => return ended.to_string(),
            Self::StartTimedOut => "this MCP server was started and did not answer initialize in time",
            Self::NotReading => "this MCP server does not read what it is sent",
            Self::Internal => "the gateway made a mistake, see its log",
        };
        text.to_owned()
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyCalls | Self::Full(_) => Some(SOON),
            Self::Resting(rest) => Some(*rest),
            _ => None,
        }
    }

    /// As the response to a request.
    pub(super) fn response(&self, permit: &Permit) -> Response<Body> {
        let (status, code, word) = self.parts();
        let text = self.text();
        let body = permit.message().error_body(code, &text).unwrap_or_else(|| {
            let plain = serde_json::json!({ "error": word, "error_description": text });
            plain.to_string().into_bytes()
        });
        let mut response = json(status, Bytes::from(body));
        if let Some(rest) = self.retry_after() {
            // Rounded up: a client that comes early is refused again.
            let seconds = rest.as_secs() + u64::from(rest.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A JSON-RPC error for a call that will not be answered; `id` as the client wrote it.
pub(super) fn lost(id: &str, ended: &Ended) -> Bytes {
    let message = serde_json::Value::from(ended.to_string());
    let error = format!(r#"{{"code":{UPSTREAM_UNAVAILABLE},"message":{message}}}"#);
    Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#))
}

/// A response with one JSON document.
pub(super) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
