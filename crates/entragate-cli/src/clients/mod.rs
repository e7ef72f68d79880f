//! The known MCP clients: which redirect URIs they use, how they get a client id, what they demand of the metadata.
//!
//! One table for everything that speaks about clients: `entragate setup --clients` takes redirect URIs from it,
//! `entragate doctor` computes from it what each client would experience. Facts were measured with the real client, read in
//! its source, or taken from its vendor's documentation; [`Evidence`] says which. What is not known is said to be unknown.

mod callback;
mod catalogue;
mod client;
mod selection;

pub use callback::{AtEntra, Callback, LoopbackHost, Port};
pub use catalogue::{all, named};
pub use client::{
    Client, Evidence, Home, IssRule, IssuerRule, PkceRule, PrivateAddresses, Prompt, RefreshScope,
    Registration, ResourceRule,
};
pub use selection::{UnknownClient, selected};
