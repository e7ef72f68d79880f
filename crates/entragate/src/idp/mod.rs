//! The seam towards the identity provider: how it is reached, and what it is ([`entra`]).

pub mod entra;
pub(crate) mod http;
