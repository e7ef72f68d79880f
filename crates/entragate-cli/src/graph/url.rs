//! Where Microsoft Graph is.

use std::fmt;
use std::str::FromStr;

use entragate::AuthorityHost;
use url::{Host, Url};

/// The version of Graph that everything here is written for.
const VERSION: &str = "/v1.0";

/// Why a URL cannot be Graph's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not Microsoft Graph's address: write https://graph.microsoft.com or https://graph.microsoft.com/v1.0, plain http on loopback only, host and path of letters, digits and -._~"
)]
pub struct GraphUrlError(String);

/// `https://graph.microsoft.com/v1.0` and its siblings; plain http on loopback only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphUrl {
    origin: String,
    path: String,
}

impl GraphUrl {
    /// Graph as the tenant's discovery document names it (`msgraph_host`), with the scheme of the cloud's login host.
    pub fn on_host(msgraph_host: &str, authority: &AuthorityHost) -> Result<Self, GraphUrlError> {
        let scheme = authority.as_str().split(':').next().unwrap_or("https");
        let url: Self = format!("{scheme}://{msgraph_host}").parse()?;
        // A path in what is to be a host would move every request.
        if url.path == VERSION { Ok(url) } else { Err(GraphUrlError(msgraph_host.to_owned())) }
    }

    /// The whole URL of a path such as `/applications`, query included.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.path)
    }

    /// The path and query below the version, if the URL is one of this Graph's.
    pub(super) fn strip<'a>(&self, url: &'a str) -> Option<&'a str> {
        let rest = url.strip_prefix(&self.origin)?.strip_prefix(&self.path)?;
        rest.starts_with('/').then_some(rest)
    }
}

impl FromStr for GraphUrl {
    type Err = GraphUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || GraphUrlError(text.to_owned());
        let url = Url::parse(text.trim()).map_err(|_| bad())?;
        let is_safe = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => is_local(&url),
            _ => false,
        };
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_safe || !is_bare {
            return Err(bad());
        }
        let path = match url.path().trim_end_matches('/') {
            "" => VERSION.to_owned(),
            path => path.to_owned(),
        };
        let url = Self { origin: url.origin().ascii_serialization(), path };
        // The URL standard lets `$(id)` be a host. Nothing that a script would act on is Graph's.
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
        if url.to_string().chars().all(fits) { Ok(url) } else { Err(bad()) }
    }
}

impl fmt::Display for GraphUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// Whether a URL leads to this machine.
pub(super) fn is_local(url: &Url) -> bool {
    url.host().is_some_and(|host| is_loopback(&host))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_names_the_host_and_the_login_host_the_scheme() {
        let public = AuthorityHost::default();
        let url = |host: &str, authority: &AuthorityHost| {
            GraphUrl::on_host(host, authority).map(|url| url.to_string())
        };
        assert_eq!(url("graph.microsoft.us", &public).unwrap(), "https://graph.microsoft.us/v1.0");
        let local = AuthorityHost::parse("http://127.0.0.1:9").unwrap();
        assert_eq!(url("127.0.0.1:9", &local).unwrap(), "http://127.0.0.1:9/v1.0");
        for bad in
            ["", "graph.microsoft.com/evil", "user@graph.microsoft.com", "graph.microsoft.com?x", "a b"]
        {
            assert!(url(bad, &public).is_err(), "{bad} was accepted");
        }
        assert!(url("graph.microsoft.com", &local).is_err(), "a token would travel in the clear");
    }

    #[test]
    fn a_named_graph_is_https_or_on_this_machine() {
        assert_eq!(
            "https://graph.test/v1.0/".parse::<GraphUrl>().unwrap(),
            "https://graph.test".parse::<GraphUrl>().unwrap()
        );
        assert!("http://localhost:8400".parse::<GraphUrl>().is_ok());
        for bad in [
            "http://graph.test",
            "ftp://graph.test",
            "graph.test",
            "https://u:p@graph.test",
            "https://graph.test?a",
            "https://graph.test/$(id)",
            "https://$(id).test",
            "https://graph.test;id",
            "https://graph.test/v1.0}`id`",
            "https://graph.test/v1.0'",
            "https://graph.test/%24",
            "https://graph.test/a&b|c",
        ] {
            assert!(bad.parse::<GraphUrl>().is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn links_to_elsewhere_are_not_this_graph_s() {
        let graph: GraphUrl = "https://graph.test".parse().unwrap();
        assert_eq!(graph.strip("https://graph.test/v1.0/users?$skiptoken=x"), Some("/users?$skiptoken=x"));
        for bad in [
            "https://graph.test.evil/v1.0/users",
            "https://evil.test/v1.0/users",
            "http://graph.test/v1.0/users",
            "https://graph.test/beta/users",
            "https://graph.test/v1.0@evil.test/",
        ] {
            assert_eq!(graph.strip(bad), None, "{bad}");
        }
    }
}
