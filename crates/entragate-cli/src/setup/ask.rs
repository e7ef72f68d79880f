//! What an administrator has to be asked for, as a message that can be sent to one. Not being an administrator is the
//! normal case; everything that needs none is done before.

use std::fmt::Write as _;

use super::apply::{Applied, Outcome};
use super::existing::Existing;
use super::plan::{Plan, Step, Task};
use super::slot::{Ids, Slot};
use super::wanted::{Resource, Wanted};
use crate::graph::Directory;

/// The message; `None` if nobody has to be asked.
pub(super) fn message(
    directory: &Directory,
    wanted: &Wanted,
    existing: &Existing,
    plan: &Plan,
    applied: &Applied,
) -> Option<String> {
    let left = || plan.steps.iter().zip(&applied.outcomes);
    let denied: Vec<&Step> =
        left().filter(|(_, outcome)| matches!(outcome, Outcome::Denied(_))).map(|(step, _)| step).collect();
    if denied.is_empty() {
        return None;
    }
    let mut text =
        format!("Send this to an administrator of the tenant ({}):\n\n", roles(&denied).join("; "));
    let app = wanted.signing_in();
    // As the administrator will see it.
    let there = existing.app(app.part).and_then(|there| there.application.display_name.as_deref());
    let name = there.unwrap_or(&app.display_name);
    let consents: Vec<&&Step> =
        denied.iter().filter(|step| matches!(step.task, Task::Consent { .. })).collect();
    let client = applied.ids.get(Slot::app_id(app.part));
    if let (false, Some(client)) = (consents.is_empty(), client) {
        let _ = writeln!(
            text,
            "  Please let \"{name}\" sign people in to our MCP server. Open this link, sign in and accept:\n"
        );
        let _ = writeln!(
            text,
            "    {}/{}/adminconsent?client_id={client}\n",
            directory.authority.as_str(),
            directory.tenant
        );
        let _ = writeln!(text, "  It grants, in everybody's name:");
        for step in &consents {
            let _ = writeln!(text, "    - {}", granted(step));
        }
        let _ = writeln!(
            text,
            "  and whatever else the registration lists under API permissions. The page that it ends on may not load; the \
             consent counts all the same.\n"
        );
    }
    let others: Vec<&&Step> =
        denied.iter().filter(|step| !matches!(step.task, Task::Consent { .. })).collect();
    if !others.is_empty() || client.is_none() {
        let _ = writeln!(text, "  Please do, in tenant {}:", directory.tenant);
        for step in others {
            write_request(&mut text, step, &applied.ids);
        }
        let _ = writeln!(text, "  or run the same `entragate setup … --apply` yourself.\n");
    }
    let waiting = left().filter(|(_, outcome)| matches!(outcome, Outcome::Waiting)).count();
    if waiting > 0 {
        let _ = writeln!(
            text,
            "{waiting} more step(s) wait for this. Then run the same command again: it does what is left."
        );
    } else {
        text.push_str("Then run the same command again: it does what is left.\n");
    }
    Some(text)
}

/// The directory roles that are needed, each once.
fn roles(denied: &[&Step]) -> Vec<&'static str> {
    let mut roles: Vec<&'static str> = Vec::new();
    for role in denied.iter().filter_map(|step| step.permission()).map(crate::graph::Permission::role) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

fn granted(step: &Step) -> String {
    let Task::Consent { resource, scopes } = &step.task else { return step.title.clone() };
    let what = match resource {
        Resource::Api => "use the MCP server in the name of whoever signs in",
        Resource::Graph => "sign people in, see their name, keep them signed in",
    };
    format!("{} on {}: {what}", scopes.join(", "), resource.name())
}

fn write_request(text: &mut String, step: &Step, ids: &Ids) {
    let _ = writeln!(text, "    - {}", step.title);
    let Some(request) = &step.request else { return };
    let _ = writeln!(text, "        {} {}", request.method.as_str(), ids.fill(&request.path));
    if let Some(prefer) = request.prefer {
        let _ = writeln!(text, "        Prefer: {prefer}");
    }
    if let Some(body) = &request.body
        && !matches!(step.task, Task::Secret)
    {
        let _ = writeln!(text, "        {}", ids.fill_value(body));
    }
}
