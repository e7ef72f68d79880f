//! # What it checks
//!
//! That `issuer` is `BASE_URL`, byte for byte, and is the entry in `authorization_servers` of the protected resource metadata.
//!
//! # Why it matters
//!
//! RFC 8414 §3.3 and RFC 9207: the TypeScript and Python SDKs, FastMCP, the Rust SDK, Codex, GitHub Copilot CLI, Zed and the C#
//! SDK compare them. One slash more is a different issuer.
//!
//! # How to fix
//!
//! Let nothing rewrite the documents on the way, and set `BASE_URL` to the address that people type, without a slash at the
//! end. The issuer is never Entra's.

use super::gateway;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let (resource, server) = gateway::documents(site.gateway().await?)?;
    let base = site.config.base_url.as_str();
    let issuer = server["issuer"].as_str().unwrap_or_default();
    let listed = resource["authorization_servers"][0].as_str().unwrap_or_default();
    if issuer == base && listed == base {
        return Ok(Vec::new());
    }
    let what = format!("BASE_URL is {base}, the issuer is {issuer}, and authorization_servers says {listed}");
    Ok(vec![
        Finding::error(what, "BASE_URL")
            .because("Strict clients compare them byte for byte and refuse to sign in.")
            .fix("let nothing rewrite the documents on the way, and restart the gateway after a change of BASE_URL"),
    ])
}
