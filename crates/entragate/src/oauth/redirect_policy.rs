//! Which redirect URIs may be used: loopback, the shipped callbacks of hosted clients and what the operator
//! allows, without what the operator denies. Classes, not vendors: loopback is always fine (RFC 8252 §7.3), known
//! hosted callbacks are shipped, anything else needs the operator. Comparison is by component after parsing.

use std::fmt;

use super::redirect_uri::{NEVER, RedirectUri};

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

/// Whether a callback is allowed without any rule of the operator's, in broker mode.
pub fn is_shipped(uri: &str) -> bool {
    RedirectUri::parse(uri).is_ok_and(|uri| RedirectPolicy::new(Vec::new(), true, true).allows(&uri))
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

impl RedirectRule {
    /// Parses `https://host/path` (exact), `https://host/path/*` (below), `scheme://…` (exact) or `scheme:`.
    pub fn parse(text: &str) -> Result<Self, RedirectRuleError> {
        match Self::read(text)? {
            // A prefix without a path of its own would allow every page of the host, open redirectors included.
            Self(Kind::Prefix { path, .. }) if path == "/" => Err(RedirectRuleError(text.to_owned())),
            rule => Ok(rule),
        }
    }

    fn read(text: &str) -> Result<Self, RedirectRuleError> {
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
            if !uri.is_https() || !prefix.ends_with('/') || uri.url().query().is_some() {
                return Err(bad());
            }
            let (origin, path) = (uri.url().origin().ascii_serialization(), uri.url().path().to_owned());
            return Ok(Self(Kind::Prefix { origin, path }));
        }
        let uri = RedirectUri::parse(text).map_err(|_| bad())?;
        if uri.url().scheme() != "https" && NEVER.contains(&uri.url().scheme()) {
            return Err(bad());
        }
        Ok(Self(Kind::Exact(text.to_owned())))
    }

    fn allows(&self, uri: &RedirectUri) -> bool {
        match &self.0 {
            Kind::Exact(exact) => uri.as_str() == exact,
            Kind::Prefix { origin, path } => {
                let below = uri.url().path().strip_prefix(path.as_str());
                // Encoded slashes and dots could climb out of the prefix on the other side.
                let plain = |rest: &str| !rest.is_empty() && !rest.contains('%');
                uri.url().origin().ascii_serialization() == *origin && below.is_some_and(plain)
            }
            Kind::Scheme(scheme) => uri.url().scheme() == scheme,
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

/// What the operator denies, whoever else allows it: an https URI, an https URI that ends in `/*` (the whole host
/// if nothing stands before it), a private-use URI or a scheme. Loopback cannot be denied: native clients need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedRedirect(RedirectRule);

impl DeniedRedirect {
    /// Parses what [`RedirectRule::parse`] takes, and `https://host/*`.
    pub fn parse(text: &str) -> Result<Self, RedirectRuleError> {
        RedirectRule::read(text).map(Self)
    }

    /// Broader than the same rule is when it allows: a query or an encoded character is no way around it.
    fn denies(&self, uri: &RedirectUri) -> bool {
        match &self.0.0 {
            Kind::Exact(exact) => uri.as_str().split('?').next() == exact.split('?').next(),
            Kind::Prefix { origin, path } => {
                uri.url().origin().ascii_serialization() == *origin && uri.url().path().starts_with(path)
            }
            Kind::Scheme(scheme) => uri.url().scheme() == scheme,
        }
    }
}

impl fmt::Display for DeniedRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which redirect URIs may be used.
#[derive(Debug, Clone)]
pub(crate) struct RedirectPolicy {
    allowed: Vec<RedirectRule>,
    denied: Vec<DeniedRedirect>,
}

impl RedirectPolicy {
    /// The operator's rules, behind the shipped ones if they are wanted; private-use ones need a consent page.
    pub(crate) fn new(operator: Vec<RedirectRule>, shipped: bool, private_use: bool) -> Self {
        let hosted = if shipped { HOSTED.as_slice() } else { &[] };
        let private = if shipped && private_use { PRIVATE_USE.as_slice() } else { &[] };
        let shipped = hosted.iter().chain(private).filter_map(|rule| RedirectRule::parse(rule).ok());
        Self { allowed: shipped.chain(operator).collect(), denied: Vec::new() }
    }

    /// The policy without what the operator denies.
    pub(crate) fn deny(mut self, denied: Vec<DeniedRedirect>) -> Self {
        self.denied = denied;
        self
    }

    pub(crate) fn allows(&self, uri: &RedirectUri) -> bool {
        let allowed = || self.allowed.iter().any(|rule| rule.allows(uri));
        uri.is_loopback() || (allowed() && !self.denies(uri))
    }

    /// Whether the operator refuses it by name, which adding it to the allowed ones does not change.
    pub(crate) fn denies(&self, uri: &RedirectUri) -> bool {
        self.denied.iter().any(|rule| rule.denies(uri))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

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
        assert_eq!(RedirectPolicy::new(Vec::new(), true, false).allowed.len(), HOSTED.len());
        assert_eq!(
            RedirectPolicy::new(Vec::new(), true, true).allowed.len(),
            HOSTED.len() + PRIVATE_USE.len()
        );
        assert_eq!(RedirectPolicy::new(Vec::new(), false, true).allowed.len(), 0);
    }

    #[test]
    fn whoever_asks_is_told_what_needs_no_rule() {
        assert!(is_shipped("https://claude.ai/api/mcp/auth_callback") && is_shipped("http://localhost:1/x"));
        assert!(is_shipped("cursor://anysphere.cursor-mcp/oauth/callback"));
        assert!(!is_shipped("https://contoso.com/callback") && !is_shipped("nonsense"));
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

    #[test]
    fn what_the_operator_denies_is_refused_whoever_allows_it() {
        let denied = |uri: &str, allow: &[&str], deny: &[&str]| {
            let allow = allow.iter().map(|rule| RedirectRule::parse(rule).unwrap()).collect();
            let deny = deny.iter().map(|rule| DeniedRedirect::parse(rule).unwrap()).collect();
            !RedirectPolicy::new(allow, true, true).deny(deny).allows(&RedirectUri::parse(uri).unwrap())
        };
        let n8n = ["https://n8n.contoso.com/rest/*"];
        for (uri, allow, deny) in [
            ("https://claude.ai/api/mcp/auth_callback", [].as_slice(), "https://claude.ai/*"),
            ("https://chatgpt.com/connector/oauth/abc", &[], "https://chatgpt.com/connector/*"),
            ("https://vscode.dev/redirect", &[], "https://vscode.dev/redirect"),
            ("cursor://anysphere.cursor-mcp/oauth/callback", &[], "cursor:"),
            ("https://n8n.contoso.com/rest/callback", &n8n, "https://n8n.contoso.com/rest/callback"),
            ("https://n8n.contoso.com/rest/callback?x=1", &n8n, "https://n8n.contoso.com/rest/callback"),
        ] {
            assert!(!denied(uri, allow, &[]), "{uri} is refused anyway");
            assert!(denied(uri, allow, &[deny]), "{uri} was allowed in spite of {deny}");
        }
        assert!(!denied("https://claude.com/api/mcp/auth_callback", &[], &["https://claude.ai/*"]));
        assert!(!denied("https://localhost:8443/cb", &[], &["https://localhost:8443/cb"]));
        for bad in ["*", "http://localhost/callback", "https://*.contoso.com/*", "javascript:"] {
            assert!(DeniedRedirect::parse(bad).is_err(), "{bad} was taken as a rule");
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
