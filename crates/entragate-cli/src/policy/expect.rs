//! A file of expectations: what a reviewer wants to stay true of the rules.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use entragate::{Decision, Gate, Rehearsal};
use owo_colors::OwoColorize as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::CallDescription;
use super::caller::CallerDescription;
use super::test::rehearsed;
use crate::cli::Exit;
use crate::config::{Config, RulePlaces};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tests: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: Option<String>,
    #[serde(default)]
    caller: CallerDescription,
    call: CallDescription,
    route: Option<String>,
    expect: Expected,
    /// What must be missing, as the log names it.
    because: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Allowed,
    /// Whatever the reason.
    Denied,
    /// Denied, and signing in again for a scope would help.
    StepUp,
}

/// How every test ended.
pub(super) struct Report(Vec<Outcome>);

struct Outcome {
    name: String,
    expected: String,
    /// What there is instead, if it is something else.
    instead: Option<String>,
}

/// Runs every test of the file.
pub(super) fn run(path: &Path, gate: &Gate, config: &Config, places: &RulePlaces) -> anyhow::Result<Report> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let File { tests } =
        toml::from_str(&text).with_context(|| format!("{} is no file of expectations", path.display()))?;
    anyhow::ensure!(!tests.is_empty(), "{} has no test: write [[tests]]", path.display());
    let outcome = |(index, case): (usize, &Case)| {
        let name = case.name.clone().unwrap_or_else(|| format!("test {}", index + 1));
        let judged = rehearsed(gate, config, case.route.as_deref(), &case.caller, &case.call);
        let (route, answer) = judged.with_context(|| format!("{}: `{name}`", path.display()))?;
        let place = answer.rule().and_then(|rule| places.of(route, rule));
        let instead = (!case.is_met(&answer)).then(|| found(&answer, place.as_deref()));
        Ok(Outcome { name, expected: case.expected(), instead })
    };
    tests.iter().enumerate().map(outcome).collect::<anyhow::Result<_>>().map(Report)
}

impl Case {
    fn is_met(&self, answer: &Answer) -> bool {
        let Some(Rehearsal { decision, .. }) = answer.rehearsal() else { return false };
        let is_as_expected = match self.expect {
            Expected::Allowed => matches!(decision, Decision::Allowed),
            Expected::Denied => !matches!(decision, Decision::Allowed | Decision::AsksGraph),
            Expected::StepUp => matches!(decision, Decision::StepUp { .. }),
        };
        is_as_expected && self.because.as_deref().is_none_or(|because| answer.missing() == Some(because))
    }

    fn expected(&self) -> String {
        let expected = match self.expect {
            Expected::Allowed => "allowed",
            Expected::Denied => "denied",
            Expected::StepUp => "step_up",
        };
        match &self.because {
            Some(because) => format!("{expected} because of {because}"),
            None => expected.to_owned(),
        }
    }
}

/// What there is, in a line.
fn found(answer: &Answer, place: Option<&str>) -> String {
    let Some(Rehearsal { decision, .. }) = answer.rehearsal() else { return "not known".to_owned() };
    let what = match decision {
        Decision::Allowed => "allowed".to_owned(),
        Decision::Refused { missing, .. } => format!("denied because of {missing}"),
        Decision::StepUp { missing, .. } => format!("step_up for {}", missing.join(" ")),
        Decision::Malformed { text } => format!("no message: {text}"),
        _ => "not known".to_owned(),
    };
    let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
    answer
        .rule()
        .map_or_else(|| format!("{what} without a rule"), |rule| format!("{what} by rule {rule}{place}"))
}

impl Report {
    fn failed(&self) -> usize {
        self.0.iter().filter(|outcome| outcome.instead.is_some()).count()
    }

    pub(super) fn exit(&self) -> Exit {
        if self.failed() == 0 { Exit::Fine } else { Exit::Findings }
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for Outcome { name, expected, instead } in &self.0 {
            let _ = match instead {
                None => writeln!(out, "{} {name}", "✓".green()),
                Some(found) => writeln!(out, "{} {name}\n    expected {expected}, found {found}", "✗".red()),
            };
        }
        let failed = self.failed();
        let _ = writeln!(out, "\n{} passed, {failed} failed", self.0.len() - failed);
        out
    }

    pub(super) fn json(&self) -> anyhow::Result<String> {
        let tests: Vec<Value> = self
            .0
            .iter()
            .map(|Outcome { name, expected, instead }| {
                json!({ "name": name, "expected": expected, "passed": instead.is_none(), "found": instead })
            })
            .collect();
        let document =
            json!({ "passed": self.0.len() - self.failed(), "failed": self.failed(), "tests": tests });
        Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
    }
}
