//! One step: look, and send if need be.

use std::fmt::Write as _;

use serde_json::Value;

use super::query::{any, contains, is_untouched, literal};
use crate::graph::{Method, Request};
use crate::setup::emit::shell::{keep_secret, quoted};
use crate::setup::emit::value::comment;
use crate::setup::plan::{Action, Plan, Step, Task};
use crate::setup::slot::Slot;

/// How a step finds out that it was done by an earlier run.
enum Look {
    /// Setting members to values may be repeated.
    No,
    /// The object itself, at this path.
    Object(String),
    /// A question to what is at this path.
    Question(String, String),
}

/// A step that makes or changes something; not the secret.
pub(super) fn write(text: &mut String, plan: &Plan, step: &Step) {
    let Some(request) = &step.request else { return };
    write_title(text, step);
    match look(plan, step, request) {
        Look::No => drop(writeln!(text, "{} >/dev/null", call(request, "id"))),
        Look::Object(path) => write_object(text, step, request, &path),
        Look::Question(path, question) => {
            let _ = writeln!(text, "if ! has {} {}; then", quoted(&path), quoted(&question));
            if request.method == Method::Patch && step.action == Action::Create {
                let untouched = request.body.as_ref().map(is_untouched).unwrap_or_default();
                let _ = writeln!(
                    text,
                    "  # The list is written whole: nothing of anybody else's may be in it.\n  \
                       has {} {} || stop 'somebody changed this registration: print a new script, which reads what is there'",
                    quoted(&path),
                    quoted(&untouched)
                );
            }
            let _ = writeln!(text, "  {} >/dev/null\nfi", call(request, "id"));
        }
    }
}

fn write_title(text: &mut String, step: &Step) {
    let _ = writeln!(text, "\n# {}: {}", step.action.word(), comment(&step.title));
    if let Some(permission) = step.permission() {
        let _ = writeln!(text, "# ({}; {})", permission.name(), permission.role());
    }
    if step.action == Action::Change {
        text.push_str("# Lists are written whole, with what was there when this was printed.\n");
    }
}

/// Something whose ids later steps need.
fn write_object(text: &mut String, step: &Step, request: &Request, path: &str) {
    let members: Vec<&str> = step.learns.iter().map(|(_, member)| *member).collect();
    let names: Vec<&str> = step.learns.iter().map(|(slot, _)| slot.variable()).collect();
    let query = format!("[[{}]]", members.join(", "));
    let found = format!("look_up {} {}", quoted(path), quoted(&query));
    let _ = writeln!(
        text,
        "ids=$({found})\n[ -n \"$ids\" ] || ids=$({})\nread -r {} <<<\"$ids\"",
        call(request, &query),
        names.join(" ")
    );
    for name in names {
        let _ = writeln!(text, ": \"${{{name}:?Graph did not say it}}\"");
    }
}

/// The client secret: told once, into a file that only its owner can read.
pub(super) fn write_secret(text: &mut String, step: &Step) {
    let Some(request) = &step.request else { return };
    write_title(text, step);
    text.push_str(&keep_secret(&call(request, "secretText")));
}

fn call(request: &Request, query: &str) -> String {
    let mut call = format!("graph {} {} {}", request.method.as_str(), quoted(&request.path), quoted(query));
    if let Some(body) = &request.body {
        let body = serde_json::to_string_pretty(body).unwrap_or_default();
        let _ = write!(call, " {}", quoted(&body));
    }
    if let Some(prefer) = request.prefer {
        let _ = write!(call, " 'Prefer={prefer}'");
    }
    call
}

fn look(plan: &Plan, step: &Step, request: &Request) -> Look {
    if step.action != Action::Create {
        return Look::No;
    }
    let text = |pointer: &str| {
        let body = request.body.as_ref().and_then(|body| body.pointer(pointer));
        body.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    match &step.task {
        Task::Application { .. } => Look::Object(request.path.clone()),
        Task::ServicePrincipal { .. } => {
            Look::Object(format!("/servicePrincipals(appId='{}')", text("/appId")))
        }
        // Read with everything else that is there when the script was printed, and so part of the request.
        Task::OwnId { .. } | Task::PreAuthorization | Task::Certificate { .. } if is_known(plan) => Look::No,
        Task::OwnId { .. } => {
            Look::Question(request.path.clone(), contains("identifierUris", &text("/identifierUris/0")))
        }
        Task::PreAuthorization => {
            let entry = "/api/preAuthorizedApplications/0";
            let client = literal(&text(&format!("{entry}/appId")));
            let ids = format!("api.preAuthorizedApplications[?appId == {client}].delegatedPermissionIds[]");
            Look::Question(
                request.path.clone(),
                contains(&ids, &text(&format!("{entry}/delegatedPermissionIds/0"))),
            )
        }
        Task::Certificate { thumbprint } => {
            Look::Question(request.path.clone(), contains("keyCredentials[].customKeyIdentifier", thumbprint))
        }
        Task::Consent { .. } => {
            let client = text("/clientId");
            let wanted = [("resourceId", text("/resourceId")), ("consentType", text("/consentType"))];
            let wanted: Vec<(&str, &str)> = wanted.iter().map(|(name, id)| (*name, id.as_str())).collect();
            Look::Question(
                format!("/oauth2PermissionGrants?$filter=clientId%20eq%20'{client}'"),
                any("value", &wanted),
            )
        }
        Task::Assignment { .. } => {
            let wanted = [("principalId", text("/principalId")), ("appRoleId", text("/appRoleId"))];
            let wanted: Vec<(&str, &str)> = wanted.iter().map(|(name, id)| (*name, id.as_str())).collect();
            Look::Question(format!("{}?$top=999", request.path), any("value", &wanted))
        }
        Task::Federation => Look::Question(request.path.clone(), any("value", &[("name", &text("/name"))])),
        Task::AssignmentRequired | Task::Secret | Task::Removal => Look::No,
    }
}

fn is_known(plan: &Plan) -> bool {
    plan.ids.get(Slot::ApiObjectId).is_some()
}
