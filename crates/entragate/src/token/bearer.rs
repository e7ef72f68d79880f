//! The `Authorization` header (RFC 6750 §2.1). Tokens in the query or the body are not looked at.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// What a request presents.
pub(crate) enum Presented<'a> {
    /// No `Authorization` header.
    Nothing,
    /// A bearer token.
    Bearer(&'a str),
    /// More than one header: which one would the next server read?
    Repeated,
    /// Not `Bearer <token68>`: an invalid credential is never treated as an absent one.
    Unreadable,
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
    if scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty() && is_token68(token) {
        std::str::from_utf8(token).map_or(Presented::Unreadable, Presented::Bearer)
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

/// Two thousand bytes come with every call: all are looked at, without a branch, so that the processor takes 16 at a time.
#[expect(clippy::needless_bitwise_bool, reason = "a branch for each byte costs four times as much")]
fn is_token68(token: &[u8]) -> bool {
    token.iter().fold(true, |so_far, byte| {
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let is_digit_or_dash_dot_slash = byte.wrapping_sub(b'-') < 13;
        let is_other = (*byte == b'_') | (*byte == b'~') | (*byte == b'+') | (*byte == b'=');
        so_far & (is_letter | is_digit_or_dash_dot_slash | is_other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_as_the_grammar_has_it() {
        for byte in u8::MIN..=u8::MAX {
            let is_in_grammar = byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
            assert_eq!(is_token68(&[byte]), is_in_grammar, "{byte:#x}");
            assert_eq!(is_token68(&[[b'a'; 100].as_slice(), &[byte], &[b'b'; 100]].concat()), is_in_grammar);
        }
    }
}
