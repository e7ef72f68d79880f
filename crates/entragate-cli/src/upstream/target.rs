//! Where requests go: a closed list of URLs, fixed at start.
//!
//! A request picks an entry by its exact path and contributes its query, nothing else. No URL is ever built
//! from a client's path, so `..%2f` and its relatives have nothing to climb out of.

use bytes::Bytes;
use entragate::BaseUrl;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use url::Url;

use super::UpstreamError;
use crate::config::{FurtherPath, UpstreamConfig};

/// The upstream's origin and the paths that may be asked for.
#[derive(Debug)]
pub(super) struct Targets {
    server: Uri,
    host: HeaderValue,
    port: u16,
    /// The main path comes first; the list has a handful of entries.
    paths: Vec<Path>,
}

#[derive(Debug)]
struct Path {
    public: Box<str>,
    upstream: PathAndQuery,
    which: Which,
}

/// Which of a server's paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Main,
    /// For the messages of the HTTP+SSE transport (TR-15).
    Further,
}

/// A path as clients know it and as the server does.
#[derive(Debug)]
pub(super) struct PublicPath {
    pub(super) public: String,
    pub(super) upstream: String,
    pub(super) which: Which,
}

/// Public paths lie below the base URL; a proxy in front passes them on as they are.
pub(super) fn public_paths(url: &Url, config: &UpstreamConfig, base_url: &BaseUrl) -> Vec<PublicPath> {
    let base = base_url.path();
    let main = format!("{base}{}", config.path.trim_end_matches('/'));
    let upstream = if url.path() == "/" { &config.path } else { url.path() };
    let mut paths = Vec::with_capacity(2 + 2 * config.also.len());
    let mut add = |public, upstream, which| paths.push(PublicPath { public, upstream, which });
    if !main.is_empty() {
        add(main.clone(), upstream.to_owned(), Which::Main);
    }
    add(format!("{main}/"), upstream.to_owned(), Which::Main);
    for FurtherPath { public, upstream } in &config.also {
        // The slash is kept as the client wrote it: servers that mount `/messages/` redirect the other form.
        let (public, upstream) = (public.trim_end_matches('/'), upstream.trim_end_matches('/'));
        if !public.is_empty() && !upstream.is_empty() {
            add(format!("{base}{public}"), upstream.to_owned(), Which::Further);
            add(format!("{base}{public}/"), format!("{upstream}/"), Which::Further);
        }
    }
    paths
}

impl Targets {
    /// `url`: the server's, or that of one of its replicas.
    pub(super) fn new(url: &Url, config: &UpstreamConfig, base_url: &BaseUrl) -> Result<Self, UpstreamError> {
        let unusable =
            || UpstreamError::Unusable(format!("{}{}", url.origin().ascii_serialization(), url.path()));
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            other => return Err(UpstreamError::Scheme(other.to_owned())),
        };
        let authority = authority(url).ok_or_else(unusable)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| unusable())?;
        let port = url.port_or_known_default().ok_or_else(unusable)?;

        let path = |path: PublicPath| {
            let upstream = PathAndQuery::try_from(path.upstream).map_err(|_| unusable())?;
            Ok(Path { public: path.public.into_boxed_str(), upstream, which: path.which })
        };
        let paths = public_paths(url, config, base_url).into_iter().map(path);
        let paths = paths.collect::<Result<_, UpstreamError>>()?;
        let server = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build();
        Ok(Self { server: server.map_err(|_| unusable())?, host, port, paths })
    }

    /// The path and query for a request, or `None` when its path is not on the list.
    pub(super) fn resolve(&self, requested: &Uri) -> Option<(PathAndQuery, Which)> {
        let path = self.paths.iter().find(|path| *path.public == *requested.path())?;
        let target = match requested.query() {
            None => path.upstream.clone(),
            Some(query) => with_query(path.upstream.path(), query)?,
        };
        Some((target, path.which))
    }

    /// The server to connect to.
    pub(super) fn server(&self) -> Uri {
        self.server.clone()
    }

    /// `Host` for every upstream request.
    pub(super) const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Host and port to connect to, IPv6 without its brackets.
    pub(super) fn address(&self) -> (&str, u16) {
        let host = self.server.host().unwrap_or_default();
        (host.trim_start_matches('[').trim_end_matches(']'), self.port)
    }
}

/// `host[:port]`, without the user name and password a URL could hold.
fn authority(url: &Url) -> Option<Authority> {
    let host = url.host_str()?;
    match url.port() {
        Some(port) => format!("{host}:{port}").parse().ok(),
        None => host.parse().ok(),
    }
}

fn with_query(path: &str, query: &str) -> Option<PathAndQuery> {
    let mut text = String::with_capacity(path.len() + 1 + query.len());
    text.push_str(path);
    text.push('?');
    text.push_str(query);
    PathAndQuery::from_maybe_shared(Bytes::from(text)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::UpstreamIdentity;

    fn config(url: &str, path: &str, also: &[&str]) -> UpstreamConfig {
        UpstreamConfig {
            url: url.parse().unwrap(),
            replicas: Vec::new(),
            path: path.to_owned(),
            also: also.iter().copied().map(FurtherPath::same).collect(),
            connect_timeout: Duration::from_secs(1),
            response_header_timeout: None,
            identity: UpstreamIdentity::Headers,
        }
    }

    fn targets(url: &str, path: &str, also: &[&str]) -> Targets {
        let base_url = BaseUrl::parse("http://localhost:3002").unwrap();
        let config = config(url, path, also);
        Targets::new(&config.url, &config, &base_url).unwrap()
    }

    fn resolved(targets: &Targets, requested: &str) -> Option<String> {
        targets.resolve(&requested.parse().unwrap()).map(|(target, _)| target.to_string())
    }

    #[test]
    fn main_path_maps_to_the_upstream_url_with_or_without_slash() {
        let targets = targets("http://127.0.0.1:8000/srv/mcp", "/mcp", &[]);
        for path in ["/mcp", "/mcp/"] {
            assert_eq!(resolved(&targets, path).as_deref(), Some("/srv/mcp"));
        }
        let query = "/mcp?a=%2f..&b=?&&c=%zz+";
        assert_eq!(resolved(&targets, query).as_deref(), Some("/srv/mcp?a=%2f..&b=?&&c=%zz+"));
        assert_eq!(resolved(&targets, "/mcp?").as_deref(), Some("/srv/mcp?"));
    }

    #[test]
    fn url_without_path_is_served_at_the_public_path() {
        let targets = targets("http://mcp.internal", "/mcp", &[]);
        assert_eq!(resolved(&targets, "/mcp/").as_deref(), Some("/mcp"));
    }

    #[test]
    fn extra_paths_keep_their_own_path_and_slash() {
        let targets = targets("http://[::1]:8000/sse", "/sse", &["/messages/"]);
        assert_eq!(resolved(&targets, "/messages/?session_id=7").as_deref(), Some("/messages/?session_id=7"));
        assert_eq!(resolved(&targets, "/messages").as_deref(), Some("/messages"));
        assert_eq!(targets.address(), ("::1", 8000));
    }

    #[test]
    fn no_client_text_becomes_part_of_a_path() {
        let targets = targets("http://127.0.0.1:8000/mcp", "/mcp", &["/messages"]);
        for path in [
            "/",
            "/mcp//",
            "//mcp",
            "/mcp/..",
            "/mcp/../admin",
            "/mcp/..%2fadmin",
            "/mcp%2f",
            "/mcp/%2e%2e/admin",
            "/mcp;x=1",
            "/MCP",
            "/mcp/admin",
            "/messages/..%2fadmin",
            "/messages/x",
            "/mcp%3fx",
            "/mcp\\admin",
        ] {
            if let Ok(uri) = path.parse::<Uri>() {
                assert_eq!(targets.resolve(&uri), None, "{path}");
            }
        }
    }

    #[test]
    fn public_paths_lie_below_the_base_url() {
        let base_url = BaseUrl::parse("https://contoso.com/gate").unwrap();
        let config = config("http://127.0.0.1:8000/mcp", "/mcp", &["/messages"]);
        let targets = Targets::new(&config.url, &config, &base_url).unwrap();
        assert_eq!(resolved(&targets, "/gate/mcp?a").as_deref(), Some("/mcp?a"));
        assert_eq!(resolved(&targets, "/gate/messages").as_deref(), Some("/messages"));
        assert_eq!(resolved(&targets, "/mcp"), None);
    }

    #[test]
    fn other_schemes_are_refused() {
        let base_url = BaseUrl::parse("http://localhost:3002").unwrap();
        let config = config("file:///etc/passwd", "/mcp", &[]);
        let targets = Targets::new(&config.url, &config, &base_url);
        assert!(matches!(targets, Err(UpstreamError::Scheme(_))));
    }
}
