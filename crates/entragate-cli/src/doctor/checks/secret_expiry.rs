//! # What it checks
//!
//! When the client secrets and certificates of the app that signs people in expire.
//!
//! # Why it matters
//!
//! On that day every sign-in and every refresh fails (AADSTS7000222, AADSTS700027).
//!
//! # How to fix
//!
//! App registrations, the app, Certificates & secrets: make a new one, give it to the gateway, remove the old one. With a
//! federated credential or a managed identity nothing expires.

use std::time::Duration;

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Proof, Site};
use crate::graph::parse_date;

/// Warned so long before.
const NOTICE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

pub(super) async fn run(site: &Site) -> Checked {
    let kind = site.broker()?.credential.kind();
    let app = site.graph().await?.signer().await?;
    let (ends, code): (Vec<Option<&str>>, u64) = match kind {
        "client secret" => (app.password_credentials.iter().map(|one| one.end_date_time.as_deref()).collect(), 7_000_222),
        "certificate" => (app.key_credentials.iter().map(|one| one.end_date_time.as_deref()).collect(), 700_027),
        _ => return Err(Skip::NotApplicable("the gateway's credential does not expire")),
    };
    // That it is refused today is the check `credential`'s.
    if matches!(site.proof().await, Ok(Proof::Refused(refusal)) if !refusal.is_after_the_credential()) {
        return Ok(Vec::new());
    }
    let now = site.clock.now();
    // Which of several is the gateway's cannot be seen: the one that lasts longest is taken for it.
    let last = ends.into_iter().flatten().filter_map(|end| parse_date(end).map(|when| (when, end))).max_by_key(|(when, _)| *when);
    let Some((when, end)) = last.filter(|(when, _)| *when < now.plus(NOTICE)) else { return Ok(Vec::new()) };
    let days = when.since(now).as_secs() / (24 * 60 * 60);
    let place = "App registrations, the app that signs people in, Certificates & secrets";
    Ok(vec![
        Finding::warning(format!("the {kind} expires in {days} days, on {end}"), place)
            .because("From then on every sign-in and every refresh fails.")
            .fix("make a new one, give it to the gateway, then remove the old one")
            .command(format!("az ad app credential reset --id {} --append --query password --output tsv", app.app_id))
            .prevents(code),
    ])
}
