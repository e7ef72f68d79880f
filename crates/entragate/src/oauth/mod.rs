//! The authorization server that MCP clients expect, one file per endpoint.

pub(crate) mod authorize;
pub(crate) mod broker;
pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod jwks;
pub(crate) mod pages;
pub(crate) mod params;
pub(crate) mod pkce;
pub mod redirect_policy;
pub(crate) mod redirect_uri;
pub(crate) mod refusal;
pub(crate) mod register;
pub(crate) mod relay;
pub(crate) mod reply;
pub(crate) mod resource;
pub(crate) mod target;
pub(crate) mod token;
