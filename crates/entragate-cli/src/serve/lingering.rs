//! Refusals that reach clients which are still sending.
//!
//! A call may be refused before its body is there: the token has ended, the body is too large. Closing a socket while bytes
//! arrive resets the connection (RFC 9112 §9.6), and the client sees a broken pipe instead of the 401 that would make it
//! sign in. So what still comes is read and thrown away, for a while, once the answer is out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a client may send on after its answer, and how long it may pause.
const LONGEST: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(5);

/// Whether a body on this connection was left unread.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

impl Unread {
    fn set(&self, unread: bool) {
        self.0.store(unread, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The body of a request that says when it has been read.
pub(super) struct Noted {
    body: Incoming,
    unread: Unread,
}

impl Noted {
    pub(super) fn new(body: Incoming, unread: Unread) -> Self {
        unread.set(!body.is_end_stream());
        Self { body, unread }
    }
}

impl Body for Noted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.unread.set(false);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A client's connection. It closes when nothing comes any more.
pub(super) struct Lingering {
    stream: TcpStream,
    unread: Unread,
    /// Since it says nothing more.
    end: Option<End>,
}

struct End {
    by: Instant,
    pause: Pin<Box<Sleep>>,
}

impl Lingering {
    pub(super) fn new(stream: TcpStream, unread: Unread) -> Self {
        Self { stream, unread, end: None }
    }
}

impl End {
    fn new() -> Self {
        let now = Instant::now();
        Self { by: now + LONGEST, pause: Box::pin(sleep_until(now + PAUSE)) }
    }

    /// Ready when nothing more comes, or has to be waited for.
    fn poll(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        let mut thrown_away = [0; 4096];
        loop {
            let mut bytes = ReadBuf::new(&mut thrown_away);
            match Pin::new(&mut *stream).poll_read(cx, &mut bytes) {
                Poll::Ready(Ok(())) if !bytes.filled().is_empty() => {
                    self.pause.as_mut().reset(self.by.min(Instant::now() + PAUSE));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.pause.as_mut().poll(cx),
            }
        }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, unread, end } = self.get_mut();
        let end = if let Some(end) = end {
            end
        } else {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
            if !unread.get() {
                return Poll::Ready(Ok(()));
            }
            end.insert(End::new())
        };
        end.poll(stream, cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// How long a connection takes to close, by the clock of the runtime, which jumps whenever everybody waits.
    async fn closes_after(unread: bool, client: impl AsyncFnOnce(TcpStream)) -> u64 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, connected) = tokio::join!(listener.accept(), connecting);
        let flag = Unread::default();
        flag.set(unread);
        let mut connection = Lingering::new(accepted.unwrap().0, flag);
        let closing = async move {
            let began = Instant::now();
            connection.shutdown().await.unwrap();
            began.elapsed().as_secs()
        };
        tokio::join!(closing, client(connected.unwrap())).0
    }

    async fn send_each_second(mut stream: TcpStream) {
        while stream.write_all(b"more").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_on_is_waited_for_and_not_for_ever() {
        let waits = async |stream: TcpStream| {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(stream);
        };
        assert_eq!(closes_after(true, waits).await, 5);
        assert_eq!(closes_after(true, send_each_second).await, 30);
        let sends_and_leaves =
            async |mut stream: TcpStream| stream.write_all(&vec![b'x'; 100_000]).await.unwrap();
        assert_eq!(closes_after(true, sends_and_leaves).await, 0);
        // What was read needs no more.
        assert_eq!(closes_after(false, waits).await, 0);
    }
}
