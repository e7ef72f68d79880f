//! One connection, driven by whoever waits for something from it.

use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use tokio::io::ReadBuf;

use super::connect::Stream;
use super::head::{self, Head};
use super::outgoing::Outgoing;
use super::wire_error::WireError;

/// Read at once. On the stack: a connection that waits, as an event stream does nearly always, holds no buffer.
const READ: usize = 16 * 1024;

/// A connection, and what was read from it and belongs to nobody yet.
pub(super) struct Connection {
    stream: Stream,
    pub(super) read: BytesMut,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, read: BytesMut::new() }
    }

    /// Writes the request, and reads the head of the answer, which may come before all of the request is written.
    pub(super) async fn exchange(&mut self, outgoing: &mut Outgoing) -> Result<Head, WireError> {
        let mut failed = None;
        std::future::poll_fn(|cx| {
            if failed.is_none()
                && !outgoing.is_done()
                && let Poll::Ready(Err(error)) = outgoing.poll_write(self, cx)
            {
                // A server that does not want the whole request says why before it closes: the answer counts, not the write.
                if !outgoing.has_begun() || matches!(error, WireError::RequestBody(_)) {
                    return Poll::Ready(Err(error));
                }
                failed = Some(error);
            }
            match ready!(self.poll_head(outgoing, cx)) {
                Ok(head) => Poll::Ready(Ok(head)),
                Err(error) => Poll::Ready(Err(failed.take().unwrap_or(error))),
            }
        })
        .await
        .map(|head| Head { is_kept: head.is_kept && failed.is_none(), ..head })
    }

    fn poll_head(&mut self, outgoing: &Outgoing, cx: &mut Context<'_>) -> Poll<Result<Head, WireError>> {
        loop {
            if !self.read.is_empty()
                && let Some(head) = head::take(&mut self.read, &outgoing.method)?
            {
                return Poll::Ready(Ok(head));
            }
            if ready!(self.poll_read(cx))? == 0 {
                return Poll::Ready(Err(WireError::Unanswered));
            }
        }
    }

    /// How many bytes more there are in `read`; none at the end.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [const { MaybeUninit::<u8>::uninit() }; READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(self.stream.poll_read(cx, &mut buffer))?;
        let filled = buffer.filled();
        self.read.extend_from_slice(filled);
        Poll::Ready(Ok(filled.len()))
    }

    /// Lets go of the space of what was read and passed on: a stream may be silent for hours.
    pub(super) fn forget_read(&mut self) {
        if self.read.is_empty() {
            self.read = BytesMut::new();
        }
    }

    pub(super) fn poll_write(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream.poll_write(cx, bytes))?;
        if written == 0 {
            Poll::Ready(Err(io::ErrorKind::WriteZero.into()))
        } else {
            Poll::Ready(Ok(written))
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    /// Whether the connection is open and silent, so that it can take a request. The server may have closed it since it was
    /// used last; and what it says without being asked would be taken for the answer to the next request.
    pub(super) fn is_ready(&mut self) -> bool {
        // Nobody waits here: whoever uses the connection next registers itself.
        self.read.is_empty() && self.poll_read(&mut Context::from_waker(Waker::noop())).is_pending()
    }
}
