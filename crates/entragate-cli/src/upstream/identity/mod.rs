//! Who is calling, told to the MCP server, or what it is given in the caller's stead: one file for each kind.
//!
//! Whatever a client sent in place of it stays behind, for every kind (TR-02, S-13, S-32).

mod assertion;
mod claims;
mod fixed;
mod introduction;
mod on_behalf_of;
mod token;

pub(super) use introduction::{Introduced, Introduction};
