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

mod arguments;
mod credential_wanted;
pub mod emit;
pub mod existing;
mod ids;
pub mod plan;
pub mod planning;
mod registered;
pub mod render;
pub mod slot;
pub mod wanted;
mod wanting;

pub use arguments::{Arguments, CredentialArguments, CredentialKind};
pub use wanting::{Request, WrongOption, request};
