//! `entragate policy test`: one call, or a file of them.

use std::path::PathBuf;
use std::slice;

use anyhow::Context as _;
use entragate::{Gate, Resource};
use serde_json::json;

use super::answer::Answer;
use super::call::CallDescription;
use super::caller::CallerDescription;
use super::spelling::Spelling;
use super::{expect, show};
use crate::cli::{Exit, print};
use crate::config::{Config, Judging, RulePlaces};
use crate::named_server::named_server;
use crate::token::{input, sealed};

/// Options of `entragate policy test`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    caller: CallerDescription,
    /// Whoever has this token, instead of a rehearsed caller: `-` for standard input, or a file
    #[arg(long, value_name = "-|FILE", conflicts_with_all = ["roles", "scopes", "groups", "tenant", "user", "app", "client"])]
    token: Option<String>,
    #[command(flatten)]
    call: CallDescription,
    /// The MCP server, by its path or URL, where there are several
    #[arg(long, value_name = "PATH")]
    route: Option<String>,
    /// Check every test of this TOML file instead: a caller, a call, and what is expected
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "route"])]
    expect: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Nothing is called, and nothing can be: the rules are asked as the running gateway asks them. A file of expectations:

  [[tests]]
  name = \"only administrators delete\"
  caller = { roles = [\"User\"] }
  call = { tool = \"admin_delete\", arguments = { id = 7 } }
  expect = \"denied\"          # or allowed, or step_up

Exit codes: 0 allowed, or every expectation is met; 1 denied, or an expectation is not met; 2 could not run.";

/// Judges and prints.
pub(super) async fn run(
    arguments: &Arguments,
    judging: &Judging,
    places: &RulePlaces,
) -> anyhow::Result<Exit> {
    let config = &judging.config;
    let gate = config.examining_gate_builder()?.build()?;
    anyhow::ensure!(
        !gate.is_development(),
        "no tenant is configured, so nobody signs in and no rule is asked: set AZURE_TENANT_ID and the rest"
    );
    if let Some(file) = &arguments.expect {
        let is_alone = arguments.caller.is_empty() && arguments.call.is_empty();
        anyhow::ensure!(is_alone, "--expect names callers and calls itself: leave out the others");
        let report = expect::run(file, &gate, config, places)?;
        let text = if arguments.json { report.json()? } else { report.text() };
        print(&text)?;
        return Ok(report.exit());
    }
    let (number, resource) =
        named_server(&gate, arguments.route.as_deref(), &Spelling::Options.of("route", "route"))?;
    let body = arguments.call.body(Spelling::Options)?;
    let caller = arguments.caller.caller(config, Spelling::Options)?;
    let answer = match &arguments.token {
        Some(token) => of_token(&gate, resource, token, &body, judging).await?,
        None => Answer::of(gate.rehearse(resource, &caller, body.as_bytes())),
    };
    let place = answer.rule().and_then(|rule| places.of(number, rule));
    if arguments.json {
        let rule = answer.rule().map(|number| json!({ "number": number, "place": place }));
        let mut document = serde_json::to_value(&answer)?;
        if let Some(members) = document.as_object_mut() {
            members.insert("rule".to_owned(), json!(rule));
        }
        print(&format!("{document:#}\n"))?;
    } else {
        let who = arguments
            .token
            .as_ref()
            .map_or_else(|| arguments.caller.text(), |_| "whoever has the token".to_owned());
        print(&show::text(&answer, &who, place.as_deref()))?;
    }
    Ok(answer.exit())
}

async fn of_token(
    gate: &Gate,
    resource: &Resource,
    token: &str,
    body: &str,
    judging: &Judging,
) -> anyhow::Result<Answer> {
    let headers = input::read(slice::from_ref(&token.to_owned()), "--token")?;
    let examined = gate.rehearse_token(resource, &headers, body.as_bytes()).await;
    let (mut report, rehearsal) = examined.context("there is no token")?;
    if input::is_sealed(&headers)
        && let Some(why) = sealed::why_unjudged(Some(judging))
    {
        sealed::leave_unjudged(&mut report, why);
    }
    Ok(Answer::of_token(report, rehearsal))
}

/// One rehearsed call, for a file of expectations.
pub(super) fn rehearsed(
    gate: &Gate,
    config: &Config,
    route: Option<&str>,
    caller: &CallerDescription,
    call: &CallDescription,
) -> anyhow::Result<(usize, Answer)> {
    let (number, resource) = named_server(gate, route, &Spelling::Keys.of("route", "route"))?;
    let (caller, body) = (caller.caller(config, Spelling::Keys)?, call.body(Spelling::Keys)?);
    let rehearsal = gate.rehearse(resource, &caller, body.as_bytes());
    Ok((number, Answer::of(rehearsal)))
}
