//! # What it checks
//!
//! That the app which signs people in lists the API's scope among its API permissions.
//!
//! # Why it matters
//!
//! `.default` and "Grant admin consent" mean the permissions that are listed; one that is not listed is AADSTS650057 there.
//!
//! # How to fix
//!
//! App registrations, the app that signs people in, API permissions, Add a permission, My APIs.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let graph = site.graph().await?;
    let (app, client) = (graph.api().await?, graph.signer().await?);
    let listed = client.required_resource_access.iter().filter(|access| access.resource_app_id == app.app_id);
    let listed: Vec<&str> = listed.flat_map(|access| &access.resource_access).filter(|one| one.kind == "Scope").map(|one| one.id.as_str()).collect();
    let names = site.scope_names()?;
    let missing: Vec<&str> = if names == [".default"] {
        if listed.is_empty() { vec!["a scope"] } else { Vec::new() }
    } else {
        let is_missing = |name: &&String| app.scope(name).is_some_and(|scope| scope.is_enabled && !listed.contains(&scope.id.as_str()));
        names.iter().filter(is_missing).map(String::as_str).collect()
    };
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("the app that signs people in does not list {} of the API app", missing.join(", "));
    let id = missing.iter().find_map(|name| app.scope(name)).map_or("<scope id>", |scope| scope.id.as_str());
    Ok(vec![
        Finding::warning(what, "App registrations, the app that signs people in, API permissions")
            .because("\"Grant admin consent\" and .default mean what is listed.")
            .fix("add the permission")
            .command(format!("az ad app permission add --id {} --api {} --api-permissions {id}=Scope", client.app_id, app.app_id))
            .prevents(650_057),
    ])
}
