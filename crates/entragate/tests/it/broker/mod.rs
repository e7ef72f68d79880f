//! Broker mode on the wire.

mod authorize;
mod callback;
mod clients_golden;
mod consent;
mod consent_forged;
mod documents;
mod documents_keys;
mod flow;
pub(crate) mod front;
mod metadata;
mod register;
mod remembered;
mod remembered_grants;
pub(crate) mod world;
