//! Microsoft Entra ID: endpoints, scopes, claims and errors as it really has them.

pub(crate) mod claims;
pub mod credential;
pub(crate) mod endpoints;
pub(crate) mod errors;
pub(crate) mod graph;
pub mod groups;
pub mod obo;
pub mod registration;
pub(crate) mod scopes;
