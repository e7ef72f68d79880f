//! # What it checks
//!
//! The scope that the gateway asks for: that Entra takes it, and that the API app exposes it, enabled, and each scope
//! that a rule demands. The latter is known with Graph only: Entra tells it after sign-in.
//!
//! # Why it matters
//!
//! Before an API exposes a scope it cannot be found in the portal and no client can be given permission to it; a scope that does
//! not exist is refused after sign-in (AADSTS650053). A rule that demands one lets nobody in.
//!
//! # How to fix
//!
//! App registrations, the API app, Expose an API, Add a scope; or correct `ENTRAGATE_ENTRA_SCOPES`.

use entragate::Rule;

use super::aadsts;
use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::repair::Repair;
use crate::doctor::site::{AFTER_SIGN_IN, Site, Stage};
use crate::graph::objects::Application;

pub(super) async fn run(site: &Site) -> Checked {
    let scope = site.scope_at_entra()?;
    let mut unread = Some(Skip::not_checked(AFTER_SIGN_IN));
    if let Ok(graph) = site.graph().await
        && let Ok(app) = graph.api().await
    {
        unread = None;
        let mut found = unexposed(site, &site.scope_names()?, app);
        found.extend(demanded(site, app));
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let Some((Stage::Scope, code)) = site.probes().await?.main().stage() else {
        return unread.map_or_else(|| Ok(Vec::new()), Err);
    };
    let what = format!("Entra does not take the scope that the gateway asks for: {scope}");
    Ok(vec![aadsts::error(site, code, what, "ENTRAGATE_ENTRA_SCOPES")])
}

/// The scopes that only rules name, and that no token can have.
fn demanded(site: &Site, app: &Application) -> Vec<Finding> {
    let mut names: Vec<&String> = Vec::new();
    let asked_for = site.scope_names().unwrap_or_default();
    for name in site.rules().flat_map(Rule::required_scopes) {
        if !names.contains(&name) && !asked_for.contains(name) {
            names.push(name);
        }
    }
    let is_missing = |name: &&String| !app.scope(name).is_some_and(|scope| scope.is_enabled);
    let finding = |name: &String| {
        let what = format!("a rule demands the scope {name}, which the API app does not expose or has disabled");
        Finding::error(what, "App registrations, the API app, Expose an API, Scopes defined by this API")
            .because("No token can have it, so nobody may do what the rule is about; asking for it ends with AADSTS650053.")
            .fix("add or enable the scope, or correct the rule")
            .command(Repair::invocation(&site.clients))
            .prevents(650_053)
    };
    names.into_iter().filter(is_missing).map(finding).collect()
}

/// The scopes that the API app does not expose, or has disabled.
fn unexposed(site: &Site, names: &[String], app: &Application) -> Vec<Finding> {
    let finding = |what: String| {
        Finding::error(what, "App registrations, the API app, Expose an API, Scopes defined by this API")
            .because("Without it no client can be given permission to the API, and sign-in ends with AADSTS650053.")
            .fix("add or enable the scope, or correct ENTRAGATE_ENTRA_SCOPES")
            .command(Repair::invocation(&site.clients))
            .prevents(650_053)
    };
    if names == [".default"] {
        let any = app.api.oauth2_permission_scopes.iter().any(|scope| scope.is_enabled);
        return if any { Vec::new() } else { vec![finding("the API app exposes no scope".to_owned())] };
    }
    let problem = |name: &String| match app.scope(name) {
        None => Some(finding(format!("the API app does not expose the scope {name}"))),
        Some(scope) if !scope.is_enabled => Some(finding(format!("the scope {name} of the API app is disabled"))),
        Some(_) => None,
    };
    names.iter().filter_map(problem).collect()
}
