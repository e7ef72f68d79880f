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
    let Some((scheme, token)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Presented::Unreadable;
    };
    let token = token.trim_matches(' ');
    let is_token68 = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    // The scheme is case-insensitive (RFC 9110 §11.1).
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(is_token68) {
        Presented::Bearer(token)
    } else {
        Presented::Unreadable
    }
}
