//! The reverse proxy: one request in, one request out, bytes untouched.
//!
//! ```text
//! Permit + Request ─ target ─ headers ─ identity ─> pooled client ─> MCP server
//!        Response <───────── headers ──────────────────────┘   (or a Failure, as a response)
//! ```
//!
//! [`Upstream`] takes the [`Permit`] out of the request, so a request that no policy judged cannot be
//! forwarded. What it promises, with the ids of docs/requirements.md: bodies and event streams pass as they
//! arrive (TR-01, TR-05), a disconnect on either side reaches the other (TR-07), nothing that may have been
//! written is ever sent twice (TR-08), status codes are the server's own (TR-09) and the gateway's own errors
//! cannot be taken for them (TR-10, TR-11). The exceptions are 401 and redirects: a client would take them for
//! the gateway's word, so they become errors of the gateway. It follows no redirect, keeps no cookie, decodes
//! no body and puts no limit on how long an answer lasts.

mod client;
mod endpoint;
mod failure;
mod forward;
mod headers;
mod identity;
mod target;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use entragate::{BaseUrl, Permit};
use http::header::{CONTENT_LENGTH, HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body::Body as _;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::config::UpstreamConfig;
use client::Client;
use endpoint::Prefix;
use failure::Failure;
pub use failure::{UPSTREAM_REDIRECTED, UPSTREAM_TIMED_OUT, UPSTREAM_UNAUTHORIZED, UPSTREAM_UNAVAILABLE};
use identity::Introduction;
use target::Targets;

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
pub struct Upstream(Arc<Inner>);

struct Inner {
    client: Client,
    targets: Targets,
    introduction: Introduction,
    legacy_prefix: Option<Prefix>,
    connect_timeout: Duration,
    response_header_timeout: Option<Duration>,
}

impl Upstream {
    /// A proxy to the configured server, for clients that know it below `base_url`.
    pub fn new(config: &UpstreamConfig, base_url: &BaseUrl) -> Result<Self, UpstreamError> {
        let targets = Targets::new(config, base_url)?;
        Ok(Self(Arc::new(Inner {
            client: Client::new(&targets, config.connect_timeout)?,
            introduction: Introduction::new(base_url, config.identity_headers),
            legacy_prefix: Prefix::new(base_url.path()),
            targets,
            connect_timeout: config.connect_timeout,
            response_header_timeout: config.response_header_timeout,
        })))
    }

    /// Sends a permitted request on. Dropping the future or the response body closes the upstream connection.
    pub async fn forward(&self, permit: Permit, request: Request<Body>) -> Response<Body> {
        if asks_for_another_protocol(request.headers()) {
            return Failure::Upgrade.response(Some(&permit));
        }
        let Some(uri) = self.0.targets.resolve(request.uri()) else {
            tracing::error!(
                path = request.uri().path(),
                "the upstream has no such path; nothing was forwarded"
            );
            return Failure::Misrouted.response(Some(&permit));
        };
        let (mut parts, body) = request.into_parts();
        headers::strip_request(&mut parts.headers);
        settle_length(&mut parts.headers, &body);
        self.0.introduction.introduce(permit.principal(), &parts.extensions, &mut parts.headers);
        parts.headers.insert(HOST, self.0.targets.host());

        // A new request rather than the old parts: what the server side left in the extensions is none of
        // the client's business.
        let mut outgoing = Request::new(body);
        *outgoing.method_mut() = parts.method;
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = parts.headers;
        let prefix = self.0.legacy_prefix.clone().filter(|_| outgoing.method() == Method::GET);
        forward::forward(&self.0.client, outgoing, self.0.response_header_timeout, prefix, &permit).await
    }

    /// Whether the server accepts a TCP connection.
    pub async fn reachable(&self) -> Result<(), String> {
        let (host, port) = self.0.targets.address();
        match tokio::time::timeout(self.0.connect_timeout, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no connection within {:?}", self.0.connect_timeout)),
        }
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("targets", &self.0.targets).finish_non_exhaustive()
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

/// Leaves the length to the client, which takes it from the body that is really there: a length that
/// disagrees with the body is how requests are smuggled. Only "there is a body and it is empty" has to be
/// said here, the client would leave it out.
fn settle_length(headers: &mut HeaderMap, body: &Body) {
    if headers.remove(CONTENT_LENGTH).is_some() && body.is_end_stream() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}
