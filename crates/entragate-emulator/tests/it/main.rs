//! Wire-level acceptance of the emulated Entra ID: each test drives a running emulator over a real socket.
//!
//! A test whose name starts with `eNNN_` covers number NNN of the checklist in docs/reference/emulator.md;
//! `checklist.rs` fails when a number has no test.

mod agent;
mod assertion;
mod authorize_errors;
mod authorize_redirects;
mod azure_cli;
mod checklist;
mod cimd;
mod client_assertion;
mod client_auth;
mod client_credentials;
mod control;
mod device;
mod directory;
mod directory_changes;
mod discovery;
mod documentation;
mod errors;
mod federated;
mod fixture;
mod graph;
mod graph_read;
mod graph_write;
mod hostile;
mod https;
mod keys;
mod obo;
mod order;
mod ordered_refusals;
mod reply;
mod resource;
mod sign_in;
mod state_file;
mod token_code;
mod token_refresh;
mod tokens;
mod v1;
