//! What each known MCP client would experience: computed from what the client demands (`clients/`), what the gateway's
//! documents say, what Entra answered, and what the checks found.

mod facts;
mod steps;
mod verdict;

pub use verdict::{Experience, Step, Verdict};

use facts::Facts;

use super::finding::Finding;
use super::repair::Repair;
use super::report::Examined;
use super::site::Site;
use crate::clients;

/// The experience of every client, or of those that were named.
pub(super) async fn of_clients(site: &Site, examined: &[Examined], findings: &[Finding]) -> Vec<Experience> {
    let Some(facts) = Facts::gather(site, examined, findings).await else { return Vec::new() };
    let wanted: Vec<_> =
        if site.clients.is_empty() { clients::all().collect() } else { site.clients.clone() };
    let mut all = Vec::new();
    for client in wanted {
        all.push(steps::experience(client, &facts, site).await);
    }
    all
}

/// What stops a client that was named is an error, unless a check says so already.
pub(super) fn findings(site: &Site, experiences: &[Experience]) -> Vec<Finding> {
    let named = experiences.iter().filter(|experience| site.clients.contains(&experience.client));
    let mut found = Vec::new();
    for experience in named {
        for (step, verdict) in &experience.steps {
            let Verdict::Fails(reason) = verdict else { continue };
            if Step::is_of_everybody(reason) {
                continue;
            }
            let at = step.title().trim_start_matches("at ");
            let what = format!("{} stops at {at}: {reason}", experience.client.display);
            let finding = Finding::error(what, step.place())
                .because(format!("People here use {}.", experience.client.display))
                .fix(step.fix());
            let finding = match step {
                Step::RedirectAtEntra => finding.command(Repair::invocation(&[experience.client])),
                _ => finding,
            };
            found.push(Finding { check: "clients", ..finding });
        }
    }
    found
}
