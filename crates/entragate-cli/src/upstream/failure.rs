//! The gateway's own answers, when there is none from the MCP server, or one that clients would misread.
//!
//! Clients tell protocol revisions apart by 400, 404 and 405 (TR-09), so none of those is used here but for a session
//! that ended, where 404 is the word for it, and the JSON-RPC codes lie outside the range −32768…−32000 that JSON-RPC and MCP reserve (TR-11). The text names
//! no address and no cause: those are for the log.

use axum::body::Body;
use entragate::Permit;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

/// JSON-RPC error code: the MCP server cannot be reached or broke off before it answered.
pub const UPSTREAM_UNAVAILABLE: i64 = -31502;
/// JSON-RPC error code: the MCP server did not answer in time.
pub const UPSTREAM_TIMED_OUT: i64 = -31504;
/// JSON-RPC error code: the MCP server wants to authenticate the caller itself.
pub const UPSTREAM_UNAUTHORIZED: i64 = -31401;
/// JSON-RPC error code: there is no such session, as the gateway says it of sessions of others.
pub const SESSION_GONE: i64 = -31404;
/// JSON-RPC error code: the MCP server redirects.
pub const UPSTREAM_REDIRECTED: i64 = -31300;
/// JSON-RPC error code: the gateway passes HTTP requests on, no other protocol.
const UPGRADE_REFUSED: i64 = -31501;
/// JSON-RPC error code: a defect in the gateway.
const INTERNAL: i64 = -31500;

/// Why a request has no answer from the MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The request was not judged by a policy: the service is wired up without the layer.
    NoPermit,
    /// The router let a path through that the upstream does not have.
    Misrouted,
    /// The client asked for WebSocket or the like.
    Upgrade,
    /// The MCP server cannot be told who calls.
    Unidentified,
    /// Refused, reset, broken off, or not HTTP.
    Unavailable,
    /// No connection or no response head in time.
    TimedOut,
    /// 401: passed on, it would make the client discard a good token and sign in for ever.
    Unauthorized,
    /// The session that the query names is not this caller's.
    NoSession,
    /// The session's replica is gone, and the session with it.
    SessionGone,
    /// 3xx: passed on, it would name internal addresses and lead the client past the gateway.
    Redirected,
}

impl Failure {
    /// Status, JSON-RPC code, word for programs, text for people.
    const fn parts(self) -> (StatusCode, i64, &'static str, &'static str) {
        match self {
            Self::NoPermit | Self::Misrouted | Self::Unidentified => (
                StatusCode::INTERNAL_SERVER_ERROR,
                INTERNAL,
                "server_error",
                "the gateway made a mistake, see its log",
            ),
            Self::Upgrade => (
                StatusCode::NOT_IMPLEMENTED,
                UPGRADE_REFUSED,
                "upgrade_refused",
                "this gateway does not pass protocol upgrades on",
            ),
            Self::Unavailable => (
                StatusCode::BAD_GATEWAY,
                UPSTREAM_UNAVAILABLE,
                "upstream_unavailable",
                "the MCP server behind this gateway cannot be reached",
            ),
            Self::TimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                UPSTREAM_TIMED_OUT,
                "upstream_timed_out",
                "the MCP server behind this gateway did not answer in time",
            ),
            Self::Unauthorized => (
                StatusCode::BAD_GATEWAY,
                UPSTREAM_UNAUTHORIZED,
                "upstream_unauthorized",
                "the MCP server behind this gateway asks for a sign-in of its own, which its operator must turn off",
            ),
            Self::NoSession => {
                (StatusCode::NOT_FOUND, SESSION_GONE, "not_found", "there is no such session for this caller")
            }
            Self::SessionGone => (
                StatusCode::NOT_FOUND,
                SESSION_GONE,
                "not_found",
                "the session ended with the server that had it: open a new one",
            ),
            Self::Redirected => (
                StatusCode::BAD_GATEWAY,
                UPSTREAM_REDIRECTED,
                "upstream_redirected",
                "the MCP server behind this gateway answers at another address, which its operator must configure",
            ),
        }
    }

    /// The failure as a response: JSON-RPC errors for the requests in the message, or one small object.
    pub(super) fn response(self, permit: Option<&Permit>) -> Response<Body> {
        let (status, code, word, text) = self.parts();
        let body = permit
            .and_then(|permit| permit.message().error_body(code, text))
            .unwrap_or_else(|| format!(r#"{{"error":"{word}","error_description":"{text}"}}"#).into_bytes());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
