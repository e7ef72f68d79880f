//! The body of an answer, on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::Connection;
use super::pool::Pool;

/// Frames are joined up to this size. Larger ones pass as they are, uncopied.
const JOINED: usize = 16 * 1024;

/// Drives the connection while it is read, and gives it back at the end.
///
/// Data that is ready goes on as one frame: a server that sends many small events at once would otherwise cost a write, and
/// a packet, for each.
pub(in super::super) struct Relayed {
    incoming: Incoming,
    /// `None` once the answer has ended.
    connection: Option<Connection>,
    pool: Arc<Pool>,
    /// What came after the data that was joined, when it is no data to join.
    next: Option<Answer>,
    /// The answer was cut off, and who reads it knows soon.
    is_broken: bool,
}

/// What a body answers when it is asked for a frame.
type Answer = Option<Result<Frame<Bytes>, hyper::Error>>;

impl Relayed {
    pub(super) fn new(incoming: Incoming, connection: Connection, pool: &Arc<Pool>) -> Self {
        let mut relayed = Self {
            incoming,
            connection: Some(connection),
            pool: Arc::clone(pool),
            next: None,
            is_broken: false,
        };
        if relayed.incoming.is_end_stream() {
            relayed.give_back();
        }
        relayed
    }

    /// The next frame as it came, if it has come.
    fn poll_one(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        if let Some(answer) = self.next.take() {
            return Poll::Ready(answer);
        }
        let mut polled = Pin::new(&mut self.incoming).poll_frame(cx);
        if polled.is_pending()
            && let Some(connection) = &mut self.connection
        {
            connection.drive(cx);
            polled = Pin::new(&mut self.incoming).poll_frame(cx);
        }
        // A length that was promised and reached is the end: nobody needs to ask for another frame.
        if matches!(polled, Poll::Ready(None)) || self.incoming.is_end_stream() {
            self.give_back();
        }
        polled
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put(connection);
        }
    }

    /// `first` and all data that is there already, up to [`JOINED`].
    fn join(&mut self, first: Bytes, cx: &mut Context<'_>) -> Bytes {
        let mut joined = Joined::One(first);
        while joined.len() < JOINED && self.connection.is_some() {
            match self.poll_one(cx) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if joined.len() + data.len() <= JOINED => joined.push(&data),
                    Ok(data) => self.next = Some(Some(Ok(Frame::data(data)))),
                    Err(trailers) => self.next = Some(Some(Ok(trailers))),
                },
                Poll::Ready(end) => self.next = Some(end),
            }
            if self.next.is_some() {
                break;
            }
        }
        joined.freeze()
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let polled = self.poll_one(cx);
        if matches!(polled, Poll::Ready(Some(Err(_)))) && !std::mem::replace(&mut self.is_broken, true) {
            // The server drops what it has not written yet when a body fails: first what came before goes out.
            if let Poll::Ready(answer) = polled {
                self.next = Some(answer);
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(Some(Ok(frame))) = polled else { return polled };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => Frame::data(self.join(data, cx)),
            Err(trailers) => trailers,
        })))
    }

    fn is_end_stream(&self) -> bool {
        match &self.next {
            Some(next) => next.is_none(),
            None => self.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.next {
            Some(_) => SizeHint::default(), // of a body without a promised length: with one nothing is left after it
            None => self.incoming.size_hint(),
        }
    }
}

/// Bytes that are copied only when there is something to add to them.
enum Joined {
    One(Bytes),
    Several(BytesMut),
}

impl Joined {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Several(bytes) => bytes.len(),
        }
    }

    fn push(&mut self, more: &[u8]) {
        if let Self::One(first) = self {
            let mut bytes = BytesMut::with_capacity(first.len() + more.len());
            bytes.extend_from_slice(first);
            *self = Self::Several(bytes);
        }
        if let Self::Several(bytes) = self {
            bytes.extend_from_slice(more);
        }
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::One(bytes) => bytes,
            Self::Several(bytes) => bytes.freeze(),
        }
    }
}
