//! # What it checks
//!
//! The tenant's discovery documents, v2 and v1: complete, about one and the same tenant, endpoints with TLS.
//!
//! # Why it matters
//!
//! The gateway takes endpoints, issuers and keys from them. A proxy or a firewall that answers in Entra's place would send
//! people and tokens elsewhere.
//!
//! # How to fix
//!
//! Compare with what a browser outside shows for the same URL. Something on the way (a proxy that opens TLS, a captive portal)
//! answers instead of Entra, or `AZURE_AUTHORITY_HOST` names another host than a sign-in host.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Documents, Site, Tenant, guid_in, is_here};

pub(super) async fn run(site: &Site) -> Checked {
    let problems = match site.tenant().await? {
        Tenant::Unusable(reason) => vec![reason.clone()],
        Tenant::Known(documents) => wrong(documents),
        _ => Vec::new(),
    };
    let finding = |what: String| {
        Finding::error(what, "AZURE_AUTHORITY_HOST")
            .because("The gateway takes Entra's endpoints, issuers and keys from these documents.")
            .fix(format!("see whether something stands between this machine and {}", site.config.authority.as_str()))
    };
    Ok(problems.into_iter().map(finding).collect())
}

fn wrong(documents: &Documents) -> Vec<String> {
    let endpoints = [&documents.authorization, &documents.token, &documents.keys];
    let open = endpoints.into_iter().filter(|url| !url.starts_with("https://") && !is_here(url));
    let mut wrong: Vec<String> = open.map(|url| format!("the endpoint {url} is not https")).collect();
    if let Some(issuer) = &documents.issuer_v1
        && guid_in(issuer).as_deref() != Some(documents.guid.as_str())
    {
        wrong.push(format!("the v1 document is of another tenant: {issuer} beside {}", documents.issuer));
    }
    wrong
}
