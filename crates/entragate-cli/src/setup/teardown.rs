//! The way back: removes what setup made, and nothing else.
//!
//! A registration with setup's tag goes as a whole, together with its service principal and what hangs on that, unless
//! somebody else has come to rely on it: a foreign client that was granted access, a person whom somebody else assigned, a
//! credential that somebody added. Then, and for adopted registrations, only what the record names is removed.

use crate::graph::objects::{AppRoleAssignment, PermissionGrant};
use crate::graph::{Graph, GraphError, Request, odata};

use super::existing::{Existing, ExistingApp, Standing, grants_of};
use super::plan::{Action, Plan, Step, Task};
use super::planning::CREDENTIAL_NAME;
use super::receipt::Receipt;
use super::slot::Ids;
use super::wanted::{Part, Wanted};

/// What else hangs on the registrations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hanging {
    /// Consents to the registrations, and of others to use the API.
    pub grants: Vec<PermissionGrant>,
}

impl Hanging {
    /// Reads it.
    pub async fn read(graph: &Graph, existing: &Existing) -> Result<Self, GraphError> {
        let mut grants: Vec<PermissionGrant> = Vec::new();
        for app in [&existing.api, &existing.client].into_iter().flatten() {
            let Some(id) = app.principal_id() else { continue };
            let on_it = format!("/oauth2PermissionGrants?{}", odata::equals(&[("resourceId", id)]));
            for path in [grants_of(id), on_it] {
                for grant in graph.list::<PermissionGrant>(&path).await? {
                    if !grants.contains(&grant) {
                        grants.push(grant);
                    }
                }
            }
        }
        Ok(Self { grants })
    }
}

/// Plans the way back.
pub fn plan(
    tenant: &str,
    wanted: &Wanted,
    existing: &Existing,
    hanging: &Hanging,
    receipt: &Receipt,
) -> Plan {
    let mut plan = Plan {
        mode: wanted.mode,
        tenant: tenant.to_owned(),
        steps: Vec::new(),
        notes: Vec::new(),
        ids: Ids::default(),
    };
    let ours = [&existing.api, &existing.client].into_iter().flatten().filter_map(ExistingApp::principal_id);
    let ours: Vec<&str> = ours.collect();
    let mut leaving: Vec<&str> = Vec::new();
    // The client first: the API app is what it is let in to.
    for part in [Part::Client, Part::Api] {
        let Some(app) = existing.app(part) else { continue };
        let foreign = foreign(part, app, existing, hanging, receipt, &ours);
        if app.standing == Standing::Made && foreign.is_empty() {
            leaving.extend(app.principal_id());
            plan.steps.extend(whole(part, app));
            continue;
        }
        let name = app.application.display_name.as_deref().unwrap_or_default();
        plan.notes.push(match app.standing {
            Standing::Adopted => format!(
                "\"{name}\" was there before and stays; scopes, roles and redirect URIs that setup added to it stay too, take \
                 them away by hand if nobody uses them"
            ),
            Standing::Made => format!(
                "\"{name}\" stays, because not all that hangs on it is setup's: {}. Remove that by hand and run this again",
                foreign.join(", ")
            ),
        });
        plan.steps.extend(credentials(app, receipt));
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
    if plan
        .steps
        .iter()
        .any(|step| matches!(&step.request, Some(request) if request.path.starts_with("/applications/")))
    {
        plan.notes.push(
            "Entra keeps a removed registration for 30 days under Deleted applications. entragate.toml and .env stay".to_owned(),
        );
    }
    plan
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

/// Secrets and federated credentials of ours on a registration that stays.
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
    secrets.chain(federated).collect()
}

/// What somebody else has attached to a registration.
fn foreign(
    part: Part,
    app: &ExistingApp,
    existing: &Existing,
    hanging: &Hanging,
    receipt: &Receipt,
    ours: &[&str],
) -> Vec<String> {
    let mut foreign: Vec<String> = Vec::new();
    if let Some(id) = app.principal_id() {
        let grants = hanging.grants.iter().filter(|grant| grant.resource_id == id);
        let others = grants.filter(|grant| !ours.contains(&grant.client_id.as_str())).count();
        if others > 0 {
            foreign.push(format!("{others} consent(s) of other applications to use it"));
        }
    }
    if part == Part::Api {
        for one in existing.assignments.iter().filter(|one| !receipt.assignments.contains(&one.id)) {
            foreign.push(format!(
                "the assignment of {}",
                one.principal_display_name.as_deref().unwrap_or("somebody")
            ));
        }
    }
    let is_ours = |name: &Option<String>| name.as_deref() == Some(CREDENTIAL_NAME);
    for secret in app.application.password_credentials.iter().filter(|secret| !is_ours(&secret.display_name))
    {
        foreign.push(format!("the client secret \"{}\"", secret.display_name.as_deref().unwrap_or_default()));
    }
    for key in app.application.key_credentials.iter().filter(|key| !is_ours(&key.display_name)) {
        foreign.push(format!("the certificate \"{}\"", key.display_name.as_deref().unwrap_or_default()));
    }
    for one in app.federated.iter().filter(|one| one.name != CREDENTIAL_NAME) {
        foreign.push(format!("the federated credential \"{}\"", one.name));
    }
    foreign
}
