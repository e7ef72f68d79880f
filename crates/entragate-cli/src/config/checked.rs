//! The configuration once it has been checked: every value is of a type that cannot hold a wrong one.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use entragate::{
    ApiApp, AuthorityHost, BaseUrl, ClientDocuments, ClientId, ConfiguredClient, Credential, DelegatedScope,
    DeniedRedirect, GraphGroups, OnBehalfOf, RedirectRule, Relay, Rule, SealKeys, Secret, TenantId,
};
use url::Url;

use super::problems::Finding;
use super::static_credential::StaticCredential;

/// A configuration that can be served. Made by [`load`](super::load) only.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where MCP clients connect.
    pub listen: SocketAddr,
    /// Where the platform asks for health.
    pub admin_listen: Option<SocketAddr>,
    /// The gateway's public URL.
    pub base_url: BaseUrl,
    /// How people sign in.
    pub identity: Identity,
    /// The cloud.
    pub authority: AuthorityHost,
    /// The MCP servers: at least one.
    pub routes: Vec<RouteConfig>,
    /// How groups that are too many for a token are read.
    pub graph_groups: Option<GraphGroups>,
    /// How tokens in the name of callers are asked for.
    pub on_behalf_of: Option<OnBehalfOf>,
    /// What signs assertions.
    pub assertion_keys: Option<Keys>,
    /// Scopes that include narrower ones.
    pub scope_implies: Vec<(String, Vec<String>)>,
    /// Callbacks of MCP clients beside the built-in ones.
    pub redirect_rules: Vec<RedirectRule>,
    /// Callbacks that nobody may use.
    pub denied_redirects: Vec<DeniedRedirect>,
    /// Further values of `Host`.
    pub allowed_hosts: Vec<String>,
    /// Further origins of web pages.
    pub allowed_origins: Vec<String>,
    /// Whether the callbacks of hosted clients are allowed.
    pub hosted_callbacks: bool,
    /// What binds session ids to their callers, when replicas share it.
    pub session_key: Option<Secret>,
    /// How often one client address may use the sign-in endpoints.
    pub sign_in_rate: SignInRate,
    /// The largest request that is read.
    pub max_body_bytes: usize,
    /// How long requests in flight may take once the gateway is to stop.
    pub drain: Duration,
    /// What is logged, and how.
    pub log: LogConfig,
    /// What is worth a word at start.
    pub warnings: Vec<Finding>,
}

/// How people sign in.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Not at all: everything is on this machine.
    Development,
    /// Through Entra, which answers the clients itself; with two app registrations.
    Relay(Relay),
    /// Through our own authorization server; with one app registration.
    Broker(Box<BrokerConfig>),
}

/// What broker mode needs.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// The tenant whose users sign in.
    pub tenant: TenantId,
    /// The API app.
    pub api: ApiApp,
    /// The app that signs people in, when it is another one.
    pub client: Option<ClientId>,
    /// How that app proves itself to Entra.
    pub credential: Credential,
    /// What seals.
    pub keys: Keys,
    /// Where it is remembered what was used.
    pub store: Store,
    /// Whether clients may register themselves.
    pub registration: bool,
    /// Which client ID metadata documents are read.
    pub documents: ClientDocuments,
    /// Clients with a fixed id.
    pub clients: Vec<ConfiguredClient>,
    /// How long an access token lives.
    pub access_token_life: Duration,
    /// How long a browser may remember a consent.
    pub remember_consent: Duration,
}

/// Where the keys are that seal.
#[derive(Debug, Clone)]
pub enum Keys {
    /// Given by the operator.
    Given(SealKeys),
    /// In a file of the state directory, made at the first start.
    InDirectory(PathBuf),
    /// Made at every start: on loopback only.
    OfThisProcess,
}

/// Where it is remembered what was used.
#[derive(Debug, Clone)]
pub enum Store {
    /// In this process.
    Memory,
    /// In a file of the state directory.
    Directory(PathBuf),
    /// In Redis or Valkey, together with other replicas.
    Redis(Secret),
}

/// How often one client address may use the sign-in endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInRate {
    /// Requests a second in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl Default for SignInRate {
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();
        const BURST: NonZeroU32 = NonZeroU32::new(500).unwrap();
        Self { per_second: PER_SECOND, burst: BURST }
    }
}

/// One MCP server, and what is its own.
#[derive(Debug, Clone)]
pub struct RouteConfig {
    /// Where it is, or how it is started.
    pub server: ServerConfig,
    /// Its public name, for people.
    pub resource_name: Option<String>,
    /// Who may call what there.
    pub rules: Vec<Rule>,
    /// What its tokens must be for, when that is not simply the gateway's API app.
    pub api: Option<ApiApp>,
}

impl Identity {
    /// The tenant whose users sign in; nothing in development mode.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Development => None,
            Self::Relay(relay) => Some(&relay.tenant),
            Self::Broker(broker) => Some(&broker.tenant),
        }
    }
}

impl RouteConfig {
    /// Every public path of the server, the main one first.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let also = self.http().map_or(&[][..], |upstream| &upstream.also);
        std::iter::once(self.path()).chain(also.iter().map(|further| further.public.as_str()))
    }

    /// The main path.
    pub fn path(&self) -> &str {
        match &self.server {
            ServerConfig::Http(upstream) => &upstream.path,
            ServerConfig::Stdio(stdio) => &stdio.path,
        }
    }

    /// The server that is reached over HTTP, if it is.
    pub fn http(&self) -> Option<&UpstreamConfig> {
        if let ServerConfig::Http(upstream) = &self.server { Some(upstream) } else { None }
    }

    /// Where the server is, in words: URLs or the name of a program. Without arguments, which may hold secrets.
    pub fn whereabouts(&self) -> String {
        match &self.server {
            ServerConfig::Http(upstream) => {
                let shown = |url: &Url| format!("{}{}", url.origin().ascii_serialization(), url.path());
                upstream.urls().map(shown).collect::<Vec<_>>().join(", ")
            }
            ServerConfig::Stdio(stdio) => format!("stdio: {}", stdio.program.display()),
        }
    }
}

/// An MCP server.
#[derive(Debug, Clone)]
pub enum ServerConfig {
    /// One that runs by itself and is reached over HTTP.
    Http(UpstreamConfig),
    /// One that the gateway starts, a process for each session.
    Stdio(StdioConfig),
}

impl UpstreamConfig {
    /// The URL of every replica, the first one first.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.url).chain(&self.replicas)
    }
}

impl Config {
    /// The rules of all routes.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.routes.iter().flat_map(|route| &route.rules)
    }

    /// The gateway's API app; nothing in development mode.
    pub fn api(&self) -> Option<&ApiApp> {
        match &self.identity {
            Identity::Development => None,
            Identity::Relay(relay) => Some(&relay.api),
            Identity::Broker(broker) => Some(&broker.api),
        }
    }

    /// The API app of a route, with the scopes that it asks for.
    pub fn api_of<'a>(&'a self, route: &'a RouteConfig) -> Option<&'a ApiApp> {
        self.api().map(|api| route.api.as_ref().unwrap_or(api))
    }
}

/// An MCP server that is reached over HTTP.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// Its own URL.
    pub url: Url,
    /// The URLs of its other replicas.
    pub replicas: Vec<Url>,
    /// The public path it is served at.
    pub path: String,
    /// Further paths of the same server.
    pub also: Vec<FurtherPath>,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long an answer may take to begin.
    pub response_header_timeout: Option<Duration>,
    /// What it is told of the caller, or given for them.
    pub identity: UpstreamIdentity,
}

/// A further path of an MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherPath {
    /// Where clients find it, below the base URL.
    pub public: String,
    /// Where the server has it.
    pub upstream: String,
}

impl FurtherPath {
    /// A path that is the same on both sides.
    pub fn same(path: impl Into<String>) -> Self {
        let public = path.into();
        Self { upstream: public.clone(), public }
    }
}

/// What the MCP server is told of the caller, or given for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamIdentity {
    /// Headers that say who calls.
    Headers,
    /// Nothing.
    Nobody,
    /// A JWT that the gateway signs.
    Assertion {
        /// For whom it is.
        audience: String,
    },
    /// A credential of the MCP server's own.
    Static(StaticCredential),
    /// Entra's token as it came.
    Token {
        /// What the MCP server expects.
        audience: String,
    },
    /// A token of Entra's for another API, in the caller's name.
    OnBehalfOf(DelegatedScope),
}

/// A program of this machine that is an MCP server over its standard streams.
#[derive(Debug, Clone)]
pub struct StdioConfig {
    /// The public path it is served at.
    pub path: String,
    /// The program, found.
    pub program: PathBuf,
    /// What it is given on its command line.
    pub arguments: Vec<String>,
    /// Where it works; nothing: where the gateway does.
    pub directory: Option<PathBuf>,
    /// Its whole environment, but for what it is told of the caller.
    pub environment: Vec<(String, Secret)>,
    /// Whether it is told who calls.
    pub tells_caller: bool,
    /// How many processes there may be.
    pub max_processes: usize,
    /// How many of them one caller may have.
    pub max_processes_per_user: usize,
    /// How long it may take to answer `initialize`.
    pub start_timeout: Duration,
    /// How long a session may be unused.
    pub idle_timeout: Duration,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// For people or for collectors.
    pub format: LogFormat,
    /// Levels, by module.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
