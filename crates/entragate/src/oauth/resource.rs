//! RFC 8707 `resource`: compared with the resources here, then dropped. Entra matches it against
//! Application ID URIs and answers AADSTS9010010 (row 3 of docs/incompatibilities).

use std::net::SocketAddr;

use url::Url;

use crate::base_url::{BaseUrl, LOOPBACK_NAMES};
use crate::idp::entra::registration::ApiApp;

/// The names by which clients call one protected resource.
#[derive(Debug, Clone)]
pub(crate) struct KnownResources(Vec<String>);

/// What one resource can be called by, before it is known what the others are called.
struct Names {
    /// Its own.
    own: Vec<String>,
    /// What it shares with its gateway and its API app.
    shared: Vec<String>,
}

impl KnownResources {
    /// For each resource the MCP URL; and the origin (clients that only read the root document) and the API app's own
    /// names, unless another resource could be meant by them as well.
    pub(crate) fn of_each(base: &BaseUrl, listen: &[SocketAddr], resources: &[(&str, &ApiApp)]) -> Vec<Self> {
        let all: Vec<Names> = resources.iter().map(|(url, api)| Names::of(base, listen, url, api)).collect();
        let is_anothers = |at: usize, name: &String| {
            all.iter().enumerate().any(|(other, names)| other != at && names.contain(name))
        };
        let known = |(at, names): (usize, &Names)| {
            let shared = names.shared.iter().filter(|name| !is_anothers(at, name));
            Self(names.own.iter().chain(shared).cloned().collect())
        };
        all.iter().enumerate().map(known).collect()
    }

    /// Whether the value names this resource: clients URL-normalise, add or drop the last slash, send it
    /// twice (docs/clients.md K30).
    pub(crate) fn contains(&self, value: &str) -> bool {
        !value.contains('#') && self.0.contains(&normal(value))
    }
}

impl Names {
    fn of(base: &BaseUrl, listen: &[SocketAddr], url: &str, api: &ApiApp) -> Self {
        let path = url.strip_prefix(&base.origin()).unwrap_or_default();
        // A person who develops on this machine types any of its names.
        let local: Vec<String> = listen
            .iter()
            .filter(|address| address.ip().is_loopback())
            .flat_map(|address| LOOPBACK_NAMES.map(|name| format!("http://{name}:{}", address.port())))
            .collect();
        let own = std::iter::once(url.to_owned()).chain(local.iter().map(|origin| format!("{origin}{path}")));
        let own: Vec<String> = own.map(|name| normal(&name)).collect();
        let shared =
            [base.as_str().to_owned(), base.origin()].into_iter().chain(local).chain(api.audiences());
        Self { own, shared: shared.map(|name| normal(&name)).collect() }
    }

    fn contain(&self, name: &String) -> bool {
        self.own.contains(name) || self.shared.contains(name)
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

    fn api(last: char) -> ApiApp {
        ApiApp::new(ClientId::parse(&format!("a0000000-0000-4000-8000-00000000000{last}")).unwrap())
    }

    fn known(resources: &[(&str, &ApiApp)]) -> Vec<KnownResources> {
        let base = BaseUrl::parse("https://mcp.contoso.com").unwrap();
        KnownResources::of_each(&base, &["127.0.0.1:3002".parse().unwrap()], resources)
    }

    #[test]
    fn every_spelling_of_this_resource_is_known_and_no_other_is() {
        let known = &known(&[("https://mcp.contoso.com/mcp", &api('1'))])[0];
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

    #[test]
    fn what_two_resources_share_names_neither() {
        let (one, other) = (api('1'), api('2'));
        let three = [
            ("https://mcp.contoso.com/a", &one),
            ("https://mcp.contoso.com/b", &one),
            ("https://mcp.contoso.com/c", &other),
        ];
        let known = known(&three);
        let who = |name: &str| -> Vec<usize> { (0..3).filter(|at| known[*at].contains(name)).collect() };
        assert_eq!(who("https://mcp.contoso.com/a/"), [0]);
        assert_eq!(who("http://localhost:3002/b"), [1]);
        assert_eq!(who("api://a0000000-0000-4000-8000-000000000002"), [2]);
        for shared in
            ["https://mcp.contoso.com", "http://localhost:3002", "api://a0000000-0000-4000-8000-000000000001"]
        {
            assert!(who(shared).is_empty(), "{shared}");
        }
    }
}
