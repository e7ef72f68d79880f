//! What can go wrong on a connection to the MCP server.

use std::io;

/// Why an exchange, or the body of an answer, came to no good end.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum WireError {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("the connection was closed before the answer")]
    Unanswered,
    #[error("the connection was closed in the middle of the answer")]
    CutOff,
    #[error("the answer is no HTTP/1.1: {0}")]
    Malformed(&'static str),
    #[error("the answer is no HTTP/1.1")]
    Unreadable(#[from] httparse::Error),
    #[error("the head of the answer, or the framing of its body, is too large")]
    TooLarge,
    #[error("the body of the request could not be read")]
    RequestBody(#[source] axum::Error),
}
