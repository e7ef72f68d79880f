//! Redirect URIs: parsed once, judged by class, handed on as written.
//!
//! Classes, not vendors: loopback is always fine (RFC 8252 §7.3), known hosted callbacks are shipped, anything
//! else needs the operator. Comparison is by component after parsing; a URI that is not in normal form
//! is refused, because somebody else would parse it differently.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest URI that is looked at. Entra stores 256 characters (Microsoft's `reply-url` page).
const MAX_LENGTH: usize = 2_048;

/// Callbacks of hosted clients, exact unless they end with `*`.
const HOSTED: [&str; 11] = [
    "https://claude.ai/api/mcp/auth_callback",
    "https://claude.com/api/mcp/auth_callback",
    "https://vscode.dev/redirect",
    "https://insiders.vscode.dev/redirect",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "https://chatgpt.com/connector_platform_oauth_redirect",
    "https://chatgpt.com/connector/oauth/*",
    "https://global.consent.azure-apim.net/redirect/*",
    "https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect",
    "https://oauth.n8n.cloud/oauth2/callback",
    "https://api.v0.dev/v1/mcp-servers/oauth/callback",
];

/// Private-use callbacks of clients that people install, exact. Only where a consent page stands before them: any
/// program can claim the scheme (RFC 8252 §8.4).
const PRIVATE_USE: [&str; 1] = ["cursor://anysphere.cursor-mcp/oauth/callback"];

/// Why a redirect URI is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum RedirectUriError {
    #[error("redirect_uri is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("redirect_uri is not an absolute URI in normal form")]
    Malformed,
    #[error("redirect_uri has a fragment")]
    Fragment,
    #[error("redirect_uri has a user name or password")]
    Userinfo,
    #[error("redirect_uri uses http on a host that is not loopback")]
    PlainHttp,
    #[error("redirect_uri has a wildcard host")]
    Wildcard,
    #[error("redirect_uri has a scheme that a browser or the system acts on itself")]
    Scheme,
}

/// A well-formed redirect URI. Whether it may be used is the [`RedirectPolicy`]'s decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RedirectUri {
    text: String,
    url: Url,
}

impl RedirectUri {
    pub(crate) fn parse(text: &str) -> Result<Self, RedirectUriError> {
        if text.len() > MAX_LENGTH {
            return Err(RedirectUriError::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'"' && b != b'<' && b != b'>') {
            return Err(RedirectUriError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::Malformed)?;
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::Userinfo);
        }
        // `http://localhost` and `http://localhost/` are the same URL but different strings for Entra; both
        // are normal. Everything else that the parser would rewrite (case, dot segments, default port) is not.
        let normal = url.as_str();
        if normal != text && normal.strip_suffix('/') != Some(text) {
            return Err(RedirectUriError::Malformed);
        }
        if url.host_str().is_some_and(|host| host.contains('*')) {
            return Err(RedirectUriError::Wildcard);
        }
        let uri = Self { text: text.to_owned(), url };
        match uri.url.scheme() {
            "https" if uri.url.has_host() => Ok(uri),
            "http" if uri.is_loopback() => Ok(uri),
            "http" => Err(RedirectUriError::PlainHttp),
            "https" => Err(RedirectUriError::Malformed),
            never if NEVER.contains(&never) => Err(RedirectUriError::Scheme),
            _ => Ok(uri),
        }
    }

    /// As the client wrote it; Entra compares this string.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether both are loopback URIs and only the port differs: a native client takes the one it gets (RFC 8252 §7.3).
    pub(crate) fn differs_in_port(&self, other: &Self) -> bool {
        self.is_loopback()
            && other.is_loopback()
            && self.without_loopback_port() == other.without_loopback_port()
    }

    /// The URI as text, a loopback one without its port.
    pub(crate) fn without_loopback_port(&self) -> String {
        let mut url = self.url.clone();
        if self.is_loopback() && url.set_port(None).is_ok() { url.into() } else { self.text.clone() }
    }

    /// The host that a person should look at, or the scheme of a private-use URI.
    pub(crate) fn shown_host(&self) -> String {
        match self.url.host_str() {
            Some(host) if self.is_https() || self.is_loopback() => host.to_owned(),
            _ => format!("{}:", self.url.scheme()),
        }
    }

    /// Where a form may lead to (CSP `form-action`): the origin, or the scheme of a private-use URI.
    pub(crate) fn form_action(&self) -> String {
        match self.url.origin() {
            url::Origin::Tuple(..) => self.url.origin().ascii_serialization(),
            url::Origin::Opaque(_) => format!("{}:", self.url.scheme()),
        }
    }

    /// The URI with parameters added to its query.
    pub(crate) fn with_query(&self, query: &str) -> String {
        let joint = if self.url.query().is_some() { '&' } else { '?' };
        format!("{}{joint}{query}", self.text)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.text
    }
}

/// Why the operator's rule cannot be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is neither an https URI, an https URI that ends with /*, a private-use URI nor a scheme such as cursor:"
)]
pub struct RedirectRuleError(String);

/// What the operator allows beyond loopback and the shipped callbacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectRule(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Exact(String),
    Prefix { origin: String, path: String },
    Scheme(String),
}

/// Schemes that a browser or the system acts on itself.
const NEVER: [&str; 14] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "javascript",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

impl RedirectRule {
    /// Parses `https://host/path` (exact), `https://host/path/*` (below), `scheme://…` (exact) or `scheme:`.
    pub fn parse(text: &str) -> Result<Self, RedirectRuleError> {
        let bad = || RedirectRuleError(text.to_owned());
        if let Some(scheme) = text.strip_suffix(':') {
            let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
            let allowed = is_scheme && !NEVER.contains(&scheme);
            return if allowed { Ok(Self(Kind::Scheme(scheme.to_owned()))) } else { Err(bad()) };
        }
        if let Some(prefix) = text.strip_suffix('*') {
            let uri = RedirectUri::parse(prefix).map_err(|_| bad())?;
            // A prefix without a path of its own would allow every page of the host, open redirectors included.
            if !uri.is_https() || !prefix.ends_with('/') || uri.url.path() == "/" || uri.url.query().is_some()
            {
                return Err(bad());
            }
            let (origin, path) = (uri.url.origin().ascii_serialization(), uri.url.path().to_owned());
            return Ok(Self(Kind::Prefix { origin, path }));
        }
        let uri = RedirectUri::parse(text).map_err(|_| bad())?;
        if uri.url.scheme() != "https" && NEVER.contains(&uri.url.scheme()) {
            return Err(bad());
        }
        Ok(Self(Kind::Exact(text.to_owned())))
    }

    fn allows(&self, uri: &RedirectUri) -> bool {
        match &self.0 {
            Kind::Exact(exact) => uri.text == *exact,
            Kind::Prefix { origin, path } => {
                let below = uri.url.path().strip_prefix(path.as_str());
                // Encoded slashes and dots could climb out of the prefix on the other side.
                let plain = |rest: &str| !rest.is_empty() && !rest.contains('%');
                uri.url.origin().ascii_serialization() == *origin && below.is_some_and(plain)
            }
            Kind::Scheme(scheme) => uri.url.scheme() == scheme,
        }
    }
}

impl fmt::Display for RedirectRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exact(uri) => f.write_str(uri),
            Kind::Prefix { origin, path } => write!(f, "{origin}{path}*"),
            Kind::Scheme(scheme) => write!(f, "{scheme}:"),
        }
    }
}

/// Which redirect URIs may be used.
#[derive(Debug, Clone)]
pub(crate) struct RedirectPolicy(Vec<RedirectRule>);

impl RedirectPolicy {
    /// The operator's rules, behind the shipped ones if they are wanted; private-use ones need a consent page.
    pub(crate) fn new(operator: Vec<RedirectRule>, shipped: bool, private_use: bool) -> Self {
        let hosted = if shipped { HOSTED.as_slice() } else { &[] };
        let private = if shipped && private_use { PRIVATE_USE.as_slice() } else { &[] };
        let shipped = hosted.iter().chain(private).filter_map(|rule| RedirectRule::parse(rule).ok());
        Self(shipped.chain(operator).collect())
    }

    pub(crate) fn allows(&self, uri: &RedirectUri) -> bool {
        uri.is_loopback() || self.0.iter().any(|rule| rule.allows(uri))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowed(uri: &str, rules: &[&str]) -> bool {
        let policy = RedirectPolicy::new(
            rules.iter().map(|rule| RedirectRule::parse(rule).unwrap()).collect(),
            true,
            false,
        );
        RedirectUri::parse(uri).is_ok_and(|uri| policy.allows(&uri))
    }

    #[test]
    fn every_shipped_callback_is_a_valid_rule() {
        assert_eq!(RedirectPolicy::new(Vec::new(), true, false).0.len(), HOSTED.len());
        assert_eq!(RedirectPolicy::new(Vec::new(), true, true).0.len(), HOSTED.len() + PRIVATE_USE.len());
        assert_eq!(RedirectPolicy::new(Vec::new(), false, true).0.len(), 0);
    }

    #[test]
    fn loopback_takes_any_port_and_path_and_hosted_callbacks_are_exact() {
        for uri in [
            "http://localhost:51789/callback",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1:33418",
            "http://[::1]:7/callback",
            "http://127.0.0.1:19876/mcp/oauth/callback",
            "https://localhost:8443/cb",
            "https://claude.ai/api/mcp/auth_callback",
            "https://chatgpt.com/connector/oauth/abc-123",
        ] {
            assert!(allowed(uri, &[]), "{uri} was refused");
        }
    }

    #[test]
    fn what_could_send_a_code_elsewhere_is_refused() {
        for uri in [
            "http://evil.test/callback",
            "http://localhost.evil.test/callback",
            "http://localhost@evil.test/callback",
            "http://localhost:80@evil.test/",
            "http://localhost/callback#x",
            "http://localhost/callback#",
            "http://localhost/a/../callback",
            "http://localhost/%2e%2e/callback",
            "http://LOCALHOST/callback",
            "http://localhost:80/callback",
            "http://localhost\\@evil.test/",
            "http://2130706433/callback",
            "http://0.0.0.0/callback",
            "https://evil.test/callback",
            "https://claude.ai/api/mcp/auth_callback/",
            "https://claude.ai/api/mcp/auth_callback?x=1",
            "https://claude.ai.evil.test/api/mcp/auth_callback",
            "https://chatgpt.com@evil.test/connector/oauth/x",
            "https://chatgpt.com/connector/oauth/",
            "https://chatgpt.com/connector/oauth/%2e%2e/%2e%2e/x",
            "https://chatgpt.com/connector/oauth%2fx",
            "https://chatgpt.com:8443/connector/oauth/x",
            "https://*.contoso.com/callback",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "/callback",
            "",
            " http://localhost/callback",
            "http://localhost/callback\n",
        ] {
            assert!(!allowed(uri, &[]), "{uri} was allowed");
        }
    }

    #[test]
    fn the_operator_can_allow_exact_below_and_schemes() {
        let rules = ["https://chat.contoso.com/oauth/callback", "https://n8n.contoso.com/rest/*", "cursor:"];
        assert!(allowed("https://chat.contoso.com/oauth/callback", &rules));
        assert!(allowed("https://n8n.contoso.com/rest/oauth2-credential/callback", &rules));
        assert!(allowed("cursor://anysphere.cursor-mcp/oauth/callback", &rules));
        assert!(!allowed("https://n8n.contoso.com/other", &rules));
        for bad in [
            "https://contoso.com/*",
            "http://contoso.com/x",
            "javascript:",
            "https:",
            "*",
            "https://*.contoso.com/x",
            "Cursor:",
        ] {
            assert!(RedirectRule::parse(bad).is_err(), "{bad} was taken as a rule");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_allowed_without_rules_is_loopback_or_a_known_host(uri in "https?://[a-z0-9.:@\\[\\]/%#?*-]{0,40}") {
            if allowed(&uri, &[]) {
                let parsed = Url::parse(&uri).unwrap();
                let host = parsed.host_str().unwrap().to_owned();
                let known = HOSTED.iter().any(|hosted| Url::parse(hosted).unwrap().host_str() == Some(&host));
                let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
                prop_assert!(known || loopback, "{}", uri);
            }
        }
    }
}
