//! The reverse proxy: one request in, one request out, bytes untouched.
//!
//! ```text
//! Permit + Request ─ target ─ identity ─ headers ─> pooled client ─> MCP server
//!        Response <────────────────────────────────────────┘   (or a Failure, as a response)
//! ```
//!
//! [`Upstream`] takes the [`Permit`] out of the request, so a request that no policy judged cannot be
//! forwarded. What it promises, with the ids of docs/requirements.md: bodies and event streams pass as they
//! arrive (TR-01, TR-05), a disconnect on either side reaches the other (TR-07), nothing that may have been
//! written is ever sent twice (TR-08), status codes are the server's own (TR-09) and the gateway's own errors
//! cannot be taken for them (TR-10, TR-11). The exceptions are 401 and redirects, which become errors of the gateway, and
//! challenges and cookies, which stay behind: a client would take them for the gateway's word. It follows no redirect, keeps no cookie, decodes
//! no body and puts no limit on how long an answer lasts.
//!
//! A server that the gateway starts itself has no HTTP side: `stdio` is one.

mod client;
mod failure;
mod forward;
mod headers;
mod identity;
mod legacy;
mod replicas;
mod several;
mod stdio;
mod target;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use entragate::{Gate, Permit, Resource};
use http::header::{ACCEPT_ENCODING, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, Uri};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::config::{Config, RouteConfig, ServerConfig, StdioConfig, UpstreamConfig};
use client::{Outgoing, RequestHead};
use failure::Failure;
pub use failure::{
    SESSION_GONE, UPSTREAM_REDIRECTED, UPSTREAM_TIMED_OUT, UPSTREAM_UNAUTHORIZED, UPSTREAM_UNAVAILABLE,
};
use identity::{Introduced, Introduction};
use legacy::Endpoints;
use replicas::{Replica, Replicas};
pub use stdio::{CALLER_VARIABLES, GUARD, SERVER_BUSY, guard};
use stdio::{Guard, Stdio};
pub(crate) use stdio::{NoServer, probe};
use target::Which;

/// Why the reverse proxy cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// Neither http nor https.
    #[error("the upstream URL must be http or https, not `{0}`")]
    Scheme(String),
    /// No host, or a host or path that HTTP cannot carry.
    #[error("the upstream URL `{0}` cannot be requested over HTTP")]
    Unusable(String),
    /// The trust store of the machine could not be read.
    #[error("cannot set up TLS towards the upstream")]
    Tls(#[source] rustls::Error),
}

/// The MCP server behind the gateway.
#[derive(Clone)]
pub struct Upstream(Server);

#[derive(Clone)]
enum Server {
    Http(Arc<Inner>),
    Stdio(Stdio),
}

struct Inner {
    replicas: Replicas,
    introduction: Introduction,
    endpoints: Option<Arc<Endpoints>>,
    connect_timeout: Duration,
    response_header_timeout: Option<Duration>,
}

impl Upstream {
    /// A proxy to the configured server, for what this gate lets through.
    pub fn new(config: &UpstreamConfig, gate: &Gate) -> Result<Self, UpstreamError> {
        let base_url = gate.base_url();
        let replicas = Replicas::new(config, base_url)?;
        Ok(Self(Server::Http(Arc::new(Inner {
            introduction: Introduction::new(gate, &config.identity),
            endpoints: Endpoints::new(config, base_url),
            replicas,
            connect_timeout: config.connect_timeout,
            response_header_timeout: config.response_header_timeout,
        }))))
    }

    /// A server that is started for each session, and whose messages have no more than `longest` bytes.
    pub fn stdio(config: &StdioConfig, longest: usize) -> Self {
        Self(Server::Stdio(Stdio::new(config.clone(), longest)))
    }

    /// Sends a permitted request on. Dropping the future or the response body closes the upstream connection.
    pub async fn forward(&self, permit: Permit, request: Request<Body>) -> Response<Body> {
        if asks_for_another_protocol(request.headers()) {
            return Failure::Upgrade.response(Some(&permit));
        }
        let proxy = match &self.0 {
            Server::Http(proxy) => proxy,
            Server::Stdio(stdio) => return Box::pin(stdio.answer(permit, request)).await,
        };
        match proxy.replicas.only() {
            Some(only) => proxy.forward_to(only, permit, request).await,
            // In a box, so that nobody who has one server makes room for it.
            None => Box::pin(several::forward(proxy, &permit, request)).await,
        }
    }

    /// Whether the server, or one of its replicas, accepts a TCP connection; whether a stdio server could be started.
    pub async fn reachable(&self) -> Result<(), String> {
        match &self.0 {
            Server::Http(proxy) => proxy.reachable().await,
            Server::Stdio(stdio) => stdio.startable(),
        }
    }

    /// Ends what the gateway has started.
    pub async fn stop(&self) {
        if let Server::Stdio(stdio) = &self.0 {
            stdio.stop().await;
        }
    }
}

impl Inner {
    async fn forward_to(
        &self,
        server: &Replica,
        mut permit: Permit,
        request: Request<Body>,
    ) -> Response<Body> {
        let Self { introduction, endpoints, response_header_timeout, .. } = self;
        let (mut parts, body) = request.into_parts();
        let endpoints = endpoints.as_ref().filter(|_| parts.method == Method::GET);
        if endpoints.is_some() {
            // What is corrected must be readable.
            parts.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let introduced = match introduction.introduce(&permit, parts.extensions.get().copied()).await {
            Ok(introduced) => introduced,
            Err(answer) => return *answer,
        };
        let outgoing = match outgoing(server, &permit, &parts, &introduced, body) {
            Ok(outgoing) => outgoing,
            Err(failure) => return failure.response(Some(&permit)),
        };
        // Nothing is left then of the buffer that the request was read into, and the server side waits with it for the client
        // to leave, instead of with another one.
        drop(parts);
        permit.forget_token();
        let answer = forward::ask(&server.client, outgoing, *response_header_timeout).await;
        forward::answered(answer, endpoints, &permit, introduction).await
    }

    async fn reachable(&self) -> Result<(), String> {
        let mut why = Vec::new();
        for replica in self.replicas.iter() {
            match self.connected(replica.targets.address()).await {
                Ok(()) => return Ok(()),
                Err(reason) if !why.contains(&reason) => why.push(reason),
                Err(_) => {}
            }
        }
        Err(why.join("; "))
    }

    async fn connected(&self, address: (&str, u16)) -> Result<(), String> {
        match tokio::time::timeout(self.connect_timeout, TcpStream::connect(address)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no connection within {:?}", self.connect_timeout)),
        }
    }
}

fn misrouted(uri: &Uri) -> Failure {
    tracing::error!(path = uri.path(), "the upstream has no such path; nothing was forwarded");
    Failure::Misrouted
}

/// The request for one server, of which nothing is left to be decided.
fn outgoing(
    server: &Replica,
    permit: &Permit,
    client: &Parts,
    introduced: &Introduced<'_>,
    body: Body,
) -> Result<Outgoing, Failure> {
    let (mut target, which) = server.targets.resolve(&client.uri).ok_or_else(|| misrouted(&client.uri))?;
    if which == Which::Further {
        target = legacy::opened(target, permit).ok_or_else(|| {
            permit.note_foreign_session();
            Failure::NoSession
        })?;
    }
    let mut head = RequestHead::new(client.method.clone(), &target, server.targets.host());
    head.pass_on(&client.headers, |name| introduced.replaces(name));
    introduced.write(&mut head);
    Ok(Outgoing::new(head, body))
}

/// The MCP server of each route, by its public path.
#[derive(Debug, Clone)]
pub struct Upstreams(Arc<BTreeMap<String, Upstream>>);

impl Upstreams {
    /// A proxy for each route.
    pub fn new(config: &Config, gate: &Gate) -> Result<Self, UpstreamError> {
        let upstream = |route: &RouteConfig| {
            let upstream = match &route.server {
                ServerConfig::Http(upstream) => Upstream::new(upstream, gate)?,
                ServerConfig::Stdio(stdio) => Upstream::stdio(stdio, config.max_body_bytes),
            };
            Ok((route.path().to_owned(), upstream))
        };
        Ok(Self(Arc::new(config.routes.iter().map(upstream).collect::<Result<_, _>>()?)))
    }

    /// The server of a resource of the gate that was made from the same configuration.
    pub fn of(&self, resource: &Resource) -> Upstream {
        self.0.get(resource.path()).expect("gate and proxies have the routes of one configuration").clone()
    }

    /// The servers that accept no connection, by their paths, and why.
    pub async fn unreachable(&self) -> Vec<(&str, String)> {
        let asked = self.0.iter().map(|(path, upstream)| async move {
            upstream.reachable().await.err().map(|why| (path.as_str(), why))
        });
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    }

    /// Sees to it that what the gateway starts ends even if the gateway is killed; `program` is this one.
    pub fn guard(&self, program: &Path) -> io::Result<()> {
        let started = || {
            self.0.values().filter_map(|upstream| {
                if let Server::Stdio(stdio) = &upstream.0 { Some(stdio) } else { None }
            })
        };
        if started().next().is_some() {
            let guard = Guard::start(program)?;
            started().for_each(|stdio| stdio.guarded_by(&guard));
        }
        Ok(())
    }

    /// Calls of stdio servers that have not been answered are answered with an error; what the gateway has started ends.
    pub fn cut(&self) {
        for upstream in self.0.values() {
            if let Server::Stdio(stdio) = &upstream.0 {
                stdio.cut();
            }
        }
    }

    /// Ends what the gateway has started for them.
    pub async fn stop(&self) {
        futures_util::future::join_all(self.0.values().map(Upstream::stop)).await;
    }

    /// Whether there are several.
    pub fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Server::Http(proxy) => f.debug_tuple("Upstream").field(&proxy.replicas).finish(),
            Server::Stdio(stdio) => f.debug_tuple("Upstream").field(stdio).finish(),
        }
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move {
            let Some(permit) = request.extensions_mut().remove::<Permit>() else {
                tracing::error!("a request came without a permit; nothing was forwarded");
                return Ok(Failure::NoPermit.response(None));
            };
            Ok(upstream.forward(permit, request).await)
        })
    }
}

/// Whether the client wants to leave HTTP (WebSocket would escape every check made per request). An offer of
/// `h2c` is not refused but ignored, as RFC 9110 §7.8 allows: Java's `HttpClient` makes it on every plain
/// http request.
fn asks_for_another_protocol(headers: &HeaderMap) -> bool {
    headers.get_all(UPGRADE).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"h2c"))
}
