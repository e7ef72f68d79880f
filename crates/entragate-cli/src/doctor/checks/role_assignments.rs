//! # What it checks
//!
//! That somebody has each app role which the rules name, and not only applications.
//!
//! # Why it matters
//!
//! Roles without assignments hide tools from everybody. Assigning groups takes an Entra ID P1 licence, and members of nested groups
//! get nothing.
//!
//! # How to fix
//!
//! Enterprise applications, the API app, Users and groups, Add user/group.

use super::roles;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;
use crate::graph::objects::AppRole;

const PLACE: &str = "Enterprise applications, the API app, Users and groups";

pub(super) async fn run(site: &Site) -> Checked {
    let wanted = roles::of_rules(site)?;
    let graph = site.graph().await?;
    let (app, assignments) = (graph.api().await?, graph.assignments().await?);
    let mut found = Vec::new();
    // What is wrong with the role itself is the check `roles`'.
    let is_given = |role: &&AppRole| role.is_enabled && role.is_for_people();
    for role in wanted.iter().filter_map(|value| app.role(value)).filter(is_given) {
        let mut holders = assignments.iter().filter(|held| held.app_role_id == role.id).peekable();
        let is_held = holders.peek().is_some();
        if holders.all(|held| held.principal_type.as_deref() == Some("ServicePrincipal")) {
            let value = role.value.as_deref().unwrap_or_default();
            let who = if is_held { "only applications have" } else { "nobody has" };
            found.push(
                Finding::warning(format!("{who} the role {value}, which the rules name"), PLACE)
                    .because("The tools behind the rule are hidden from all people.")
                    .fix("assign the role to people or groups"),
            );
        }
    }
    let groups = assignments.iter().filter(|assignment| assignment.principal_type.as_deref() == Some("Group")).count();
    if groups > 0 {
        found.push(
            Finding::information(format!("{groups} of the assignments are of groups"), PLACE)
                .because("It takes an Entra ID P1 licence, and members of nested groups get no role.")
                .fix("nothing, while everybody concerned is a direct member"),
        );
    }
    Ok(found)
}
