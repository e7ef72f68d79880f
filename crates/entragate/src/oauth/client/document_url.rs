//! A client's identifier that is the URL of its metadata document (Client ID Metadata Document §3, CI-01).
//!
//! The URL is compared as a string, shown to a person and fetched by us, so only one spelling of it exists:
//! the one that the URL parser would write. Whatever two parsers could read differently is refused.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::base_url::LOOPBACK_NAMES;

/// Longest URL that is looked at, as for redirect URIs.
const MAX_LENGTH: usize = 2_048;

/// How often a path may have been percent-encoded. Who encodes once more hides something.
const MAX_ENCODINGS: usize = 3;

/// Names that never lead to the public internet: IANA's special-use names (RFC 6761, 6762, 7686, 8375, 9476)
/// and those that networks use for themselves (`.internal` is reserved for that). A proxy resolves names for
/// us, so the check of addresses cannot be the only one.
const PRIVATE_SUFFIXES: [&str; 16] = [
    "alt",
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "test",
];

/// Why a URL cannot be a client's identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum DocumentUrlError {
    #[error("is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("is not an absolute URL in normal form")]
    Malformed,
    #[error("does not use https")]
    Scheme,
    #[error("has a user name or password")]
    Userinfo,
    #[error("has a fragment")]
    Fragment,
    #[error("has no path")]
    NoPath,
    #[error("has a dot segment or a control character in its path")]
    Path,
    #[error("has a port")]
    Port,
    #[error("has an address instead of a host name")]
    Address,
    #[error("has a host that is not on the public internet")]
    PrivateHost,
}

/// The URL of a metadata document or key set, in its only spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentUrl(Url);

impl DocumentUrl {
    /// Parses a URL. `allow_loopback` is for a gateway that is itself on loopback (CI-10): then the client on
    /// this machine may be reached by http and on any port.
    pub(crate) fn parse(text: &str, allow_loopback: bool) -> Result<Self, DocumentUrlError> {
        if text.len() > MAX_LENGTH {
            return Err(DocumentUrlError::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(DocumentUrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| DocumentUrlError::Malformed)?;
        if text.contains('#') {
            return Err(DocumentUrlError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(DocumentUrlError::Userinfo);
        }
        let url = Self(url);
        let is_excepted = allow_loopback && url.is_loopback();
        match url.0.scheme() {
            "https" => {}
            "http" if is_excepted => {}
            _ => return Err(DocumentUrlError::Scheme),
        }
        if url.0.path() == "/" {
            return Err(DocumentUrlError::NoPath);
        }
        // Before the normal form, for the better message; the parser has resolved dot segments already.
        if !is_plain_path(&text[..text.find('?').unwrap_or(text.len())]) {
            return Err(DocumentUrlError::Path);
        }
        // The HTTP client has a parser of its own, which is stricter with some characters.
        let is_read_alike = text.parse::<http::Uri>().is_ok_and(|uri| uri.host() == url.0.host_str());
        if url.0.as_str() != text || !is_read_alike {
            return Err(DocumentUrlError::Malformed);
        }
        if !is_excepted {
            url.check_public()?;
        }
        Ok(url)
    }

    /// A name that can be public, on the port of https: a stranger must not make us knock on other doors.
    fn check_public(&self) -> Result<(), DocumentUrlError> {
        let Some(Host::Domain(name)) = self.0.host() else { return Err(DocumentUrlError::Address) };
        if self.0.port().is_some() {
            return Err(DocumentUrlError::Port);
        }
        // No dot, or one at the end only, and the resolver completes the name with the network's own domain.
        let (labels, suffix) = name.rsplit_once('.').ok_or(DocumentUrlError::PrivateHost)?;
        if suffix.is_empty() || PRIVATE_SUFFIXES.contains(&suffix) {
            return Err(DocumentUrlError::PrivateHost);
        }
        // The parser takes a last label of digits for an address; the others may still be empty or odd.
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() > 253 || !labels.split('.').all(is_label) || !is_label(suffix) {
            return Err(DocumentUrlError::Malformed);
        }
        Ok(())
    }

    /// As the client wrote it.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, in the ASCII form in which a person can tell lookalikes apart.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// `scheme://host[:port]`.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The port, written or implied.
    pub(crate) fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// Whether it names this machine, which only a gateway on loopback accepts.
    pub(crate) fn is_loopback(&self) -> bool {
        LOOPBACK_NAMES.contains(&self.host())
    }
}

impl fmt::Display for DocumentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a client identifier is meant as a URL, well-formed or not: nothing that starts like one is ever
/// looked up as another kind of identifier.
pub(crate) fn looks_like_one(client_id: &str) -> bool {
    client_id.trim_start().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"))
}

/// No `.` or `..` segment and no control character, however often the path is encoded.
fn is_plain_path(text: &str) -> bool {
    let mut path = text.to_owned();
    for _ in 0..=MAX_ENCODINGS {
        let is_dots = |segment: &str| segment == "." || segment == "..";
        if path.split(['/', '\\']).any(is_dots) || path.contains(|c: char| c.is_control() || c == '\\') {
            return false;
        }
        let Ok(decoded) = percent_decode_str(&path).decode_utf8() else { return false };
        if decoded == path {
            return true;
        }
        path = decoded.into_owned();
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(url: &str) -> DocumentUrlError {
        DocumentUrl::parse(url, false).expect_err(url)
    }

    #[test]
    fn the_urls_of_known_clients_are_accepted_as_written() {
        for url in [
            "https://vscode.dev/oauth/client-metadata.json",
            "https://claude.ai/oauth/claude-code-client-metadata",
            "https://client.contoso.com/oauth/client.json?v=2",
            "https://client.contoso.com/a/",
            "https://client.contoso.com/a%20b/.well-known/client",
            "https://client.contoso.com/...",
            "https://client.contoso.com/%C3%A4",
            "https://xn--mnchen-3ya.contoso.com/client",
            "https://my_client.contoso.com/client",
        ] {
            let parsed = DocumentUrl::parse(url, false).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(parsed.as_str(), url);
            assert!(looks_like_one(url));
        }
        let url = DocumentUrl::parse("https://client.contoso.com/a", false).unwrap();
        assert_eq!((url.host(), url.port()), ("client.contoso.com", 443));
        assert_eq!(url.origin(), "https://client.contoso.com");
    }

    #[test]
    fn urls_that_two_parsers_read_differently_are_refused() {
        for url in [
            "",
            "client.contoso.com/a",
            "//client.contoso.com/a",
            "https:client.contoso.com/a",
            "https:/client.contoso.com/a",
            "https:///client.contoso.com/a",
            "https://",
            "HTTPS://client.contoso.com/a",
            "https://Client.contoso.com/a",
            "https://client.contoso.com:443/a",
            "https://client.contoso.com:/a",
            "https://client.contoso.com/ä",
            "https://münchen.contoso.com/a",
            "https://client.contoso.com\\a",
            "https://client.contoso.com/a\\b",
            "https://client.contoso.com/a b",
            "https://client.contoso.com/a\tb",
            "https://client.contoso.com/a\n",
            " https://client.contoso.com/a",
            "https://client.contoso.com/\"",
            "https://client.contoso.com/<a>",
            "https://client%2econtoso.com/a",
            "https://client。contoso.com/a",
            "https://client..contoso.com/a",
            "https://.contoso.com/a",
            "https://-client.contoso.com/a",
            "https://*.contoso.com/a",
        ] {
            assert_eq!(refused(url), DocumentUrlError::Malformed, "{url}");
        }
        assert_eq!(
            refused(&format!("https://client.contoso.com/{}", "a".repeat(2_048))),
            DocumentUrlError::TooLong
        );
        assert_eq!(
            refused(&format!("https://{}.contoso.com/a", "a".repeat(64))),
            DocumentUrlError::Malformed
        );
    }

    #[test]
    fn urls_that_the_specification_forbids_are_refused() {
        for (url, error) in [
            ("http://client.contoso.com/a", DocumentUrlError::Scheme),
            ("ftp://client.contoso.com/a", DocumentUrlError::Scheme),
            ("https://client.contoso.com", DocumentUrlError::NoPath),
            ("https://client.contoso.com/", DocumentUrlError::NoPath),
            ("https://client.contoso.com/?a", DocumentUrlError::NoPath),
            ("https:///client.contoso.com", DocumentUrlError::NoPath),
            ("https://client.contoso.com/a#", DocumentUrlError::Fragment),
            ("https://client.contoso.com/a#b", DocumentUrlError::Fragment),
            ("https://user@client.contoso.com/a", DocumentUrlError::Userinfo),
            ("https://user:pass@client.contoso.com/a", DocumentUrlError::Userinfo),
            ("https://:pass@client.contoso.com/a", DocumentUrlError::Userinfo),
            ("https://client.contoso.com/./a", DocumentUrlError::Path),
            ("https://client.contoso.com/a/../b", DocumentUrlError::Path),
            ("https://client.contoso.com/a/%2e%2e/b", DocumentUrlError::Path),
            ("https://client.contoso.com/a/.%2E/b", DocumentUrlError::Path),
            ("https://client.contoso.com/a/%252e%252e/b", DocumentUrlError::Path),
            ("https://client.contoso.com/a/%25252e./b", DocumentUrlError::Path),
            ("https://client.contoso.com/a%2f..%2fb", DocumentUrlError::Path),
            ("https://client.contoso.com/a%5c..%5cb", DocumentUrlError::Path),
            ("https://client.contoso.com/a%5cb", DocumentUrlError::Path),
            ("https://client.contoso.com/a%00", DocumentUrlError::Path),
            ("https://client.contoso.com/a%0d%0ab", DocumentUrlError::Path),
            ("https://client.contoso.com/a%250ab", DocumentUrlError::Path),
            ("https://client.contoso.com/%ff", DocumentUrlError::Path),
            ("https://client.contoso.com/%2525252525", DocumentUrlError::Path),
        ] {
            assert_eq!(refused(url), error, "{url}");
        }
    }

    #[test]
    fn hosts_that_are_not_names_on_the_public_internet_are_refused() {
        for url in [
            "https://127.0.0.1/a",
            "https://8.8.8.8/a",
            "https://[::1]/a",
            "https://[::ffff:169.254.169.254]/a",
            "https://[2606:4700::1111]/a",
            "https://2130706433/a",
            "https://0x7f000001/a",
            "https://0x7f.1/a",
            "https://0177.0.0.1/a",
            "https://127.1/a",
            "https://127.0.0.1./a",
            "https://①②⑦.0.0.1/a",
            "https://1.2.3/a",
            "https://contoso.1/a",
            "https://localhost/a",
            "https://localhost./a",
            "https://a.localhost/a",
            "https://localhost.localdomain/a",
            "https://intranet/a",
            "https://com/a",
            "https://client.contoso.com./a",
            "https://printer.local/a",
            "https://metadata.google.internal/a",
            "https://router.home.arpa/a",
            "https://1.0.0.127.in-addr.arpa/a",
            "https://wiki.corp/a",
            "https://expyuzz4wqqyqhjn.onion/a",
            "https://a.test/a",
            "https://client.contoso.com:8443/a",
            "https://client.contoso.com:22/a",
            "https://client.contoso.com:80/a",
        ] {
            refused(url);
        }
        assert_eq!(refused("https://8.8.8.8/a"), DocumentUrlError::Address);
        assert_eq!(refused("https://intranet/a"), DocumentUrlError::PrivateHost);
        assert_eq!(refused("https://client.contoso.com:8443/a"), DocumentUrlError::Port);
    }

    #[test]
    fn loopback_is_reachable_only_for_a_gateway_that_is_there_itself() {
        for url in [
            "http://localhost:7001/client",
            "http://127.0.0.1:7001/client",
            "http://[::1]:7001/client",
            "https://localhost/client",
            "http://localhost/client",
        ] {
            assert!(DocumentUrl::parse(url, true).is_ok_and(|url| url.is_loopback()), "{url} was refused");
            refused(url);
        }
        for url in [
            "http://client.contoso.com/a",
            "http://localhost/",
            "http://localhost:80/a",
            "http://127.0.0.2/a",
            "http://127.1/a",
            "http://2130706433/a",
            "http://[::ffff:127.0.0.1]/a",
            "http://a.localhost/a",
            "http://localhost./a",
            "http://localhost.contoso.com/a",
            "http://0.0.0.0/a",
            "http://10.0.0.1/a",
            "http://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/a",
            "https://client.contoso.com:8443/a",
            "ftp://localhost/a",
        ] {
            assert!(DocumentUrl::parse(url, true).is_err(), "{url} was accepted");
        }
    }

    #[test]
    fn nothing_that_starts_like_a_url_is_another_kind_of_identifier() {
        for id in ["https://a", "http://a", "HTTP:", "hTTps", "httpfoo", " https://a", "\thttp"] {
            assert!(looks_like_one(id), "{id}");
        }
        for id in ["", "htt", "c0000000-0000-4000-8000-000000000003", "ähttp", "éé", "s6BhdRkqt3"] {
            assert!(!looks_like_one(id), "{id}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_has_one_spelling(text in "(https?://)?\\PC{0,80}", loopback: bool) {
            if let Ok(url) = DocumentUrl::parse(&text, loopback) {
                prop_assert_eq!(url.as_str(), &text);
                prop_assert!(looks_like_one(&text));
            }
        }
    }
}
