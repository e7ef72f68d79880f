//! For programs.

use entragate::aadsts::{self, Entry, Found, Names, Step};
use serde_json::{Value, json};

pub(super) fn found(found: &Found, names: &Names) -> String {
    let codes: Vec<Value> = found.codes.iter().map(|code| one(*code, names)).collect();
    let b2c: Vec<Value> = found
        .b2c
        .iter()
        .map(|code| json!({ "code": code, "meaning": super::B2C, "lookup": super::B2C_CODES }))
        .collect();
    let attempt = super::attempt_is_known(found).then(|| {
        json!({
            "correlation_id": found.correlation_id,
            "trace_id": found.trace_id,
            "timestamp": found.timestamp,
            "where": super::SIGN_IN_LOG,
        })
    });
    pretty(&json!({ "codes": codes, "b2c": b2c, "more": found.more, "attempt": attempt }))
}

pub(super) fn list(names: &Names) -> String {
    let mut entries: Vec<&Entry> = aadsts::all().collect();
    entries.sort_by_key(|entry| entry.code);
    pretty(&entries.into_iter().map(|entry| known(entry, names)).collect())
}

fn one(code: u64, names: &Names) -> Value {
    match aadsts::find(code) {
        Some(entry) => known(entry, names),
        None => json!({
            "code": code,
            "aadsts": format!("AADSTS{code}"),
            "known": false,
            "lookup": aadsts::lookup_url(code),
        }),
    }
}

fn known(entry: &Entry, names: &Names) -> Value {
    json!({
        "code": entry.code,
        "aadsts": entry.aadsts(),
        "known": true,
        "name": entry.name,
        "meaning": names.fill(entry.meaning),
        "who": entry.who.as_str(),
        "fix": names.fill(&entry.advice()),
        "portal": step(entry.portal, names),
        "command": step(entry.command, names),
        "row": entry.row,
        "page": entry.row.and_then(aadsts::page).map(|page| format!("docs/incompatibilities/{}", page.file)),
        "sources": entry.sources,
        "lookup": aadsts::lookup_url(entry.code),
    })
}

/// What to do, or why nothing can be done there.
fn step(step: Step, names: &Names) -> Value {
    match step {
        Step::Do(text) => json!({ "do": names.fill(text) }),
        Step::Impossible(reason) => json!({ "none": names.fill(reason) }),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
