//! The gate: one value that holds the whole configuration, checked once, and hands out the facade's
//! routes and the layer that guards an MCP server.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use bytes::Bytes;
use http::Response;
use tower_service::Service;

use crate::base_url::BaseUrl;
use crate::clock::{Clock, SystemClock};
use crate::discovery::challenge::Challenge;
use crate::facade::{self, Entra, Facade};
use crate::front_door::FrontDoor;
use crate::idp::entra::registration::{ApiApp, AuthorityHost, ClientId, TenantId};
use crate::idp::http::Outbound;
use crate::layer::{GateLayer, Guarded};
use crate::oauth::redirect_uri::{RedirectPolicy, RedirectRule};
use crate::oauth::resource::KnownResources;
use crate::policy::{Policy, Rule};
use crate::random;
use crate::session::SessionSeal;
use crate::token::keys::Keyring;
use crate::token::verifier::Verifier;

/// The two app registrations of relay mode (seed row 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// The tenant whose users may sign in.
    pub tenant: TenantId,
    /// The API app: tokens are for it.
    pub api: ApiApp,
    /// The client app: public, with the redirect URIs of MCP clients.
    pub client: ClientId,
}

/// Why a gate cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// Authentication off on an address that others can reach.
    #[error("without authentication the base URL must be loopback, `{0}` is not")]
    PublicDevelopment(String),
    /// The path of the MCP server.
    #[error(
        "path `{0}` must start with a slash, have no trailing slash, and not be one of the gateway's own"
    )]
    Path(String),
    /// A scope or URL with characters that no header may hold.
    #[error("the scopes or the base URL cannot be written into a WWW-Authenticate header")]
    Challenge,
    /// A rule without a tool, prompt, resource or method.
    #[error("rule {0} names no tool, prompt, resource or method")]
    EmptyRule(usize),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
    /// TLS could not be set up.
    #[error("outbound HTTP client: {0}")]
    Outbound(String),
}

/// Entra's keys are not loaded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(String);

/// A configured gate. Cloning is cheap.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

pub(crate) struct Inner {
    base: BaseUrl,
    resource: Resource,
    pub(crate) entra: Option<Arc<Entra>>,
    pub(crate) challenge: Challenge,
    pub(crate) policy: Arc<Policy>,
    front_door: FrontDoor,
    pub(crate) max_body_bytes: usize,
    pub(crate) sessions: SessionSeal,
}

/// The protected MCP server as clients know it.
struct Resource {
    path: String,
    url: String,
    also: Vec<String>,
    name: String,
}

/// Collects what differs from the defaults.
#[must_use]
pub struct GateBuilder {
    base: BaseUrl,
    relay: Option<Relay>,
    authority: AuthorityHost,
    path: String,
    also: Vec<String>,
    name: String,
    rules: Vec<Rule>,
    implied: Vec<(String, Vec<String>)>,
    hosts: Vec<String>,
    origins: Vec<String>,
    listen: Vec<SocketAddr>,
    redirects: Vec<RedirectRule>,
    max_body_bytes: usize,
    clock: Arc<dyn Clock>,
}

impl Gate {
    /// Relay mode: the four-endpoint proxy in front of Entra, which answers the clients itself.
    pub fn relay(base_url: BaseUrl, registrations: Relay) -> GateBuilder {
        GateBuilder::new(base_url, Some(registrations))
    }

    /// No authentication, for development on one machine. Everybody may do everything.
    pub fn development(base_url: BaseUrl) -> GateBuilder {
        GateBuilder::new(base_url, None)
    }

    /// The facade: metadata, registration, authorization and token endpoints. In development mode there
    /// is none, so that clients do not try to sign in.
    pub fn router(&self) -> Router {
        match &self.0.entra {
            Some(entra) => facade::router(Facade { gate: self.clone(), entra: Arc::clone(entra) }),
            None => Router::new(),
        }
    }

    /// The layer that lets only permitted requests through to the service it wraps.
    pub fn layer(&self) -> GateLayer {
        GateLayer::new(self.clone())
    }

    /// The facade together with `service` behind the layer at the resource path.
    ///
    /// Any other path is not found: paths are protected by not being there, not by being listed.
    pub fn protect<S, B>(&self, service: S) -> Router
    where
        S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let guarded = Guarded::new(self.clone(), service);
        let base = self.0.base.path();
        let mut router = self.router();
        let mut seen: Vec<String> = Vec::new();
        for path in std::iter::once(&self.0.resource.path).chain(&self.0.resource.also) {
            // With and without a slash at the end: clients and servers add and drop it.
            let path = format!("{base}{path}").trim_end_matches('/').to_owned();
            for path in [format!("{path}/"), path] {
                if !path.is_empty() && !seen.contains(&path) {
                    router = router.route_service(&path, guarded.clone());
                    seen.push(path);
                }
            }
        }
        router
    }

    /// Whether Entra's endpoints and keys are loaded; tries to load them.
    pub async fn ready(&self) -> Result<(), NotReady> {
        match &self.0.entra {
            Some(entra) => {
                entra.keyring.snapshot().await.map(drop).map_err(|error| NotReady(error.to_string()))
            }
            None => Ok(()),
        }
    }

    /// The public URL, which is the OAuth issuer.
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base
    }

    /// The MCP server's path below the base URL.
    pub fn resource_path(&self) -> &str {
        &self.0.resource.path
    }

    /// The MCP server's public URL: the RFC 8707 resource.
    pub fn resource_url(&self) -> &str {
        &self.0.resource.url
    }

    /// Whether authentication is off.
    pub fn is_development(&self) -> bool {
        self.0.entra.is_none()
    }

    pub(crate) fn resource_name(&self) -> &str {
        &self.0.resource.name
    }

    pub(crate) fn front_door(&self) -> &FrontDoor {
        &self.0.front_door
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("base", &self.0.base.as_str()).finish_non_exhaustive()
    }
}

impl GateBuilder {
    fn new(base: BaseUrl, relay: Option<Relay>) -> Self {
        Self {
            base,
            relay,
            authority: AuthorityHost::default(),
            path: "/mcp".to_owned(),
            also: Vec::new(),
            name: "MCP server".to_owned(),
            rules: Vec::new(),
            implied: Vec::new(),
            hosts: Vec::new(),
            origins: Vec::new(),
            listen: Vec::new(),
            redirects: Vec::new(),
            max_body_bytes: 16 * 1024 * 1024,
            clock: Arc::new(SystemClock),
        }
    }

    /// The cloud's sign-in host; default: the public cloud.
    pub fn authority(mut self, authority: AuthorityHost) -> Self {
        self.authority = authority;
        self
    }

    /// The MCP server's path below the base URL; default `/mcp`.
    pub fn resource_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Another path of the same MCP server, e.g. `/messages` of the legacy HTTP+SSE transport.
    pub fn also_protect(mut self, path: impl Into<String>) -> Self {
        self.also.push(path.into());
        self
    }

    /// The name that clients may show (RFC 9728 `resource_name`).
    pub fn resource_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Who may call what; without rules everybody signed in may call everything.
    pub fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// A scope that includes narrower ones.
    pub fn scope_implies<I: IntoIterator<Item = S>, S: Into<String>>(
        mut self,
        scope: impl Into<String>,
        narrower: I,
    ) -> Self {
        self.implied.push((scope.into(), narrower.into_iter().map(Into::into).collect()));
        self
    }

    /// `Host` values accepted besides the base URL's own, as `host` or `host:port`.
    pub fn allowed_hosts<I: IntoIterator<Item = S>, S: Into<String>>(mut self, hosts: I) -> Self {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Browser origins accepted besides loopback and the base URL's own.
    pub fn allowed_origins<I: IntoIterator<Item = S>, S: Into<String>>(mut self, origins: I) -> Self {
        self.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Our own listeners, whose loopback names are accepted as `Host`.
    pub fn listen_addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.listen.extend(addresses);
        self
    }

    /// Redirect URIs allowed besides loopback and the shipped callbacks of hosted clients.
    pub fn redirect_rules(mut self, rules: impl IntoIterator<Item = RedirectRule>) -> Self {
        self.redirects.extend(rules);
        self
    }

    /// Largest request body in bytes; default 16 MiB.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Where the time comes from; default: the computer.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks everything and builds the gate. Nothing is fetched yet.
    pub fn build(self) -> Result<Gate, GateError> {
        if self.relay.is_none() && !self.base.is_loopback() {
            return Err(GateError::PublicDevelopment(self.base.to_string()));
        }
        for path in std::iter::once(&self.path).chain(&self.also) {
            check_path(path)?;
        }
        if let Some(empty) = self.rules.iter().position(Rule::is_empty) {
            return Err(GateError::EmptyRule(empty + 1));
        }
        let resource_path = if self.path == "/" { String::new() } else { self.path.clone() };
        let url = self.base.join(&resource_path);
        let scopes = self.relay.as_ref().map(|relay| relay.api.qualified_scopes()).unwrap_or_default();
        let metadata = format!(
            "{}/.well-known/oauth-protected-resource{}{resource_path}",
            self.base.origin(),
            self.base.path()
        );
        let challenge = Challenge::new(metadata, &scopes).ok_or(GateError::Challenge)?;
        let sessions = SessionSeal::new(random::hmac_key().ok_or(GateError::Randomness)?, self.path.clone());
        let mut policy = Policy::new(self.rules);
        for (scope, narrower) in self.implied {
            policy = policy.scope_implies(scope, narrower);
        }
        let entra = match self.relay {
            Some(relay) => {
                Some(Arc::new(entra(relay, self.authority, &self.base, &url, self.redirects, self.clock)?))
            }
            None => None,
        };
        Ok(Gate(Arc::new(Inner {
            front_door: FrontDoor::new(&self.base, &self.listen, &self.hosts, &self.origins),
            base: self.base,
            resource: Resource { path: self.path, url, also: self.also, name: self.name },
            entra,
            challenge,
            policy: Arc::new(policy),
            max_body_bytes: self.max_body_bytes,
            sessions,
        })))
    }
}

fn entra(
    relay: Relay,
    authority: AuthorityHost,
    base: &BaseUrl,
    resource_url: &str,
    redirects: Vec<RedirectRule>,
    clock: Arc<dyn Clock>,
) -> Result<Entra, GateError> {
    let http = Outbound::new().map_err(|error| GateError::Outbound(error.to_string()))?;
    let keyring = Arc::new(Keyring::new(http.clone(), authority, relay.tenant, Arc::clone(&clock)));
    let verifier = Verifier::new(Arc::clone(&keyring), &relay.api, Arc::clone(&clock));
    let resources = KnownResources::new(base, resource_url, &relay.api);
    let (api, client, redirects) = (relay.api, relay.client, RedirectPolicy::new(redirects));
    Ok(Entra { api, client, http, keyring, verifier, redirects, resources, clock })
}

/// The gateway's own first path segments; an MCP server may not hide behind one of them.
const OWN: [&str; 6] = ["oauth", "authorize", "token", "register", "auth", ".well-known"];

fn check_path(path: &str) -> Result<(), GateError> {
    let bad = || GateError::Path(path.to_owned());
    if path == "/" {
        return Ok(());
    }
    let segments = path.strip_prefix('/').ok_or_else(bad)?;
    let is_plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    if !segments.split('/').all(is_plain)
        || segments.split('/').next().is_some_and(|first| OWN.contains(&first))
    {
        return Err(bad());
    }
    Ok(())
}
