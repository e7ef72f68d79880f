//! The `Authorization` header (RFC 6750 §2.1). Tokens in the query or the body are not looked at.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::refused::Refused;

/// What a request presents.
pub(crate) enum Presented<'a> {
    /// No `Authorization` header.
    Nothing,
    /// A bearer token.
    Bearer(Credential<'a>),
    /// More than one header: which one would the next server read?
    Repeated,
    /// Not `Bearer` and something: an invalid credential is never treated as an absent one.
    Unreadable,
}

/// What stands where a token has to. Nobody has looked at its two thousand characters yet, which is not needed of one that
/// was verified before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credential<'a>(&'a [u8]);

impl<'a> Credential<'a> {
    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The token, if it is a token68 (RFC 9110 §11.2).
    pub(crate) fn read(self) -> Result<&'a str, Refused> {
        // All of them, without a branch for each: nearly every token has none that is wrong.
        let is_token68 = self.0.iter().fold(true, |all, byte| all & OF_TOKEN68[usize::from(*byte)]);
        let text = std::str::from_utf8(self.0).ok().filter(|_| is_token68);
        text.ok_or(Refused::Header)
    }
}

impl<'a> From<&'a str> for Credential<'a> {
    fn from(token: &'a str) -> Self {
        Self(token.as_bytes())
    }
}

pub(crate) fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), rest) = (values.next(), values.next()) else {
        return Presented::Nothing;
    };
    if rest.is_some() {
        return Presented::Repeated;
    }
    let credentials = value.as_bytes();
    let space = credentials.iter().position(|byte| *byte == b' ').unwrap_or(credentials.len());
    let (scheme, token) = credentials.split_at(space);
    let token = without_spaces(token);
    // The scheme is case-insensitive (RFC 9110 §11.1).
    if scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty() {
        Presented::Bearer(Credential(token))
    } else {
        Presented::Unreadable
    }
}

fn without_spaces(mut token: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = token {
        token = rest;
    }
    token
}

/// Which bytes may be in a token68.
const OF_TOKEN68: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = is_of_token68(byte);
        byte += 1;
    }
    table
};

const fn is_of_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_characters_of_a_token68_are_read() {
        assert_eq!(Credential::from("aZ09-._~+/=").read().unwrap(), "aZ09-._~+/=");
        for token in ["a b", "a\"b", "a,b", "a\tb", "\u{e9}", "a:b"] {
            assert!(matches!(Credential::from(token).read(), Err(Refused::Header)), "{token}");
        }
        assert!(matches!(Credential(b"a\xff").read(), Err(Refused::Header)));
    }
}
