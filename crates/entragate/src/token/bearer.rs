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

fn is_token68(token: &[u8]) -> bool {
    token.iter().all(|byte| IS_TOKEN68.get(usize::from(*byte)).copied().unwrap_or(false))
}

/// By byte: two thousand of them come with every call, and a look here costs less than eleven comparisons.
static IS_TOKEN68: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MIN;
    loop {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break table,
        }
    }
};
