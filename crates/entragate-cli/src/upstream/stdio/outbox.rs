//! What waits until an HTTP response takes it.
//!
//! Bounded by bytes. Where a client does not read, the pump waits: it reads no further from the process, whose
//! pipe fills up, so that neither here nor there anything grows. Where no client is there to read, what belongs
//! to a request is dropped, and what belongs to none is kept, the oldest dropped first.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// So many bytes wait for one response, or one message if it is longer.
const ROOM: usize = 256 * 1024;

/// A message on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) text: Bytes,
}

/// What the message means for the response that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// Something on the way to an answer.
    Event,
    /// An answer.
    Answer,
    /// The gateway's own answer, since there will be none.
    Failure,
}

/// What happens to messages that nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// They are dropped: whoever wanted them has gone.
    Drop,
    /// They are kept for the next reader, within bounds.
    Keep,
}

/// The messages of one response.
#[derive(Debug)]
pub(super) struct Outbox {
    unread: Unread,
    state: Mutex<State>,
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    has_reader: bool,
    is_finished: bool,
    waker: Option<Waker>,
}

impl Outbox {
    pub(super) fn new(unread: Unread) -> Arc<Self> {
        Arc::new(Self { unread, state: Mutex::default(), room: Notify::new() })
    }

    /// The end that a response reads.
    pub(super) fn reader(self: &Arc<Self>) -> Reader {
        self.state.lock().has_reader = true;
        Reader(Arc::clone(self))
    }

    /// Whether a client is there to read.
    pub(super) fn has_reader(&self) -> bool {
        let state = self.state.lock();
        state.has_reader && !state.is_finished
    }

    /// Puts a message in, as soon as there is room.
    pub(super) async fn push(&self, item: Item) {
        loop {
            {
                let mut state = self.state.lock();
                let is_dropped = !state.has_reader && self.unread == Unread::Drop;
                if state.is_finished || is_dropped {
                    return;
                }
                if !state.has_reader {
                    state.make_room(item.text.len());
                }
                if state.fits(item.text.len()) {
                    state.put(item);
                    return;
                }
            }
            // A reader that made room in between has left its permit.
            self.room.notified().await;
        }
    }

    /// Puts a last word in, whether there is room or not.
    pub(super) fn put(&self, item: Item) {
        let mut state = self.state.lock();
        if !state.is_finished && state.has_reader {
            state.put(item);
        }
    }

    /// Nothing comes any more. What waits can still be read.
    pub(super) fn finish(&self) {
        self.state.lock().finish();
        self.room.notify_one();
    }

    /// Ends it for a client that does not read.
    pub(super) fn cut(&self) {
        let mut state = self.state.lock();
        state.clear();
        state.finish();
        self.room.notify_one();
    }

    /// Ends it, and gives what waits to another.
    pub(super) fn succeeded_by(&self, next: &Self) {
        let mut state = self.state.lock();
        let (items, bytes) = (std::mem::take(&mut state.items), std::mem::take(&mut state.bytes));
        state.finish();
        self.room.notify_one();
        drop(state);
        let mut next = next.state.lock();
        next.bytes += bytes;
        next.items.extend(items);
    }
}

impl State {
    fn fits(&self, length: usize) -> bool {
        self.bytes == 0 || self.bytes + length <= ROOM
    }

    fn make_room(&mut self, length: usize) {
        while !self.fits(length) {
            let Some(oldest) = self.items.pop_front() else { return };
            self.bytes -= oldest.text.len();
        }
    }

    fn put(&mut self, item: Item) {
        self.bytes += item.text.len();
        self.items.push_back(item);
        self.wake();
    }

    fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
    }

    fn finish(&mut self) {
        self.is_finished = true;
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The reading end. Dropping it says that the client has gone.
#[derive(Debug)]
pub(super) struct Reader(Arc<Outbox>);

impl Reader {
    /// Everything that waits; `None` at the end.
    pub(super) fn poll_items(&self, cx: &mut Context<'_>) -> Poll<Option<VecDeque<Item>>> {
        let mut state = self.0.state.lock();
        if !state.items.is_empty() {
            state.bytes = 0;
            let items = std::mem::take(&mut state.items);
            self.0.room.notify_one();
            return Poll::Ready(Some(items));
        }
        if state.is_finished {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(super) async fn items(&self) -> Option<VecDeque<Item>> {
        std::future::poll_fn(|cx| Pin::new(&self).poll_items(cx)).await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.has_reader = false;
        if self.0.unread == Unread::Drop {
            state.clear();
        }
        self.0.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn event(length: usize) -> Item {
        Item { kind: ItemKind::Event, text: Bytes::from(vec![b'x'; length]) }
    }

    fn waiting(outbox: &Outbox) -> usize {
        outbox.state.lock().bytes
    }

    #[tokio::test]
    async fn whoever_puts_in_waits_for_a_reader_that_does_not_read() {
        let outbox = Outbox::new(Unread::Drop);
        let reader = outbox.reader();
        outbox.push(event(ROOM)).await;
        assert!(outbox.push(event(1)).now_or_never().is_none());
        assert_eq!(waiting(&outbox), ROOM);
        assert_eq!(reader.items().await.map(|items| items.len()), Some(1));
        outbox.push(event(1)).await;
        assert_eq!(waiting(&outbox), 1);
    }

    #[tokio::test]
    async fn a_message_longer_than_the_room_passes_alone() {
        let outbox = Outbox::new(Unread::Drop);
        let reader = outbox.reader();
        outbox.push(event(3 * ROOM)).await;
        assert!(outbox.push(event(1)).now_or_never().is_none());
        assert_eq!(reader.items().await.map(|items| items.len()), Some(1));
    }

    #[tokio::test]
    async fn without_a_reader_answers_are_dropped_and_other_messages_kept_within_bounds() {
        let answers = Outbox::new(Unread::Drop);
        drop(answers.reader());
        answers.push(event(1)).await;
        assert_eq!(waiting(&answers), 0);
        let others = Outbox::new(Unread::Keep);
        for _ in 0..10 {
            others.push(event(ROOM / 2)).await;
        }
        assert_eq!(waiting(&others), ROOM);
        assert_eq!(others.reader().items().await.map(|items| items.len()), Some(2));
    }

    #[tokio::test]
    async fn a_reader_that_was_cut_off_sees_the_end_and_frees_what_waited() {
        let outbox = Outbox::new(Unread::Keep);
        let reader = outbox.reader();
        outbox.push(event(ROOM)).await;
        outbox.cut();
        assert_eq!((waiting(&outbox), reader.items().await), (0, None));
        outbox.push(event(1)).await;
        assert_eq!(waiting(&outbox), 0);
    }

    #[tokio::test]
    async fn what_waits_goes_to_the_successor() {
        let (first, second) = (Outbox::new(Unread::Keep), Outbox::new(Unread::Keep));
        let reader = first.reader();
        first.push(event(1)).await;
        first.succeeded_by(&second);
        assert_eq!(reader.items().await, None);
        assert_eq!(second.reader().items().await.map(|items| items.len()), Some(1));
    }
}
