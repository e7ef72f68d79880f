//! # What it checks
//!
//! Which version the API app's access tokens have: read from the registration with Graph, else from a token that the gateway
//! gets for itself (where it has a credential).
//!
//! # Why it matters
//!
//! The API app decides, not the endpoint, and the default is version 1: another issuer, and an audience that takes several
//! forms. The gateway accepts both; other services behind the same app often do not, and an https Application ID URI needs
//! version 2 (row 8 of the incompatibilities).
//!
//! # How to fix
//!
//! App registrations, the API app, Manifest: `requestedAccessTokenVersion` 2.

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Proof, Site};

pub(super) async fn run(site: &Site) -> Checked {
    let api = site.api()?;
    if let Ok(graph) = site.graph().await
        && let Ok(app) = graph.api().await
    {
        let version = app.api.requested_access_token_version;
        return Ok(if version == Some(2) { Vec::new() } else { vec![finding(api.id().as_str(), "1.0")] });
    }
    let version = match site.proof().await {
        Ok(Proof::Token { version: Some(version) }) => version.clone(),
        _ => return Err(Skip::not_checked("needs Graph, or a token for the gateway itself")),
    };
    if version == "2.0" {
        return Ok(Vec::new());
    }
    Ok(vec![finding(api.id().as_str(), &version)])
}

fn finding(api: &str, version: &str) -> Finding {
    let uri = format!("https://graph.microsoft.com/v1.0/applications(appId='{api}')");
    let body = r#"{"api":{"requestedAccessTokenVersion":2}}"#;
    Finding::warning(
        format!("the API app gets access tokens of version {version}"),
        "App registrations, the API app, Manifest, requestedAccessTokenVersion",
    )
    .because("They have another issuer and an audience in several forms. The gateway accepts them; others often do not.")
    .fix("set requestedAccessTokenVersion to 2")
    .command(format!("az rest --method PATCH --url \"{uri}\" --body '{body}'"))
}
