//! Paths: a collection, the key of an object in it, and what follows. Keys come as a segment or in parentheses.

use crate::params::decode_segment;

/// What names an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// The object id.
    Id(String),
    /// An alternate key such as `appId='…'`.
    Alternate { name: String, value: String },
}

impl Key {
    /// As Graph quotes it in errors.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Id(value) | Self::Alternate { value, .. } => value,
        }
    }
}

/// The path below `/v1.0/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) collection: String,
    pub(super) key: Option<Key>,
    pub(super) rest: Vec<String>,
}

impl Path {
    pub(super) fn of(path: &str) -> Self {
        let decoded = path.split('/').filter(|segment| !segment.is_empty()).map(decode_segment);
        Self::from_segments(decoded.collect())
    }

    /// The same of what follows a key, where it names a collection again.
    pub(super) fn from_segments(segments: Vec<String>) -> Self {
        let mut segments = segments.into_iter();
        let first = segments.next().unwrap_or_default();
        let (collection, key) = match in_parentheses(&first) {
            Some((collection, key)) => (collection.to_owned(), Some(key)),
            None => (first, segments.next().map(Key::Id)),
        };
        Self { collection, key, rest: segments.collect() }
    }
}

/// `applications(appId='x')`, where a quote in the value is doubled.
fn in_parentheses(segment: &str) -> Option<(&str, Key)> {
    let (collection, rest) = segment.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    let unquote = |text: &str| {
        let text = text.trim();
        text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text).replace("''", "'")
    };
    let key = match inner.split_once('=') {
        Some((name, value)) => Key::Alternate { name: name.trim().to_owned(), value: unquote(value) },
        None => Key::Id(unquote(inner)),
    };
    Some((collection, key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Key, Path};

    proptest! {
        #[test]
        fn any_path_is_read(path: String) {
            Path::of(&path);
        }
    }

    #[test]
    fn keys_come_in_two_forms() {
        let id = Path::of("applications/1/owners");
        assert_eq!((id.key, id.rest), (Some(Key::Id("1".into())), vec!["owners".to_owned()]));
        let key = Path::of("applications(uniqueName='it''s%20a%2Fb')");
        let named = Key::Alternate { name: "uniqueName".into(), value: "it's a/b".into() };
        assert_eq!((key.collection.as_str(), key.key), ("applications", Some(named)));
        assert_eq!(Path::of("domains").key, None);
    }
}
