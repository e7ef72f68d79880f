//! The way back: removes what setup made, and nothing else.
//!
//! A registration that the record names as made from here goes as a whole, together with its service principal and what
//! hangs on that, unless somebody else has come to rely on it (see `foreign`). Of every other one only what the record names is
//! removed. The tag alone proves nothing: setup run from another directory writes the same.

use crate::graph::objects::{AppRoleAssignment, PermissionGrant};
use crate::graph::{Graph, GraphError, Request, odata};

use super::existing::{Existing, ExistingApp, Standing, grants_of};
use super::foreign::View;
use super::plan::{Action, Plan, Step, Task};
use super::receipt::{FILE, Receipt};
use super::slot::Ids;
use super::wanted::{Part, Wanted};

/// What else hangs on the registrations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hanging {
    /// Consents to the registrations, and of others to use the API.
    pub grants: Vec<PermissionGrant>,
    /// Application permissions and roles that the registrations themselves have.
    pub held: Vec<AppRoleAssignment>,
}

impl Hanging {
    /// Reads it.
    pub async fn read(graph: &Graph, existing: &Existing) -> Result<Self, GraphError> {
        let (mut grants, mut held) = (Vec::<PermissionGrant>::new(), Vec::new());
        for app in [&existing.api, &existing.client].into_iter().flatten() {
            let Some(id) = app.principal_id() else { continue };
            let on_it = format!("/oauth2PermissionGrants?{}", odata::equals(&[("resourceId", id)]));
            let roles = format!("/servicePrincipals/{}/appRoleAssignments", odata::segment(id));
            held.extend(graph.list::<AppRoleAssignment>(&roles).await?);
            for path in [grants_of(id), on_it] {
                for grant in graph.list::<PermissionGrant>(&path).await? {
                    if !grants.contains(&grant) {
                        grants.push(grant);
                    }
                }
            }
        }
        Ok(Self { grants, held })
    }
}

/// The way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// What goes.
    pub plan: Plan,
    /// How many registrations stay that setup made from here, or nobody knows from where.
    pub staying: usize,
}

/// Plans the way back.
pub fn plan(
    tenant: &str,
    wanted: &Wanted,
    existing: &Existing,
    hanging: &Hanging,
    receipt: &Receipt,
) -> WayBack {
    let mut plan = Plan {
        mode: wanted.mode,
        tenant: tenant.to_owned(),
        steps: Vec::new(),
        notes: Vec::new(),
        ids: Ids::default(),
    };
    let view = View { wanted, existing, hanging, receipt };
    let (mut leaving, mut gone) = (Vec::<&str>::new(), Vec::<&str>::new());
    let (mut removed, mut staying) = (0, 0);
    // The client first: the API app is what it is let in to.
    for part in [Part::Client, Part::Api] {
        let Some(app) = existing.app(part) else { continue };
        let foreign = view.foreign(part, app);
        let is_own = app.standing == Standing::Made && receipt.has_created(&app.application.app_id);
        if is_own && foreign.is_empty() {
            removed += 1;
            leaving.extend(app.principal_id());
            gone.push(app.application.app_id.as_str());
            plan.steps.extend(whole(part, app));
            continue;
        }
        let is_recorded = receipt.remembered().of(part) == Some(&app.application.app_id);
        let is_unproven = app.standing == Standing::Made && !is_recorded;
        staying += usize::from(is_own || is_unproven);
        let name = app.application.display_name.as_deref().unwrap_or_default();
        plan.notes.push(match app.standing {
            Standing::Made if is_unproven => format!(
                "\"{name}\" stays: setup made it, but no {FILE} in this directory says that it was made from here. Run this \
                 where that file is (--dir); if there is none, and nobody needs the registration, remove it by hand: az ad \
                 app delete --id {}",
                app.application.app_id
            ),
            Standing::Made if !is_own => format!(
                "\"{name}\" stays: {FILE} does not say that it was made from here. Only what it names is removed; the rest is \
                 the business of whoever made it"
            ),
            Standing::Adopted => format!(
                "\"{name}\" was there before and stays, and so do the scopes, roles, redirect URIs, Application ID URIs, \
                 permissions, optional claims and preauthorised scopes of a client that stays, which setup added to it, and \
                 scopes that it added to a consent that was there: take them away by hand if nobody uses them"
            ),
            Standing::Made => format!(
                "\"{name}\" stays, because not all that hangs on it is setup's: {}. Remove that by hand and run this again",
                foreign.join(", ")
            ),
        });
        plan.steps.extend(credentials(app, receipt));
        plan.steps.extend(pre_authorization(app, &gone));
    }
    let goes_along = |principal: &str| leaving.contains(&principal);
    for grant in hanging.grants.iter().filter(|grant| receipt.grants.contains(&grant.id)) {
        if !goes_along(&grant.client_id) && !goes_along(&grant.resource_id) {
            let path = format!("/oauth2PermissionGrants/{}", odata::segment(&grant.id));
            plan.steps.insert(
                0,
                remove(format!("consent to {}", grant.scope.as_deref().unwrap_or_default().trim()), path),
            );
        }
    }
    for assignment in existing.assignments.iter().filter(|one| receipt.assignments.contains(&one.id)) {
        if !goes_along(&assignment.resource_id) {
            plan.steps.insert(0, assignment_step(assignment));
        }
    }
    if removed > 0 {
        plan.notes.push(
            "Entra keeps a removed registration for 30 days under Deleted applications. entragate.toml and .env stay".to_owned(),
        );
    }
    WayBack { plan, staying }
}

fn remove(title: impl Into<String>, path: String) -> Step {
    Step::send(Task::Removal, title, Action::Remove, Request::delete(path))
}

fn whole(part: Part, app: &ExistingApp) -> Vec<Step> {
    let name = app.application.display_name.as_deref().unwrap_or_default();
    let principal = app.principal_id().map(|id| {
        remove(
            format!("service principal of \"{name}\", with its consents and assignments"),
            format!("/servicePrincipals/{}", odata::segment(id)),
        )
    });
    let application = remove(
        format!("{} registration \"{name}\"", part.name()),
        format!("/applications/{}", odata::segment(&app.application.id)),
    );
    principal.into_iter().chain([application]).collect()
}

fn assignment_step(assignment: &AppRoleAssignment) -> Step {
    let name = assignment.principal_display_name.as_deref().unwrap_or("somebody");
    let path = format!(
        "/servicePrincipals/{}/appRoleAssignedTo/{}",
        odata::segment(&assignment.resource_id),
        odata::segment(&assignment.id)
    );
    remove(format!("role of {name}"), path)
}

/// A client that goes need not be let in by an API app that stays. The list is written whole.
fn pre_authorization(app: &ExistingApp, gone: &[&str]) -> Option<Step> {
    let entries = app.application.api.pre_authorized_applications.iter();
    let (ours, others): (Vec<_>, Vec<_>) = entries.partition(|entry| gone.contains(&entry.app_id.as_str()));
    if ours.is_empty() {
        return None;
    }
    let path = format!("/applications/{}", odata::segment(&app.application.id));
    let body = serde_json::json!({ "api": { "preAuthorizedApplications": others } });
    Some(Step::send(
        Task::Removal,
        "preauthorization of the client",
        Action::Remove,
        Request::patch(path, body),
    ))
}

/// Secrets, certificates and federated credentials of ours on a registration that stays.
fn credentials(app: &ExistingApp, receipt: &Receipt) -> Vec<Step> {
    let base = format!("/applications/{}", odata::segment(&app.application.id));
    let secrets =
        app.application.password_credentials.iter().filter(|one| receipt.secrets.contains(&one.key_id));
    let secrets = secrets.map(|one| {
        let request =
            Request::post(format!("{base}/removePassword"), serde_json::json!({ "keyId": one.key_id }));
        Step::send(Task::Removal, "client secret", Action::Remove, request)
    });
    let federated = app.federated.iter().filter(|one| receipt.federated.contains(&one.id));
    let federated = federated.map(|one| {
        remove(
            "federated credential",
            format!("{base}/federatedIdentityCredentials/{}", odata::segment(&one.id)),
        )
    });
    secrets.chain(certificates(app, receipt)).chain(federated).collect()
}

/// The list is written whole: the keys that stay keep their ids, by which Graph knows them without their content.
fn certificates(app: &ExistingApp, receipt: &Receipt) -> Option<Step> {
    let keys = app.application.key_credentials.iter();
    let (ours, others): (Vec<_>, Vec<_>) = keys.partition(|key| receipt.has_certificate(key));
    if ours.is_empty() {
        return None;
    }
    let path = format!("/applications/{}", odata::segment(&app.application.id));
    let request = Request::patch(path, serde_json::json!({ "keyCredentials": others }));
    Some(Step::send(Task::Removal, "certificate", Action::Remove, request))
}
