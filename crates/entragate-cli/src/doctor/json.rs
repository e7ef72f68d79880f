//! The report for programs. The schema is stable: members are added, never renamed or removed, and `version` counts up
//! when that cannot be kept.

use serde_json::{Value, json};

use super::check::Outcome;
use super::experience::{Experience, Verdict};
use super::finding::Severity;
use super::report::{Examined, Report};

/// The report as JSON.
pub fn as_json(report: &Report) -> String {
    let document = json!({
        "version": 1,
        "summary": {
            "errors": report.count(Severity::Error),
            "warnings": report.count(Severity::Warning),
            "information": report.count(Severity::Information),
            "fine": report.fine(),
            "not_checked": report.not_checked(),
        },
        "findings": report.findings,
        "checks": report.examined.iter().map(check).collect::<Vec<Value>>(),
        "clients": report.clients.iter().map(client).collect::<Vec<Value>>(),
    });
    let mut text = serde_json::to_string_pretty(&document).expect("plain data has a JSON form");
    text.push('\n');
    text
}

fn check(examined: &Examined) -> Value {
    let (outcome, reason) = match &examined.outcome {
        Outcome::Fine => ("fine", None),
        Outcome::Found => ("found", None),
        Outcome::NotChecked(reason) => ("not_checked", Some(reason.as_str())),
        Outcome::NotApplicable(reason) => ("not_applicable", Some(*reason)),
    };
    let mut value = json!({ "check": examined.check.name, "outcome": outcome });
    if let Some(reason) = reason {
        value["reason"] = reason.into();
    }
    value
}

fn client(experience: &Experience) -> Value {
    let steps = experience.steps.iter().map(|(step, verdict)| {
        let (word, reason) = match verdict {
            Verdict::Works => ("works", None),
            Verdict::Fails(reason) => ("fails", Some(reason)),
            Verdict::Unknown(reason) => ("unknown", Some(reason)),
            Verdict::NotNeeded => ("not_needed", None),
        };
        let mut value = json!({ "verdict": word });
        if let Some(reason) = reason {
            value["reason"] = reason.as_str().into();
        }
        (step.name().to_owned(), value)
    });
    json!({ "client": experience.client.name, "steps": steps.collect::<serde_json::Map<String, Value>>() })
}
