//! # What it checks
//!
//! The enterprise applications (service principals) of the API app and of the app that signs people in: there, and enabled.
//!
//! # Why it matters
//!
//! An app registration is a template; in a tenant counts its enterprise application. Without the API's, Entra answers
//! AADSTS500011 or AADSTS650052, without the client's AADSTS700016 or AADSTS7000229, with a disabled one AADSTS7000112.
//!
//! # How to fix
//!
//! `az ad sp create --id <client id>`; Enterprise applications, the app, Properties, "Enabled for users to sign in".

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;
use crate::graph::objects::ServicePrincipal;

pub(super) async fn run(site: &Site) -> Checked {
    let graph = site.graph().await?;
    let (api, signer) = (site.api()?.id().clone(), site.signer()?.clone());
    let mut found = Vec::new();
    if graph.find_api().await?.is_some() {
        found.extend(problem(graph.find_api_principal().await?, "the API app", api.as_str(), 650_052));
    }
    if api != signer && graph.find_signer().await?.is_some() {
        found.extend(problem(graph.find_signer_principal().await?, "the client app", signer.as_str(), 7_000_229));
    }
    Ok(found)
}

fn problem(principal: Option<&ServicePrincipal>, who: &str, id: &str, missing: u64) -> Option<Finding> {
    let why = "Entra signs nobody in to an app that the tenant does not have, or has switched off.";
    match principal {
        None => Some(
            Finding::error(format!("{who} has no enterprise application in this tenant"), "Enterprise applications")
                .because(why)
                .fix("create it")
                .command(format!("az ad sp create --id {id}"))
                .prevents(missing),
        ),
        Some(principal) if principal.account_enabled == Some(false) => Some(
            Finding::error(format!("{who} is disabled"), "Enterprise applications, the app, Properties, Enabled for users to sign in")
                .because(why)
                .fix("enable it")
                .command(format!("az ad sp update --id {id} --set accountEnabled=true"))
                .prevents(7_000_112),
        ),
        Some(_) => None,
    }
}

/// Whether this check has something to say about the API's or the client's enterprise application.
pub(super) async fn is_to_blame(site: &Site) -> Result<bool, Skip> {
    run(site).await.map(|found| !found.is_empty())
}
