//! An administrator's consent, for everybody: without it each person is asked, or refused (AADSTS65001, 90094).

use serde_json::json;

use super::Draft;
use crate::graph::objects::PermissionGrant;
use crate::graph::{Request, odata};
use crate::setup::plan::{Action, Field, Step, Task};
use crate::setup::slot::Slot;
use crate::setup::wanted::{Resource, WantedPermissions};

/// One consent for each API.
pub(super) fn consents(draft: &mut Draft<'_>) {
    let app = draft.wanted.signing_in();
    let client = draft.ids.or_placeholder(Slot::principal_id(app.part));
    if draft.existing.grants.is_none() {
        draft.notes.push(
            "The consents cannot be read with this token (DelegatedPermissionGrant.Read.All), so the plan asks for all of them"
                .to_owned(),
        );
    }
    for permissions in &app.permissions {
        let step = consent(draft, &client, permissions);
        draft.steps.push(step);
    }
}

fn consent(draft: &Draft<'_>, client: &str, permissions: &WantedPermissions) -> Step {
    let resource = draft.ids.or_placeholder(permissions.resource.principal());
    let wanted: Vec<String> = permissions.scopes.iter().map(|(name, _)| name.clone()).collect();
    let title = match permissions.resource {
        Resource::Api => "consent for everybody: the API's scopes".to_owned(),
        Resource::Graph => "consent for everybody: signing in".to_owned(),
    };
    let task = Task::Consent { resource: permissions.resource, scopes: wanted.clone() };
    let grants = draft.existing.grants.as_deref().unwrap_or_default();
    let there = grants.iter().find(|grant| grant.is_for_everybody() && grant.resource_id == resource);
    let before: Vec<&str> = there.map(|grant| grant.scopes().collect()).unwrap_or_default();
    let missing = wanted.iter().map(String::as_str).filter(|name| !before.contains(name));
    let after: Vec<&str> = before.iter().copied().chain(missing).collect();
    let field = Field { name: "scope".to_owned(), before: json!(before), after: json!(after) };
    let scope = after.join(" ");
    let step = match there {
        Some(_) if !field.differs() => Step::keep(task, title),
        Some(PermissionGrant { id, .. }) => {
            let path = format!("/oauth2PermissionGrants/{}", odata::segment(id));
            Step::send(task, title, Action::Change, Request::patch(path, json!({ "scope": scope })))
        }
        None => {
            let body = json!({
                "clientId": client,
                "consentType": "AllPrincipals",
                "resourceId": resource,
                "scope": scope,
            });
            Step::send(task, title, Action::Create, Request::post("/oauth2PermissionGrants", body))
        }
    };
    step.with_fields(vec![field])
}
