//! One session: one caller, one process, the calls in flight and the stream for what belongs to no call.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::caller::Caller;
use super::exit::Ended;
use super::message::{Id, Kind, Message};
use super::outbox::{Item, ItemKind, Outbox, Reader, Unread};
use super::refusal::{Refusal, lost};

/// How many calls one session may have in flight.
const MOST_CALLS: usize = 64;
/// How long the other side may take nothing at all: a process what is written, a client what is sent.
pub(super) const STALL: Duration = Duration::from_secs(30);

/// A session. Its process belongs to the task that runs it, see `sessions`.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) caller: Caller,
    stdin: mpsc::Sender<Bytes>,
    state: Mutex<State>,
    ending: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    /// Whether `initialize` was answered: before, nobody can be asked anything.
    is_open: bool,
    /// Whether the process has answered anything at all.
    has_answered: bool,
    calls: HashMap<Id, InFlight>,
    /// How many calls there have been.
    begun: u64,
    /// What belongs to no call: the GET stream.
    unrelated: Arc<Outbox>,
    last_used: Instant,
    ended: Option<Ended>,
}

/// A call that was not answered yet.
#[derive(Debug)]
struct InFlight {
    /// As the client wrote it.
    id: Box<str>,
    /// In which order they came.
    number: u64,
    progress: Option<Id>,
    exchange: Arc<Exchange>,
}

/// One POST with calls.
#[derive(Debug)]
struct Exchange {
    outbox: Arc<Outbox>,
    unanswered: AtomicUsize,
}

/// What becomes of a POST.
#[derive(Debug)]
pub(super) enum Sent {
    /// There is nothing to answer.
    Accepted,
    /// So many answers will come.
    Asked(Reader, usize),
}

impl Session {
    /// A session, and what is to be written to its process.
    pub(super) fn new(id: String, caller: Caller) -> (Arc<Self>, mpsc::Receiver<Bytes>) {
        // One message waits while another is written; more wait in the requests that bring them.
        let (stdin, lines) = mpsc::channel(1);
        let state = State {
            is_open: false,
            has_answered: false,
            calls: HashMap::new(),
            begun: 0,
            unrelated: Outbox::new(Unread::Keep),
            last_used: Instant::now(),
            ended: None,
        };
        let ending = watch::Sender::new(false);
        (Arc::new(Self { id, caller, stdin, state: Mutex::new(state), ending }), lines)
    }

    /// For logs: the id itself opens the session where nothing seals it.
    pub(super) fn short_id(&self) -> &str {
        self.id.get(..6).unwrap_or_default()
    }

    /// Sends what a client posted.
    pub(super) async fn send(&self, messages: Vec<Message>) -> Result<Sent, Refusal> {
        let asked = self.register(&messages)?;
        let mut unwritten =
            Unwritten { session: self, calls: messages.iter().filter_map(Message::call).collect() };
        for Message { text, kind } in messages {
            let mut line = BytesMut::with_capacity(text.len() + 1);
            line.extend_from_slice(&text);
            line.put_u8(b'\n');
            match timeout(STALL, self.stdin.send(line.freeze())).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(self.ended().map_or(Refusal::NoSession, Refusal::Ended)),
                Err(_) => return Err(Refusal::NotReading),
            }
            match &kind {
                Kind::Request { .. } => drop(unwritten.calls.pop_front()),
                Kind::Cancelled(id) => self.forget(id),
                _ => {}
            }
        }
        Ok(asked.map_or(Sent::Accepted, |(reader, count)| Sent::Asked(reader, count)))
    }

    /// Notes the calls among the messages.
    fn register(&self, messages: &[Message]) -> Result<Option<(Reader, usize)>, Refusal> {
        let mut state = self.state.lock();
        if state.ended.is_some() {
            return Err(Refusal::NoSession);
        }
        state.last_used = Instant::now();
        let calls: Vec<(&Id, &str, &Option<Id>)> = messages
            .iter()
            .filter_map(|message| match &message.kind {
                Kind::Request { id, written, progress } => Some((id, written.as_ref(), progress)),
                _ => None,
            })
            .collect();
        if calls.is_empty() {
            return Ok(None);
        }
        if state.calls.len() + calls.len() > MOST_CALLS {
            // Whoever asked has gone; the answer would be dropped.
            state.calls.retain(|_, call| call.exchange.outbox.has_reader());
        }
        if state.calls.len() + calls.len() > MOST_CALLS {
            return Err(Refusal::TooManyCalls);
        }
        let twice = |index: usize, id: &Id| calls.iter().take(index).any(|(other, ..)| *other == id);
        if calls.iter().enumerate().any(|(index, (id, ..))| state.calls.contains_key(id) || twice(index, id))
        {
            return Err(Refusal::IdInUse);
        }
        let outbox = Outbox::new(Unread::Drop);
        let reader = outbox.reader();
        let exchange = Arc::new(Exchange { outbox, unanswered: AtomicUsize::new(calls.len()) });
        let count = calls.len();
        for (id, written, progress) in calls {
            state.begun += 1;
            let call = InFlight {
                id: written.into(),
                number: state.begun,
                progress: progress.clone(),
                exchange: Arc::clone(&exchange),
            };
            state.calls.insert(id.clone(), call);
        }
        Ok(Some((reader, count)))
    }

    /// A call that the client has cancelled, or that was never written: there will be no answer, and one that comes all the
    /// same is dropped (2025-11-25, Cancellation).
    fn forget(&self, id: &Id) {
        let call = self.state.lock().calls.remove(id);
        if let Some(call) = call {
            call.exchange.answered();
        }
    }

    /// Whether the process has answered, if only `initialize`.
    pub(super) fn has_answered(&self) -> bool {
        self.state.lock().has_answered
    }

    /// `initialize` was answered.
    pub(super) fn open(&self) {
        self.state.lock().is_open = true;
    }

    /// The stream for what belongs to no call. A former one ends: clients open a second one only when the
    /// first is lost.
    pub(super) fn listen(&self) -> Result<Reader, Refusal> {
        let mut state = self.state.lock();
        if state.ended.is_some() {
            return Err(Refusal::NoSession);
        }
        let next = Outbox::new(Unread::Keep);
        state.unrelated.succeeded_by(&next);
        state.unrelated = next;
        state.last_used = Instant::now();
        Ok(state.unrelated.reader())
    }

    /// Brings a message of the process to where it belongs. Waits as long as a client takes, within bounds.
    pub(super) async fn deliver(&self, message: Message) {
        let (outbox, exchange, kind) = match &message.kind {
            Kind::Response { id, .. } => {
                let call = {
                    let mut state = self.state.lock();
                    state.last_used = Instant::now();
                    state.has_answered = true;
                    state.calls.remove(id)
                };
                let Some(call) = call else {
                    tracing::debug!(session = self.short_id(), "an answer that nobody waits for was dropped");
                    return;
                };
                (Arc::clone(&call.exchange.outbox), Some(call.exchange), ItemKind::Answer)
            }
            kind => (self.state.lock().stream_of(kind), None, ItemKind::Event),
        };
        let item = Item { kind, text: message.text };
        if timeout(STALL, outbox.push(item)).await.is_err() {
            tracing::warn!(session = self.short_id(), "a client that does not read its stream was cut off");
            outbox.cut();
            self.state.lock().replace(&outbox);
        }
        if let Some(exchange) = exchange {
            exchange.answered();
        }
    }

    /// Asks for the session's end.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Completes when somebody asked for the session's end.
    pub(super) async fn ending(&self) {
        let mut ending = self.ending.subscribe();
        // The sender is ours: it is not gone.
        drop(ending.wait_for(|ending| *ending).await);
    }

    /// Completes when nobody has used the session for so long.
    pub(super) async fn unused(&self, limit: Duration) {
        loop {
            let until = {
                let mut state = self.state.lock();
                if state.is_in_use() {
                    state.last_used = Instant::now();
                }
                state.last_used + limit
            };
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Since when nobody uses it; `None` while somebody does.
    pub(super) fn unused_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        (state.is_open && !state.is_in_use()).then_some(state.last_used)
    }

    /// There is no process any more: whoever waits is told.
    pub(super) fn close(&self, why: &Ended) {
        let (calls, unrelated) = {
            let mut state = self.state.lock();
            state.ended = Some(why.clone());
            (std::mem::take(&mut state.calls), Arc::clone(&state.unrelated))
        };
        unrelated.finish();
        let mut exchanges: Vec<Arc<Exchange>> = Vec::new();
        for call in calls.into_values() {
            call.exchange.outbox.put(Item { kind: ItemKind::Failure, text: lost(&call.id, why) });
            exchanges.push(call.exchange);
        }
        for exchange in exchanges {
            exchange.outbox.finish();
        }
    }

    /// Why it has no process any more.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.state.lock().ended.clone()
    }
}

/// Calls that the process does not know of yet. What is left of them when the client goes away in the middle will have no
/// answer, so their ids are free again.
struct Unwritten<'a> {
    session: &'a Session,
    calls: VecDeque<Id>,
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        self.calls.iter().for_each(|id| self.session.forget(id));
    }
}

impl State {
    /// News wait for the next reader where the last one was cut off.
    fn replace(&mut self, outbox: &Arc<Outbox>) {
        if Arc::ptr_eq(&self.unrelated, outbox) {
            self.unrelated = Outbox::new(Unread::Keep);
        }
    }

    /// A client is there: it waits for an answer or listens.
    fn is_in_use(&self) -> bool {
        self.unrelated.has_reader() || self.calls.values().any(|call| call.exchange.outbox.has_reader())
    }

    /// The stream for something that is no answer.
    ///
    /// Only progress names its call. For the rest the transport gives no hint: what a call most likely has caused
    /// (a question to the client, a line of the log) goes with the only POST that waits; other news go to the GET
    /// stream, where there is one, and wait for one where there is none.
    fn stream_of(&self, kind: &Kind) -> Arc<Outbox> {
        let of_call = match kind {
            _ if !self.is_open => None,
            Kind::Progress(token) => self.calls.values().find(|call| call.progress.as_ref() == Some(token)),
            Kind::Notification => None,
            _ => self.likely_cause(),
        };
        Arc::clone(of_call.map_or(&self.unrelated, |call| &call.exchange.outbox))
    }

    fn likely_cause(&self) -> Option<&InFlight> {
        let waiting = || self.calls.values().filter(|call| call.exchange.outbox.has_reader());
        let last = waiting().max_by_key(|call| call.number)?;
        let is_only = waiting().all(|call| Arc::ptr_eq(&call.exchange, &last.exchange));
        (is_only || !self.unrelated.has_reader()).then_some(last)
    }
}

impl Exchange {
    /// One of its calls has had its answer, or will have none.
    fn answered(&self) {
        if self.unanswered.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.outbox.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::super::message;
    use super::*;

    fn call(id: u32) -> Vec<Message> {
        message::read(&Bytes::from(format!(r#"{{"id":{id},"method":"a"}}"#))).expect("a message")
    }

    #[tokio::test]
    async fn call_that_was_given_up_before_it_was_written_leaves_its_id_free() {
        let (session, mut lines) = Session::new("s".to_owned(), Caller::nobody());
        let Ok(Sent::Asked(_first, 1)) = session.send(call(1)).await else { panic!("there is room for one") };
        assert!(session.send(call(2)).now_or_never().is_none(), "the process does not read");
        lines.recv().await.expect("the first");
        let Ok(Sent::Asked(_second, 1)) = session.send(call(2)).await else { panic!("the id is free") };
        assert_eq!(session.send(call(1)).await.err(), Some(Refusal::IdInUse), "that of the first is not");
    }
}
