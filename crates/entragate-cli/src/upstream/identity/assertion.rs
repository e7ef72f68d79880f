//! `assertion`: who calls, in a JWT that the gateway signs and the server verifies (ES256, keys at `/oauth/jwks`).
//!
//! It goes where libraries look for a token, into `Authorization: Bearer`, so that a server which verifies tokens needs
//! issuer, audience and key set, and no code.

use axum::body::Body;
use entragate::{Gate, Permit};
use http::{HeaderValue, Response};

use super::token::defect;

/// Signs for one MCP server.
pub(super) struct Assertion {
    gate: Gate,
    audience: String,
}

impl Assertion {
    pub(super) const fn new(gate: Gate, audience: String) -> Self {
        Self { gate, audience }
    }

    /// The value of `Authorization`.
    pub(super) fn of(&self, permit: &Permit) -> Result<HeaderValue, Box<Response<Body>>> {
        let token = self.gate.assertion(permit, &self.audience);
        token.map(|token| token.bearer()).map_err(|error| defect(permit, &error))
    }
}
