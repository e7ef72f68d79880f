//! Roles for people and groups.

use serde_json::json;

use super::Draft;
use crate::graph::Request;
use crate::setup::plan::{Action, Step, Task};
use crate::setup::slot::Slot;

/// One step for each assignment.
pub(super) fn assignments(draft: &mut Draft<'_>) {
    for assignment in &draft.wanted.assignments {
        let Some(person) = draft.existing.people.iter().find(|person| person.who == assignment.who) else {
            continue;
        };
        let role = draft.role_id(&assignment.role);
        let title = format!("role {} for {}", assignment.role, person.name);
        let task = Task::Assignment { who: assignment.who.clone(), role: assignment.role.clone() };
        let is_there = draft
            .existing
            .assignments
            .iter()
            .any(|there| there.principal_id == person.id && there.app_role_id == role);
        let step = if is_there {
            Step::keep(task, title)
        } else {
            let resource = draft.ids.or_placeholder(Slot::ApiPrincipalId);
            let body = json!({ "principalId": person.id, "resourceId": resource, "appRoleId": role });
            let path = format!("/servicePrincipals/{resource}/appRoleAssignedTo");
            Step::send(task, title, Action::Create, Request::post(path, body))
        };
        draft.steps.push(step);
    }
    let others = draft.existing.assignments.len().saturating_sub(kept(draft));
    if others > 0 {
        draft.notes.push(format!("{others} other assignment(s) of the API app stay as they are"));
    }
}

fn kept(draft: &Draft<'_>) -> usize {
    draft
        .steps
        .iter()
        .filter(|step| matches!(step.task, Task::Assignment { .. }) && step.action == Action::Keep)
        .count()
}
