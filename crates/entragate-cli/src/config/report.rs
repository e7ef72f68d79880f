//! What `entragate config check` prints: every setting, its value, and where the value comes from.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::checked::{Config, Identity, RouteConfig, ServerConfig};
use super::item::{Item, Value};
use super::keys::{self, Key, Kind};
use super::load::Explained;
use super::problems::{Finding, Problems};
use super::rules::PARTS_OF_A_RULE;
use super::sources::{Slot, Sources};

/// A setting in force.
#[derive(Debug)]
pub struct Setting {
    /// The key.
    pub key: &'static Key,
    /// Its value, for people; a secret is "(set)".
    pub value: String,
    /// The parts of a value that does not fit on a line.
    pub details: Vec<String>,
    /// Where the value comes from, `None` for a default.
    pub source: Option<String>,
}

/// Lists the settings in force.
pub(super) fn settings(sources: &Sources, config: &Config) -> Vec<Setting> {
    let setting = |key: &'static Key| match sources.slots.get(key.path) {
        Some(Slot::Given(item)) => Setting {
            key,
            value: given(key, item, config),
            details: match key.kind {
                Kind::Rules => rules(&item.value),
                Kind::Routes => config.routes.iter().enumerate().map(route).collect(),
                _ => Vec::new(),
            },
            source: Some(item.place.to_string()),
        },
        _ => Setting { key, value: default(key, config), details: Vec::new(), source: None },
    };
    keys::ALL.into_iter().map(setting).collect()
}

/// A given value, in the form in which it is used where that differs from what was written.
fn given(key: &Key, item: &Item, config: &Config) -> String {
    match key.path {
        "base_url" => config.base_url.to_string(),
        "listen" => config.listen.to_string(),
        "routes" => format!("{} MCP servers", config.routes.len()),
        // Without the values, which may be secrets.
        "upstream.environment" => text(&item.value)
            .split(", ")
            .map(|one| one.split('=').next().unwrap_or(one))
            .collect::<Vec<_>>()
            .join(", "),
        _ => text(&item.value),
    }
}

/// A line for each route.
fn route((index, route): (usize, &RouteConfig)) -> String {
    let mut line = format!("route {}  {}: {}", index + 1, route.path(), route.whereabouts());
    if let Some(name) = &route.resource_name {
        let _ = write!(line, "; resource_name: {name}");
    }
    if let Some(api) = &route.api {
        let _ = write!(line, "; asks for: {}", api.qualified_scopes().join(", "));
    }
    let _ = write!(line, "; rules: {}", route.rules.len());
    line
}

/// A line for each rule.
fn rules(value: &Value) -> Vec<String> {
    let Value::List(items) = value else { return Vec::new() };
    let rules = items.iter().filter_map(|item| match &item.value {
        Value::Table(members) => Some(members),
        _ => None,
    });
    rules
        .enumerate()
        .map(|(index, members)| {
            let member = |name: &&str| members.iter().find(|(member, _)| member.name == **name);
            let parts = PARTS_OF_A_RULE.iter().filter_map(member);
            let parts: Vec<_> =
                parts.map(|(member, item)| format!("{}: {}", member.name, text(&item.value))).collect();
            format!("rule {}  {}", index + 1, parts.join("; "))
        })
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Secret(_) => "(set)".to_owned(),
        Value::Flag(flag) => flag.to_string(),
        Value::Count(number) => number.to_string(),
        Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Table(_))) => {
            match items.len() {
                0 => "none".to_owned(),
                1 => "1 entry".to_owned(),
                count => format!("{count} entries"),
            }
        }
        Value::List(items) => items.iter().map(|item| text(&item.value)).collect::<Vec<_>>().join(", "),
        Value::Table(members) => {
            let entry = |(member, item): &(super::item::Member, Item)| {
                format!("{}: {}", member.name, text(&item.value))
            };
            members.iter().map(entry).collect::<Vec<_>>().join("; ")
        }
        Value::Other(name) => (*name).to_owned(),
    }
}

/// The defaults that depend on something else; the rest stand in the table of keys.
fn default(key: &Key, config: &Config) -> String {
    match (key.path, &config.identity) {
        ("mode", Identity::Development) => "development, without authentication".to_owned(),
        ("mode", Identity::Relay(_)) => "relay".to_owned(),
        ("mode", Identity::Broker(_)) => "broker".to_owned(),
        ("entra.identifier_uris", Identity::Broker(broker)) => broker.api.identifier_uri().to_owned(),
        ("base_url", _) => config.base_url.to_string(),
        ("upstream.identity", _) => match config.routes.as_slice() {
            [RouteConfig { server: ServerConfig::Stdio(_), .. }] => "environment".to_owned(),
            _ => "headers".to_owned(),
        },
        ("upstream.path", _) => match config.routes.as_slice() {
            [only] => only.path().to_owned(),
            _ => "none".to_owned(),
        },
        ("entra.identifier_uris", Identity::Relay(relay)) => relay.api.identifier_uri().to_owned(),
        ("entra.identifier_uris", Identity::Development) => "none".to_owned(),
        ("groups.overage", _) if config.graph_groups.is_some() => "graph".to_owned(),
        ("groups.overage", _) => "refuse".to_owned(),
        _ => key
            .default
            .split_once(':')
            .filter(|(head, _)| *head == "none")
            .map_or(key.default, |_| "none")
            .to_owned(),
    }
}

/// The settings as a table.
pub fn as_table(explained: &Explained) -> String {
    let Explained { settings, file, .. } = explained;
    let width = |column: fn(&Setting) -> usize| settings.iter().map(column).max().unwrap_or_default();
    let key_width = width(|setting| setting.key.path.len());
    // One long value must not push every source out of sight.
    let value_width = width(|setting| setting.value.chars().count()).min(44);
    let mut table =
        format!("configuration file: {}\n\n", file.as_deref().map_or("none".into(), Path::to_string_lossy));
    for Setting { key, value, details, source } in settings {
        let source = source.as_deref().unwrap_or("default");
        let _ = writeln!(table, "{:key_width$}  {value:value_width$}  {source}", key.path);
        for detail in details {
            let _ = writeln!(table, "  {detail}");
        }
    }
    table
}

/// The settings as JSON.
pub fn as_json(explained: &Explained) -> String {
    let settings = explained.settings.iter().map(|setting| {
        json!({
            "key": setting.key.path,
            "value": setting.value,
            "details": setting.details,
            "source": setting.source,
        })
    });
    pretty(&json!({
        "file": explained.file,
        "settings": settings.collect::<Vec<_>>(),
        "problems": [],
        "warnings": explained.config.warnings.iter().map(finding_as_json).collect::<Vec<_>>(),
    }))
}

/// Problems as JSON, in the same document.
pub fn problems_as_json(problems: &Problems) -> String {
    pretty(&json!({ "problems": problems.iter().map(finding_as_json).collect::<Vec<_>>() }))
}

fn finding_as_json(finding: &Finding) -> Json {
    json!({
        "severity": finding.severity.name(),
        "key": finding.key,
        "place": finding.place.to_string(),
        "message": finding.message,
        "hint": finding.hint,
    })
}

fn pretty(document: &Json) -> String {
    format!("{document:#}\n")
}
