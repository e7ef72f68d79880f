//! `entragate policy explain`: the rules as a table.

use std::fmt::Write as _;

use entragate::{Policy, RuleExplanation, TenantId};
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use crate::cli::{Exit, print};
use crate::config::{Judging, RouteConfig, RulePlaces};

/// Options of `entragate policy explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
The first rule that names a call decides. A rule that an earlier one leaves nothing to decide is refused when the \
configuration is read.
Exit codes: 0 fine, 1 a rule is there that nobody can ever meet, 2 could not run.";

/// Prints every rule of every MCP server.
pub(super) fn run(arguments: &Arguments, judging: &Judging, places: &RulePlaces) -> anyhow::Result<Exit> {
    let tenant = judging.config.identity.tenant().and_then(TenantId::as_guid);
    let explained: Vec<(&RouteConfig, Vec<RuleExplanation>)> = judging
        .config
        .routes
        .iter()
        .map(|route| (route, Policy::new(route.rules.iter().cloned()).explain(tenant)))
        .collect();
    let text = if arguments.json { json(&explained, places) } else { text(&explained, places) };
    print(&text)?;
    let is_dead = explained.iter().flat_map(|(_, rules)| rules).any(|rule| rule.nobody.is_some());
    Ok(if is_dead { Exit::Findings } else { Exit::Fine })
}

fn text(explained: &[(&RouteConfig, Vec<RuleExplanation>)], places: &RulePlaces) -> String {
    let mut out = String::new();
    for (number, (route, rules)) in explained.iter().enumerate() {
        let gap = if number == 0 { "" } else { "\n" };
        let _ = writeln!(out, "{gap}{}", route.path().bold());
        if rules.is_empty() {
            let _ = writeln!(out, "  everything: anybody signed in, because there are no rules");
            continue;
        }
        for (index, rule) in rules.iter().enumerate() {
            let place = places.of(number, index + 1).map(|place| format!("  ({place})")).unwrap_or_default();
            let _ = writeln!(out, "  rule {}{place}", index + 1);
            let _ = writeln!(out, "    calls  {}", rule.names.join(", "));
            let _ = match &rule.nobody {
                Some(why) => writeln!(out, "    for    {}", format!("nobody: {why}").red()),
                None => writeln!(out, "    for    {}", rule.callers.join(", and ")),
            };
            if let Some(when) = &rule.when {
                let _ = writeln!(out, "    when   {when}");
            }
        }
        let _ = writeln!(out, "  {ELSE}\n  {PROTOCOL}");
    }
    out
}

const ELSE: &str = "everything else that does something: nobody, because no rule names it";
const PROTOCOL: &str = "what sets up, lists and ends (initialize, ping, tools/list, …): anybody signed in, and lists show what they may call";

fn json(explained: &[(&RouteConfig, Vec<RuleExplanation>)], places: &RulePlaces) -> String {
    let routes: Vec<Value> = explained
        .iter()
        .enumerate()
        .map(|(number, (route, rules))| {
            let rules: Vec<Value> = rules
                .iter()
                .enumerate()
                .map(|(index, rule)| {
                    json!({
                        "rule": index + 1,
                        "place": places.of(number, index + 1),
                        "names": rule.names,
                        "callers": rule.callers,
                        "when": rule.when,
                        "nobody": rule.nobody,
                    })
                })
                .collect();
            let otherwise = if rules.is_empty() { "allowed" } else { "denied" };
            json!({ "path": route.path(), "rules": rules, "everything_else": otherwise })
        })
        .collect();
    format!("{:#}\n", json!({ "routes": routes }))
}
