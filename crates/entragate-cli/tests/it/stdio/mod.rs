//! Stdio servers behind a running gateway: real processes, real sockets.

mod fixture;
#[cfg(target_os = "linux")]
mod hidden;
mod killed;
mod limits;
mod messages;
mod processes;
mod routes;
mod sealed_off;
mod server;
