//! Tests of the binary and of what it is made of, in one test binary.

mod cli_binary;
mod config_broker;
mod config_defaults;
mod config_file;
mod config_fixture;
mod config_gate;
mod config_reference;
mod config_refusals;
mod config_rules;
mod demo;
mod demo_fixture;
mod documentation;
mod explain;
mod graph;
mod serve_admin;
mod serve_listen;
mod setup_plan;
mod token_check;
mod trace;
mod upstream_failures;
mod upstream_fixture;
mod upstream_headers;
mod upstream_identity;
mod upstream_messages;
mod upstream_streams;
mod upstream_tls;
