//! Hands values to the sections' parsers and gathers what they find wrong, so that one mistake never hides
//! another.

use std::fmt::Display;
use std::ops::RangeInclusive;

use entragate::{Secret, is_invisible};

use super::item::{Item, Value};
use super::keys::{self, Key};
use super::problems::{Finding, Place, Severity};
use super::route::At;
use super::sources::{Slot, Sources};

/// What became of a setting.
#[derive(Debug)]
pub(super) enum Read<T> {
    /// Nobody set it.
    Unset,
    /// It is wrong, and the reader has been told.
    Bad,
    /// Its value.
    Given(T),
}

impl<T> Read<T> {
    /// The value, or what holds when nobody set it; nothing when it is wrong.
    pub(super) fn or_default(self, default: impl FnOnce() -> T) -> Option<T> {
        match self {
            Self::Unset => Some(default()),
            Self::Bad => None,
            Self::Given(value) => Some(value),
        }
    }

    /// The value, if it was given and right.
    pub(super) fn given(self) -> Option<T> {
        if let Self::Given(value) = self { Some(value) } else { None }
    }

    /// Whether nobody set it.
    pub(super) const fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }

    /// The value in another type.
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Unset => Read::Unset,
            Self::Bad => Read::Bad,
            Self::Given(value) => Read::Given(f(value)),
        }
    }
}

/// Why a value is wrong: completes a sentence that begins with the setting's name.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) hint: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

/// The settings that were given, and what is wrong with them so far.
pub(super) struct Reader {
    pub(super) sources: Sources,
    /// The table of `routes` that is read, if it is one.
    pub(super) route: Option<At>,
}

impl Reader {
    /// Whether somebody set it, rightly or wrongly.
    pub(super) fn is_given(&self, key: &Key) -> bool {
        self.sources.slots.contains_key(key.path)
    }

    /// The value as it was given.
    pub(super) fn item(&self, key: &Key) -> Option<&Item> {
        match self.sources.slots.get(key.path) {
            Some(Slot::Given(item)) => Some(item),
            Some(Slot::Bad) | None => None,
        }
    }

    /// Where the value is, or where it would be expected.
    pub(super) fn place(&self, key: &Key) -> Place {
        match (self.item(key), &self.route) {
            (Some(item), _) => item.place.clone(),
            (None, Some(route)) => route.place.clone(),
            (None, None) => Place::Variable(key.known_as().to_owned()),
        }
    }

    /// How a message calls a setting that somebody may want to make.
    pub(super) fn setting(&self, key: &Key) -> String {
        match &self.route {
            Some(_) => key.name().to_owned(),
            None => format!("{} ({})", key.path, key.env),
        }
    }

    /// Reads a string.
    pub(super) fn parse<T>(&mut self, key: &Key, parse: impl FnOnce(&str) -> Result<T, Wrong>) -> Read<T> {
        self.convert(key, |value| if let Value::Text(text) = value { Some(parse(text)) } else { None })
    }

    /// Reads each string of a list; what is wrong is left out and reported.
    pub(super) fn each<T>(&mut self, key: &Key, parse: impl Fn(&str) -> Result<T, Wrong>) -> Vec<T> {
        let Some(Item { value: Value::List(items), .. }) = self.item(key).cloned() else {
            return Vec::new();
        };
        let mut values = Vec::new();
        for Item { value, place } in items {
            let Value::Text(text) = value else { continue };
            match parse(text.trim()) {
                Ok(value) => values.push(value),
                Err(Wrong { what, hint }) => {
                    let what = format!("contains `{}`, which {what}", printable(&text));
                    self.problem_at(key, place, Wrong { what, hint });
                }
            }
        }
        values
    }

    /// Reads a whole number within bounds.
    pub(super) fn count(&mut self, key: &Key, bounds: RangeInclusive<i64>) -> Read<u64> {
        self.convert(key, |value| {
            let Value::Count(number) = value else { return None };
            let within = u64::try_from(*number).ok().filter(|_| bounds.contains(number));
            Some(within.ok_or_else(|| {
                let (low, high) = (bounds.start(), bounds.end());
                Wrong::new(format!("is {number}"), format!("give a number from {low} to {high}"))
            }))
        })
    }

    /// Reads `true` or `false`.
    pub(super) fn flag(&mut self, key: &Key) -> Read<bool> {
        self.convert(key, |value| if let Value::Flag(flag) = value { Some(Ok(*flag)) } else { None })
    }

    /// Reads a secret.
    pub(super) fn secret(&mut self, key: &Key) -> Read<Secret> {
        self.convert(
            key,
            |value| {
                if let Value::Secret(secret) = value { Some(Ok(secret.clone())) } else { None }
            },
        )
    }

    fn convert<T>(&mut self, key: &Key, f: impl FnOnce(&Value) -> Option<Result<T, Wrong>>) -> Read<T> {
        let item = match self.sources.slots.get(key.path) {
            None => return Read::Unset,
            Some(Slot::Bad) => return Read::Bad,
            Some(Slot::Given(item)) => item,
        };
        match f(&item.value) {
            Some(Ok(value)) => Read::Given(value),
            Some(Err(wrong)) => {
                self.problem(key, wrong);
                Read::Bad
            }
            // `sources` lets only values of the key's kind through.
            None => Read::Bad,
        }
    }

    /// Reports a problem at the setting's place.
    pub(super) fn problem(&mut self, key: &Key, wrong: Wrong) {
        let place = self.place(key);
        self.problem_at(key, place, wrong);
    }

    /// Reports a problem of a route's setting, once the route has been read.
    pub(super) fn problem_of(&mut self, route: Option<&At>, key: &Key, wrong: Wrong) {
        let before = std::mem::replace(&mut self.route, route.cloned());
        self.problem(key, wrong);
        self.route = before;
    }

    /// Reports a problem at a place within the setting.
    pub(super) fn problem_at(&mut self, key: &Key, place: Place, wrong: Wrong) {
        self.report(Severity::Error, key, place, wrong);
    }

    /// Reports that a setting is absent. Not when the file could not be read: it may well be in there.
    pub(super) fn missing(&mut self, key: &Key, hint: impl Into<String>) {
        if !self.sources.is_incomplete {
            self.problem(key, Wrong::new("is not set", hint));
        }
    }

    /// Reports something that is probably not meant.
    pub(super) fn warn(&mut self, key: &Key, what: impl Into<String>, hint: impl Into<String>) {
        self.report(Severity::Warning, key, self.place(key), Wrong::new(what, hint));
    }

    /// Reports something worth knowing.
    pub(super) fn note(&mut self, key: &Key, what: impl Into<String>, hint: impl Into<String>) {
        self.report(Severity::Note, key, self.place(key), Wrong::new(what, hint));
    }

    /// Reports a problem of one part of a setting, which the message names instead of the setting.
    pub(super) fn problem_within(
        &mut self,
        key: &Key,
        part: &str,
        place: Place,
        Wrong { what, hint }: Wrong,
    ) {
        let message = match &self.route {
            Some(route) => format!("{route}: {part}: {what}"),
            None => format!("{part}: {what}"),
        };
        let (severity, key) = (Severity::Error, self.key_of(key));
        self.sources.findings.push(Finding { severity, key, place, message, hint });
    }

    fn report(&mut self, severity: Severity, key: &Key, place: Place, Wrong { what, hint }: Wrong) {
        let message = match &self.route {
            Some(route) => format!("{route}: {} {what}", key.name()),
            None => format!("{} {what}", key.as_written(&place)),
        };
        self.sources.findings.push(Finding { severity, key: self.key_of(key), place, message, hint });
    }

    /// The key of a finding: of a route, the list that it stands in.
    fn key_of(&self, key: &Key) -> String {
        self.route.as_ref().map_or(key.path, |_| keys::ROUTES.path).to_owned()
    }
}

/// A value for a message: without what may be a password in a URL, and without characters that do not read as they are.
pub(super) fn printable(text: &str) -> String {
    let text = text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"));
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

/// Names in a sentence: `a`, `b` and `c`.
pub(super) fn listed<T: Display>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., last] => {
            let most: Vec<_> = most.iter().map(ToString::to_string).collect();
            format!("{} and {last}", most.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_value_has_no_user_information_and_no_control_characters() {
        assert_eq!(printable("https://user:p@ss@host/x\u{1b}[2J"), "…@host/x[2J");
        assert_eq!(printable("plain"), "plain");
        assert_eq!(printable("a\u{202e}b\u{200b}c\u{feff}d"), "abcd");
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
