//! # What it checks
//!
//! That the permissions which `on-behalf-of` asks for exist in the tenant, and that an administrator has consented to them for the
//! API app. Only where `upstream.identity` is `on-behalf-of`.
//!
//! # Why it matters
//!
//! The gateway asks for the token between two calls, where nobody can be shown a page: without consent every call ends in
//! AADSTS65001.
//!
//! # How to fix
//!
//! App registrations, the API app, API permissions, Add a permission, delegated permissions; then Grant admin consent.

use entragate::DelegatedScope;

use crate::config::UpstreamIdentity;
use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::shell::word;
use crate::doctor::site::{MICROSOFT_GRAPH, Registrations, Site};
use crate::graph::objects::{PermissionGrant, ServicePrincipal};

const PLACE: &str = "App registrations, the API app, API permissions";

pub(super) async fn run(site: &Site) -> Checked {
    let wanted = site.config.routes.iter().filter_map(|route| match &route.http()?.identity {
        UpstreamIdentity::OnBehalfOf(scope) => Some(scope),
        _ => None,
    });
    let wanted: Vec<&DelegatedScope> = wanted.collect();
    if wanted.is_empty() {
        return Err(Skip::NotApplicable("upstream.identity is not on-behalf-of"));
    }
    let graph = site.graph().await?;
    let mut found = Vec::new();
    for scope in wanted {
        found.extend(look(graph, scope).await?);
    }
    Ok(found)
}

async fn look(graph: &Registrations, scope: &DelegatedScope) -> Checked {
    let Some(id) = app_id(scope.api()) else {
        return Err(Skip::not_checked(format!("{} does not say which app it is", scope.api())));
    };
    let Some(other) = graph.find_principal(id).await? else {
        let what = format!("the tenant has no enterprise application of {}", scope.api());
        return Ok(vec![
            Finding::error(what, "upstream.on_behalf_of_scopes")
                .because("Entra issues no token for an API that the tenant does not have.")
                .fix("name the Application ID URI or the client id of an API of this tenant")
                .prevents(500_011),
        ]);
    };
    let unknown: Vec<&str> = scope.permissions().filter(|name| *name != ".default" && permission(&other, name).is_none()).collect();
    if !unknown.is_empty() {
        let what = format!("{} has no delegated permission {}", scope.api(), unknown.join(", "));
        return Ok(vec![
            Finding::error(what, "upstream.on_behalf_of_scopes")
                .because("Nobody can consent to a permission that does not exist.")
                .fix("name permissions as the API exposes them"),
        ]);
    }
    consent(graph, scope, &other).await
}

async fn consent(graph: &Registrations, scope: &DelegatedScope, other: &ServicePrincipal) -> Checked {
    let client = graph.api_principal().await?;
    let grants = graph.grants_for(&client.id, &other.id).await?;
    let granted: Vec<&str> =
        grants.iter().filter(|grant| grant.is_for_everybody()).flat_map(PermissionGrant::scopes).collect();
    let missing: Vec<&str> = scope
        .permissions()
        .filter(|name| if *name == ".default" { granted.is_empty() } else { !granted.contains(name) })
        .collect();
    let Some(first) = missing.first() else { return Ok(Vec::new()) };
    let app = graph.api().await?;
    let listed = app.required_resource_access.iter().filter(|access| access.resource_app_id == other.app_id);
    let listed: Vec<&str> = listed.flat_map(|access| &access.resource_access).map(|one| one.id.as_str()).collect();
    let id = word(&app.app_id);
    let (fix, command) = match permission(other, first) {
        Some(permission) if !listed.contains(&permission) => (
            "add the delegated permission to the API app, then grant admin consent",
            format!("az ad app permission add --id {id} --api {} --api-permissions {permission}=Scope", other.app_id),
        ),
        _ => ("grant admin consent to the API app", format!("az ad app permission admin-consent --id {id}")),
    };
    let what = format!("no administrator has consented to {} of {} for the API app", missing.join(" "), scope.api());
    Ok(vec![
        Finding::error(what, PLACE)
            .because("Every call that goes on behalf of its caller is refused: nobody can be asked in the middle.")
            .fix(fix)
            .command(command)
            .prevents(65001),
    ])
}

/// The id of a delegated permission.
fn permission<'a>(api: &'a ServicePrincipal, name: &str) -> Option<&'a str> {
    let mut all = api.oauth2_permission_scopes.iter();
    all.find(|scope| scope.value.as_deref() == Some(name)).map(|scope| scope.id.as_str())
}

/// The app that an API's name contains: Microsoft Graph by its URL, others by their id.
fn app_id(api: &str) -> Option<&str> {
    if api.eq_ignore_ascii_case("https://graph.microsoft.com") {
        return Some(MICROSOFT_GRAPH);
    }
    let id = api.strip_prefix("api://").unwrap_or(api);
    entragate::ClientId::parse(id).is_ok().then_some(id)
}
