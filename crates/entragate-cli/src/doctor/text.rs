//! The report for a terminal. It reads without colour.

use std::fmt::Write as _;

use entragate::is_invisible;
use owo_colors::OwoColorize as _;

use super::check::{Group, Outcome};
use super::experience::{Experience, Step, Verdict};
use super::finding::{Finding, Severity};
use super::report::Report;

/// The report as text; colours are taken out where they are not wanted by whoever prints.
pub fn as_text(report: &Report) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let mut of_group = report.examined.iter().filter(|examined| examined.check.group == group).peekable();
        if of_group.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "{}", group.title().bold());
        for examined in of_group {
            let (mark, remark) = match &examined.outcome {
                Outcome::Fine => ("✓".green().to_string(), String::new()),
                Outcome::Found => (worst(report, examined.check.name), String::new()),
                Outcome::NotChecked(reason) => ("?".yellow().to_string(), format!("not checked: {reason}")),
                Outcome::NotApplicable(reason) => ("–".dimmed().to_string(), (*reason).to_owned()),
            };
            let line = format!("  {mark} {:22} {}", examined.check.name, printable(&remark));
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text.push('\n');
    }
    if !report.clients.is_empty() {
        clients(&mut text, &report.clients);
    }
    for found in &report.findings {
        finding(&mut text, found);
    }
    summary(&mut text, report);
    text
}

fn worst(report: &Report, check: &str) -> String {
    let severity =
        report.findings.iter().find(|finding| finding.check == check).map(|finding| finding.severity);
    match severity {
        Some(Severity::Information) => "i".blue().to_string(),
        Some(Severity::Warning) => "!".yellow().to_string(),
        Some(Severity::Error) | None => "✗".red().to_string(),
    }
}

fn finding(text: &mut String, finding: &Finding) {
    let word = match finding.severity {
        Severity::Error => finding.severity.name().red().bold().to_string(),
        Severity::Warning => finding.severity.name().yellow().bold().to_string(),
        Severity::Information => finding.severity.name().blue().bold().to_string(),
    };
    let _ = writeln!(text, "{word}: {}", printable(&finding.what));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name:6} {}", printable(value));
        }
    };
    line("where:", &finding.place);
    line("why:", &finding.why);
    line("fix:", &finding.fix);
    line("run:", finding.command.as_deref().unwrap_or_default());
    line("code:", &finding.code.map(|code| format!("AADSTS{code}")).unwrap_or_default());
    line("check:", finding.check);
    text.push('\n');
}

fn summary(text: &mut String, report: &Report) {
    let count = |severity: Severity, one: &str, more: &str| {
        let count = report.count(severity);
        format!("{count} {}", if count == 1 { one } else { more })
    };
    let errors = count(Severity::Error, "error", "errors");
    let warnings = count(Severity::Warning, "warning", "warnings");
    let information = count(Severity::Information, "information", "information");
    let (fine, not) = (report.fine(), report.not_checked());
    let _ = writeln!(text, "{errors}, {warnings}, {information}; {fine} checks fine, {not} not checked");
}

/// Client × step, and below it why a step fails or cannot be known.
fn clients(text: &mut String, clients: &[Experience]) {
    let _ = writeln!(text, "{}", "What MCP clients would experience".bold());
    let mut heading = format!("  {:38}", "");
    for step in Step::ALL {
        let _ = write!(heading, " {:13}", step.title());
    }
    let _ = writeln!(text, "{}", heading.trim_end());
    let mut reasons: Vec<&str> = Vec::new();
    for experience in clients {
        let mut line = format!("  {:38}", experience.client.display);
        for (_, verdict) in &experience.steps {
            let (mark, reason) = match verdict {
                Verdict::Works => ("✓", None),
                Verdict::Fails(reason) => ("✗", Some(reason)),
                Verdict::Unknown(reason) => ("?", Some(reason)),
                Verdict::NotNeeded => ("–", None),
            };
            let number = reason.map(|reason| {
                let at = reasons.iter().position(|known| known == reason).unwrap_or_else(|| {
                    reasons.push(reason);
                    reasons.len() - 1
                });
                format!(" [{}]", at + 1)
            });
            let _ = write!(line, " {:13}", format!("{mark}{}", number.unwrap_or_default()));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for (at, reason) in reasons.iter().enumerate() {
        let _ = writeln!(text, "  [{}] {}", at + 1, printable(reason));
    }
    text.push('\n');
}

/// Answers of other machines are quoted; a terminal must not act on them.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect()
}
