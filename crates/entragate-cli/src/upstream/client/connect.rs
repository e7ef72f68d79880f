//! TCP and TLS towards the MCP server.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service as _;

use super::super::UpstreamError;
use super::SendError;

/// How long a silent connection may be dead before TCP asks.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);

/// What a connection reads and writes. It is moved with each call, so what TLS remembers is elsewhere.
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>),
}

impl Stream {
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }
}

impl From<MaybeHttpsStream<TokioIo<TcpStream>>> for Stream {
    fn from(stream: MaybeHttpsStream<TokioIo<TcpStream>>) -> Self {
        match stream {
            MaybeHttpsStream::Http(stream) => Self::Tcp(stream.into_inner()),
            tls @ MaybeHttpsStream::Https(_) => Self::Tls(Box::new(TokioIo::new(tls))),
        }
    }
}

/// Opens connections, with one time limit over TCP and TLS.
#[derive(Clone)]
pub(in super::super) struct Connector {
    https: HttpsConnector<HttpConnector>,
    limit: Duration,
}

impl Connector {
    pub(in super::super) fn new(is_tls: bool, limit: Duration) -> Result<Self, UpstreamError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
        Ok(Self { https: HttpsConnector::from((tcp, tls(is_tls)?)), limit })
    }

    pub(super) async fn connect(&self, server: &Uri) -> Result<Stream, SendError> {
        let mut https = self.https.clone();
        let connecting = async {
            std::future::poll_fn(|cx| https.poll_ready(cx)).await?;
            https.call(server.clone()).await
        };
        match tokio::time::timeout(self.limit, connecting).await {
            Ok(connected) => connected.map(Stream::from).map_err(SendError::Connect),
            Err(_) => Err(SendError::ConnectTimedOut(self.limit)),
        }
    }
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
    let mut config = builder.with_no_client_auth();
    // What is spoken, and nothing else: a server for HTTP/2 only says so in the handshake.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
