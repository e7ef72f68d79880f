//! What of a resource's URI is compared with the rules.
//!
//! The MCP server reads the same URI with a parser of its own: the official SDKs with one that follows the WHATWG URL
//! standard, which leaves out tabs, takes `FILE:///x`, `file:/x` and `file://localhost/x` for `file:///x`, and resolves
//! dots. So a URI is judged as it stands, in its normal form, and loosely, and all three must come out alike.

use std::borrow::Cow;
use std::collections::BTreeSet;

use url::Url;

/// How often a text may have been percent-encoded.
const MOST_ENCODED: usize = 8;
/// How many hosts a URI may be read to have, each time it is decoded counted by itself.
const MOST_HOSTS: usize = 32;
/// The longest URI that is judged: each reading of it takes time in which others wait.
pub(super) const LONGEST: usize = 8 * 1024;

/// Whether the URI can be judged at all: no characters that parsers drop or replace, no segments that they resolve, and not
/// very many hosts.
pub(super) fn is_plain(uri: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    !uri.contains(odd) && hides_nothing(uri) && hosts_of(uri) <= MOST_HOSTS
}

fn hosts_of(uri: &str) -> usize {
    levels(uri).map(|text| Parts::of(&text).hosts().len()).sum()
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
/// slashes before its host, its query, and one at its end; with each of its [hosts](Parts::hosts) and a path in the place of
/// one that is not there; without user, fragment and empty segments; of a file the path alone; and however often they decode
/// it before they take it apart. Compared with the same of the patterns.
pub(super) fn loose(uri: &str) -> BTreeSet<String> {
    let written = Url::parse(uri).ok().map(String::from).filter(|written| written != uri);
    let mut all = BTreeSet::from([as_text(uri)]);
    for text in written.as_deref().into_iter().chain([uri]).flat_map(levels) {
        let text = text.trim();
        for text in [as_a_path(text), without_user(text), Some(text.to_owned())].into_iter().flatten() {
            all.extend(Parts::of(&text).alike());
        }
    }
    with_bare_ends(all)
}

/// The text, and what it is each time it is decoded, with slashes for what some parsers read as such (WHATWG URL §4.4).
fn levels(text: &str) -> impl Iterator<Item = String> {
    let once = |text: &String| match decoded(text, |_| false) {
        Cow::Owned(once) => Some(once),
        Cow::Borrowed(_) => None,
    };
    let all = std::iter::successors(Some(text.to_owned()), once).take(MOST_ENCODED + 1);
    all.map(|text| text.replace('\\', "/"))
}

/// A file's path, with whatever begins with a slash or `file:` taken for one: `//x` is `/x` to an operating system.
fn as_a_path(text: &str) -> Option<String> {
    let scheme = text.get(.."file:".len()).filter(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let path = if text.starts_with('/') { text } else { text.get(scheme?.len()..)? };
    // Three slashes behind the scheme say nothing else.
    (scheme.is_none() || !path.starts_with("///")).then(|| format!("file:///{path}"))
}

/// As whoever looks for the user before the end of the authority reads it: `db://x?@y/z` is `db://y/z`.
fn without_user(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("//")?;
    let authority = rest.split('/').next()?;
    let (_, host) = authority.rsplit_once('@').filter(|(user, _)| user.contains(['?', '#']))?;
    Some(format!("{scheme}//{host}{}", rest.get(authority.len()..)?))
}

/// What a pattern names when URIs are read loosely. As it stands, too: a star before the path may stand for a part of the
/// path, which a parser takes for a part of the host.
pub(super) fn loose_patterns(pattern: &str) -> BTreeSet<String> {
    let written = Url::parse(pattern).ok().map(String::from);
    let mut all = BTreeSet::from([as_text(pattern)]);
    for text in written.as_deref().into_iter().chain([pattern]) {
        let parts = Parts::of(text);
        let host = parts.host().filter(|host| !parts.is_file() || host.contains('*')).unwrap_or_default();
        let query = if parts.is_file() { String::new() } else { parts.read_query() };
        let readings = parts.readings(&[host], &parts.read_path());
        all.extend(readings.into_iter().map(|reading| reading + &query));
    }
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

/// A URI taken apart, without fragment.
#[derive(Clone, Copy)]
struct Parts<'a> {
    /// With its colon.
    scheme: &'a str,
    authority: Option<&'a str>,
    path: &'a str,
    /// With its question mark.
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let whole = text.split('#').next().unwrap_or_default();
        let (whole, query) = whole.split_at(whole.find('?').unwrap_or(whole.len()));
        // A colon behind a slash is one of a path.
        let colon = whole.find([':', '/']).filter(|at| whole.as_bytes().get(*at) == Some(&b':'));
        let (scheme, rest) = whole.split_at(colon.map_or(0, |colon| colon + 1));
        let Some(rest) = rest.strip_prefix("//") else {
            return Self { scheme, authority: None, path: rest, query };
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self { scheme, authority: Some(authority), path, query }
    }

    fn is_file(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("file:")
    }

    /// Without user.
    fn host(&self) -> Option<&'a str> {
        self.authority?.rsplit('@').next()
    }

    /// What readers take for its host, empty where it has none: with and without the port, whatever that is (Python's ends at
    /// the first colon), and the dots at its end; what is in brackets; the user of several; each of several hosts.
    fn hosts(&self) -> Vec<&'a str> {
        let Some((host, authority)) = self.host().zip(self.authority).filter(|_| !self.is_file()) else {
            return vec![""];
        };
        let is_port = |(_, port): &(&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
        let bare = host.rsplit_once(':').filter(is_port).map_or(host, |(host, _)| host);
        let mut all = vec![host, bare.trim_end_matches('.')];
        for one in authority.split(['@', '[', ']', ',', ';']) {
            let (name, port) = one.split_once(':').unwrap_or((one, ""));
            let digits = port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let with_port = one.get(..name.len() + 1 + digits).filter(|_| digits > 0);
            let name = name.trim().trim_end_matches('.');
            all.extend(with_port.into_iter().chain([name]).filter(|host| !host.is_empty()));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// As it is, and as whoever looks at its host or its path alone takes it, with and without its query.
    fn alike(&self) -> BTreeSet<String> {
        let (hosts, path, query) = (self.hosts(), self.read_path(), self.read_query());
        let mut all = self.readings(&hosts, &path);
        if self.is_file() {
            all.push(path);
        } else if hosts.contains(&"") {
            all.extend(self.readings(&[""], path.trim_start_matches('/')));
        }
        let with_query: Vec<String> = all.iter().map(|one| format!("{one}{query}")).collect();
        all.into_iter().chain(with_query).collect()
    }

    fn read_path(&self) -> String {
        let mut path = String::with_capacity(self.path.len());
        for c in fully_decoded(self.path).chars().map(|c| if c == '\\' { '/' } else { c }) {
            if !(c == '/' && path.ends_with('/')) {
                path.push(c);
            }
        }
        path.to_lowercase()
    }

    fn read_query(&self) -> String {
        fully_decoded(self.query).to_lowercase()
    }

    /// This path with each of these hosts, with and without the slashes before it.
    fn readings(&self, hosts: &[&str], path: &str) -> Vec<String> {
        let scheme = self.scheme.to_lowercase();
        let slashes = if scheme.is_empty() { "" } else { "//" };
        let with = |host: &&str| {
            let host = fully_decoded(host).to_lowercase();
            [slashes, ""].map(|slashes| format!("{scheme}{slashes}{host}{path}"))
        };
        hosts.iter().flat_map(with).collect()
    }
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
            assert!(loose(uri).contains(loosely), "{uri}: {:?}", loose(uri));
        }
    }

    #[test]
    fn a_star_before_the_path_may_stand_for_a_part_of_it() {
        let names = |pattern: &str, uri: &str| {
            let uris = loose(uri);
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
            "file:///%25252525252525252e%2e/x",
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

    #[test]
    fn what_may_have_very_many_hosts_is_not_judged() {
        let hosts = |many: usize| {
            vec!["h"; many].iter().enumerate().map(|(n, h)| format!("{h}{n}")).collect::<Vec<_>>()
        };
        assert!(is_plain(&format!("mongodb://{}/x", hosts(24).join(","))));
        assert!(is_plain(&format!("notes://x/{}", hosts(500).join(","))));
        for separator in [",", "@", "%2C", "%2540", "["] {
            assert!(!is_plain(&format!("db://{}/x", hosts(40).join(separator))), "{separator}");
        }
        // However it is decoded, what is left to compare is bounded.
        let most = format!("db://{}/{}", hosts(3).join("%25252525252C"), "x".repeat(8_000));
        assert!(is_plain(&most));
        assert!(loose(&most).len() < 1_000, "{}", loose(&most).len());
    }

    proptest! {
        #[test]
        fn total(uri in r"\PC{0,40}", encoded in "[a-z:/%0-9*?#]{0,40}") {
            for uri in [uri, encoded] {
                let _ = (normal(&uri), loose(&uri), is_plain(&uri), normal_patterns(&uri).count(), loose_patterns(&uri));
            }
        }
    }
}
