//! A plan for people, like a diff.

use std::fmt::Write as _;

use entragate::is_invisible;
use owo_colors::OwoColorize as _;
use serde_json::Value;

use super::plan::{Action, Field, Plan, Step};
use super::slot::{Ids, Slot};

/// The plan.
pub fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        write_step(&mut text, step);
    }
    for note in &plan.notes {
        let _ = writeln!(text, "\n{} {}", "note:".cyan().bold(), readable(note));
    }
    text
}

/// How many steps of each kind there are.
pub fn count(plan: &Plan) -> String {
    let of = |action: Action| plan.steps.iter().filter(|step| step.action == action).count();
    let counts = [
        (of(Action::Create), "to create"),
        (of(Action::Change), "to change"),
        (of(Action::Remove), "to remove"),
        (of(Action::Keep), "as they should be"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") }
}

fn write_step(text: &mut String, step: &Step) {
    let (sign, word) = (sign(step.action), step.action.word());
    let head = format!("{sign} {word:6}  {}", readable(&step.title));
    let head = match step.action {
        Action::Create => head.green().to_string(),
        Action::Change => head.yellow().to_string(),
        Action::Remove => head.red().to_string(),
        Action::Keep => head.dimmed().to_string(),
    };
    let _ = writeln!(text, "{head}");
    if step.request.is_none() {
        return;
    }
    for field in step.fields.iter().filter(|field| field.differs()) {
        write_field(text, field);
    }
    if let Some(request) = &step.request {
        let _ = writeln!(text, "            {}", readable(&request.name()).dimmed());
    }
}

const fn sign(action: Action) -> char {
    match action {
        Action::Create => '+',
        Action::Change => '~',
        Action::Keep => '=',
        Action::Remove => '-',
    }
}

/// Lists entry by entry, everything else old → new.
fn write_field(text: &mut String, field: &Field) {
    let name = &field.name;
    let empty = Vec::new();
    if let Value::Array(after) = &field.after {
        let before = field.before.as_array().unwrap_or(&empty);
        let _ = writeln!(text, "      {name}");
        for entry in before {
            let (sign, entry) = if after.contains(entry) { (' ', word(entry)) } else { ('-', word(entry)) };
            let _ = writeln!(text, "        {sign} {}", readable(&entry));
        }
        for entry in after.iter().filter(|entry| !before.contains(entry)) {
            let _ = writeln!(text, "        {} {}", '+'.green(), readable(&word(entry)));
        }
        return;
    }
    match &field.before {
        Value::Null => drop(writeln!(text, "      {name}: {}", readable(&word(&field.after)))),
        before => {
            let (before, after) = (readable(&word(before)), readable(&word(&field.after)));
            let _ = writeln!(text, "      {name}: {before} → {after}");
        }
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// Without what a terminal would act on, and with words for ids that are not known yet.
fn readable(text: &str) -> String {
    let mut ids = Ids::default();
    for slot in Slot::ALL {
        ids.learn(slot, words(slot));
    }
    ids.fill(text).chars().filter(|c| !is_invisible(*c)).collect()
}

const fn words(slot: Slot) -> &'static str {
    match slot {
        Slot::ApiAppId => "{client id of the API app}",
        Slot::ApiObjectId => "{API app}",
        Slot::ApiPrincipalId => "{service principal of the API app}",
        Slot::ClientAppId => "{client id of the client app}",
        Slot::ClientObjectId => "{client app}",
        Slot::ClientPrincipalId => "{service principal of the client app}",
        Slot::GraphPrincipalId => "{service principal of Microsoft Graph}",
    }
}
