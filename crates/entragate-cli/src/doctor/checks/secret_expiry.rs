//! # What it checks
//!
//! When the client secret or the certificate that the gateway uses expires. It is one of the app that signs people in; in relay mode,
//! for `on-behalf-of` and to read groups, of the API app. Among several of the app it is known by its first three characters (`hint`)
//! or its thumbprint; of those that cannot be told apart, the earliest counts.
//!
//! # Why it matters
//!
//! On that day every sign-in and every refresh fails; in relay mode every call on behalf of its caller, or the reading of groups
//! (AADSTS7000222, AADSTS700027).
//!
//! # How to fix
//!
//! App registrations, the app, Certificates & secrets: make a new one, give it to the gateway, remove the old one. With a
//! federated credential or a managed identity nothing expires.

use std::time::Duration;

use entragate::Timestamp;

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Mark, Proof, Site};
use crate::graph::objects::Application;
use crate::graph::parse_date;
use crate::shell::word;

/// Warned so long before.
const NOTICE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

pub(super) async fn run(site: &Site) -> Checked {
    let held = site.held()?;
    let kind = held.credential.kind();
    if !matches!(kind, "client secret" | "certificate") {
        return Err(Skip::NotApplicable("the gateway's credential does not expire"));
    }
    let app = site.holder().await?;
    let now = site.clock.now();
    let mut ends = candidates(app, &site.mark().await?);
    match site.proof().await {
        // That it is refused today is the check `credential`'s.
        Ok(Proof::Refused(refusal)) if !refusal.is_after_the_credential() => return Ok(Vec::new()),
        // It was accepted just now: it is none of those that have ended.
        Ok(Proof::Token { .. } | Proof::Refused(_)) => ends.retain(|(when, _)| *when > now),
        _ => {}
    }
    let earliest = ends.iter().min_by_key(|(when, _)| *when);
    let Some((when, end)) = earliest.filter(|(when, _)| *when < now.plus(NOTICE)) else {
        return Ok(Vec::new());
    };
    let days = when.since(now).as_secs() / (24 * 60 * 60);
    let many = if ends.len() > 1 { " (the earliest of several that look like the gateway's)" } else { "" };
    let code = if kind == "certificate" { 700_027 } else { 7_000_222 };
    let finding =
        Finding::warning(format!("the {kind} expires in {days} days, on {end}{many}"), held.purpose.place())
        .because(held.purpose.why_from_then_on())
        .fix("make a new one, give it to the gateway, then remove the old one")
        .prevents(code);
    let id = word(&app.app_id);
    Ok(vec![finding.command(if kind == "certificate" {
        format!("az ad app credential reset --id {id} --append --cert @certificate.pem")
    } else {
        format!("az ad app credential reset --id {id} --append --query password --output tsv")
    })])
}

/// The ends of those that may be the gateway's: those with its mark, or all where Graph shows none with it.
fn candidates<'a>(app: &'a Application, mark: &Mark) -> Vec<(Timestamp, &'a str)> {
    let all: Vec<(Option<&str>, bool)> = match mark {
        Mark::Hint(hint) => {
            let secrets = app.password_credentials.iter();
            secrets.map(|one| (one.end_date_time.as_deref(), one.hint.as_ref() == Some(hint))).collect()
        }
        Mark::Thumbprints(known) => {
            let is_it = |name: &String| known.iter().any(|one| one.eq_ignore_ascii_case(name));
            let keys = app.key_credentials.iter();
            keys.map(|one| (one.end_date_time.as_deref(), one.custom_key_identifier.as_ref().is_some_and(is_it)))
                .collect()
        }
    };
    let is_known = all.iter().any(|(_, is_it)| *is_it);
    let wanted = all.into_iter().filter(|(_, is_it)| *is_it || !is_known);
    wanted.filter_map(|(end, _)| parse_date(end?).map(|when| (when, end.unwrap_or_default()))).collect()
}
