//! `token`: Entra's token as it came.
//!
//! MCP forbids to pass a token through (S-13): who accepts a token that was issued for somebody else cannot tell its
//! callers apart. Here nobody accepts somebody else's: MCP server and gateway are one API to Entra, the operator names
//! the audience, and the gateway has verified the token for it.

use axum::body::Body;
use entragate::{Gate, Permit};
use http::{HeaderValue, Response};

use crate::upstream::failure::Failure;

/// The value of `Authorization`. A token of this gateway's own is never passed on.
pub(super) fn of(gate: &Gate, permit: &Permit) -> Result<HeaderValue, Box<Response<Body>>> {
    gate.entra_token(permit).map(|token| token.bearer()).map_err(|error| defect(permit, &error))
}

/// What configuration rules out, or a defect of the gateway.
#[expect(clippy::unnecessary_box_returns, reason = "the Err side of both callers")]
pub(super) fn defect(permit: &Permit, error: &dyn std::error::Error) -> Box<Response<Body>> {
    tracing::error!(reason = %error, "the MCP server cannot be told who calls; nothing was forwarded");
    Box::new(Failure::Unidentified.response(Some(permit)))
}
