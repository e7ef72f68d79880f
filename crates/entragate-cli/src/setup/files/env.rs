//! `.env`: the variables of Azure's conventions, one a line, as shells, Docker and Compose read them.

use std::fmt::Write as _;
use std::path::Path;

use entragate::Secret;
use zeroize::Zeroizing;

use super::ENV;
use crate::config::keys;

/// What goes into the file.
#[derive(Debug)]
pub struct Environment<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The API app.
    pub client_id: &'a str,
    /// The client secret.
    pub secret: Option<&'a Secret>,
    /// The client app.
    pub mcp_client_id: Option<&'a str>,
    /// The gateway's public URL.
    pub base_url: &'a str,
    /// The login host, if it is not the worldwide one.
    pub authority: Option<&'a str>,
}

/// The secret in a file, and whose it is.
#[derive(Debug)]
pub struct SecretState {
    /// The app that it is for.
    pub client_id: String,
    /// The secret.
    pub secret: Secret,
}

impl Environment<'_> {
    /// The file.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from(
            "# Written by `entragate setup`. For a shell: set -a; . ./.env; set +a\n",
        ));
        let mut line = |key: &keys::Key, value: &str| {
            let _ = writeln!(text, "{}={value}", key.known_as());
        };
        line(&keys::TENANT_ID, self.tenant);
        line(&keys::CLIENT_ID, self.client_id);
        if let Some(secret) = self.secret {
            line(&keys::CLIENT_SECRET, secret.expose());
        }
        if let Some(id) = self.mcp_client_id {
            line(&keys::MCP_CLIENT_ID, id);
        }
        line(&keys::BASE_URL, self.base_url);
        if let Some(authority) = self.authority {
            line(&keys::AUTHORITY_HOST, authority);
        }
        text
    }
}

/// The secret that an earlier run left in a directory, also where it could not overwrite the file.
pub fn known_secret(directory: &Path, client_id: &str) -> Option<SecretState> {
    [ENV.to_owned(), format!("{ENV}.new")].iter().find_map(|name| {
        let text = Zeroizing::new(std::fs::read_to_string(directory.join(name)).ok()?);
        let value = |key: &keys::Key| {
            let line =
                text.lines().rev().find_map(|line| line.strip_prefix(key.known_as())?.strip_prefix('='))?;
            Some(line.trim().trim_matches(['"', '\''])).filter(|value| !value.is_empty())
        };
        let id = value(&keys::CLIENT_ID).filter(|id| id.eq_ignore_ascii_case(client_id))?;
        let secret = Secret::new(value(&keys::CLIENT_SECRET)?);
        Some(SecretState { client_id: id.to_owned(), secret })
    })
}
