//! Bearer tokens: from a header to a [`crate::Principal`], or to the reason why not.

mod access;
pub(crate) mod bearer;
pub(crate) mod cache;
pub(crate) mod claimed;
pub(crate) mod examine;
pub(crate) mod header;
pub(crate) mod held;
pub(crate) mod keys;
pub(crate) mod refused;
mod remedy;
pub mod report;
pub mod saved;
pub(crate) mod sealed;
pub(crate) mod signed;
pub(crate) mod step;
pub(crate) mod storm;
pub(crate) mod verifier;
