//! `entragate setup`: the app registrations, from nothing to a gateway that can start.
//!
//! ```text
//! options ──wanting──> Wanted ──┐
//!                               ├──planning──> Plan ── render (a diff) · emit (code) · apply (Graph, then the files)
//! Graph ──existing──> Existing ─┘
//! ```
//!
//! [`wanted`] is what is to be there, [`plan`] what has to be done for it; both are plain data. Nothing is written
//! anywhere without `--apply`. What somebody else made is never removed, never overwritten and only added to when it
//! was named to be adopted.

pub mod apply;
mod arguments;
mod ask;
mod credential_wanted;
pub mod emit;
pub mod existing;
pub mod files;
mod foreign;
mod identifier_uri;
mod ids;
mod intent;
mod known_secret;
mod outcome;
pub mod plan;
pub mod planning;
pub mod receipt;
mod registered;
pub mod render;
mod run;
pub mod slot;
pub mod teardown;
pub mod wanted;
mod wanting;

pub use arguments::{Arguments, CredentialArguments, CredentialKind, Files};
pub use run::run;
pub use wanting::{Request, WrongOption, request};
