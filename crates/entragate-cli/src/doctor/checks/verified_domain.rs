//! # What it checks
//!
//! That the host of an https Application ID URI which the gateway is told to use is below a verified domain of the tenant.
//!
//! # Why it matters
//!
//! Entra registers https URIs of verified domains only, so such a URI cannot be added to the API app.
//!
//! # How to fix
//!
//! Verify the domain (Entra admin center, Custom domain names), or use `api://<client id>`, which always works.

use url::Url;

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let api = site.api()?;
    let wanted: Vec<&str> = api.scope_prefixes().filter(|uri| uri.starts_with("https://")).collect();
    if wanted.is_empty() {
        return Err(Skip::NotApplicable("no https Application ID URI is configured"));
    }
    let domains = site.graph().await?.domains().await?;
    let is_below = |host: &str| {
        let below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        domains.iter().any(|domain| domain.is_verified && below(&domain.id))
    };
    let host = |uri: &&str| Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    let foreign = wanted.iter().filter(|uri| !host(uri).is_some_and(|host| is_below(&host)));
    let finding = |uri: &&str| {
        Finding::warning(format!("{uri} is not below a verified domain of the tenant"), "ENTRAGATE_ENTRA_IDENTIFIER_URIS")
            .because("Entra does not let it be registered.")
            .fix("verify the domain, or use api://<client id>")
    };
    Ok(foreign.map(finding).collect())
}
