//! A value and the place it was read at: what the environment and the file are both turned into.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use entragate::Secret;

use super::problems::Place;

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// A value before it means anything.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Secret(Secret),
    Flag(bool),
    Count(i64),
    List(Vec<Item>),
    Table(Vec<(Member, Item)>),
    /// Something no setting is: a date, a float.
    Other(&'static str),
}

/// The name of a table's member and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) place: Place,
}

impl Value {
    /// The value's type, as messages name it.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Secret(_) => "a string",
            Self::Flag(_) => "true or false",
            Self::Count(_) => "a whole number",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

/// What TOML was read from, to say where in it something stands.
pub(super) enum Origin<'a> {
    /// A file, by the name it was given.
    File { name: &'a str, text: &'a str },
    /// A variable: its name is place enough.
    Variable(&'a str),
}

impl Origin<'_> {
    /// The place of a byte range.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let (name, text) = match self {
            Self::Variable(name) => return Place::Variable((*name).to_owned()),
            Self::File { name, text } => (*name, *text),
        };
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        Place::File {
            file: name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            text: (!may_hold_a_secret(line)).then(|| line.to_owned()),
        }
    }

    /// Converts a parsed TOML value.
    pub(super) fn item(&self, parsed: &Spanned<DeValue<'_>>) -> Item {
        let value = match parsed.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("a number beyond 64 bits"), Value::Count),
            DeValue::Float(_) => Value::Other("a number with a fraction"),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.item(item)).collect()),
            DeValue::Table(members) => Value::Table(
                members
                    .iter()
                    .map(|(name, item)| {
                        let member = Member {
                            name: name.get_ref().clone().into_owned(),
                            place: self.place(&name.span()),
                        };
                        (member, self.item(item))
                    })
                    .collect(),
            ),
        };
        Item { value, place: self.place(&parsed.span()) }
    }
}

/// Whether a line had better not be printed. Over-careful on purpose: what is lost is one line of a message.
fn may_hold_a_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["secret", "password", "token", "credential", "key", "@"].iter().any(|word| line.contains(word))
}
