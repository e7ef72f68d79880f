//! Bearer tokens: from a header to a [`crate::Principal`], or to the reason why not.

pub(crate) mod bearer;
pub(crate) mod cache;
pub(crate) mod header;
pub(crate) mod keys;
pub(crate) mod refused;
pub(crate) mod sealed;
pub(crate) mod storm;
pub(crate) mod verifier;
