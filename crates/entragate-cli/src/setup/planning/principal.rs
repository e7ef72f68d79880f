//! Service principals, who is let in without consent, and who gets in at all.

use serde_json::json;

use super::Draft;
use super::members::Members;
use crate::graph::Request;
use crate::graph::objects::PreAuthorizedApplication;
use crate::setup::plan::{Action, Step, Task};
use crate::setup::slot::Slot;
use crate::setup::wanted::{Part, TAG, WantedAccess, WantedApp};

/// Tags of service principals: ours, and the one with which the portal lists them among the enterprise applications.
pub const PRINCIPAL_TAGS: [&str; 2] = [TAG, "WindowsAzureActiveDirectoryIntegratedApp"];

/// The registration's service principal.
pub(super) fn service_principal(draft: &mut Draft<'_>, wanted: &WantedApp) {
    let part = wanted.part;
    let (task, title) = (Task::ServicePrincipal { part }, "its service principal in this tenant".to_owned());
    let step = if let Some(principal) = draft.existing(part).and_then(|app| app.principal.as_ref()) {
        if principal.account_enabled == Some(false) {
            draft.notes.push(format!(
                "The {} is disabled for sign-in in this tenant (AADSTS7000112): enable it under Enterprise applications, \
                 if that is not meant",
                part.name()
            ));
        }
        Step::keep(task, title)
    } else {
        let app_id = draft.ids.or_placeholder(Slot::app_id(part));
        let body = json!({ "appId": app_id, "tags": PRINCIPAL_TAGS });
        Step::send(task, title, Action::Create, Request::post("/servicePrincipals", body))
            .learning([(Slot::principal_id(part), "id")])
    };
    draft.steps.push(step);
}

/// The owner of both registrations may do this without being an administrator.
pub(super) fn pre_authorization(draft: &mut Draft<'_>) {
    let Some(client) = &draft.wanted.client else { return };
    let there =
        draft.existing.api.as_ref().map(|api| api.application.api.pre_authorized_applications.clone());
    let before = there.unwrap_or_default();
    let client_id = draft.ids.or_placeholder(Slot::app_id(client.part));
    let scopes: Vec<(String, String)> = draft
        .wanted
        .api
        .scopes
        .iter()
        .map(|scope| (scope.value.clone(), draft.scope_id(&scope.value)))
        .collect();

    let mut after = before.clone();
    let at = after.iter().position(|entry| entry.app_id == client_id).unwrap_or_else(|| {
        after.push(PreAuthorizedApplication { app_id: client_id.clone(), ..Default::default() });
        after.len() - 1
    });
    for (_, id) in &scopes {
        if !after[at].delegated_permission_ids.contains(id) {
            after[at].delegated_permission_ids.push(id.clone());
        }
    }
    let known = |list: &[PreAuthorizedApplication]| -> Vec<String> {
        let entry = list.iter().find(|entry| entry.app_id == client_id);
        let has = |id: &String| entry.is_some_and(|entry| entry.delegated_permission_ids.contains(id));
        scopes.iter().filter(|(_, id)| has(id)).map(|(name, _)| name.clone()).collect()
    };
    let mut members = Members::default();
    let (was, is) = (json!(known(&before)), json!(known(&after)));
    members.show("api.preAuthorizedApplications", was, is, json!(after));
    let (task, title) = (Task::PreAuthorization, "the client app needs no consent of people".to_owned());
    let step = match members.body() {
        None => Step::keep(task, title),
        Some(body) => {
            let path = format!("/applications/{}", draft.ids.or_placeholder(Slot::ApiObjectId));
            let action = if before.iter().any(|entry| entry.app_id == client_id) {
                Action::Change
            } else {
                Action::Create
            };
            Step::send(task, title, action, Request::patch(path, body))
        }
    };
    draft.steps.push(step.with_fields(members.fields));
}

/// Nobody else gets in, if that is wanted; taking it back is not setup's business.
pub(super) fn assignment_required(draft: &mut Draft<'_>) {
    if draft.wanted.access == WantedAccess::AsItIs {
        return;
    }
    let principal = draft.existing(Part::Api).and_then(|app| app.principal.as_ref());
    let before = principal.and_then(|principal| principal.app_role_assignment_required).unwrap_or(false);
    let mut members = Members::default();
    members.set("appRoleAssignmentRequired", json!(before), json!(true));
    let (task, title) = (Task::AssignmentRequired, "only assigned people get in".to_owned());
    let step = match members.body() {
        None => Step::keep(task, title),
        Some(body) => {
            let path = format!("/servicePrincipals/{}", draft.ids.or_placeholder(Slot::ApiPrincipalId));
            Step::send(task, title, Action::Change, Request::patch(path, body))
        }
    };
    draft.steps.push(step.with_fields(members.fields));
}
