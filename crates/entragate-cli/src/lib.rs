//! What the `entragate` binary is made of; a library so that tests can call it.

pub mod admin;
pub mod cli;
pub mod clients;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod emulate;
pub mod explain;
pub mod graph;
mod named_server;
mod pasted;
pub mod policy;
mod redaction;
pub mod sample;
pub mod serve;
pub mod setup;
mod shell;
pub mod telemetry;
pub mod token;
pub mod trace;
pub mod upstream;
