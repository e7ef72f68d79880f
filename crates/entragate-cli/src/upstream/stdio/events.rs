//! Messages as server-sent events, with a comment now and then where there is nothing to say, so that nobody on
//! the way takes the connection for dead, and so that a client that has gone is noticed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep};

use super::outbox::{Item, Reader};

/// Half of the shortest time-out that intermediaries are known for.
const QUIET: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b":\n\n";

/// The stream of a response.
pub(super) struct Events {
    first: VecDeque<Item>,
    rest: Reader,
    quiet: Pin<Box<Sleep>>,
}

impl Events {
    /// `first`: what was taken out already.
    pub(super) fn new(first: VecDeque<Item>, rest: Reader) -> Self {
        Self { first, rest, quiet: Box::pin(sleep(QUIET)) }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let data = if this.first.is_empty() {
            match this.rest.poll_items(cx) {
                Poll::Ready(Some(items)) => framed(&items),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    ready!(this.quiet.as_mut().poll(cx));
                    Bytes::from_static(COMMENT)
                }
            }
        } else {
            framed(&std::mem::take(&mut this.first))
        };
        this.quiet.as_mut().reset(Instant::now() + QUIET);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

/// Events without ids: what a client has missed cannot be sent again.
fn framed(items: &VecDeque<Item>) -> Bytes {
    const AROUND: [&[u8]; 2] = [b"event: message\ndata: ", b"\n\n"];
    let length = items.iter().map(|item| item.text.len() + AROUND[0].len() + AROUND[1].len()).sum();
    let mut data = BytesMut::with_capacity(length);
    for item in items {
        data.extend_from_slice(AROUND[0]);
        data.extend_from_slice(&item.text);
        data.extend_from_slice(AROUND[1]);
    }
    data.freeze()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::super::outbox::{ItemKind, Outbox, Unread};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_comments_and_messages_are_events() {
        let outbox = Outbox::new(Unread::Keep);
        let mut events = Events::new(VecDeque::new(), outbox.reader());
        let started = Instant::now();
        let mut frame = async || events.frame().await.map(|frame| frame.unwrap().into_data().unwrap());
        assert_eq!(frame().await.as_deref(), Some(COMMENT));
        assert_eq!(started.elapsed(), QUIET);
        outbox.push(Item { kind: ItemKind::Event, text: Bytes::from_static(b"{}") }).await;
        assert_eq!(frame().await.as_deref(), Some(b"event: message\ndata: {}\n\n".as_slice()));
        outbox.finish();
        assert_eq!(frame().await, None);
    }
}
