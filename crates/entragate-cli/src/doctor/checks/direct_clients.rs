//! # What it checks
//!
//! What Entra would say to a client that goes to it directly, with the RFC 8707 `resource` that the MCP specification demands.
//!
//! # Why it matters
//!
//! Since March 2026 Entra matches `resource` against the Application ID URIs of the scopes' app (AADSTS9010010). The gateway drops
//! the parameter; a client that was pointed at Entra itself fails.
//!
//! # How to fix
//!
//! Nothing, while clients use the gateway. For direct clients the MCP URL must be an Application ID URI of the API app, which
//! needs a verified domain and v2 tokens.

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Probe, Site};

pub(super) async fn run(site: &Site) -> Checked {
    let probes = site.probes().await?;
    if *probes.main() != Probe::Healthy {
        return Err(Skip::not_checked("Entra refuses the request without resource already"));
    }
    let (api, mcp_url) = (site.api()?, site.mcp_url());
    let mut scopes: Vec<String> =
        site.scope_names()?.into_iter().map(|name| format!("{}/{name}", api.identifier_uri())).collect();
    scopes.push("openid".to_owned());
    let scope = scopes.join(" ");
    let Probe::Refused(code) = probes.with_resource(&site.wire, &scope, &mcp_url).await else { return Ok(Vec::new()) };
    let what = format!("a client that went to Entra directly with resource={mcp_url} would be refused (AADSTS{code})");
    Ok(vec![
        Finding::information(what, "App registrations, the API app, Expose an API")
            .because("Clients must use the gateway, which drops the parameter.")
            .fix("nothing, while clients use the gateway"),
    ])
}
