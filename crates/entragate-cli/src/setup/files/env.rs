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

/// The secrets that earlier runs left in a directory for an app, also where they could not overwrite the file.
pub fn known_secrets(directory: &Path, client_id: &str) -> Vec<Secret> {
    let files = [ENV.to_owned(), format!("{ENV}.new")];
    files.iter().filter_map(|name| known_secret(&directory.join(name), client_id)).collect()
}

fn known_secret(file: &Path, client_id: &str) -> Option<Secret> {
    let text = Zeroizing::new(std::fs::read_to_string(file).ok()?);
    let value = |key: &keys::Key| {
        let line =
            text.lines().rev().find_map(|line| line.strip_prefix(key.known_as())?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\''])).filter(|value| !value.is_empty())
    };
    value(&keys::CLIENT_ID).filter(|id| id.eq_ignore_ascii_case(client_id))?;
    Some(Secret::new(value(&keys::CLIENT_SECRET)?))
}

/// The file without any secret, whose ever it is: only what setup writes and is none is shown. A value that `other`, the
/// version with which it is compared, has not is said to be another one.
pub fn without_secrets(text: &str, other: &str) -> String {
    let shown = [
        &keys::TENANT_ID,
        &keys::CLIENT_ID,
        &keys::MCP_CLIENT_ID,
        &keys::BROKER_CLIENT_ID,
        &keys::BASE_URL,
        &keys::AUTHORITY_HOST,
    ];
    let name_of = |line: &str| line.split_once('=').map(|(name, _)| name.to_owned());
    let masked = text.lines().map(|line| match name_of(line) {
        None if line.starts_with('#') => format!("{line}\n"),
        None => "…\n".to_owned(),
        Some(name) if shown.iter().any(|key| key.known_as() == name) => format!("{line}\n"),
        Some(name) => {
            let is_same = other.lines().any(|theirs| theirs == line);
            let is_there = other.lines().any(|theirs| name_of(theirs).as_ref() == Some(&name));
            format!("{name}=…{}\n", if is_there && !is_same { " (another value)" } else { "" })
        }
    });
    masked.collect()
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
