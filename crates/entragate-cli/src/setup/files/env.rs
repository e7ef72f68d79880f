//! `.env`: the variables of Azure's conventions, one a line, as shells, Docker and Compose read them.

use std::fmt::Write as _;
use std::path::Path;

use entragate::Secret;
use zeroize::Zeroizing;

use super::{ENV, NotPlain, Plain};
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
    /// The client app of relay mode.
    pub mcp_client_id: Option<&'a str>,
    /// What signs people in in broker mode, if that is not the API app.
    pub broker_client_id: Option<&'a str>,
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

/// A value that the file cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {source}")]
pub struct UnsafeVariable {
    /// The variable.
    pub variable: &'static str,
    /// Why.
    pub source: NotPlain,
}

impl Environment<'_> {
    /// The file. A value that a shell would act on is refused, wherever it came from.
    pub fn text(&self) -> Result<Zeroizing<String>, UnsafeVariable> {
        let mut text = Zeroizing::new(String::from(
            "# Written by `entragate setup`. For a shell: set -a; . ./.env; set +a\n",
        ));
        let lines = [
            (&keys::TENANT_ID, Some(self.tenant)),
            (&keys::CLIENT_ID, Some(self.client_id)),
            (&keys::CLIENT_SECRET, self.secret.map(Secret::expose)),
            (&keys::MCP_CLIENT_ID, self.mcp_client_id),
            (&keys::BROKER_CLIENT_ID, self.broker_client_id),
            (&keys::BASE_URL, Some(self.base_url)),
            (&keys::AUTHORITY_HOST, self.authority),
        ];
        for (key, value) in lines {
            let Some(value) = value else { continue };
            let variable = key.known_as();
            let value = Plain::new(value).map_err(|source| UnsafeVariable { variable, source })?;
            let _ = writeln!(text, "{variable}={}", value.as_str());
        }
        Ok(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_holds_what_a_shell_would_run() {
        let secret = Secret::new("s3cret");
        let fine = || Environment {
            tenant: "t",
            client_id: "c",
            secret: Some(&secret),
            mcp_client_id: Some("m"),
            broker_client_id: Some("b"),
            base_url: "https://mcp.contoso.com",
            authority: Some("https://login.microsoftonline.us"),
        };
        assert!(fine().text().is_ok());
        let bad = "x$(id)";
        let bad_secret = Secret::new(bad);
        for (environment, variable) in [
            (Environment { tenant: bad, ..fine() }, "AZURE_TENANT_ID"),
            (Environment { client_id: bad, ..fine() }, "AZURE_CLIENT_ID"),
            (Environment { secret: Some(&bad_secret), ..fine() }, "AZURE_CLIENT_SECRET"),
            (Environment { mcp_client_id: Some(bad), ..fine() }, "AZURE_MCP_CLIENT_ID"),
            (Environment { broker_client_id: Some(bad), ..fine() }, "ENTRAGATE_BROKER_CLIENT_ID"),
            (Environment { base_url: bad, ..fine() }, "BASE_URL"),
            (Environment { authority: Some(bad), ..fine() }, "AZURE_AUTHORITY_HOST"),
        ] {
            let refused = environment.text().expect_err(variable);
            assert_eq!(refused.variable, variable);
            assert!(!refused.to_string().contains(bad), "{refused}");
        }
    }
}
