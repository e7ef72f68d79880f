//! Environments and files for tests: complete ones, to be spoilt in one place.

use std::fs;
use std::path::PathBuf;

use entragate_cli::config::{Config, Environment, Finding, Problems, load};

pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const API: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub(crate) const CLIENT: &str = "cccccccc-0000-4000-8000-000000000001";

/// The environment of relay mode and the URL of an MCP server.
pub(crate) const RELAY: [(&str, &str); 6] = [
    ("AZURE_TENANT_ID", TENANT),
    ("AZURE_CLIENT_ID", API),
    ("AZURE_CLIENT_SECRET", "hunter2"),
    ("AZURE_MCP_CLIENT_ID", CLIENT),
    ("BASE_URL", "https://mcp.contoso.com"),
    ("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp"),
];

/// Nothing but the URL of an MCP server: development mode.
pub(crate) const DEVELOPMENT: [(&str, &str); 1] = [("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp")];

/// `base` with some variables set; setting one to nothing takes it away.
pub(crate) fn with(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Environment {
    base.iter().chain(changes).copied().collect()
}

/// A directory of the test's own, without an `entragate.toml` unless the test writes one.
pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).expect("a directory below the target directory");
    directory
}

/// A file of the test's own.
pub(crate) fn file(name: &str, text: &str) -> PathBuf {
    let path = directory(name).join("entragate.toml");
    fs::write(&path, text).expect("a file below the target directory");
    path
}

pub(crate) fn accepted(environment: &Environment) -> Config {
    load(environment, None).unwrap_or_else(|problems| panic!("refused:\n{problems}"))
}

pub(crate) fn refused(environment: &Environment) -> Problems {
    load(environment, None).map(|_| ()).expect_err("this configuration was accepted")
}

/// The one problem of a configuration that has one.
pub(crate) fn only(problems: &Problems) -> &Finding {
    let all: Vec<_> = problems.iter().collect();
    assert_eq!(all.len(), 1, "expected one problem:\n{problems}");
    all[0]
}
