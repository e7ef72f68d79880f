//! # What it checks
//!
//! Whether the cloud knows the tenant of `AZURE_TENANT_ID`, whether the answer is of that tenant, and which GUID stands
//! behind a domain.
//!
//! # Why it matters
//!
//! A wrong tenant id, or a right one in another cloud, ends every sign-in with AADSTS90002 before anybody sees a page.
//!
//! # How to fix
//!
//! Copy the Tenant ID from the Entra admin center (Overview). For US Government or China set `AZURE_AUTHORITY_HOST` as well.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Site, Tenant};

pub(super) async fn run(site: &Site) -> Checked {
    let configured = site.tenant_id()?;
    let host = site.config.authority.as_str();
    let why = "Every sign-in ends at Entra before anybody sees a page.";
    Ok(match site.tenant().await? {
        Tenant::Refused { status, codes } => {
            let finding = Finding::error(format!("{host} knows no tenant {configured} ({status})"), "AZURE_TENANT_ID");
            let fix = "copy the Tenant ID from the Entra admin center, Overview; for another cloud than the public one set \
                       AZURE_AUTHORITY_HOST too";
            let finding = finding.because(why).fix(fix).command("az account show --query tenantId --output tsv");
            vec![finding.prevents(codes.first().copied().unwrap_or(90002))]
        }
        Tenant::Other(guid) => vec![
            Finding::error(format!("the answer for tenant {configured} is of tenant {guid}"), "AZURE_AUTHORITY_HOST")
                .because("Tokens of that tenant are refused, and the one that is configured is not there.")
                .fix("point AZURE_AUTHORITY_HOST at the cloud itself, with nothing between that rewrites answers"),
        ],
        Tenant::Known(documents) if configured.as_guid().is_none() => vec![
            Finding::information(format!("{configured} is the tenant {}", documents.guid), "AZURE_TENANT_ID")
                .because("A domain can be moved to another tenant; the GUID stays.")
                .fix(format!("set AZURE_TENANT_ID to {}", documents.guid)),
        ],
        _ => Vec::new(),
    })
}
