//! The members of a table of `routes`: what `[upstream]` has, and what else is one server's own. Each is a row of the
//! table of keys, so that a setting added to `[upstream]` is a member of a route by itself.

use std::fmt;

use super::item::Member;
use super::keys::{self, Key, Kind};
use super::nearest::nearest;
use super::problems::{Finding, Place, Severity};
use super::reader::printable;

/// What a route has beside the members of `[upstream]`.
pub(super) static OWN: [&Key; 5] =
    [&keys::RESOURCE_NAME, &keys::RULES, &keys::SCOPES, &keys::CLIENT_ID, &keys::IDENTIFIER_URIS];

/// Which route is read.
#[derive(Debug, Clone)]
pub(super) struct At {
    /// Counted from one.
    pub(super) number: usize,
    pub(super) place: Place,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {}", self.number)
    }
}

/// Everything that a route can consist of. Secrets are not among it: a list of routes is no place for them.
pub(super) fn members() -> impl Iterator<Item = &'static Key> {
    named().filter(|key| key.kind != Kind::Secret)
}

fn named() -> impl Iterator<Item = &'static Key> {
    keys::ALL.into_iter().filter(|key| key.section() == keys::UPSTREAM.section()).chain(OWN)
}

/// The setting that a member is, also one that does not belong there.
pub(super) fn key_of(member: &str) -> Option<&'static Key> {
    named().find(|key| key.name() == member)
}

/// A member that no route has.
pub(super) fn unknown(route: &At, member: &Member) -> Finding {
    let names: Vec<&str> = members().map(Key::name).collect();
    let hint = nearest(&member.name, names.iter().copied()).map_or_else(
        || format!("a route has {}", names.join(", ")),
        |meant| format!("did you mean {meant}?"),
    );
    Finding {
        severity: Severity::Error,
        key: keys::ROUTES.path.to_owned(),
        place: member.place.clone(),
        message: format!("{route}: `{}` is not part of a route", printable(&member.name)),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_members_have_one_name() {
        assert_eq!(named().map(Key::name).collect::<BTreeSet<_>>().len(), named().count());
    }
}
