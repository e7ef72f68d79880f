//! Wire-level tests: emulated Entra, gate and client on real sockets.

mod authorize;
mod authorize_errors;
mod authorize_scope;
mod challenge;
mod clouds;
mod clouds_authority;
mod cors;
mod discovery;
mod incompatibilities;
mod keys;
mod rate;
mod refusals;
mod refusals_accepted;
mod refusals_document;
mod register;
mod session;
mod world;
