//! Broker mode on the wire.

mod access_token;
mod client_auth;
mod code;
mod entra_errors;
mod entra_silent;
mod flow;
mod keys;
mod refresh;
mod replicas;
mod revoke;
mod rotation;
mod traces;
mod wire;
pub(crate) mod world;
