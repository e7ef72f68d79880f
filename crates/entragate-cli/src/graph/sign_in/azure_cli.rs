//! `az account get-access-token`: the token of whoever is signed in to the Azure CLI.

use std::process::Stdio;

use entragate::{Secret, is_invisible};
use serde::Deserialize;
use tokio::process::Command;

use super::error::SignInError;

/// On Windows the program is a batch file, which is only found by its whole name.
const PROGRAM: &str = if cfg!(windows) { "az.cmd" } else { "az" };
/// Characters of what az says on failure.
const MAX_TEXT: usize = 400;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: String,
}

/// Asks the Azure CLI; no shell is between.
pub(super) async fn token(tenant: &str) -> Result<Secret, SignInError> {
    let output = Command::new(PROGRAM)
        .args([
            "account",
            "get-access-token",
            "--resource-type",
            "ms-graph",
            "--tenant",
            tenant,
            "--output",
            "json",
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(SignInError::NoAzureCli)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        return Err(SignInError::AzureCli(
            said.chars().filter(|c| !is_invisible(*c)).take(MAX_TEXT).collect(),
        ));
    }
    let answer: Answer =
        serde_json::from_slice(&output.stdout).map_err(|_| SignInError::Unusable("az".to_owned()))?;
    Ok(Secret::new(answer.access_token))
}
