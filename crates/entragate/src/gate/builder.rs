//! Collects what differs from the defaults, checks everything, and builds the gate.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;

use super::entra::{BrokerOptions, Mode, Parts};
use super::resource::Resources;
use super::route::Route;
use super::{Gate, GateError, Inner, paths};
use crate::base_url::BaseUrl;
use crate::clock::{Clock, SystemClock};
use crate::facade::Entra;
use crate::front_door::FrontDoor;
use crate::idp::entra::groups::GraphGroups;
use crate::idp::entra::obo::OnBehalfOf;
use crate::idp::entra::registration::AuthorityHost;
use crate::oauth::client::{ClientDocuments, ConfiguredClient};
use crate::oauth::redirect_policy::{DeniedRedirect, RedirectPolicy, RedirectRule};
use crate::oauth::target::Target;
use crate::once::Once;
use crate::policy::{Policy, Rule};
use crate::random;
use crate::rate::{Rate, RateLimit};
use crate::seal::SealKeys;
use crate::token::saved::SavedKeys;

/// Collects what differs from the defaults.
#[must_use]
pub struct GateBuilder {
    base: BaseUrl,
    mode: Mode,
    broker: BrokerOptions,
    authority: AuthorityHost,
    /// The one route, as far as the builder itself describes it.
    only: Option<Route>,
    routes: Vec<Route>,
    implied: Vec<(String, Vec<String>)>,
    hosts: Vec<String>,
    origins: Vec<String>,
    listen: Vec<SocketAddr>,
    redirects: Vec<RedirectRule>,
    denied_redirects: Vec<DeniedRedirect>,
    max_body_bytes: usize,
    rate: Rate,
    hosted_callbacks: bool,
    session_key: Option<Vec<u8>>,
    saved_keys: Option<SavedKeys>,
    graph_groups: Option<GraphGroups>,
    on_behalf_of: Option<OnBehalfOf>,
    assertion_keys: Option<SealKeys>,
    clock: Arc<dyn Clock>,
}

impl GateBuilder {
    pub(super) fn new(base: BaseUrl, mode: Mode) -> Self {
        Self {
            base,
            mode,
            broker: BrokerOptions::default(),
            authority: AuthorityHost::default(),
            only: None,
            routes: Vec::new(),
            implied: Vec::new(),
            hosts: Vec::new(),
            origins: Vec::new(),
            listen: Vec::new(),
            redirects: Vec::new(),
            denied_redirects: Vec::new(),
            max_body_bytes: 16 * 1024 * 1024,
            rate: Rate::default(),
            hosted_callbacks: true,
            session_key: None,
            saved_keys: None,
            graph_groups: None,
            on_behalf_of: None,
            assertion_keys: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// The cloud's sign-in host; default: the public cloud.
    pub fn authority(mut self, authority: AuthorityHost) -> Self {
        self.authority = authority;
        self
    }

    /// One of several MCP servers. Then each is described by its [`Route`], and nothing of a server by the builder itself:
    /// not by [`Self::resource_path`], [`Self::also_protect`], [`Self::resource_name`] or [`Self::rules`].
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Changes the one route.
    fn only(mut self, change: impl FnOnce(Route) -> Route) -> Self {
        self.only = Some(change(self.only.unwrap_or_else(default_route)));
        self
    }

    /// The MCP server's path below the base URL; default `/mcp`.
    pub fn resource_path(self, path: impl Into<String>) -> Self {
        self.only(|only| Route { path: path.into(), ..only })
    }

    /// Another path of the same MCP server, e.g. `/messages` of the legacy HTTP+SSE transport.
    pub fn also_protect(self, path: impl Into<String>) -> Self {
        self.only(|only| only.also_protect(path))
    }

    /// The name that clients may show (RFC 9728 `resource_name`).
    pub fn resource_name(self, name: impl Into<String>) -> Self {
        self.only(|only| only.name(name))
    }

    /// Who may call what; without rules everybody signed in may call everything.
    pub fn rules(self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.only(|only| only.rules(rules))
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

    /// Redirect URIs refused whatever allows them, loopback excepted.
    pub fn denied_redirects(mut self, rules: impl IntoIterator<Item = DeniedRedirect>) -> Self {
        self.denied_redirects.extend(rules);
        self
    }

    /// Largest request body in bytes; default 16 MiB.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// How often one client address may use the sign-in endpoints; default 50 requests a second, 500 at once.
    pub fn sign_in_rate(mut self, per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        self.rate = Rate { per_second, burst };
        self
    }

    /// Whether the shipped callbacks of hosted clients (claude.ai, ChatGPT, vscode.dev …) are allowed; default
    /// yes. Entra must have them registered as well.
    pub fn hosted_callbacks(mut self, allowed: bool) -> Self {
        self.hosted_callbacks = allowed;
        self
    }

    /// The key that binds session ids to their callers, the same for all replicas; default: a fresh one for
    /// each gate, with which only this process knows its sessions.
    pub fn session_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.session_key = Some(key.into());
        self
    }

    /// Reads the groups of whoever is in too many for a token from Microsoft Graph, where a rule names groups; default:
    /// such a rule refuses them.
    pub fn graph_groups(mut self, groups: GraphGroups) -> Self {
        self.graph_groups = Some(groups);
        self
    }

    /// Asks Entra for tokens in the name of callers ([`Gate::on_behalf_of`]). In broker mode, access tokens then carry
    /// Entra's, sealed.
    pub fn on_behalf_of(mut self, options: OnBehalfOf) -> Self {
        self.on_behalf_of = Some(options);
        self
    }

    /// Signs for MCP servers that verify who calls ([`Gate::assertion`]), with keys made of this ring: the first signs,
    /// all are published at `{base}/oauth/jwks`. Replicas share it.
    pub fn assertion_keys(mut self, keys: SealKeys) -> Self {
        self.assertion_keys = Some(keys);
        self
    }

    /// Judges tokens with these keys and asks Entra for none: to look at a token where Entra cannot be reached
    /// ([`Gate::examine`]). Not for a gate that serves: it would not notice when Entra rotates or withdraws a key.
    pub fn saved_keys(mut self, keys: SavedKeys) -> Self {
        self.saved_keys = Some(keys);
        self
    }

    /// Where the time comes from; default: the computer.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Broker mode: where it is remembered what was used; default: in this process.
    pub fn once(mut self, once: Arc<dyn Once>) -> Self {
        self.broker.once = Some(once);
        self
    }

    /// Broker mode: clients that the operator sets up.
    pub fn clients(mut self, clients: impl IntoIterator<Item = ConfiguredClient>) -> Self {
        self.broker.clients.extend(clients);
        self
    }

    /// Broker mode: whether clients may register themselves (RFC 7591); default yes.
    pub fn registration(mut self, allowed: bool) -> Self {
        self.broker.registration = allowed;
        self
    }

    /// Broker mode: which client ID metadata documents are read; default: all that the public internet has.
    pub fn client_documents(mut self, documents: ClientDocuments) -> Self {
        self.broker.documents = documents;
        self
    }

    /// Broker mode: how long an access token lives, 15 to 90 minutes; default 30. Entra is asked again with each refresh.
    pub fn access_token_life(mut self, life: Duration) -> Self {
        self.broker.access_life = life;
        self
    }

    /// Broker mode: how long a browser may remember a consent; default 90 days, zero for never.
    pub fn remember_consent(mut self, for_how_long: Duration) -> Self {
        self.broker.remember_for = for_how_long;
        self
    }

    /// Checks everything and builds the gate. Nothing is fetched yet.
    pub fn build(mut self) -> Result<Gate, GateError> {
        let api = self.mode.api().cloned();
        if api.is_none() && !self.base.is_loopback() {
            return Err(GateError::PublicDevelopment(self.base.to_string()));
        }
        if api.is_some() && self.authority.is_loopback() && !self.base.is_loopback() {
            return Err(GateError::EmulatedAuthority(self.base.to_string()));
        }
        let routes = self.take_routes()?;
        self.broker.check()?;
        let session_keys = self.session_keys()?;
        let policies: Vec<Policy> = routes.iter().map(|route| self.policy(&route.rules)).collect();
        let rate_limit = RateLimit::new(self.rate, Arc::clone(&self.clock));
        let front_door = FrontDoor::new(&self.base, &self.listen, &self.hosts, &self.origins);
        let (base, listen, max_body_bytes) = (self.base.clone(), self.listen.clone(), self.max_body_bytes);
        let entra = self.entra(policies.iter().flat_map(Policy::groups).collect())?;
        let resources = Resources { base: &base, session_keys, max_body_bytes, entra: entra.as_ref(), api };
        let resources = resources.build(routes, policies)?;
        let targets = Target::all(&resources, &base, &listen);
        Ok(Gate(Arc::new(Inner { base, entra, front_door, rate_limit, resources, targets })))
    }

    /// The routes, or the one that was described without naming it a route.
    fn take_routes(&mut self) -> Result<Vec<Route>, GateError> {
        let routes = match (self.only.take(), std::mem::take(&mut self.routes)) {
            (Some(_), routes) if !routes.is_empty() => return Err(GateError::TwoDescriptions),
            (None, routes) if !routes.is_empty() => routes,
            (only, _) => vec![only.unwrap_or_else(default_route)],
        };
        paths::check(&routes)?;
        for route in &routes {
            if let Some(empty) = route.rules.iter().position(Rule::is_empty) {
                return Err(GateError::EmptyRule(empty + 1));
            }
            for (at, rule) in route.rules.iter().enumerate() {
                if let Some(pattern) = rule.without_arguments() {
                    return Err(GateError::ConditionWithoutArguments(at + 1, pattern.to_owned()));
                }
            }
        }
        Ok(routes)
    }

    fn policy(&self, rules: &[Rule]) -> Policy {
        let policy = Policy::new(rules.iter().cloned());
        self.implied
            .iter()
            .fold(policy, |policy, (scope, narrower)| policy.scope_implies(scope, narrower.clone()))
    }

    /// `groups`: those that rules name.
    fn entra(self, groups: Vec<String>) -> Result<Option<Arc<Entra>>, GateError> {
        let private_use = matches!(self.mode, Mode::Broker(_));
        let parts = Parts {
            authority: self.authority,
            base: &self.base,
            redirects: RedirectPolicy::new(self.redirects, self.hosted_callbacks, private_use)
                .deny(self.denied_redirects),
            saved_keys: self.saved_keys,
            graph_groups: self.graph_groups,
            on_behalf_of: self.on_behalf_of,
            assertion_keys: self.assertion_keys,
            groups,
            clock: self.clock,
        };
        Ok(match self.mode {
            Mode::Development => None,
            Mode::Relay(relay) => Some(Arc::new(parts.relay(relay)?)),
            Mode::Broker(broker) => Some(Arc::new(parts.broker(*broker, self.broker)?)),
        })
    }

    /// The operator's key, else keys from the ring that replicas share anyway, else a fresh one.
    fn session_keys(&self) -> Result<Vec<hmac::Key>, GateError> {
        match (&self.session_key, &self.mode) {
            (Some(key), _) if key.len() < SHORTEST_KEY => Err(GateError::SessionKey(SHORTEST_KEY)),
            (Some(key), _) => Ok(vec![hmac::Key::new(hmac::HMAC_SHA256, key)]),
            (None, Mode::Broker(broker)) => Ok(broker.keys.hmac_keys("session")),
            (None, _) => Ok(vec![random::hmac_key().map_err(|_| GateError::Randomness)?]),
        }
    }
}

/// Bytes of a session key: as many as its seals are worth.
const SHORTEST_KEY: usize = 32;

/// What there is when nothing is said of it.
fn default_route() -> Route {
    Route::new("/mcp")
}
