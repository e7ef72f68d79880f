//! For people: it reads without colour.

use std::fmt::Write as _;

use entragate::aadsts::{self, Entry, Found, Names, Step};
use owo_colors::OwoColorize as _;

/// Prose is broken here; commands never are.
const WIDTH: usize = 100;
/// Room for the labels.
const INDENT: usize = 11;

pub(super) fn found(found: &Found, names: &Names) -> String {
    let mut parts: Vec<String> = Vec::new();
    for code in &found.codes {
        parts.push(aadsts::find(*code).map_or_else(|| unknown(*code), |entry| known(entry, names)));
    }
    for code in &found.b2c {
        let mut text = format!("{}\n", code.bold());
        prose(&mut text, "", super::B2C);
        line(&mut text, "look up", super::B2C_CODES);
        parts.push(text);
    }
    if super::attempt_is_known(found) {
        parts.push(attempt(found));
    }
    parts.join("\n")
}

pub(super) fn list() -> String {
    let mut entries: Vec<&Entry> = aadsts::all().collect();
    entries.sort_by_key(|entry| entry.code);
    let mut text = String::new();
    for entry in entries {
        let _ = writeln!(text, "{:13} {:13}  {}", entry.aadsts().bold(), entry.who.as_str(), entry.meaning);
    }
    text
}

fn known(entry: &Entry, names: &Names) -> String {
    let mut text = String::new();
    let _ = match entry.name {
        Some(name) => writeln!(text, "{}  {}", entry.aadsts().bold(), name.dimmed()),
        None => writeln!(text, "{}", entry.aadsts().bold()),
    };
    prose(&mut text, "", entry.meaning);
    prose(&mut text, "who", &entry.who.to_string());
    prose(&mut text, "fix", &names.fill(&entry.advice()));
    step(&mut text, "portal", entry.portal, names);
    step(&mut text, "command", entry.command, names);
    if let Some(page) = entry.row.and_then(aadsts::page) {
        line(&mut text, "page", &format!("docs/incompatibilities/{}", page.file));
    }
    for (at, source) in entry.sources.iter().enumerate() {
        line(&mut text, if at == 0 { "source" } else { "" }, source);
    }
    text
}

fn unknown(code: u64) -> String {
    let mut text = format!("{}\n", format!("AADSTS{code}").bold());
    prose(&mut text, "", "This code is not in the catalogue. Microsoft may explain it:");
    line(&mut text, "look up", &aadsts::lookup_url(code));
    text
}

fn attempt(found: &Found) -> String {
    let mut text = format!("{}\n", "the attempt".bold());
    for (label, value) in
        [("correlation", &found.correlation_id), ("request", &found.trace_id), ("time", &found.timestamp)]
    {
        if let Some(value) = value {
            line(&mut text, label, value);
        }
    }
    line(&mut text, "look up", super::SIGN_IN_LOG);
    text
}

fn step(text: &mut String, label: &str, step: Step, names: &Names) {
    match step {
        Step::Do(action) => line(text, label, &names.fill(action)),
        Step::Impossible(reason) => prose(text, label, &format!("none: {}", names.fill(reason))),
    }
}

/// On one line, to be copied.
fn line(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "  {label:INDENT$} {value}");
}

/// Broken between words. Without a label it stands at the left.
fn prose(text: &mut String, label: &str, value: &str) {
    let indent = if label.is_empty() { 0 } else { INDENT + 1 };
    let mut current = if label.is_empty() { String::new() } else { format!("{label:INDENT$} ") };
    let mut length = indent;
    for (at, word) in value.split(' ').enumerate() {
        let size = word.chars().count();
        if at > 0 && length + 1 + size > WIDTH {
            let _ = writeln!(text, "  {}", current.trim_end());
            current = " ".repeat(indent);
            length = indent;
        } else if at > 0 {
            current.push(' ');
            length += 1;
        }
        current.push_str(word);
        length += size;
    }
    let _ = writeln!(text, "  {current}");
}
