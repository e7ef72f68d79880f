//! Wire-level tests: emulated Entra, gate and client on real sockets.

mod challenge;
mod discovery;
mod incompatibilities;
mod world;
