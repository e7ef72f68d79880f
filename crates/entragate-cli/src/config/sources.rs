//! Environment and file together: every setting that was given, its value of the kind that the table of keys
//! asks for, and the environment winning over the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use entragate::Secret;

use super::environment::Environment;
use super::file;
use super::item::{Item, Member, Origin, Value};
use super::keys::{self, Key, Kind};
use super::nearest::nearest;
use super::problems::{Finding, Place, Severity};
use super::reference::toml_example;
use super::route::{self, At};
use super::service_links::is_service_link;

/// A setting that was given.
#[derive(Debug)]
pub(super) enum Slot {
    /// Of the right kind.
    Given(Item),
    /// Not of the right kind, which is already among the problems.
    Bad,
}

/// What was given, before it means anything.
pub(super) struct Sources {
    pub(super) slots: BTreeMap<&'static str, Slot>,
    pub(super) findings: Vec<Finding>,
    pub(super) file: Option<PathBuf>,
    /// The file could not be read: whether something is missing cannot be said.
    pub(super) is_incomplete: bool,
}

/// Collects what was given.
pub(super) fn collect(environment: &Environment, named_file: Option<&Path>) -> Sources {
    let located = file::locate(environment, named_file);
    let contents = located.as_ref().map(|(path, named_at)| file::read(path, named_at)).unwrap_or_default();
    let mut sources = Sources {
        slots: BTreeMap::new(),
        findings: unknown_variables(environment),
        file: located.map(|(path, _)| path),
        is_incomplete: contents.is_broken,
    };
    sources.findings.extend(contents.problems);
    for (key, item) in contents.items {
        let slot = sources.checked(key.path, check_kind(key, item));
        sources.slots.insert(key.path, slot);
    }
    for key in keys::ALL {
        if let Some(result) = from_environment(environment, key) {
            let slot = sources.checked(key.path, result);
            sources.slots.insert(key.path, slot);
        }
        sources.findings.extend(two_names(environment, key));
    }
    sources
}

impl Sources {
    /// Refuses the nearly right names of Azure's variables: whoever misspells what turns authentication on must
    /// not find it off.
    pub(super) fn refuse_nearly_azure(&mut self) {
        for finding in &mut self.findings {
            if finding.severity == Severity::Warning && finding.message.ends_with(NEARLY_AZURE) {
                finding.severity = Severity::Error;
                finding.message += ", and without it there is no authentication";
                finding.hint += " If it is meant for other software, start the gateway without it";
            }
        }
    }

    /// The members of one table of `routes`, as if they were the settings of a single server.
    pub(super) fn of_route(route: &At, members: Vec<(Member, Item)>, is_incomplete: bool) -> Self {
        let (slots, findings) = (BTreeMap::new(), Vec::new());
        let mut sources = Self { slots, findings, file: None, is_incomplete };
        for (member, item) in members {
            match route::key_of(&member.name) {
                Some(key) => {
                    let slot = sources.checked(keys::ROUTES.path, check_member(route, key, item));
                    sources.slots.insert(key.path, slot);
                }
                None => sources.findings.push(route::unknown(route, &member)),
            }
        }
        sources
    }

    /// `key`: what a finding is about; of a route, the list that it stands in.
    fn checked(&mut self, key: &str, result: Result<Item, Mismatch>) -> Slot {
        match result {
            Ok(item) => Slot::Given(item),
            Err(Mismatch { place, message, hint }) => {
                let key = key.to_owned();
                self.findings.push(Finding { severity: Severity::Error, key, place, message, hint });
                Slot::Bad
            }
        }
    }
}

/// Why a value is not of its setting's kind.
struct Mismatch {
    place: Place,
    message: String,
    hint: String,
}

/// What is said of a variable that nearly has the name of one of Azure's that is read.
const NEARLY_AZURE: &str = "is not read";

/// An unknown `ENTRAGATE_` variable is a mistake; `AZURE_` ones are shared with other software, so only what
/// looks like a slip of the finger is worth a word.
fn unknown_variables(environment: &Environment) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in environment.not_unicode() {
        if keys::variables().any(|known| known == name) {
            findings.push(variable(Severity::Error, name, "is not Unicode text", "set it again".to_owned()));
        }
    }
    for name in environment.names() {
        if keys::variables().any(|known| known == name) {
            continue;
        }
        let value = environment.get(name).unwrap_or_default();
        if let Some(rest) = name.strip_prefix("ENTRAGATE_") {
            if is_service_link(name, value) {
                continue;
            }
            // ENTRAGATE_TENANT_ID is an educated guess at AZURE_TENANT_ID.
            let hint = nearest(rest, aliases()).or_else(|| nearest(name, keys::variables())).map_or_else(
                || "unset it; `entragate config reference` lists every setting".to_owned(),
                |meant| format!("did you mean {meant}?"),
            );
            findings.push(variable(Severity::Error, name, "is not a setting", hint));
        } else if name.to_ascii_uppercase().starts_with("AZ")
            && let Some(meant) = nearest(name, aliases().filter(|alias| alias.starts_with("AZURE_")))
        {
            let hint = format!("did you mean {meant}?");
            findings.push(variable(Severity::Warning, name, NEARLY_AZURE, hint));
        }
    }
    findings
}

fn aliases() -> impl Iterator<Item = &'static str> {
    keys::ALL.into_iter().filter_map(|key| key.alias)
}

fn variable(severity: Severity, name: &str, what: &str, hint: String) -> Finding {
    Finding {
        severity,
        key: name.to_owned(),
        place: Place::Variable(name.to_owned()),
        message: format!("{name} {what}"),
        hint,
    }
}

fn two_names(environment: &Environment, key: &Key) -> Option<Finding> {
    let (alias, env) = (key.alias?, key.env);
    if environment.get(env)? == environment.get(alias)? {
        return None;
    }
    let hint = format!("unset {env} to use {alias}; with both set, {env} is used");
    Some(variable(Severity::Note, alias, &format!("is overridden by {env}"), hint))
}

fn from_environment(environment: &Environment, key: &Key) -> Option<Result<Item, Mismatch>> {
    let (name, text) = key.variables().find_map(|name| Some((name, environment.get(name)?)))?;
    let place = Place::Variable(name.to_owned());
    let value = match key.kind {
        Kind::Text => Some(Value::Text(text.to_owned())),
        Kind::Secret => Some(Value::Secret(Secret::new(text))),
        Kind::List => Some(Value::List(split(text, &place))),
        Kind::Flag => text.parse().ok().map(Value::Flag),
        Kind::Count => text.parse().ok().map(Value::Count),
        Kind::Rules | Kind::Clients | Kind::Lists | Kind::Routes => {
            return Some(inline_toml(key, name, text));
        }
    };
    Some(value.map(|value| Item { value, place: place.clone() }).ok_or_else(|| Mismatch {
        message: format!("{name} must be {}", key.kind.name()),
        hint: format!("for example {name}={}", key.example),
        place,
    }))
}

fn split(text: &str, place: &Place) -> Vec<Item> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Item { value: Value::Text(part.to_owned()), place: place.clone() }).collect()
}

fn inline_toml(key: &Key, name: &str, text: &str) -> Result<Item, Mismatch> {
    let parsed = DeValue::parse(text).map_err(|error| Mismatch {
        place: Place::Variable(name.to_owned()),
        message: format!("{name} is not a TOML value: {}", error.message()),
        hint: format!("for example {name}='{}'", key.example),
    })?;
    check_kind(key, Origin::Variable(name).item(&parsed))
}

fn check_kind(key: &Key, item: Item) -> Result<Item, Mismatch> {
    if key.kind == Kind::Secret {
        return Err(Mismatch {
            place: item.place,
            message: format!("{} does not belong into a file", key.path),
            hint: format!(
                "remove it and set {}; replace the secret if others can read the file",
                key.known_as()
            ),
        });
    }
    if fits(key, &item.value) {
        return Ok(item);
    }
    let given = given(key, &item.value);
    Err(Mismatch {
        message: format!("{} must be {}, not {given}", key.as_written(&item.place), key.kind.name()),
        hint: match &item.place {
            Place::Variable(name) => format!("for example {name}='{}'", key.example),
            _ => format!("for example {}", toml_example(key)),
        },
        place: item.place,
    })
}

/// As [`check_kind`], of a member of a route.
fn check_member(route: &At, key: &Key, item: Item) -> Result<Item, Mismatch> {
    let name = key.name();
    if key.kind == Kind::Secret {
        return Err(Mismatch {
            place: item.place,
            message: format!("{route}: {name} does not belong into a list of routes"),
            hint: "remove it, and replace the secret if others can read it; a route takes secrets from files"
                .to_owned(),
        });
    }
    if fits(key, &item.value) {
        return Ok(item);
    }
    let given = given(key, &item.value);
    Err(Mismatch {
        message: format!("{route}: {name} must be {}, not {given}", key.kind.name()),
        hint: format!("for example {}", toml_example(key)),
        place: item.place,
    })
}

fn fits(key: &Key, value: &Value) -> bool {
    match (key.kind, value) {
        (Kind::Text, Value::Text(_))
        | (Kind::Flag, Value::Flag(_))
        | (Kind::Count, Value::Count(_))
        | (Kind::Lists, Value::Table(_)) => true,
        (Kind::List, Value::List(items)) => items.iter().all(|item| matches!(item.value, Value::Text(_))),
        (Kind::Rules | Kind::Clients | Kind::Routes, Value::List(items)) => {
            items.iter().all(|item| matches!(item.value, Value::Table(_)))
        }
        _ => false,
    }
}

fn given(key: &Key, value: &Value) -> &'static str {
    match value {
        Value::List(_) if matches!(key.kind, Kind::List | Kind::Rules | Kind::Clients | Kind::Routes) => {
            "a list of other things"
        }
        other => other.type_name(),
    }
}
