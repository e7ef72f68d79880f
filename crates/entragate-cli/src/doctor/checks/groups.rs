//! # What it checks
//!
//! That the rules over groups can match: the API app puts groups into its tokens, each group that the rules name exists, and, where
//! the groups of people with too many are read from Microsoft Graph, the gateway's app may read them.
//!
//! # Why it matters
//!
//! A rule with a group that no token can name matches nobody: the tools behind it are hidden from everybody. Without the permissions
//! it matches nobody who is in more than 200 groups.
//!
//! # How to fix
//!
//! App registrations, the API app, Token configuration, Add groups claim. Rules name the object id of a group. The permissions are
//! the application permissions GroupMember.Read.All and User.ReadBasic.All, or Directory.Read.All, of Microsoft Graph.

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Registrations, Site};
use crate::graph::objects::Application;
use crate::shell::word;

const CLAIM: &str = "App registrations, the API app, Token configuration";

pub(super) async fn run(site: &Site) -> Checked {
    let wanted = of_rules(site)?;
    let graph = site.graph().await?;
    let mut found = Vec::new();
    // What may not be looked at takes nothing away from what was found elsewhere.
    let mut skipped = None;
    for part in [
        claim(graph, &wanted).await,
        existence(graph, &wanted).await,
        permissions(site, graph).await,
    ] {
        match part {
            Ok(more) => found.extend(more),
            Err(skip) => skipped = skipped.or(Some(skip)),
        }
    }
    match skipped {
        Some(skip) if found.is_empty() => Err(skip),
        _ => Ok(found),
    }
}

/// The groups that the rules name, each once.
fn of_rules(site: &Site) -> Result<Vec<&str>, Skip> {
    let mut groups: Vec<&str> = Vec::new();
    for group in site.rules().flat_map(entragate::Rule::required_groups) {
        if !groups.contains(&group.as_str()) {
            groups.push(group);
        }
    }
    if groups.is_empty() { Err(Skip::NotApplicable("no rule names a group")) } else { Ok(groups) }
}

/// `groupMembershipClaims`: several values with commas between
/// (<https://learn.microsoft.com/entra/identity-platform/optional-claims#configure-groups-optional-claims>).
async fn claim(graph: &Registrations, wanted: &[&str]) -> Checked {
    let app = graph.api().await?;
    let emits = |value: &str| emitted(app).any(|one| one == value);
    if emits("SecurityGroup") || emits("All") {
        return Ok(Vec::new());
    }
    if !emits("ApplicationGroup") {
        return Ok(vec![
            Finding::error("the rules name groups, and the API app puts none into its tokens", CLAIM)
                .because("The tools behind these rules are hidden from everybody.")
                .fix("add the groups claim: security groups, or the groups that are assigned to the application")
                .command(format!(
                    "az ad app update --id {} --set groupMembershipClaims=SecurityGroup",
                    word(&app.app_id)
                )),
        ]);
    }
    let assignments = graph.assignments().await?;
    let is_assigned = |group: &str| assignments.iter().any(|held| held.principal_id.eq_ignore_ascii_case(group));
    let unassigned = wanted.iter().filter(|group| !is_assigned(group)).map(|group| {
        let what = format!("tokens name only groups that are assigned to the API app, and {group}, which the rules name, is not");
        Finding::warning(what, "Enterprise applications, the API app, Users and groups")
            .because("The tools behind the rule are hidden from its members.")
            .fix("assign the group, or let the API app emit security groups")
    });
    let mut found: Vec<Finding> = unassigned.collect();
    found.push(
        Finding::information("tokens name only groups that are assigned to the API app (ApplicationGroup)", CLAIM)
            .because("Members of groups within them are not counted, and assigning groups takes an Entra ID P1 licence.")
            .fix("nothing, while everybody concerned is a direct member"),
    );
    Ok(found)
}

fn emitted(app: &Application) -> impl Iterator<Item = &str> {
    app.group_membership_claims.iter().flat_map(|claims| claims.split(',')).map(str::trim)
}

async fn existence(graph: &Registrations, wanted: &[&str]) -> Checked {
    let mut found = Vec::new();
    for group in wanted {
        if graph.find_group(group).await?.is_none() {
            found.push(
                Finding::error(format!("there is no group {group}, which the rules name"), "Groups, All groups")
                    .because("The tools behind the rule are hidden from everybody.")
                    .fix("name the object id of a group of this tenant in the rule"),
            );
        }
    }
    Ok(found)
}

/// What reads somebody's groups (<https://learn.microsoft.com/graph/api/directoryobject-getmemberobjects>), the least first.
const OF_PEOPLE: [&str; 3] = ["User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All"];
const OF_GROUPS: [&str; 3] = ["GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All"];
const OF_BOTH: [&str; 2] = ["Directory.Read.All", "Directory.ReadWrite.All"];

async fn permissions(site: &Site, graph: &Registrations) -> Checked {
    if site.config.graph_groups.is_none() {
        return Ok(Vec::new());
    }
    // Whose credential it is: in relay mode, that of the app which tokens are for.
    let principal = if site.is_relay() { graph.find_api_principal() .await? } else { graph.find_signer_principal().await? };
    let principal = principal.ok_or_else(|| Skip::not_checked("the gateway's app has no enterprise application"))?;
    let held = graph.graph_permissions(&principal.id).await?;
    let has = |any: &[&str]| held.iter().any(|one| any.contains(&one.as_str()));
    if has(&OF_BOTH) || has(&OF_PEOPLE) && has(&OF_GROUPS) {
        return Ok(Vec::new());
    }
    let place = "App registrations, the app whose credential the gateway has, API permissions";
    Ok(vec![
        Finding::warning("the gateway may not read in Microsoft Graph which groups somebody is in", place)
            .because("Whoever is in more groups than fit into a token is refused where a rule names groups.")
            .fix(
                "add the application permissions GroupMember.Read.All and User.ReadBasic.All of Microsoft Graph and grant admin consent, \
                 or set groups.overage to refuse",
            ),
    ])
}
