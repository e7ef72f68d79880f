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

/// Looks at every byte, whatever the first ones are: a loop without a way out is one that the compiler makes wide, and
/// this one reads two thousand bytes with every call.
fn is_token68(token: &[u8]) -> bool {
    token.iter().fold(true, |so_far, byte| so_far & is_token68_byte(*byte))
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "`||` is a branch per comparison, and keeps the loop narrow"
)]
const fn is_token68_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        | (byte == b'-')
        | (byte == b'.')
        | (byte == b'_')
        | (byte == b'~')
        | (byte == b'+')
        | (byte == b'/')
        | (byte == b'=')
}
