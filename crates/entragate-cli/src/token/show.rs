//! A report for people.

use std::fmt::Write as _;

use entragate::{Access, CheckOutcome, Outlook, TokenBearer, TokenCheck, TokenReport, TokenVerdict};
use owo_colors::OwoColorize as _;

/// Group ids that are listed; `--json` has all.
const LISTED: usize = 10;

/// The report as text.
pub(super) fn text(report: &TokenReport) -> String {
    let mut out = String::new();
    verdict(&mut out, report);
    out.push_str("\nchecks\n");
    for check in &report.checks {
        row(&mut out, check);
    }
    if let Some(bearer) = &report.bearer {
        who(&mut out, bearer);
    }
    if let Some(outlook) = &report.access {
        let if_accepted = if report.verdict == TokenVerdict::Valid { "" } else { ", if it were accepted" };
        let _ = writeln!(out, "\nwhat the rules allow{if_accepted}");
        rules(&mut out, outlook);
    }
    for note in &report.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}

fn rules(out: &mut String, outlook: &Outlook) {
    if !outlook.missing_scopes.is_empty() {
        let missing = outlook.missing_scopes.join(" ");
        let _ = writeln!(out, "  {} every call  needs scope {missing} (403 insufficient_scope)", cross());
    }
    for rule in &outlook.rules {
        let mark = match rule.access {
            Access::Allowed => tick(),
            Access::Refused => cross(),
            Access::AsksGraph => "?".yellow().to_string(),
            // Never asked, and what later versions of the library may know.
            _ => "–".dimmed().to_string(),
        };
        let needs = rule.needs.as_deref().map(|needs| format!("  {needs}")).unwrap_or_default();
        let _ = writeln!(out, "  {mark} {}{needs}", rule.names.join(", "));
    }
    let (mark, rest) = match (outlook.rules.as_slice(), outlook.missing_scopes.as_slice()) {
        ([], []) => (tick(), "everything: there are no rules"),
        ([], _) => return,
        _ => (cross(), "everything else that does something: refused, no rule names it"),
    };
    let _ = writeln!(out, "  {mark} {rest}");
}

fn tick() -> String {
    "✓".green().to_string()
}

fn cross() -> String {
    "✗".red().to_string()
}

fn verdict(out: &mut String, report: &TokenReport) {
    let _ = match &report.verdict {
        TokenVerdict::Valid => accepted(out, report.access.as_ref()),
        TokenVerdict::Refused { check, reason, remedy } => writeln!(
            out,
            "{}\n  {reason} (check={check} in the log)\n  {remedy}",
            "The gateway would refuse this token.".red()
        ),
        TokenVerdict::Unjudged { reason } => {
            let head = if is_genuine(report) {
                "Nothing that can be seen from here is wrong with this token."
            } else {
                "This token could not be checked."
            };
            writeln!(out, "{}\n  {reason}", head.yellow())
        }
        // Later versions of the library may know more.
        _ => writeln!(out, "This token could not be checked."),
    };
}

/// To be let in and then refused whatever one does is what people come with, too.
fn accepted(out: &mut String, outlook: Option<&Outlook>) -> std::fmt::Result {
    match outlook.map(|outlook| (outlook.overall, outlook.missing_scopes.as_slice())) {
        Some((Access::Refused, missing)) => {
            let why = if missing.is_empty() {
                "No rule lets the caller do anything; below is what each of them asks for.".to_owned()
            } else {
                format!("Every call needs scope {}, which is not in the token.", missing.join(" "))
            };
            let head = "The gateway would accept this token, and refuse every call that does something.";
            writeln!(out, "{}\n  {why}", head.red())
        }
        Some((Access::AsksGraph, _)) => {
            let head =
                "The gateway would accept this token, and whether it then allows anything is not known.";
            writeln!(out, "{}\n  It depends on groups that only Microsoft Graph can tell.", head.yellow())
        }
        _ => writeln!(out, "{}", "The gateway would accept this token.".green()),
    }
}

/// Whether who made it was proven: of a sealed token only the store knows more.
fn is_genuine(report: &TokenReport) -> bool {
    let proves = |check: &TokenCheck| {
        ["signature", "not_sealed_here"].contains(&check.check) && check.outcome == CheckOutcome::Passed
    };
    report.checks.iter().any(proves)
}

fn row(out: &mut String, check: &TokenCheck) {
    let mark = match check.outcome {
        CheckOutcome::Passed => tick(),
        CheckOutcome::Failed => cross(),
        _ => "–".dimmed().to_string(),
    };
    let _ = writeln!(out, "  {mark} {:20}  {}", check.check, check.found);
    if let Some(remedy) = &check.remedy {
        let _ = writeln!(out, "      {remedy}");
    }
}

fn who(out: &mut String, bearer: &TokenBearer) {
    let heading = if bearer.is_verified { "who it is" } else { "who it says it is, unverified" };
    let _ = writeln!(out, "\n{heading}");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:10}  {value}");
    };
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let listed = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(" ") };
    line("kind", bearer.kind.unwrap_or("neither a user nor a program"));
    line("object id", &or_none(&bearer.object_id));
    line("tenant", &or_none(&bearer.tenant_id));
    line("client", &or_none(&bearer.client_id));
    if let Some(agent) = bearer.agent {
        line("agent", agent);
        line("blueprint", &or_none(&bearer.agent_blueprint));
    }
    line("scopes", &listed(&bearer.scopes));
    line("roles", &listed(&bearer.roles));
    let groups = match (bearer.groups_overage, bearer.groups.len()) {
        (true, _) => "too many for a token (overage)".to_owned(),
        (false, 0) => "none".to_owned(),
        (false, count) => {
            let first: Vec<&str> = bearer.groups.iter().take(LISTED).map(String::as_str).collect();
            let more = if count > LISTED { " …" } else { "" };
            format!("{count}: {}{more}", first.join(" "))
        }
    };
    line("groups", &groups);
}
