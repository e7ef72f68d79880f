//! `entragate.toml` and `.env`. Who signs people in stands in `.env`, under the names that Azure's tools use, and so does
//! the one secret; how the gateway behaves stands in `entragate.toml`. A file that is there is never overwritten without
//! `--force`: the other version is written beside it.

mod diff;
mod env;
mod plain;
mod toml;
mod write;

pub use diff::diff;
pub use env::{Environment, UnsafeVariable, known_secrets, without_secrets};
pub use plain::{NotPlain, Plain};
pub use toml::toml;
pub use write::{Fate, FileError, Overwrite, check, write_beside, write_private, write_public};

/// The configuration file.
pub const TOML: &str = "entragate.toml";
/// The variables.
pub const ENV: &str = ".env";
