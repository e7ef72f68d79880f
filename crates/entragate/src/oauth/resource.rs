//! RFC 8707 `resource`: compared with the one resource here, then dropped. Entra matches it against
//! Application ID URIs and answers AADSTS9010010 (row 3 of docs/incompatibilities).

use std::net::SocketAddr;

use url::Url;

use crate::base_url::{BaseUrl, LOOPBACK_NAMES};
use crate::idp::entra::registration::ApiApp;

/// The names by which clients call the protected resource.
#[derive(Debug, Clone)]
pub(crate) struct KnownResources(Vec<String>);

impl KnownResources {
    /// The MCP URL, the origin (clients that only read the root document), and the API app's own names.
    pub(crate) fn new(base: &BaseUrl, resource_url: &str, listen: &[SocketAddr], api: &ApiApp) -> Self {
        let names = [resource_url.to_owned(), base.as_str().to_owned(), base.origin()];
        let path = resource_url.strip_prefix(&base.origin()).unwrap_or_default();
        // A person who develops on this machine types any of its names.
        let local = listen.iter().filter(|address| address.ip().is_loopback()).flat_map(|address| {
            let port = address.port();
            LOOPBACK_NAMES.into_iter().flat_map(move |name| {
                [format!("http://{name}:{port}{path}"), format!("http://{name}:{port}")]
            })
        });
        Self(names.into_iter().chain(local).chain(api.audiences()).map(|name| normal(&name)).collect())
    }

    /// Whether the value names this resource: clients URL-normalise, add or drop the last slash, send it
    /// twice (docs/clients.md K30).
    pub(crate) fn contains(&self, value: &str) -> bool {
        !value.contains('#') && self.0.contains(&normal(value))
    }
}

/// Scheme and host in lower case (the parser does it), without the last slash.
fn normal(value: &str) -> String {
    let text = Url::parse(value).map_or_else(|_| value.to_owned(), String::from);
    text.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::entra::registration::ClientId;

    #[test]
    fn every_spelling_of_this_resource_is_known_and_no_other_is() {
        let base = BaseUrl::parse("https://mcp.contoso.com").unwrap();
        let api = ApiApp::new(ClientId::parse("a0000000-0000-4000-8000-000000000001").unwrap());
        let known = KnownResources::new(
            &base,
            "https://mcp.contoso.com/mcp",
            &["127.0.0.1:3002".parse().unwrap()],
            &api,
        );
        for good in [
            "https://mcp.contoso.com/mcp",
            "https://mcp.contoso.com/mcp/",
            "HTTPS://MCP.Contoso.com/mcp",
            "https://mcp.contoso.com:443/mcp",
            "https://mcp.contoso.com",
            "https://mcp.contoso.com/",
            "http://127.0.0.1:3002/mcp",
            "http://localhost:3002/mcp",
            "api://a0000000-0000-4000-8000-000000000001",
            "a0000000-0000-4000-8000-000000000001",
        ] {
            assert!(known.contains(good), "{good} is unknown");
        }
        for bad in [
            "https://mcp.contoso.com/mcp2",
            "https://mcp.contoso.com/MCP",
            "https://evil.test/mcp",
            "http://mcp.contoso.com/mcp",
            "http://127.0.0.1:3003/mcp",
            "https://mcp.contoso.com/mcp#x",
            "https://mcp.contoso.com/mcp?x",
            "",
        ] {
            assert!(!known.contains(bad), "{bad} is known");
        }
    }
}
