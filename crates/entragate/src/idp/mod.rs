//! The seam towards the identity provider.

pub mod entra;
