//! A shell script that sends the plan's requests with curl and reads ids out of the answers with jq.
//!
//! It takes the token from the environment variable `GRAPH_TOKEN`, and is meant for one tenant in one state: run it
//! once, and print another one when something has changed. It makes nothing where there is something already.

use std::fmt::Write as _;

use super::shell::{keep_secret, quoted};
use super::value::comment;
use super::{Source, tenant_id};
use crate::graph::{GRAPH_APP_ID, Method};
use crate::setup::plan::{Action, Plan, Step, Task};
use crate::setup::slot::{Slot, unknown_in};
use crate::setup::wanted::Part;

const HEAD: &str = r#"#!/usr/bin/env bash
# App registrations of an MCP gateway, printed by `entragate setup --emit graph`.
# Needs curl and jq, and in GRAPH_TOKEN a token for Microsoft Graph, for example:
#   GRAPH_TOKEN=$(az account get-access-token --resource-type ms-graph --query accessToken -o tsv)
set -euo pipefail
: "${GRAPH_TOKEN:?set it to an access token for Microsoft Graph}"

stop() { echo "$1" >&2; exit 2; }
"#;

/// The function that sends: curl reads its options, the token among them, from a pipe and not from its command line,
/// which other users of the machine can see. What was made a moment ago is not known everywhere at once (404).
const FUNCTION: &str = r#"
# graph METHOD PATH [BODY] [PREFER]: prints the answer, waits while Graph is busy or has not heard yet.
graph() {
  local try status answer
  answer=$(mktemp)
  for try in 1 2 4 8 16 0; do
    status=$(curl --silent --show-error --config - --output "$answer" --write-out '%{http_code}' \
      --request "$1" "$GRAPH$2" --header 'Content-Type: application/json' \
      ${4:+--header "Prefer: $4"} ${3:+--data "$3"} <<<"header = \"Authorization: Bearer $GRAPH_TOKEN\"")
    case $status in
      2??) cat "$answer"; rm -f "$answer"; return ;;
      404|429|503) [ "$try" = 0 ] || { sleep "$try"; continue; } ;;
      400) ! grep -q 'does not reference a valid application object' "$answer" || [ "$try" = 0 ] || { sleep "$try"; continue; } ;;
    esac
    echo "$1 $2 answered $status: $(jq -r '.error.message // empty' "$answer" 2>/dev/null)" >&2
    rm -f "$answer"
    return 1
  done
}
"#;

/// The look at what the script would make: its `PATCH` replaces whole lists, so it must not find anything there.
const ABSENT: &str = r#"
# absent PATH: stops if there is something already, which this script would overwrite.
absent() {
  local try status
  for try in 1 2 4 8 16 0; do
    status=$(curl --silent --show-error --config - --output /dev/null --write-out '%{http_code}' \
      "$GRAPH$1" <<<"header = \"Authorization: Bearer $GRAPH_TOKEN\"")
    case $status in
      404) return ;;
      429|503) [ "$try" = 0 ] || { sleep "$try"; continue; } ;;
      2??) stop "$1 is there already, and nothing was changed: print a new script without --offline, which reads what is there" ;;
    esac
    stop "GET $1 answered $status, and nothing was changed"
  done
}
"#;

/// The script.
pub(super) fn script(source: Source<'_>) -> String {
    let mut text = HEAD.to_owned();
    write_tenant(&mut text, source.plan);
    let url = source
        .directory
        .map_or_else(|| "https://graph.microsoft.com/v1.0".to_owned(), |at| at.graph.to_string());
    let _ = writeln!(text, "GRAPH=${{GRAPH_URL:-{}}}", quoted(&url));
    text.push_str(FUNCTION);
    write_looks(&mut text, source.plan);
    let needs_graph_app = source.plan.changes().any(|step| {
        let body = step.request.as_ref().and_then(|request| request.body.as_ref());
        body.is_some_and(|body| unknown_in(&body.to_string()).contains(&Slot::GraphPrincipalId))
    });
    if needs_graph_app {
        let _ = writeln!(
            text,
            "\n# Microsoft Graph itself, as this tenant knows it\n{}=$(graph GET \"/servicePrincipals(appId='{GRAPH_APP_ID}')\" | jq -er .id)",
            Slot::GraphPrincipalId.variable()
        );
        write_check(&mut text, Slot::GraphPrincipalId);
    }
    for step in source.plan.changes() {
        write_step(&mut text, step);
    }
    for note in &source.plan.notes {
        let _ = writeln!(text, "\n# Note: {}", comment(note));
    }
    let learned = |slot| source.plan.steps.iter().flat_map(|step| &step.learns).any(|(one, _)| *one == slot);
    let ids: Vec<String> = [Part::Api, Part::Client]
        .into_iter()
        .filter(|part| learned(Slot::app_id(*part)))
        .map(|part| format!("echo \"{}=${}\"", source.plan.mode.setting(part), Slot::app_id(part).variable()))
        .collect();
    if !ids.is_empty() {
        let _ = writeln!(text, "\n# The gateway's settings\n{}", ids.join("\n"));
    }
    text
}

/// A registration in the wrong tenant would be worse than none. The token is for Graph to read, but it names its tenant.
fn write_tenant(text: &mut String, plan: &Plan) {
    let Some(id) = tenant_id(plan) else {
        let _ = writeln!(text, "# The tenant is the one of the token; meant is {}.", comment(&plan.tenant));
        return;
    };
    let claim = r#"split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | . + "==="[: (4 - length % 4) % 4] | @base64d | fromjson | .tid"#;
    let _ = writeln!(
        text,
        "[ \"$(jq -Rr {} <<<\"$GRAPH_TOKEN\" 2>/dev/null)\" = {id} ] || stop 'GRAPH_TOKEN is not for the tenant {id}'",
        quoted(claim)
    );
}

/// Before anything is made: is there any of it?
fn write_looks(text: &mut String, plan: &Plan) {
    let made = plan
        .changes()
        .filter(|step| matches!(step.task, Task::Application { .. }) && step.action == Action::Create);
    let paths: Vec<String> =
        made.filter_map(|step| step.request.as_ref()).map(|request| quoted(&request.path)).collect();
    if paths.is_empty() {
        return;
    }
    text.push_str(ABSENT);
    for path in paths {
        let _ = writeln!(text, "absent {path}");
    }
}

/// jq says nothing about an answer in which there is nothing.
fn write_check(text: &mut String, slot: Slot) {
    let _ = writeln!(text, ": \"${{{}:?Graph did not say it}}\"", slot.variable());
}

fn write_step(text: &mut String, step: &Step) {
    let Some(request) = &step.request else { return };
    let _ = writeln!(text, "\n# {}: {}", step.action.word(), comment(&step.title));
    let mut call = format!("graph {} {}", request.method.as_str(), quoted(&request.path));
    if let Some(body) = &request.body {
        let body = serde_json::to_string_pretty(body).unwrap_or_default();
        let _ = write!(call, " {}", quoted(&body));
    } else if request.method != Method::Delete {
        call.push_str(" ''");
    }
    if let Some(prefer) = request.prefer {
        let _ = write!(call, " {prefer}");
    }
    if step.task == Task::Secret {
        text.push_str(&keep_secret(&format!("{call} | jq -er .secretText")));
    } else if step.learns.is_empty() {
        let _ = writeln!(text, "{call} >/dev/null");
    } else {
        let _ = writeln!(text, "answer=$({call})");
        for (slot, member) in &step.learns {
            let _ = writeln!(text, "{}=$(jq -er .{member} <<<\"$answer\")", slot.variable());
            write_check(text, *slot);
        }
    }
}
