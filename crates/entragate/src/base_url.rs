//! The public names of the gateway: its own base URL and the URL of the MCP server it protects.
//!
//! MCP clients compare `issuer` and `resource` as strings (RFC 8414 §3.3, RFC 9728 §3.3), so both are kept
//! as the string the operator typed and every document is built from that string.

use std::fmt;

use url::{Host, Url};

/// Why a URL cannot be the gateway's public name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("`{0}` is not an absolute URL such as https://mcp.contoso.com")]
    NotAbsolute(String),
    /// Neither https nor http.
    #[error("scheme `{0}` is not https")]
    Scheme(String),
    /// Plain http on a name that other machines can reach.
    #[error("plain http is allowed on loopback only, `{0}` needs https")]
    PlainHttp(String),
    /// Userinfo, query or fragment (RFC 8414 §2 forbids query and fragment in an issuer), an apostrophe.
    #[error("must not contain {0}")]
    Forbidden(&'static str),
    /// The URL parser would write it differently, so clients that normalise would see another string.
    #[error("is not in normal form, write `{0}`")]
    NotNormal(String),
}

/// `BASE_URL`: the gateway's public URL, its OAuth `issuer`, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    url: Url,
}

impl BaseUrl {
    /// Parses a public base URL. One trailing slash is dropped: clients compare the issuer byte for byte,
    /// and the form without it is the one they build.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let text = text.trim();
        let text = text.strip_suffix('/').unwrap_or(text);
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotAbsolute(text.to_owned()))?;
        let Some(host) = url.host() else {
            return Err(BaseUrlError::NotAbsolute(text.to_owned()));
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(BaseUrlError::PlainHttp(host.to_string())),
            other => return Err(BaseUrlError::Scheme(other.to_owned())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Forbidden("a user name or password"));
        }
        if url.query().is_some() {
            return Err(BaseUrlError::Forbidden("a query"));
        }
        if url.fragment().is_some() {
            return Err(BaseUrlError::Forbidden("a fragment"));
        }
        // It stands in commands that people paste, between quotes that this would end.
        if text.contains('\'') {
            return Err(BaseUrlError::Forbidden("an apostrophe"));
        }
        let normal = url.as_str().strip_suffix('/').unwrap_or(url.as_str());
        if normal != text {
            return Err(BaseUrlError::NotNormal(normal.to_owned()));
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// The URL exactly as every document publishes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `scheme://host[:port]`, the part a browser calls the origin.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The path, without a trailing slash; empty when the gateway owns the whole origin.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// `host[:port]` as a client sends it in `Host`.
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        self.url.host().is_some_and(|host| is_loopback(&host))
    }

    /// A URL below this one; `path` starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The names by which people and clients call a listener on this machine.
pub(crate) const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether a host names this machine only (RFC 8252 §7.3 plus `localhost`, RFC 6761 §6.3).
pub fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref().trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_url_is_published_as_typed_without_a_trailing_slash() {
        for (typed, published) in [
            ("https://mcp.contoso.com", "https://mcp.contoso.com"),
            ("https://mcp.contoso.com/", "https://mcp.contoso.com"),
            ("https://contoso.com/gate", "https://contoso.com/gate"),
            ("http://localhost:3002", "http://localhost:3002"),
            ("http://[::1]:3002", "http://[::1]:3002"),
        ] {
            assert_eq!(BaseUrl::parse(typed).unwrap().as_str(), published);
        }
    }

    #[test]
    fn base_url_refuses_what_clients_could_not_compare_or_trust() {
        for bad in [
            "mcp.contoso.com",
            "ftp://mcp.contoso.com",
            "http://mcp.contoso.com",
            "http://10.0.0.1",
            "https://user@mcp.contoso.com",
            "https://mcp.contoso.com?x=1",
            "https://mcp.contoso.com#x",
            "https://MCP.contoso.com",
            "https://mcp.contoso.com:443",
            "https://mcp.contoso.com//",
            // Would end the quotes of a command that names it.
            "https://mcp.contoso.com/a'b",
            "",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad} was accepted");
        }
    }
}
