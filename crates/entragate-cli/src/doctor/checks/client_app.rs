//! # What it checks
//!
//! Whether Entra knows the app that signs people in, in this tenant: `AZURE_MCP_CLIENT_ID` in relay mode; `AZURE_CLIENT_ID`, or
//! `ENTRAGATE_BROKER_CLIENT_ID` where it is set, in broker mode.
//!
//! # Why it matters
//!
//! With a wrong client id every sign-in ends on an error page of Entra's (AADSTS700016), and nothing comes back to the client.
//!
//! # How to fix
//!
//! Copy the Application (client) ID, not the object id, from App registrations. An app of another tenant needs an enterprise
//! application in this one: `az ad sp create --id <client id>`.

use super::{aadsts, service_principal};
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Site, Stage};

pub(super) async fn run(site: &Site) -> Checked {
    let signer = site.signer()?;
    if site.is_exchanged().await {
        let what = "AZURE_CLIENT_ID and AZURE_MCP_CLIENT_ID are exchanged: the first exposes no API, the second does";
        return Ok(vec![
            Finding::error(what, "AZURE_CLIENT_ID, AZURE_MCP_CLIENT_ID")
                .because("The gateway would send people to Entra as the API, to get tokens for the client.")
                .fix("give each variable the other's value"),
        ]);
    }
    if let Ok(graph) = site.graph().await {
        match graph.find_signer().await {
            Ok(None) => {
                let what = format!("there is no app registration {signer} in this tenant");
                return Ok(vec![aadsts::error(site, 700_016, what, site.signer_setting())]);
            }
            // The registration is there, and the check `service-principal` says what is wrong with its application.
            Ok(Some(_)) if service_principal::is_to_blame(site).await.unwrap_or_default() => return Ok(Vec::new()),
            _ => {}
        }
    }
    let Some((Stage::Client, code)) = site.probes().await?.main().stage() else { return Ok(Vec::new()) };
    let what = format!("Entra does not let the app {signer} sign people in");
    Ok(vec![aadsts::error(site, code, what, site.signer_setting())])
}
