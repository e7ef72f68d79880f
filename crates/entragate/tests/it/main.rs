//! Wire-level tests: emulated Entra, gate and client on real sockets.

mod challenge;
mod discovery;
mod incompatibilities;
mod refusals;
mod refusals_accepted;
mod refusals_document;
mod world;
