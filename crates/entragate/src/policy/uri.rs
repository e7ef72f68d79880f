//! What of a resource's URI is compared with the rules.
//!
//! The MCP server reads the same URI with a parser of its own: the official SDKs with one that follows the WHATWG URL
//! standard, which leaves out tabs, takes `FILE:///x`, `file:/x` and `file://localhost/x` for `file:///x`, and resolves
//! dots. So a URI is judged as it stands, in its normal form, and loosely, and all three must come out alike.

use std::borrow::Cow;

use url::Url;

/// How often a text may have been percent-encoded.
const MOST_ENCODED: usize = 8;

/// Whether the URI can be judged at all: no characters that parsers drop or replace, no segments that they resolve.
pub(super) fn is_plain(uri: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    !uri.contains(odd) && !has_dot_segment(uri)
}

/// Whether a pattern could match a plain URI. A space in it stands for `%20`.
pub(super) fn is_plain_pattern(pattern: &str) -> bool {
    let odd = |c: char| c.is_control() || c == '\\';
    !pattern.contains(odd) && !has_dot_segment(pattern)
}

/// The URI as WHATWG parsers write it (RFC 3986 §6.2.2 for what they leave), with the characters that are only encoded for
/// the way (`%73` for `s`) as they are; a text that is no URI as it is, but for those.
pub(super) fn normal(uri: &str) -> Cow<'_, str> {
    let parsed = Url::parse(uri).ok();
    let written = parsed.as_ref().map_or(uri, Url::as_str);
    match decoded(written, is_reserved) {
        Cow::Owned(readable) => Cow::Owned(readable),
        Cow::Borrowed(_) if written == uri => Cow::Borrowed(uri),
        Cow::Borrowed(_) => Cow::Owned(written.to_owned()),
    }
}

/// What a pattern is besides what it says: its normal form, as it is written and as it is read.
pub(super) fn normal_patterns(pattern: &str) -> impl Iterator<Item = String> {
    let is_plain = is_plain_pattern(pattern);
    let written = Url::parse(pattern).ok().map(String::from);
    let both = written.into_iter().chain([normal(pattern).into_owned()]);
    let pattern = pattern.to_owned();
    both.filter(move |form| is_plain && *form != pattern)
}

/// What a careless reader may take the URI for: in lower case, everything decoded however often it was encoded, without
/// fragment and empty segments; of a `file` URI the path alone. It is compared with the same of the patterns.
pub(super) fn loose(uri: &str) -> String {
    let parsed = Url::parse(uri).ok();
    let written = parsed.as_ref().map_or(uri, Url::as_str);
    let whole = written.split('#').next().unwrap_or_default();
    let (scheme, rest) = whole.split_once(':').map_or(("", whole), |(scheme, rest)| (scheme, rest));
    let is_file = scheme.eq_ignore_ascii_case("file");
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let host = authority.rsplit('@').next().filter(|_| !is_file).unwrap_or_default();
    let path = if is_file { path.split('?').next().unwrap_or_default() } else { path };
    let path = fully_decoded(path);
    let mut loose = String::with_capacity(written.len());
    if !scheme.is_empty() {
        loose.push_str(scheme);
        loose.push(':');
    }
    loose.push_str(&fully_decoded(host));
    let mut before = None;
    for c in path.chars().map(|c| if c == '\\' { '/' } else { c }) {
        if !(c == '/' && before == Some('/')) {
            loose.push(c);
        }
        before = Some(c);
    }
    loose.to_lowercase()
}

/// `/public/../secret` is named by a rule for `/public/*`, and the server behind us may open `/secret`.
fn has_dot_segment(uri: &str) -> bool {
    let plain = fully_decoded(uri);
    plain.split(['/', '\\', '?', '#']).any(|segment| matches!(segment, "." | ".."))
}

fn fully_decoded(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MOST_ENCODED {
        match decoded(&text, |_| false) {
            Cow::Owned(once) => text = Cow::Owned(once),
            Cow::Borrowed(_) => break,
        }
    }
    text
}

/// Percent-decoded, except for what is to be `kept` and for stars, which patterns would take for theirs. Borrowed if nothing
/// changes.
fn decoded(text: &str, kept: impl Fn(u8) -> bool) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest, mut changed) = (Vec::with_capacity(text.len()), text.as_bytes(), false);
    while let Some((&first, after)) = rest.split_first() {
        let byte = match after {
            [high, low, ..] if first == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if let Some(byte) = byte.filter(|byte| *byte != b'*' && !kept(*byte)) {
            changed = true;
            out.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(first);
            rest = after;
        }
    }
    if !changed {
        return Cow::Borrowed(text);
    }
    // Bytes that are no text must not hide the others.
    Cow::Owned(
        String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// RFC 3986 §2.2: encoded they mean something else; likewise `%` itself, and controls.
fn is_reserved(byte: u8) -> bool {
    byte.is_ascii_control() || b":/?#[]@!$&'()*+,;=%\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_parsers_make_of_a_uri() {
        for (uri, normalised, loosely) in [
            ("file:///a/b", "file:///a/b", "file:/a/b"),
            ("FILE:///a", "file:///a", "file:/a"),
            ("file://localhost/a", "file:///a", "file:/a"),
            ("file:/a", "file:///a", "file:/a"),
            ("file://other/a?x#y", "file://other/a?x#y", "file:/a"),
            ("file:////%2573ecret//A", "file:///%2573ecret//A", "file:/secret/a"),
            ("file:///%73ecret%2Fx%20y", "file:///secret%2Fx y", "file:/secret/x y"),
            ("https://U@EXAMPLE.com:443", "https://U@example.com/", "https:example.com/"),
            ("notes://Admin/%C3%B6?Q#f", "notes://Admin/ö?Q", "notes:admin/ö?q"),
            ("plain", "plain", "plain"),
            ("%zz%", "%zz%", "%zz%"),
            ("x:%ff%73", "x:\u{fffd}s", "x:\u{fffd}s"),
        ] {
            let normalised =
                if uri.starts_with("notes") { format!("{normalised}#f") } else { normalised.to_owned() };
            assert_eq!((normal(uri).as_ref(), loose(uri).as_str()), (normalised.as_str(), loosely), "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_judged() {
        for uri in [
            "file:///public/.\t./x",
            " file:///x",
            "file:///x\r",
            "file:///x\u{7f}",
            "file:\\\\\\x",
            "file:///a b",
            "file:///a\u{a0}b",
            "file:///../x",
            "file:///%2e%2e/x",
            "file:///%252e%252e/x",
            "a%2f..%2fb",
            "x:..",
        ] {
            // `x:..` has no segment of dots before a slash, and is none to a parser either.
            assert_eq!(is_plain(uri), uri == "x:..", "{uri}");
        }
        for uri in ["file:///a..b", "file:///.hidden", "file:///...", "https://a/?q=1&r=2", "ö:ä"] {
            assert!(is_plain(uri), "{uri}");
        }
    }

    proptest! {
        #[test]
        fn total(uri in r"\PC{0,40}", encoded in "[a-z:/%0-9*?#]{0,40}") {
            for uri in [uri, encoded] {
                let _ = (normal(&uri), loose(&uri), is_plain(&uri), normal_patterns(&uri).count());
            }
        }
    }
}
