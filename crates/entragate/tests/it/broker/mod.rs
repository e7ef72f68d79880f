//! Broker mode on the wire.

mod flow;
pub(crate) mod world;
