//! Connections that an injected fault can end without an answer, with or without TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Who has not shaken hands by then does not want to.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who is at the other end, and the switch that cuts the line.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Peer {
    /// From now on, nothing is written to this connection any more.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        Self { addr: *stream.remote_addr(), cut: Arc::clone(&stream.io().cut) }
    }
}

/// A listener whose connections can be cut.
pub(crate) struct CuttableListener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    /// Those in progress: a slow one must not hold up the others.
    handshakes: JoinSet<Option<(Cuttable, SocketAddr)>>,
}

impl CuttableListener {
    pub(crate) fn new(tcp: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        Self { tcp, tls, handshakes: JoinSet::new() }
    }
}

impl Listener for CuttableListener {
    type Io = Cuttable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Cuttable, SocketAddr) {
        loop {
            tokio::select! {
                (stream, addr) = Listener::accept(&mut self.tcp) => {
                    // Without this, the small answers of a local server wait for acknowledgements. Failure only costs time.
                    stream.set_nodelay(true).ok();
                    let Some(tls) = self.tls.clone() else { return (Cuttable::new(stream), addr) };
                    self.handshakes.spawn(shake_hands(tls, stream, addr));
                }
                Some(ended) = self.handshakes.join_next() => {
                    if let Ok(Some(ready)) = ended {
                        return ready;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

async fn shake_hands(
    tls: TlsAcceptor,
    stream: TcpStream,
    addr: SocketAddr,
) -> Option<(Cuttable, SocketAddr)> {
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some((Cuttable::new(stream), addr)),
        Ok(Err(error)) => {
            tracing::debug!(%addr, %error, "no TLS; does the client trust the emulator's certificate authority?");
            None
        }
        Err(_) => None,
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A connection that can be cut.
pub(crate) struct Cuttable {
    stream: Box<dyn Duplex>,
    cut: Arc<AtomicBool>,
}

impl Cuttable {
    fn new(stream: impl Duplex + 'static) -> Self {
        Self { stream: Box::new(stream), cut: Arc::default() }
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
