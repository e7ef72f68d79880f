//! The body of an answer, on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::connection::Connection;
use super::framing::{Found, Framing};
use super::outgoing::Outgoing;
use super::pool::Pool;
use super::wire_error::WireError;

/// Reads the connection, and gives it back at the end.
pub(in super::super) struct Relayed {
    framing: Framing,
    /// `None` once the answer has ended.
    open: Option<Open>,
    /// The answer was cut off, and who reads it knows soon.
    broken: Option<WireError>,
}

/// What a body needs until its end.
struct Open {
    connection: Connection,
    /// What of the request is not written yet: the server answered before it had all.
    unsent: Option<Outgoing>,
    /// Where the connection goes that can be used again.
    pool: Option<Arc<Pool>>,
}

impl Relayed {
    pub(super) fn new(
        framing: Framing,
        connection: Connection,
        outgoing: Outgoing,
        pool: Option<Arc<Pool>>,
    ) -> Self {
        let unsent = Some(outgoing).filter(|outgoing| !outgoing.is_done());
        let mut relayed = Self { framing, open: Some(Open { connection, unsent, pool }), broken: None };
        relayed.settle();
        relayed
    }

    /// Gives the connection back when the answer is over: a length that was promised and reached is the end, nobody needs to
    /// ask for another frame.
    fn settle(&mut self) {
        if self.framing.is_over()
            && let Some(Open { connection, unsent: None, pool: Some(pool) }) = self.open.take()
        {
            pool.put(connection);
        }
    }

    fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<Result<Found, WireError>> {
        let Some(open) = &mut self.open else { return Poll::Ready(Ok(Found::End)) };
        if let Some(unsent) = &mut open.unsent
            && let Poll::Ready(written) = unsent.poll_write(&mut open.connection, cx)
        {
            open.unsent = None;
            if written.is_err() {
                open.pool = None; // the answer goes on, the connection does not
            }
        }
        loop {
            match self.framing.take(&mut open.connection.read)? {
                Found::Nothing => open.connection.forget_read(),
                found => return Poll::Ready(Ok(found)),
            }
            if ready!(open.connection.poll_read(cx))? == 0 {
                return Poll::Ready(match self.framing {
                    Framing::UntilClose => Ok(Found::End),
                    _ => Err(WireError::CutOff),
                });
            }
        }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let found = ready!(self.poll_found(cx));
        self.settle();
        match found {
            Ok(Found::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Ok(Found::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Ok(Found::End | Found::Nothing) => {
                self.open = None;
                Poll::Ready(None)
            }
            Err(error) => {
                // The server drops what it has not written yet when a body fails: first what came before goes out.
                self.open = None;
                self.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.framing.is_over() || (self.open.is_none() && self.broken.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        self.framing.left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
