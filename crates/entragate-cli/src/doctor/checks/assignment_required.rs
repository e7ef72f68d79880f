//! # What it checks
//!
//! Whether only assigned people may sign in to the API ("Assignment required?"), and whether anybody is assigned.
//!
//! # Why it matters
//!
//! With it, everybody who is not assigned is stopped by Entra (AADSTS50105), and programs without a role too (AADSTS501051).
//!
//! # How to fix
//!
//! Enterprise applications, the API app: assign people under Users and groups, or switch it off under Properties.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let graph = site.graph().await?;
    if graph.api_principal().await?.app_role_assignment_required != Some(true) {
        return Ok(Vec::new());
    }
    let place = "Enterprise applications, the API app, Properties, Assignment required?";
    let anybody = graph.assignments().await?.iter().any(|assignment| assignment.principal_type.as_deref() != Some("ServicePrincipal"));
    let finding = if anybody {
        Finding::information("only assigned people may sign in", place).fix("nothing, if that is meant")
    } else {
        Finding::error("only assigned people may sign in, and nobody is assigned", place)
            .fix("assign people or groups under Users and groups")
    };
    Ok(vec![finding.because("Everybody else is stopped by Entra.").prevents(50105)])
}
