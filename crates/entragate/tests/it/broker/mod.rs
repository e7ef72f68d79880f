//! Broker mode on the wire.

mod access_token;
mod authorize;
mod callback;
mod client_auth;
mod clients_golden;
mod code;
mod consent;
mod consent_forged;
mod documents;
mod documents_keys;
mod entra_errors;
mod flow;
pub(crate) mod front;
mod keys;
mod lessons;
mod metadata;
mod refresh;
mod register;
mod remembered;
mod remembered_grants;
mod replicas;
mod revoke;
mod rotation;
mod traces;
mod wire;
pub(crate) mod world;
