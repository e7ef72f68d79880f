//! Identity towards the MCP server: what the gateway can tell it, or give it, about the caller of a permitted request.
//!
//! The client's own token never reaches the MCP server by itself (MCP forbids to pass it through). Instead of it there is
//! an assertion that the gateway signs ([`crate::Gate::assertion`]), a token that Entra issues for another API in the
//! caller's name ([`crate::Gate::on_behalf_of`]), or, where MCP server and gateway are one API to Entra and the operator
//! says so, Entra's token itself ([`crate::Gate::entra_token`]).

pub(crate) mod assertion;
pub(crate) mod headers;
mod refusal;
mod scope;
mod token;

pub use assertion::AssertionError;
pub(crate) use refusal::{outage, refusal};
pub use scope::{DelegatedScope, DelegatedScopeError};
pub use token::{NoEntraToken, UpstreamToken};
