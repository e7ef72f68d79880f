//! JSON objects with their members in order, as written, duplicates included: for reading what a typed
//! parser would hide and for changing one member without touching the bytes of the others.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::policy::call::folded;

/// What is wrong with a JSON text, and where, without the values in it: serde's own messages repeat what they found, which
/// may be somebody's name or a password. Messages of our own name members and no values, and are kept.
pub(crate) fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // The words of `serde::de::Error::invalid_type` and its siblings: "invalid type: string \"…\", expected …".
    let repeats = error.is_data() && (text.starts_with("invalid ") || text.starts_with("unknown "));
    if !repeats {
        return text;
    }
    match text.rfind(", expected ").and_then(|at| text.get(at + 2..)) {
        Some(expected) => expected.to_owned(),
        None => {
            format!(
                "a value is of another type than expected at line {} column {}",
                error.line(),
                error.column()
            )
        }
    }
}

/// The members of one object.
#[derive(Debug)]
pub(crate) struct Members<'a>(pub(crate) Vec<(String, std::borrow::Cow<'a, RawValue>)>);

impl<'a> Members<'a> {
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// Refuses, by its name, one of these members that is there twice, or in a spelling that decoders which match without
    /// case read as the same.
    pub(crate) fn refuse_ambiguous(&self, names: &[&str]) -> Result<(), String> {
        let is_same = |key: &str, name: &str| {
            key.eq_ignore_ascii_case(name) || (!key.is_ascii() && folded(key) == folded(name))
        };
        for name in names {
            let mut same = self.0.iter().map(|(key, _)| key).filter(|key| is_same(key, name));
            if same.next().is_some_and(|first| first != name) || same.next().is_some() {
                return Err((*name).to_owned());
            }
        }
        Ok(())
    }

    /// Replaces the value of a member, or appends it.
    pub(crate) fn set(&mut self, name: &str, value: Box<RawValue>) {
        let value = std::borrow::Cow::Owned(value);
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some(member) => member.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, std::borrow::Cow::Borrowed(value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value.as_ref())))
    }
}
