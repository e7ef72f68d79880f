//! The arguments that an expression reads, as strictly as the message around them: what another parser could read
//! differently is refused, and so is what would take long to look at.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use cel::Value;
use cel::objects::{Key, Map};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::check::Reads;
use super::decimal::are_held;
use crate::json::{Members, without_values};
use crate::policy::call::folded;

/// Values and names of members, of what is looked at; of an argument that is not read, the name.
const MOST: usize = 1000;
/// Bytes of strings and names, likewise.
const LARGEST: usize = 64 * 1024;
/// Objects and lists within each other.
const DEEPEST: usize = 16;
/// Integers beyond it are not the same number to every parser (RFC 8259 §6).
const EXACT: u64 = (1 << 53) - 1;

/// The arguments of a call that has none.
pub(super) fn none() -> Value {
    Value::Map(Map { map: Arc::new(HashMap::new()) })
}

/// Those of the arguments that are read, or why they cannot be.
pub(super) fn read(text: &str, reads: &Reads) -> Result<Value, String> {
    let mut budget = Budget { values: MOST, bytes: LARGEST, has_doubles: false, reads };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Part { budget: &mut budget, depth: 0 };
    let value = seed.deserialize(&mut deserializer).map_err(|error| without_values(&error))?;
    if budget.has_doubles {
        refuse_rounded(text, reads)?;
    }
    Ok(value)
}

/// `1000.00000000000001` is 1000 in a double, and more to a server that reads decimals.
fn refuse_rounded(text: &str, reads: &Reads) -> Result<(), String> {
    let members = Members::parse(text).map_err(|error| without_values(&error))?;
    let is_held = |(name, value): &(String, Cow<'_, RawValue>)| !reads.wants(name) || are_held(value.get());
    if members.0.iter().all(is_held) {
        Ok(())
    } else {
        Err("a number has more digits than every parser keeps".to_owned())
    }
}

struct Budget<'a> {
    values: usize,
    bytes: usize,
    /// Whether a number among them is one, which may not be what is written.
    has_doubles: bool,
    reads: &'a Reads,
}

impl Budget<'_> {
    fn spend<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        match (self.values.checked_sub(1), self.bytes.checked_sub(bytes)) {
            (Some(values), Some(bytes)) => {
                (self.values, self.bytes) = (values, bytes);
                Ok(())
            }
            (None, _) => Err(E::custom(format_args!("more than {MOST} values and names to look at"))),
            (_, None) => Err(E::custom(format_args!("more than {LARGEST} bytes to look at"))),
        }
    }

    /// Refuses a member that another parser could take for one that is read, or for the one before it.
    fn check<E: serde::de::Error>(&self, key: &str, before: &mut HashSet<String>) -> Result<(), E> {
        refuse_nul(key)?;
        let folded = folded(key);
        if let Some(meant) = self.reads.misspelt(key, &folded) {
            return Err(E::custom(format_args!("`{key}` must be written `{meant}`")));
        }
        let is_new = before.insert(folded);
        if is_new { Ok(()) } else { Err(E::custom(format_args!("`{key}` is there twice"))) }
    }
}

/// A value at some depth; at depth 0 the arguments themselves, of which only those that are read are looked at.
struct Part<'a, 'b> {
    budget: &'a mut Budget<'b>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Part<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > DEEPEST {
            return Err(D::Error::custom(format_args!("nested more than {DEEPEST} deep")));
        }
        self.budget.spend(0)?;
        if self.depth == 0 { deserializer.deserialize_map(self) } else { deserializer.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Part<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.depth == 0 { "an object of arguments" } else { "a JSON value" })
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value, E> {
        if number.unsigned_abs() > EXACT { Err(inexact()) } else { Ok(Value::Int(number)) }
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).ok().filter(|_| number <= EXACT).map(Value::Int).ok_or_else(inexact)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        // Also an integer with too many digits for 64 bits.
        const LIMIT: f64 = 9_007_199_254_740_991.0;
        self.budget.has_doubles = true;
        if number.abs() > LIMIT { Err(inexact()) } else { Ok(Value::Float(number)) }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        refuse_nul(text)?;
        self.budget.spend(text.len())?;
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) =
            list.next_element_seed(Part { budget: &mut *self.budget, depth: self.depth + 1 })?
        {
            values.push(value);
        }
        Ok(Value::List(Arc::new(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (mut values, mut before) = (HashMap::new(), HashSet::new());
        while let Some(key) = map.next_key::<String>()? {
            // The names of all, because each is compared with those that are read.
            self.budget.spend(key.len())?;
            self.budget.check(&key, &mut before)?;
            if self.depth == 0 && !self.budget.reads.wants(&key) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let part = Part { budget: &mut *self.budget, depth: self.depth + 1 };
            values.insert(Key::from(key), map.next_value_seed(part)?);
        }
        Ok(Value::Map(Map { map: Arc::new(values) }))
    }
}

/// What is written in C ends there: `/etc/passwd\u0000.txt` is a file that does not end in `.txt`.
fn refuse_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("a text has the character U+0000 in it")) } else { Ok(()) }
}

fn inexact<E: serde::de::Error>() -> E {
    E::custom("a number is too large to be the same to every parser")
}
