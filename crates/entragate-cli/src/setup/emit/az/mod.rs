//! A shell script for the Azure CLI: the plan's requests through `az rest`, each behind a look at what is there.
//!
//! `az ad app create` is not used. It would change whatever registration has the same name, and has no flags for exposed
//! scopes, pre-authorized clients and the alternate key; `az ad app permission grant` takes other scopes away
//! (Azure/azure-cli#20974), and `az ad app permission admin-consent` exists in the public cloud only.

mod query;
mod step;

use std::fmt::Write as _;

use super::shell::quoted;
use super::value::comment;
use super::{Source, tenant_id};
use crate::graph::GRAPH_APP_ID;
use crate::setup::plan::{Plan, Task};
use crate::setup::slot::{Slot, unknown_in};
use crate::setup::wanted::Part;

const HEAD: &str = r"#!/usr/bin/env bash
# App registrations of an MCP gateway, printed by `entragate setup --emit az`.
#
# Needs the Azure CLI, signed in to the tenant (no subscription is needed):
#   az login --tenant TENANT --allow-no-subscriptions
#
# It may be run again: it looks before it makes anything. There is no secret in it.
# Above each step stands the permission that it needs and the role of a person who may do it.
set -euo pipefail
";

/// `graph` reads a busy directory's answers: what was made a moment ago is not known everywhere at once (404), and an
/// application that is not yet known to the service principals answers 400.
const FUNCTIONS: &str = r#"
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

stop() { echo "$1" >&2; exit 2; }

# graph METHOD PATH QUERY [BODY [HEADER]]: sends a request and prints what the query says of the answer.
graph() {
  local pause
  for pause in 1 2 4 8 16 ''; do
    if az rest --only-show-errors --output tsv --method "$1" --url "$GRAPH$2" --resource "$RESOURCE" --query "$3" \
      ${4:+--body "$4"} ${5:+--headers "$5"} 2>"$errors"; then
      return
    fi
    [ -n "$pause" ] || break
    case $(cat "$errors") in
      *Request_ResourceNotFound*|*'does not reference a valid application object'*|*'Too Many Requests'*) sleep "$pause" ;;
      *) break ;;
    esac
  done
  cat "$errors" >&2
  return 1
}

# look_up PATH QUERY: the same for an object that may not be there, which prints nothing.
look_up() {
  if ! az rest --only-show-errors --output tsv --method GET --url "$GRAPH$1" --resource "$RESOURCE" --query "$2" \
    2>"$errors"; then
    case $(cat "$errors") in
      *Request_ResourceNotFound*) ;;
      *) cat "$errors" >&2; return 1 ;;
    esac
  fi
}

# has PATH QUERY: whether the query says true.
has() {
  local answer
  answer=$(graph GET "$1" "$2") || exit 1
  [ "$answer" = true ]
}
"#;

/// The script.
pub(super) fn script(source: Source<'_>) -> String {
    let plan = source.plan;
    let mut text = HEAD.to_owned();
    write_tenant(&mut text, plan);
    text.push_str(FUNCTIONS);
    write_known(&mut text, plan);
    let (secret, steps): (Vec<_>, Vec<_>) = plan.changes().partition(|step| step.task == Task::Secret);
    for step in steps {
        step::write(&mut text, plan, step);
    }
    for note in &plan.notes {
        let _ = writeln!(text, "\n# Note: {}", comment(note));
    }
    write_settings(&mut text, plan);
    for step in secret {
        step::write_secret(&mut text, step);
    }
    text
}

/// A registration in the wrong tenant would be worse than none.
fn write_tenant(text: &mut String, plan: &Plan) {
    match tenant_id(plan) {
        Some(id) => {
            let _ = writeln!(
                text,
                "\n[ \"$(az account show --query tenantId --output tsv)\" = {id} ] || {{\n  echo 'sign in first: az login --tenant {id} --allow-no-subscriptions' >&2\n  exit 2\n}}"
            );
        }
        None => {
            let _ = writeln!(
                text,
                "\n# The tenant is the one you are signed in to; meant is {}.",
                comment(&plan.tenant)
            );
        }
    }
    text.push_str("RESOURCE=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)\nGRAPH=${GRAPH_URL:-${RESOURCE%/}/v1.0}\n");
}

/// Ids of what is there already.
fn write_known(text: &mut String, plan: &Plan) {
    let used = |slot: Slot| {
        plan.changes().filter_map(|step| step.request.as_ref()).any(|request| {
            let body = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
            unknown_in(&body).contains(&slot) || unknown_in(&request.path).contains(&slot)
        })
    };
    text.push('\n');
    for slot in Slot::ALL {
        if let Some(id) = plan.ids.get(slot) {
            let _ = writeln!(text, "{}={}", slot.variable(), quoted(id));
        } else if slot == Slot::GraphPrincipalId && used(slot) {
            let path = quoted(&format!("/servicePrincipals(appId='{GRAPH_APP_ID}')"));
            let _ = writeln!(
                text,
                "# Microsoft Graph itself, as this tenant knows it\n{}=$(graph GET {path} id)",
                slot.variable()
            );
        }
    }
}

fn write_settings(text: &mut String, plan: &Plan) {
    let learned: Vec<Slot> = plan.steps.iter().flat_map(|step| &step.learns).map(|(slot, _)| *slot).collect();
    text.push_str("\n# The gateway's settings\n");
    for part in [Part::Api, Part::Client] {
        let (slot, setting) = (Slot::app_id(part), plan.mode.setting(part));
        if learned.contains(&slot) || plan.ids.get(slot).is_some() {
            let _ = writeln!(text, "echo \"{setting}=${{{}}}\"", slot.variable());
        }
    }
}
