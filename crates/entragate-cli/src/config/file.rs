//! `entragate.toml`: found, read, and taken apart into the settings of [`keys`](super::keys).
//!
//! The document is walked rather than deserialised into structs: serde stops at the first mistake, and an
//! operator should see all of them at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::item::{Item, Origin};
use super::keys::{self, Key};
use super::nearest::nearest;
use super::problems::{Finding, Place, Severity};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "entragate.toml";

/// What a file contributed.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) items: Vec<(&'static Key, Item)>,
    pub(super) problems: Vec<Finding>,
    /// Whether the file could be read as TOML; if not, "missing" means nothing.
    pub(super) is_broken: bool,
}

/// The file to read: the command line's, else the variable's, else `entragate.toml` here if there is one.
pub(super) fn locate(environment: &Environment, named: Option<&Path>) -> Option<(PathBuf, Place)> {
    if let Some(path) = named {
        return Some((path.to_owned(), Place::CommandLine));
    }
    if let Some(path) = environment.get(keys::CONFIG_FILE) {
        return Some((path.into(), Place::Variable(keys::CONFIG_FILE.to_owned())));
    }
    Path::new(DEFAULT_FILE)
        .exists()
        .then(|| (PathBuf::from(DEFAULT_FILE), Place::WholeFile(DEFAULT_FILE.to_owned())))
}

/// Reads a file.
pub(super) fn read(path: &Path, named_at: &Place) -> Contents {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => parse(&name, &text),
        Err(error) => {
            let problem = Finding {
                severity: Severity::Error,
                key: keys::CONFIG_FILE.to_owned(),
                place: named_at.clone(),
                message: format!("cannot read {name}: {}", reason(&error)),
                hint: "name a readable TOML file with --config or ENTRAGATE_CONFIG, or leave both out"
                    .to_owned(),
            };
            Contents { items: Vec::new(), problems: vec![problem], is_broken: true }
        }
    }
}

/// The system's words are fine except where they need an errno to be understood.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

fn parse(name: &str, text: &str) -> Contents {
    let origin = Origin::File { name, text };
    let (document, mut errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let mut contents = Contents::default();
        walk(&origin, "", document.get_ref(), &mut contents);
        return contents;
    }
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    let problems = errors
        .iter()
        .map(|error| Finding {
            severity: Severity::Error,
            key: keys::CONFIG_FILE.to_owned(),
            place: error.span().map_or_else(|| Place::WholeFile(name.to_owned()), |span| origin.place(&span)),
            message: format!("not TOML: {}", error.message()),
            hint: "correct this line; strings are quoted, lists are written [\"a\", \"b\"]".to_owned(),
        })
        .collect();
    Contents { items: Vec::new(), problems, is_broken: true }
}

fn walk(origin: &Origin<'_>, prefix: &str, table: &DeTable<'_>, contents: &mut Contents) {
    let mut members: Vec<_> = table.iter().collect();
    // By position, not by name: the order in which the reader of the message meets them.
    members.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in members {
        let path = format!("{prefix}{}", name.get_ref());
        let section = format!("{path}.");
        if let Some(key) = keys::ALL.into_iter().find(|key| key.path == path) {
            contents.items.push((key, origin.item(value)));
        } else if !keys::ALL.iter().any(|key| key.path.starts_with(&section)) {
            contents.problems.push(unknown(origin, &path, name));
        } else if let DeValue::Table(table) = value.get_ref() {
            walk(origin, &section, table, contents);
        } else {
            contents.problems.push(Finding {
                severity: Severity::Error,
                message: format!("{path} is a table, not {}", origin.item(value).value.type_name()),
                hint: format!("write [{path}] on a line of its own and its settings below"),
                place: origin.place(&value.span()),
                key: path,
            });
        }
    }
}

fn unknown<T: AsRef<str>>(origin: &Origin<'_>, path: &str, name: &Spanned<T>) -> Finding {
    let by_variable = keys::ALL.into_iter().find(|key| key.variables().any(|variable| variable == path));
    let meant = by_variable.map(|key| key.path).or_else(|| nearest(path, paths_and_sections()));
    let hint = meant.map_or_else(
        || "remove it; `entragate config reference` lists every setting".to_owned(),
        |meant| format!("did you mean {meant}?"),
    );
    Finding {
        severity: Severity::Error,
        key: path.to_owned(),
        place: origin.place(&name.span()),
        message: format!("{path} is not a setting"),
        hint,
    }
}

fn paths_and_sections() -> impl Iterator<Item = &'static str> {
    let paths = keys::ALL.into_iter().map(|key| key.path);
    let sections = keys::ALL.into_iter().map(Key::section).filter(|section| !section.is_empty());
    sections.chain(paths)
}
