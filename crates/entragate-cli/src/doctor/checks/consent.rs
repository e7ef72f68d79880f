//! # What it checks
//!
//! Whether an administrator has consented for everybody that the app which signs people in may use the API's scope, or the API
//! app lists it under authorized client applications.
//!
//! # Why it matters
//!
//! Without it everybody sees Entra's consent page at the first sign-in (AADSTS65001 without a page): a warning. Where people
//! may not consent they meet the wall "approval required" instead (AADSTS90094, or 90095 where they may ask for it): an error.
//!
//! # How to fix
//!
//! App registrations, the app that signs people in, API permissions, Grant admin consent; or Expose an API, Add a client application.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::repair::Repair;
use crate::doctor::site::Site;
use crate::graph::objects::PermissionGrant;

pub(super) async fn run(site: &Site) -> Checked {
    let graph = site.graph().await?;
    let (app, signer) = (graph.api().await?, site.signer()?);
    let names = site.scope_names()?;
    let exists = |name: &String| app.scope(name).is_some_and(|scope| scope.is_enabled);
    // What does not exist cannot be consented to: the check `scope`.
    let wanted: Vec<&String> = names.iter().filter(|name| exists(name)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let listed = app.api.pre_authorized_applications.iter().find(|client| client.app_id == signer.as_str());
    let is_listed = |name: &str| {
        let id = app.scope(name).map(|scope| &scope.id);
        listed.is_some_and(|client| client.delegated_permission_ids.iter().any(|known| Some(known) == id))
    };
    let grants = graph.grants().await?;
    let for_everybody = grants.iter().filter(|grant| grant.is_for_everybody());
    let granted: Vec<&str> = for_everybody.flat_map(PermissionGrant::scopes).collect();
    let missing: Vec<&str> =
        wanted.into_iter().map(String::as_str).filter(|name| !granted.contains(name) && !is_listed(name)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("nobody has consented for everybody to {}", missing.join(" "));
    let place = "App registrations, the app that signs people in, API permissions";
    let finding = match graph.policy().await {
        Ok(policy) if policy.forbids_consent() => {
            let what = format!("{what}, and people may not consent by themselves");
            Finding::error(what, place)
                .because("Nobody but administrators gets past the wall \"approval required\".")
                .prevents(90094)
        }
        _ => Finding::warning(what, place)
            .because("People see Entra's consent page, or a wall where they may not consent.")
            .prevents(65001),
    };
    // `az ad app permission grant` takes away what was granted before (Azure/azure-cli#20974).
    Ok(vec![finding.fix("grant admin consent").command(Repair::invocation(&site.clients))])
}
