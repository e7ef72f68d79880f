//! # What it checks
//!
//! Whether this machine reaches the cloud's sign-in host (`AZURE_AUTHORITY_HOST`): name, connection, TLS, proxy, and whether
//! Entra answers at all.
//!
//! # Why it matters
//!
//! Without it nobody can sign in, and once the known keys are too old no token can be checked.
//!
//! # How to fix
//!
//! The finding says which part of the way is broken. Behind a proxy set `HTTPS_PROXY`; a proxy that opens TLS needs its
//! certificate authority in the system's trust store. The gateway itself needs the same way out.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Site, Tenant, is_here};

pub(super) async fn run(site: &Site) -> Checked {
    let host = site.config.authority.as_str();
    let (what, fix) = match site.tenant().await? {
        Tenant::Unreachable(error) => {
            let through = site.proxy.filter(|_| !is_here(host));
            let through = through.map(|proxy| format!(" through the proxy in {proxy}")).unwrap_or_default();
            (format!("{host} cannot be reached{through}: {error}"), error.hint().to_owned())
        }
        Tenant::Unavailable(status) => {
            let fix = "try again in a minute; https://azure.status.microsoft tells of outages".to_owned();
            (format!("{host} answers {status}"), fix)
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![
        Finding::error(what, "AZURE_AUTHORITY_HOST")
            .because("Nobody can sign in while the gateway cannot ask Entra.")
            .fix(fix),
    ])
}
