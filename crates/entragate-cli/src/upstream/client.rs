//! The pooled HTTP client towards the MCP server.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::Uri;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::crypto::aws_lc_rs;
use tokio::net::TcpStream;
use tower_service::Service;

use super::UpstreamError;
use super::target::Targets;

/// The client: streams requests and responses, HTTP/1.1 or what ALPN agrees on.
pub(super) type Client = legacy::Client<Connector, Body>;

/// How long an unused connection is kept. Node.js and uvicorn close theirs after five seconds; a request
/// written just then fails and must not be repeated, so we let go first.
const IDLE: Duration = Duration::from_secs(4);
/// How long a silent connection may be dead before TCP asks.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Builds the client. What it repeats is what hyper proves unwritten (a pooled connection that was closed
/// before the request left the queue), nothing else.
pub(super) fn build(targets: &Targets, connect_timeout: Duration) -> Result<Client, UpstreamError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls(targets.is_tls())?)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp);
    #[expect(clippy::disallowed_methods, reason = "the one client of the data plane")]
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
    Ok(builder.build(Connector { https, limit: connect_timeout }))
}

/// The operating system's trust store, read only when the upstream is https: an image without certificates
/// can still serve a plain http upstream.
fn tls(needed: bool) -> Result<rustls::ClientConfig, UpstreamError> {
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(UpstreamError::Tls)?;
    let builder = if needed {
        builder.try_with_platform_verifier().map_err(UpstreamError::Tls)?
    } else {
        builder.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

/// TCP and TLS with one time limit over both; hyper's own covers TCP only.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector>,
    limit: Duration,
}

/// No connection in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectTimedOut(Duration);

type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit) = (self.https.call(uri), self.limit);
        Box::pin(
            async move { tokio::time::timeout(limit, connecting).await.map_err(|_| ConnectTimedOut(limit))? },
        )
    }
}
