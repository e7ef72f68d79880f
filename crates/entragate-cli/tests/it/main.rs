//! Tests of the binary and of what it is made of, in one test binary.

mod call_size;
mod cli_binary;
mod config_broker;
mod config_defaults;
mod config_file;
mod config_fixture;
mod config_gate;
mod config_groups;
mod config_reference;
mod config_refusals;
mod config_routes;
mod config_rules;
#[cfg(unix)] // its programs and paths
mod config_stdio;
mod config_upstream_identity;
mod demo;
mod demo_fixture;
mod doctor;
mod doctor_command;
mod doctor_faults;
mod doctor_fixture;
mod doctor_graph;
mod doctor_reference;
mod documentation;
mod explain;
mod graph;
#[cfg(unix)] // its paths, and how a program is stopped
mod journey;
mod policy_command;
mod policy_fixture;
mod policy_guide;
mod policy_parity;
mod routes_fixture;
mod routes_guide;
mod serve_admin;
mod serve_listen;
mod serve_routes;
mod setup;
mod setup_emit;
mod setup_fixture;
mod setup_plan;
mod setup_record;
#[cfg(unix)] // its shell scripts, and how it is asked whether a process runs
mod stdio;
mod token_check;
mod trace;
mod upstream_failures;
mod upstream_fixture;
mod upstream_headers;
mod upstream_identity;
mod upstream_identity_guide;
mod upstream_messages;
mod upstream_replicas;
mod upstream_streams;
mod upstream_tls;
mod upstream_transparency;
