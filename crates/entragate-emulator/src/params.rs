//! Query strings and form bodies, read so that duplicates and bytes survive: `state` goes back exactly as it came.

/// One decoded parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    /// The decoded bytes.
    pub(crate) bytes: Vec<u8>,
    /// The same as text, with replacement characters where the bytes are not UTF-8.
    pub(crate) text: String,
}

/// Parameters in the order they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<Param>);

impl Params {
    /// Reads `application/x-www-form-urlencoded` text. Never fails: a stray `%` stands for itself.
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let parts = raw.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
        Self(parts.map(param).collect())
    }

    /// These parameters, then those.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The first value of that name, unless it is empty: RFC 6749 treats an empty parameter as an omitted one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|param| param.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The first value of that name, byte for byte.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(|param| param.bytes.as_slice())
    }

    /// Whether the name occurs, even without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The first of these names that occurs more than once.
    pub(crate) fn duplicated(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().find(|name| self.0.iter().filter(|param| param.name == **name).count() > 1).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }

    /// Names and values as text, for the request log.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        self.0.iter().map(|param| (param.name.clone(), param.text.clone())).collect()
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|param| param.name == name)
    }
}

fn param(part: &[u8]) -> Param {
    let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
    let bytes = decode(part.get(at + 1..).unwrap_or_default());
    Param {
        name: String::from_utf8_lossy(&decode(&part[..at])).into_owned(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
        bytes,
    }
}

/// Percent-decodes form text, where `+` is a space.
fn decode(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (*first, hex_pair(after)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
    }
    out
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// Percent-decodes a path segment, where `+` stands for itself.
pub(crate) fn decode_segment(segment: &str) -> String {
    let literal_plus = segment.replace('+', "%2B");
    String::from_utf8_lossy(&decode(literal_plus.as_bytes())).into_owned()
}

/// Encodes as Entra's redirects do: `+` for a space, lower-case percent hex for the rest.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            b' ' => out.push('+'),
            other => {
                out.push('%');
                for nibble in [other >> 4, other & 0x0f] {
                    out.extend(char::from_digit(u32::from(nibble), 16));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Params, decode_segment, encode};

    proptest! {
        #[test]
        fn any_bytes_parse_and_any_value_survives(raw: Vec<u8>, value in any::<Vec<u8>>()) {
            Params::parse(&raw);
            decode_segment(&String::from_utf8_lossy(&raw));
            let params = Params::parse(format!("a={}&b=", encode(&value)).as_bytes());
            assert_eq!(params.bytes("a"), Some(value.as_slice()));
        }
    }

    #[test]
    fn every_byte_survives_a_round_trip() {
        let all: Vec<u8> = (0..=255).collect();
        let params = Params::parse(format!("state={}", encode(&all)).as_bytes());
        assert_eq!(params.bytes("state"), Some(all.as_slice()));
    }

    #[test]
    fn parsing_is_total_and_keeps_duplicates() {
        let params = Params::parse(b"a=1&a=2&=x&b&c=%&d=%4&e=%zz&f=%41+%2B&&%61=3");
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.duplicated(&["b", "a"]), Some("a"));
        assert!(params.has("b") && params.get("b").is_none());
        assert_eq!([params.get("c"), params.get("d"), params.get("e")], [Some("%"), Some("%4"), Some("%zz")]);
        assert_eq!(params.get("f"), Some("A +"));
        assert_eq!(params.iter().filter(|param| param.name == "a").count(), 3);
        assert_eq!(decode_segment("a+b%20c%"), "a+b c%");
    }
}
