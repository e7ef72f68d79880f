//! # What it checks
//!
//! The gateway's credential (secret, certificate, federated token, managed identity), by asking Entra for a token with it.
//!
//! # Why it matters
//!
//! In broker mode everybody signs in successfully at Entra and then fails at the gateway, because it cannot redeem the code. In
//! relay mode, where the credential is the API app's and only there for `on-behalf-of` or to read groups, people sign in, and then
//! every call on their behalf fails, or their groups cannot be read. The reasons: wrong secret (AADSTS7000215), expired
//! (AADSTS7000222), certificate not registered (AADSTS700027), federated credential that does not fit (AADSTS700211 to 700213).
//!
//! # How to fix
//!
//! App registrations, the app, Certificates & secrets. Of a secret the gateway needs the value, not the secret's ID.

use super::{aadsts, federated_credentials, service_principal};
use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Probe, Probes, Proof, Purpose, Site, Stage};

pub(super) async fn run(site: &Site) -> Checked {
    let held = site.held()?;
    let (kind, why) = (held.credential.kind(), held.purpose.why());
    let stage = site.probes().await.ok().map(Probes::main).and_then(Probe::stage).map(|(stage, _)| stage);
    // In relay mode people sign in to another app than the one that the credential belongs to.
    if held.purpose == Purpose::SignIn && stage == Some(Stage::Client) {
        return Err(Skip::not_checked(UNKNOWN));
    }
    let says = |found: Checked| found.is_ok_and(|found| !found.is_empty());
    Ok(match site.proof().await? {
        Proof::Token { .. } => Vec::new(),
        Proof::Refused(refusal) if refusal.is_after_the_credential() => Vec::new(),
        Proof::Refused(refusal) if refusal.is_federated() && says(federated_credentials::run(site).await) => Vec::new(),
        Proof::Refused(refusal) if refusal.is_about_the_app() => {
            if matches!(stage, Some(Stage::Client | Stage::Api)) {
                return Err(Skip::not_checked(UNKNOWN));
            }
            if says(service_principal::run(site).await) {
                return Ok(Vec::new());
            }
            let what = format!("Entra refuses the app {}, whose {kind} the gateway has", held.app);
            vec![aadsts::error_of(site, held.app, refusal.code, what, "Enterprise applications").because(why)]
        }
        Proof::Refused(refusal) => {
            let what = format!("Entra refuses the gateway's {kind}");
            vec![aadsts::error_of(site, held.app, refusal.code, what, held.purpose.place()).because(why)]
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

/// Other checks say so, and why.
const UNKNOWN: &str = "Entra does not know the app";
