//! # What it checks
//!
//! Whether what answers at `BASE_URL` is this gateway: both metadata documents are there, are JSON, and speak of this
//! address.
//!
//! # Why it matters
//!
//! Clients read these documents first. Where an ingress sends `/.well-known/` to something else, or another service has the
//! name, every client stops before anybody signs in.
//!
//! # How to fix
//!
//! Send all paths of the host to the gateway: `/.well-known/*`, `/oauth/*`, `/auth/*`, `/authorize`, `/token`, `/register` and
//! the MCP path. If another gateway answers, `BASE_URL` differs between the two.

use serde_json::Value;

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Gateway, Site, Source};

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    if gateway.source == Source::Twin {
        return Err(Skip::not_checked("nothing answers at BASE_URL"));
    }
    let base = &site.config.base_url;
    // Reported by the check `redirects`.
    if gateway.is_redirected() {
        return Ok(Vec::new());
    }
    let missing = [
        (&gateway.urls.resource_metadata, &gateway.resource_metadata, "resource"),
        (&gateway.urls.server_metadata, &gateway.server_metadata, "issuer"),
    ]
    .into_iter()
    .filter(|(_, answer, member)| {
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        !answer.status.is_success() || !document[*member].is_string()
    });
    let missing: Vec<String> = missing.map(|(url, answer, _)| format!("{url} (status {})", answer.status)).collect();
    if !missing.is_empty() {
        let what = format!("what answers at {base} is not this gateway: no metadata at {}", missing.join(" and "));
        return Ok(vec![
            Finding::error(what, "the ingress in front of BASE_URL")
                .because("Clients read these documents first, and stop without them.")
                .fix("send all paths of the host to the gateway, /.well-known/ included"),
        ]);
    }
    Ok(another(gateway).map(|issuer| {
        Finding::error(format!("a gateway with another BASE_URL answers at {base}: it says {issuer}"), "BASE_URL")
            .because("Clients compare these names letter by letter and refuse a document of somebody else.")
            .fix("give both the same BASE_URL, the one that people type, and restart the gateway")
    })
    .into_iter()
    .collect())
}

/// The issuer of a gateway that speaks of another address throughout.
fn another(gateway: &Gateway) -> Option<String> {
    let (resource, server) = gateway.documents()?;
    let differs = resource["resource"] != gateway.expected.0["resource"] && server["issuer"] != gateway.expected.1["issuer"];
    differs.then(|| server["issuer"].as_str().unwrap_or_default().to_owned())
}

/// Both documents, where the checks `gateway` and `redirects` have nothing to complain about.
pub(in crate::doctor) fn documents(gateway: &Gateway) -> Result<(Value, Value), Skip> {
    let documents = gateway.documents().filter(|_| another(gateway).is_none());
    documents.ok_or_else(|| Skip::not_checked("what answers at BASE_URL is not this gateway"))
}
