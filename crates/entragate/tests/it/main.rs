//! Wire-level tests: emulated Entra, gate and client on real sockets.

mod incompatibilities;
mod world;
