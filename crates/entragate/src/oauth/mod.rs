//! The authorization server that MCP clients expect, one file per endpoint.

pub(crate) mod authorize;
#[cfg_attr(not(test), expect(dead_code, reason = "used when the broker lands"))]
pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod jwks;
pub(crate) mod pages;
pub(crate) mod params;
pub(crate) mod pkce;
pub mod redirect_uri;
pub(crate) mod register;
pub(crate) mod relay;
pub(crate) mod resource;
pub(crate) mod token;
