//! Refusals on their way into the stream in which their caller waits for answers.
//!
//! Clients of the HTTP+SSE transport of 2024-11-05 do not read what a POST is answered with: answers come in the stream that
//! they opened. So the answer to a refused call goes there, and the POST is acknowledged with 202. Nothing is lost on the
//! way: a refusal counts as told when the stream has taken it, and otherwise the POST is answered with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{Response, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::principal::{Permit, Principal};

/// Refusals that wait for one stream; what is more than that is not taken.
const MOST: usize = 8;
/// How long a stream may take: until a client reads, or the server ends the event that it is in the middle of. Python's
/// client gives a POST five seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The streams of one MCP server that are open here, and nothing of those that have ended.
#[derive(Debug, Default)]
pub(crate) struct OpenStreams(Mutex<BTreeMap<Key, Vec<mpsc::Sender<Refusal>>>>);

/// Whose stream it is, and where they post their messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key([Box<str>; 3]);

#[derive(Debug)]
struct Refusal {
    events: Bytes,
    taken: oneshot::Sender<()>,
}

/// What the rules refuse to whoever opened a stream, for that stream: from [`Permit::open_stream`]. When it is gone, the
/// stream is no longer open.
#[derive(Debug)]
pub struct StreamRefusals {
    streams: Arc<OpenStreams>,
    key: Key,
    waiting: mpsc::Receiver<Refusal>,
}

/// In a response's extensions: its body refuses calls inside the protocol.
#[derive(Debug, Clone)]
pub(crate) struct RefusedCalls {
    answers: Arc<[Value]>,
    who: Principal,
}

impl Permit {
    /// The caller has opened a stream of the HTTP+SSE transport, and is told to post messages to this URL (path and query):
    /// what the rules refuse there is to be said in the stream. The URL must hold what nobody else has, a [`Permit::seal`].
    ///
    /// Nothing in development mode, where nothing is refused, and all callers are one.
    pub fn open_stream(&self, url: &str) -> Option<StreamRefusals> {
        let resource = self.resource().filter(|_| !self.principal().is_development())?;
        Some(resource.streams.open(Key::new(self.principal(), url)))
    }
}

impl Key {
    fn new(who: &Principal, url: &str) -> Self {
        Self([who.tenant_id(), who.object_id(), url].map(Box::from))
    }
}

impl RefusedCalls {
    pub(crate) fn new(answers: Vec<Value>, who: &Principal) -> Self {
        Self { answers: answers.into(), who: who.clone() }
    }

    /// One event for each answer, also for those of a batch: clients of that transport read single messages.
    fn events(&self) -> Bytes {
        let mut events = String::new();
        for answer in self.answers.iter() {
            events.push_str("event: message\ndata: ");
            events.push_str(&answer.to_string());
            events.push_str("\n\n");
        }
        events.into()
    }
}

impl OpenStreams {
    /// The answer to a message that was posted to this URL. What refuses its calls goes into the caller's stream, if that is
    /// open here.
    pub(crate) async fn tell(&self, url: &PathAndQuery, mut answer: Response<Body>) -> Response<Body> {
        let Some(refused) = answer.extensions_mut().remove::<RefusedCalls>() else { return answer };
        if self.say(&Key::new(&refused.who, url.as_str()), || refused.events()).await {
            *answer.status_mut() = StatusCode::ACCEPTED;
            *answer.body_mut() = Body::empty();
            answer.headers_mut().remove(CONTENT_TYPE);
            answer.headers_mut().remove(CONTENT_LENGTH);
        }
        answer
    }

    fn open(self: &Arc<Self>, key: Key) -> StreamRefusals {
        let (sender, waiting) = mpsc::channel(MOST);
        self.all().entry(key.clone()).or_default().push(sender);
        StreamRefusals { streams: Arc::clone(self), key, waiting }
    }

    /// Whether a stream has taken these events.
    async fn say(&self, key: &Key, events: impl FnOnce() -> Bytes) -> bool {
        let Some(stream) = self.only(key) else { return false };
        let (taken, is_taken) = oneshot::channel();
        let is_sent = stream.try_send(Refusal { events: events(), taken }).is_ok();
        is_sent && matches!(tokio::time::timeout(PATIENCE, is_taken).await, Ok(Ok(())))
    }

    /// A server that names no session gives all streams of a caller one URL. Which of them waits cannot be told then, and
    /// the id of the call means something else in the others.
    fn only(&self, key: &Key) -> Option<mpsc::Sender<Refusal>> {
        match self.all().get(key)?.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Vec<mpsc::Sender<Refusal>>>> {
        self.0.lock()
    }
}

impl StreamRefusals {
    /// Complete events, to be written between two events of the stream before anything else.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while let Some(Refusal { events, taken }) = ready!(self.waiting.poll_recv(cx)) {
            // Nobody waits any longer where the POST has been answered.
            if taken.send(()).is_ok() {
                return Poll::Ready(Some(events));
            }
        }
        Poll::Ready(None)
    }
}

impl Drop for StreamRefusals {
    fn drop(&mut self) {
        self.waiting.close();
        let mut all = self.streams.all();
        if let Some(streams) = all.get_mut(&self.key) {
            streams.retain(|stream| !stream.is_closed());
            if streams.is_empty() {
                all.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn key(url: &str) -> Key {
        Key(["t", "alice", url].map(Box::from))
    }

    async fn next(stream: &mut StreamRefusals) -> Bytes {
        poll_fn(|cx| stream.poll_next(cx)).await.unwrap()
    }

    /// Says something to the stream of `/m?a`.
    fn say(streams: &Arc<OpenStreams>, events: &'static str) -> tokio::task::JoinHandle<bool> {
        let streams = Arc::clone(streams);
        tokio::spawn(async move { streams.say(&key("/m?a"), || events.into()).await })
    }

    #[tokio::test]
    async fn a_refusal_is_told_to_the_stream_of_its_url_and_caller_and_to_no_other() {
        let streams = Arc::new(OpenStreams::default());
        let mut stream = streams.open(key("/m?a"));
        let _other = streams.open(key("/m?b"));
        let told = say(&streams, "x");
        assert_eq!(next(&mut stream).await, "x");
        assert!(told.await.unwrap());
        let of_bob = Key(["t", "bob", "/m?a"].map(Box::from));
        for key in [of_bob, key("/m?c"), key("/m"), key("")] {
            assert!(!streams.say(&key, Bytes::new).await);
        }
        drop(stream);
        assert!(!say(&streams, "x").await.unwrap());
    }

    #[tokio::test]
    async fn two_streams_with_one_url_are_told_nothing() {
        let streams = Arc::new(OpenStreams::default());
        let mut one = streams.open(key("/m?a"));
        let two = streams.open(key("/m?a"));
        assert!(!say(&streams, "x").await.unwrap());
        drop(two);
        let told = say(&streams, "y");
        assert_eq!(next(&mut one).await, "y");
        assert!(told.await.unwrap());
    }

    #[tokio::test]
    async fn nothing_is_left_of_streams_that_have_ended_and_what_waited_for_them_was_not_told() {
        let streams = Arc::new(OpenStreams::default());
        let open = ["/m?a", "/m?b", "/m?b"].map(|url| streams.open(key(url)));
        let told = say(&streams, "x");
        tokio::task::yield_now().await;
        assert_eq!(streams.all().len(), 2);
        drop(open);
        assert!(!told.await.unwrap());
        assert!(streams.all().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_nobody_reads_takes_a_few_and_for_a_short_time() {
        let streams = Arc::new(OpenStreams::default());
        let mut stream = streams.open(key("/m?a"));
        let waiting: Vec<_> = (0..MOST).map(|_| say(&streams, "late")).collect();
        tokio::task::yield_now().await;
        let start = tokio::time::Instant::now();
        assert!(!say(&streams, "too much").await.unwrap());
        assert_eq!(start.elapsed(), Duration::ZERO);
        for told in waiting {
            assert!(!told.await.unwrap());
        }
        // What has been told in another way waits until it is passed over: it keeps its place, and is not told again.
        assert!(!say(&streams, "too much").await.unwrap());
        let told = poll_fn(|cx| Poll::Ready(stream.poll_next(cx).is_ready())).await;
        assert!(!told);
        let told = say(&streams, "x");
        assert_eq!(next(&mut stream).await, "x");
        assert!(told.await.unwrap());
    }
}
