//! # What it checks
//!
//! The gateway's credential (secret, certificate, federated token, managed identity), by asking Entra for a token with it.
//!
//! # Why it matters
//!
//! Everybody signs in successfully at Entra and then fails at the gateway, because it cannot redeem the code: wrong secret
//! (AADSTS7000215), expired (AADSTS7000222), certificate not registered (AADSTS700027), federated credential that does not fit
//! (AADSTS700211 to 700213).
//!
//! # How to fix
//!
//! App registrations, the app, Certificates & secrets. Of a secret the gateway needs the value, not the secret's ID.

use super::{aadsts, federated_credentials, service_principal};
use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Probe, Proof, Site, Stage};

const PLACE: &str = "App registrations, the app that signs people in, Certificates & secrets";

pub(super) async fn run(site: &Site) -> Checked {
    let kind = site.broker()?.credential.kind();
    if let Some((Stage::Client, _)) = site.probes().await.ok().map(crate::doctor::site::Probes::main).and_then(Probe::stage) {
        return Err(Skip::not_checked("Entra does not know the app"));
    }
    let says = |found: Checked| found.is_ok_and(|found| !found.is_empty());
    let why = "People sign in at Entra and then fail at the gateway, which cannot redeem their code.";
    Ok(match site.proof().await? {
        Proof::Token { .. } => Vec::new(),
        Proof::Refused(refusal) if refusal.is_after_the_credential() => Vec::new(),
        Proof::Refused(refusal) if refusal.is_federated() && says(federated_credentials::run(site).await) => Vec::new(),
        Proof::Refused(_) if says(service_principal::run(site).await) => Vec::new(),
        Proof::Refused(refusal) => {
            let what = format!("Entra refuses the gateway's {kind}");
            vec![aadsts::error(site, refusal.code, what, PLACE).because(why)]
        }
        Proof::Unusable { what, hint } => {
            vec![Finding::error(format!("the {kind} cannot be used: {what}"), "the gateway's settings").because(why).fix(*hint)]
        }
        Proof::Unreachable(error) => {
            vec![Finding::error(format!("Entra's token endpoint cannot be reached: {error}"), "the network").because(why).fix(error.hint())]
        }
        Proof::Strange(what) => {
            let what = format!("Entra's token endpoint answered unexpectedly: {what}");
            vec![Finding::error(what, "AZURE_AUTHORITY_HOST").because(why).fix("try again in a minute")]
        }
    })
}
