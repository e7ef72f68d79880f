//! # What it checks
//!
//! Whether the API app (`AZURE_CLIENT_ID`) is known in this tenant under the name that the gateway asks for. That it has an
//! enterprise application there is known with Graph only: Entra tells it after sign-in.
//!
//! # Why it matters
//!
//! Entra cannot issue a token for an API that it does not know (AADSTS500011), or that has no enterprise application in the tenant
//! (AADSTS650052).
//!
//! # How to fix
//!
//! Copy the Application (client) ID of the API app, add the Application ID URI `api://<client id>` under "Expose an API", and
//! create the enterprise application: `az ad sp create --id <client id>`.

use entragate::ApiApp;

use super::{aadsts, identifier_uris, service_principal};
use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{AFTER_SIGN_IN, Site, Stage};

pub(super) async fn run(site: &Site) -> Checked {
    let api = site.api()?;
    let others = site.other_apis();
    let mut found = of_the_gateway(site, api).await?;
    found.extend(others.into_iter().map(|(path, other)| {
        Finding::information(format!("the registration {other}, which {path} has for itself, is not looked at"), "routes")
            .because("Everything that is said here of the API app is said of the gateway's.")
            .fix(format!("compare {other} with what is said of {}: scopes, roles, and the permission of the app that signs people in", api.id()))
    }));
    Ok(found)
}

async fn of_the_gateway(site: &Site, api: &ApiApp) -> Checked {
    // In broker mode with one registration the check `client-app` says so.
    if site.signer()? != api.id()
        && let Ok(graph) = site.graph().await
        && let Ok(None) = graph.find_api().await
    {
        let what = format!("there is no app registration {} in this tenant", api.id());
        return Ok(vec![aadsts::error(site, 500_011, what, "AZURE_CLIENT_ID")]);
    }
    let says = |found: Checked| found.is_ok_and(|found| !found.is_empty());
    if says(service_principal::run(site).await) || says(identifier_uris::run(site).await) {
        return Ok(Vec::new());
    }
    let Some((Stage::Api, code)) = site.probes().await?.main().stage() else {
        let Ok(graph) = site.graph().await else { return Err(Skip::not_checked(AFTER_SIGN_IN)) };
        return graph.find_api_principal().await.map(|_| Vec::new());
    };
    let what = format!("Entra does not know the API app as {}", api.identifier_uri());
    Ok(vec![aadsts::error(site, code, what, "AZURE_CLIENT_ID")])
}
