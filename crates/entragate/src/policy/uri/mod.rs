//! What of a resource's URI is compared with the rules.
//!
//! The MCP server reads the same URI with a parser of its own: the official SDKs with one that follows the WHATWG URL
//! standard, which leaves out tabs, takes `FILE:///x`, `file:/x` and `file://localhost/x` for `file:///x`, and resolves
//! dots. So a URI is judged as it stands, in its normal form, and loosely, and all three must come out alike.

mod encoding;
mod reading;

use std::borrow::Cow;
use std::collections::BTreeSet;

use url::Url;

use encoding::{decoded, fully_decoded, is_reserved};
use reading::{Reading, reading_of_pattern, readings};

/// The longest URI that is judged: each reading of it takes time in which others wait.
pub(super) const LONGEST: usize = 8 * 1024;
/// The most that it may [weigh](weight).
const HEAVIEST: usize = 8 * LONGEST;

/// Whether the URI can be judged at all: no characters that parsers drop or replace, and no segments that they resolve.
pub(super) fn is_plain(uri: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    !uri.contains(odd) && hides_nothing(uri)
}

/// What judging a URI costs: its bytes, as often as it can be read in another way, as with each of several hosts. What is too
/// long or too heavy is not judged.
pub(super) fn weight(uri: &str) -> usize {
    if uri.len() > LONGEST { 0 } else { weight_of(&readings(uri)).min(HEAVIEST) }
}

fn weight_of(readings: &BTreeSet<Reading>) -> usize {
    readings.iter().map(Reading::weight).sum()
}

/// Whether a pattern could match a plain URI. A space in it stands for `%20`.
pub(super) fn is_plain_pattern(pattern: &str) -> bool {
    let odd = |c: char| c.is_control() || c == '\\';
    !pattern.contains(odd) && hides_nothing(pattern)
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

/// What careless readers may take the URI for, in lower case and decoded however often it was encoded: with and without the
/// slashes before its host, its query, and one at its end; with each of its hosts and a path in the place of one that is not
/// there; without user, fragment and empty segments; of a file the path alone. Compared with the same of the patterns.
/// `None` if that is too much.
pub(super) fn loose(uri: &str) -> Option<BTreeSet<String>> {
    let readings = readings(uri);
    (weight_of(&readings) <= HEAVIEST)
        .then(|| with_bare_ends(readings.iter().flat_map(Reading::alike).chain([as_text(uri)]).collect()))
}

/// What a pattern names when URIs are read loosely. As it stands, too: a star before the path may stand for a part of the
/// path, which a parser takes for a part of the host.
pub(super) fn loose_patterns(pattern: &str) -> BTreeSet<String> {
    let written = Url::parse(pattern).ok().map(String::from);
    let readings = written.as_deref().into_iter().chain([pattern]).map(reading_of_pattern);
    let spelt = readings.flat_map(|reading| reading.spellings().collect::<Vec<_>>());
    let all = spelt.chain([as_text(pattern)]).collect();
    if pattern.contains('*') { all } else { with_bare_ends(all) }
}

/// `/secret/` is what `/secret` is, to whoever opens it.
fn with_bare_ends(mut all: BTreeSet<String>) -> BTreeSet<String> {
    let bare: Vec<String> = all.iter().map(|one| one.trim_end_matches(['/', ' ']).to_owned()).collect();
    all.extend(bare);
    all
}

fn as_text(uri: &str) -> String {
    fully_decoded(uri).to_lowercase()
}

/// Whether it says what it is, however often it was encoded: without controls, which end a text or are left out, and without
/// segments of dots: `/public/../secret` is named by a rule for `/public/*`, and the server behind us may open `/secret`.
fn hides_nothing(uri: &str) -> bool {
    let plain = fully_decoded(uri);
    let is_whole = matches!(decoded(&plain, |_| false), Cow::Borrowed(_));
    let is_dots = |segment: &str| matches!(segment, "." | "..");
    // Of a query a text of several lines may be a part.
    let path = fully_decoded(uri.split(['?', '#']).next().unwrap_or_default());
    let has_controls = path.contains(char::is_control) || plain.contains('\0');
    is_whole && !has_controls && !plain.split(['/', '\\', '?', '#']).any(is_dots)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::glob::Glob;

    #[test]
    fn what_parsers_make_of_a_uri() {
        for (uri, normalised, loosely) in [
            ("file:///a/b", "file:///a/b", "file:/a/b"),
            ("FILE:///a", "file:///a", "file:/a"),
            ("file://localhost/a", "file:///a", "file:/a"),
            ("file:/a", "file:///a", "file:///a"),
            ("file://other/a?x#y", "file://other/a?x#y", "file:/a"),
            ("file:////%2573ecret//A", "file:///%2573ecret//A", "file:/secret/a"),
            ("file:///%73ecret%2Fx%20y", "file:///secret%2Fx y", "file:/secret/x y"),
            ("file:///a%23x", "file:///a%23x", "file:/a"),
            ("file:///a%253Fx", "file:///a%253Fx", "file:/a"),
            ("file:///a%20", "file:///a ", "file:/a"),
            ("https://U@EXAMPLE.com:443", "https://U@example.com/", "https://example.com"),
            ("https://h%2Fa", "https://h%2Fa", "https://h/a"),
            ("notes://Admin/%C3%B6?Q#f", "notes://Admin/ö?Q#f", "notes:admin/ö?q"),
            ("notes://Admin/x?Q#f", "notes://Admin/x?Q#f", "notes://admin/x"),
            ("plain", "plain", "plain"),
            ("%zz%", "%zz%", "%zz%"),
            ("x:%ff%73", "x:\u{fffd}s", "x:\u{fffd}s"),
        ] {
            assert_eq!(normal(uri), normalised, "{uri}");
            let read = loose(uri).unwrap();
            assert!(read.contains(loosely), "{uri}: {read:?}");
        }
    }

    #[test]
    fn a_star_before_the_path_may_stand_for_a_part_of_it() {
        let names = |pattern: &str, uri: &str| {
            let uris = loose(uri).unwrap();
            loose_patterns(pattern)
                .into_iter()
                .map(Glob::new)
                .any(|glob| uris.iter().any(|uri| glob.matches(uri)))
        };
        for (pattern, uri) in [
            ("https://example.com*", "https://u@example.com/a"),
            ("https://example.com*", "HTTPS://EXAMPLE.COM"),
            ("https://*secret*", "https://h/SECRET/x"),
            ("https://*secret*", "https://h/%2573ecret/x"),
            ("https://*.example.com:443/*", "https://a.EXAMPLE.com/x"),
            ("https://*@private*", "https://h/me@PRIVATE/x"),
            ("file://*secret*", "file:///a/SECRET/x"),
            ("file://*secret*", "file:///a/%2573ecret/x"),
            ("file://server*", "file://SERVER/x"),
            ("fi*:///secret/*", "file:////SECRET/x"),
            ("*/secret/*", "notes://SECRET/x"),
            ("*//hidden/*", "notes://HIDDEN/x"),
            ("*//hidden/*", "notes://u@hidden/x"),
            ("db://prod/*", "db://prod:1/x"),
            ("db://prod/*", "db:///prod/x"),
            ("db://prod/*", "db:/prod/x"),
            ("notes://admin", "notes://admin:1"),
            ("notes://admin", "notes:///admin"),
            ("https://api.example.com/admin/*", "https://api.example.com./admin/x"),
            ("file:///guard/*", "/guard/x"),
            ("file:///guard/*", "//guard/x"),
            ("file:///guard/*", "//guard/x:y"),
            ("file:///guard/*", "/guard/x:y"),
            ("file:///guard/*", "file://guard/x"),
            ("/guard/*", "file:///GUARD/x"),
            ("/guard/*", "//guard/x"),
            ("db://prod/*", "db://prod:x/y"),
            ("db://prod/*", "db://a@prod.:+1:2/y"),
            ("db://prod/*", "db://prod@a/y"),
            ("db://prod/*", "db://a,prod;b/y"),
            ("db://prod/*", "db://[prod]:1/y"),
            ("db://prod/*", "db://:1/prod/y"),
            ("db://prod/*", "db://a?@prod/y"),
            ("db://prod/*", "db://a%252F%40prod/y"),
            ("db://prod:1/*", "db://prod:1x/y"),
            ("db://[::1]/*", "db://[::1]:80/y"),
            ("notes://x", "notes://X?y"),
            ("notes://x/", "notes://X"),
        ] {
            assert!(names(pattern, uri), "{pattern} {uri}: {:?} {:?}", loose_patterns(pattern), loose(uri));
        }
        for (pattern, uri) in [
            ("https://example.com*", "https://example.org/a"),
            ("file://server*", "file:///a"),
            ("file://*secret*", "file:///a"),
            ("notes://x?y", "notes://x"),
            ("notes://x?y", "notes://x?z"),
            ("*/secret/*", "notes://secrets/x"),
            ("*//hidden*", "hidden"),
            ("db://prod:1/*", "db://prod:2/x"),
            ("db://prod:1/*", "db://prod/x"),
            ("db://prod/*", "db://x/prod/y"),
            ("db://prod/*", "db://x:prod/y"),
            ("db://prod/*", "db://prod.x/y"),
            ("db://prod/*", "db://[::1]/prod/y"),
            ("db://prod/*", "db://x/a@prod/y"),
            ("at://did/*", "at://x/did/y"),
            ("file:///guard/*", "//public/guard/x"),
            ("file:///guard/*", "guard/x"),
            ("/guard/*", "notes://guard/x"),
        ] {
            assert!(!names(pattern, uri), "{pattern} {uri}: {:?} {:?}", loose_patterns(pattern), loose(uri));
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
            "file:///public/.%09./x",
            "file:///x%00.txt",
            "file:///x%250a",
            "file:///x?a=%00",
            "file:///x%C2%85",
            "file:///%252525252e%2e/x",
            "x:..",
        ] {
            // `x:..` has no segment of dots before a slash, and is none to a parser either.
            assert_eq!(is_plain(uri), uri == "x:..", "{uri}");
        }
        for uri in ["file:///a..b", "file:///.hidden", "file:///...", "https://a/?q=1&r=2%0D%0Aline", "ö:ä"]
        {
            assert!(is_plain(uri), "{uri}");
        }
    }

    fn hosts(many: usize) -> Vec<String> {
        (0..many).map(|n| format!("host{n}.example.com:27017")).collect()
    }

    #[test]
    fn what_would_have_to_be_compared_very_often_is_not_judged() {
        let x = "x".repeat(7_000);
        for (uri, is_judged) in [
            (format!("mongodb://{}/my%20db?replicaSet=a", hosts(20).join(",")), true),
            (format!("mongodb://user@{}/x", hosts(60).join(",")), true),
            (format!("notes://x/{}", hosts(300).join(",")), true),
            (format!("https://u@example.com:8443/{x}"), true),
            (format!("https://example.com/{x}?{}", "%25".repeat(300)), true),
            (format!("https://example.com/{}", "%25252520".repeat(800)), true),
        ] {
            assert_eq!(loose(&uri).is_some(), is_judged, "{uri}");
        }
        for separator in [",", "@", "%2C", "%2540", "["] {
            let many = hosts(15).join(separator);
            assert!(loose(&format!("db://{many}/y")).is_some(), "{separator}");
            assert!(loose(&format!("db://{many}/{x}")).is_none(), "{separator}");
        }
    }

    #[test]
    fn a_uri_weighs_what_it_is_read_as() {
        for (uri, weighs) in [
            ("file:///a/b", "file:/a/b".len()),
            ("notes://x/y", "notes:x/y".len()),
            ("notes://x/y%20z", "notes:x/y z".len()),
            ("db://aa,b/c", 5 + "aa,b".len() + 5 + "aa".len() + 5 + "b".len()),
            ("no uri", 6),
        ] {
            assert_eq!(weight(uri), weighs, "{uri}");
        }
        let path = "x".repeat(1_000);
        assert!(weight(&format!("db://{}/{path}", hosts(50).join(","))) > 50 * path.len());
        assert_eq!(weight(&format!("db://{}/{}", hosts(50).join(","), "x".repeat(6_000))), HEAVIEST);
        assert_eq!(weight(&"x:".repeat(LONGEST)), 0);
    }

    proptest! {
        #[test]
        fn total(uri in r"\PC{0,40}", encoded in "[a-z:/%0-9*?#]{0,40}") {
            for uri in [uri, encoded] {
                let _ = (normal(&uri), loose(&uri), weight(&uri), is_plain(&uri), normal_patterns(&uri).count(), loose_patterns(&uri));
            }
        }
    }
}
