//! Redirect URIs: parsed once, handed on as written. One that is not in normal form is refused, because somebody
//! else would parse it differently. Which may be used is decided in `redirect_policy`.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest URI that is looked at. Entra stores 256 characters (Microsoft's `reply-url` page).
const MAX_LENGTH: usize = 2_048;

/// Schemes that a browser or the system acts on itself.
pub(super) const NEVER: [&str; 14] = [
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

    pub(super) fn url(&self) -> &Url {
        &self.url
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

    /// Whether it ends on the person's own computer, where any program may be the one that takes it: loopback, or a
    /// private-use scheme (RFC 8252 §8.4, §8.6).
    pub(crate) fn is_local(&self) -> bool {
        self.is_loopback() || !self.is_https()
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
