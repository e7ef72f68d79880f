//! Wire-level tests: emulated Entra, gate and client on real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod assertion;
mod authorize;
mod authorize_errors;
mod authorize_scope;
mod broker;
mod challenge;
mod clouds;
mod clouds_authority;
mod cors;
mod discovery;
mod embedding;
mod examine;
mod floods;
mod groups;
mod incompatibilities;
mod keys;
mod layer;
mod layer_server;
mod layer_wire;
mod lessons_document;
mod on_behalf_of;
mod policy;
mod policy_callers;
#[cfg(feature = "cel")]
mod policy_conditions;
mod policy_hostile;
mod policy_limits;
mod policy_lists;
mod policy_records;
mod policy_uris;
mod rate;
mod refusals;
mod refusals_accepted;
mod refusals_document;
mod register;
mod register_clients;
mod routes;
mod session;
mod spec_ids;
mod streams;
mod token;
mod token_clients;
mod token_errors;
mod world;
