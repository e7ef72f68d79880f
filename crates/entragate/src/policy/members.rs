//! The members of one object, read so that no other parser can read something else in it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::budget::Budget;
use super::call::folded;

/// Their names, of which `known` are read.
pub(super) struct Names {
    known: &'static [&'static str],
    /// Which of `known` have come, one bit each: what a real call consists of costs nothing to remember.
    came: u8,
    others: HashSet<String>,
}

impl Names {
    pub(super) fn new(known: &'static [&'static str]) -> Self {
        Self { known, came: 0, others: HashSet::new() }
    }

    /// Its place in `known`. Refuses a member that was there before, or that differs from one of `known` in case only.
    pub(super) fn check<E: Error>(&mut self, key: &str, budget: &mut Budget) -> Result<Option<usize>, E> {
        let place = self.known.iter().position(|known| *known == key);
        let is_new = if let Some(at) = place {
            let bit = 1 << at;
            let is_new = self.came & bit == 0;
            self.came |= bit;
            is_new
        } else {
            budget.spend_member(key).map_err(E::custom)?;
            let folded = folded(key);
            if let Some(known) = self.known.iter().find(|known| known.eq_ignore_ascii_case(&folded)) {
                return Err(E::custom(format_args!("member `{key}` must be written `{known}`")));
            }
            self.others.insert(folded)
        };
        if is_new { Ok(place) } else { Err(E::custom(format_args!("duplicate member `{key}`"))) }
    }
}

/// A string that is copied only when it is written with escapes, as no real name of a member is.
#[derive(Deserialize)]
pub(super) struct Key<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Reads an object for these members, in this order.
pub(super) struct Known<'b, const N: usize> {
    pub(super) names: &'static [&'static str; N],
    pub(super) budget: &'b mut Budget,
}

impl<'de, const N: usize> DeserializeSeed<'de> for Known<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Known<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut names, mut found) = (Names::new(self.names), [None; N]);
        while let Some(Key(key)) = map.next_key()? {
            let place = names.check(&key, self.budget)?;
            match place.and_then(|at| found.get_mut(at)) {
                Some(found) => *found = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}
