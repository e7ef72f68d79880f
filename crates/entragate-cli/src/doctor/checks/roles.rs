//! # What it checks
//!
//! That every app role which the rules name exists on the API app, is enabled, and can be given to people.
//!
//! # Why it matters
//!
//! A rule with a role that nobody can have matches nobody: the tools behind it are hidden from everybody, and nothing says why.
//!
//! # How to fix
//!
//! App registrations, the API app, App roles. The value is what counts, letter by letter, not the display name.

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::repair::Repair;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let wanted = of_rules(site)?;
    let app = site.graph().await?.api().await?;
    let problem = |value: &String| {
        let (what, repaired) = match app.role(value) {
            None => (format!("the API app has no role {value}, which the rules name"), true),
            Some(role) if !role.is_enabled => (format!("the role {value}, which the rules name, is disabled"), true),
            Some(role) if !role.is_for_people() => (format!("the role {value}, which the rules name, cannot be given to people"), false),
            Some(_) => return None,
        };
        let finding = Finding::error(what, "App registrations, the API app, App roles");
        let finding = finding.because("The tools behind the rule are hidden from everybody.").fix("create or enable the role, with exactly this value");
        Some(if repaired { finding.command(Repair::invocation(&site.clients)) } else { finding })
    };
    Ok(wanted.iter().filter_map(problem).collect())
}

/// The roles that the rules name, each once.
pub(super) fn of_rules(site: &Site) -> Result<Vec<String>, Skip> {
    let mut roles: Vec<String> = Vec::new();
    for role in site.rules().flat_map(entragate::Rule::required_roles) {
        if !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    if roles.is_empty() { Err(Skip::NotApplicable("no rule names a role")) } else { Ok(roles) }
}
