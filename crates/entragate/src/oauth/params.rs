//! Request parameters with their duplicates still visible (RFC 6749 §3.1: a repeated parameter is an error,
//! an empty one counts as absent).

/// Decoded form or query parameters.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

/// Parameters of one request; the longest real one has fifteen.
const MOST: usize = 64;

/// There is more than there may be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// A parameter that may appear once appeared more often.
    #[error("{0} is repeated")]
    Name(String),
    /// Comparing them all would cost us more than sending them costs a stranger.
    #[error("more than {MOST} parameters")]
    TooMany,
}

impl Params {
    /// Reads the first [`MOST`] parameters; one more makes the request one that [`Params::refuse_repeated`]
    /// refuses.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().take(MOST + 1).collect())
    }

    /// The value, if it is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All non-empty values: `resource` may be repeated (RFC 8707 §2).
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Refuses the first parameter that is repeated although it may not be. An unknown parameter counts
    /// too: RFC 6749 §3.1 makes no exception for it.
    pub(crate) fn refuse_repeated(&self, except: &[&str]) -> Result<(), Repeated> {
        if self.0.len() > MOST {
            return Err(Repeated::TooMany);
        }
        for (at, (name, _)) in self.0.iter().enumerate() {
            let before = self.0.get(..at).unwrap_or_default();
            if !except.contains(&name.as_str()) && before.iter().any(|(other, _)| other == name) {
                return Err(Repeated::Name(name.clone()));
            }
        }
        Ok(())
    }
}

/// Builds a query or form, spaces as `%20`: Codex shows `+` to its user undecoded.
pub(crate) fn encoded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    /// Everything but unreserved characters (RFC 3986 §2.3).
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, RESERVED));
        query.push('=');
        query.extend(utf8_percent_encode(value, RESERVED));
    }
    query
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repeated_parameters_are_seen_and_empty_ones_are_absent() {
        let params = Params::parse(b"a=1&b=&resource=x&resource=y");
        assert_eq!((params.get("a"), params.get("b"), params.get("c")), (Some("1"), None, None));
        assert_eq!(params.refuse_repeated(&["resource"]), Ok(()));
        assert_eq!(params.refuse_repeated(&[]), Err(Repeated::Name("resource".to_owned())));
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn a_flood_of_parameters_is_refused_without_comparing_them() {
        let flood = "a=1&b=2&".repeat(100_000);
        assert_eq!(Params::parse(flood.as_bytes()).refuse_repeated(&["a", "b"]), Err(Repeated::TooMany));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_comes_back(name in "\\PC{1,20}", value in "\\PC{1,60}") {
            let text = encoded([(name.as_str(), value.as_str())]);
            let params = Params::parse(text.as_bytes());
            prop_assert_eq!(params.get(&name), Some(value.as_str()));
        }
    }
}
