//! Streams without an end: those that a client opens with GET, and the answer to `subscriptions/listen` (MCP
//! 2026-07-28). Nobody waits for an answer in them, so they end when the token does that opened them (TR-24): the client
//! comes back with a new token, and with `Last-Event-ID` where the server gives ids. An answer to any other request is
//! never cut, however long it takes, because a call has effects and the client could not make it twice.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{Method, Response};
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;

use crate::clock::{Clock, Timestamp};
use crate::media_type::MediaType;
use crate::policy::call::Message;

/// Marks, in a response's extensions, a stream that has no end of its own: at shutdown it can be closed at once.
#[derive(Debug, Clone, Copy)]
pub struct OpenEnded;

/// When the token ends, and by whose clock.
pub(crate) type End = (Arc<dyn Clock>, Timestamp);

/// A request whose answer may have no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// GET: whatever that means to the server, a stream of events has no end.
    WithGet,
    /// `subscriptions/listen`.
    Subscription,
}

impl Opened {
    pub(crate) fn by(method: &Method, message: &Message) -> Option<Self> {
        match message.calls() {
            [call] if call.is_request() && call.method() == "subscriptions/listen" => {
                Some(Self::Subscription)
            }
            [] if method == Method::GET => Some(Self::WithGet),
            _ => None,
        }
    }
}

/// Marks the response, and lets it end with the token. Without a token (development mode) it has no end.
pub(crate) fn end_with_token(
    mut response: Response<Body>,
    opened: Opened,
    end: Option<End>,
) -> Response<Body> {
    let media_type = MediaType::of(response.headers());
    let is_endless = media_type.may_be_events() && response.body().size_hint().exact().is_none();
    let is_stream = opened != Opened::WithGet || media_type.is_event_stream() || is_endless;
    if !response.status().is_success() || !is_stream {
        return response;
    }
    response.extensions_mut().insert(OpenEnded);
    match end {
        Some(end) => response.map(|body| {
            let sleep = Box::pin(tokio::time::sleep(left(&end)));
            Body::new(UntilExpiry { body: Some(body), sleep, end })
        }),
        None => response,
    }
}

fn left((clock, at): &End) -> std::time::Duration {
    at.since(clock.now())
}

/// A body that ends with the token. The body is gone once it has ended, which closes the connection to the server.
struct UntilExpiry {
    body: Option<Body>,
    sleep: Pin<Box<Sleep>>,
    end: End,
}

impl UntilExpiry {
    /// Ready when the token has expired. The clock decides, the timer only wakes: they part when a computer sleeps.
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            let left = left(&self.end);
            if left.is_zero() {
                return Poll::Ready(());
            }
            self.sleep.set(tokio::time::sleep(left));
        }
    }
}

impl HttpBody for UntilExpiry {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // First, because a body that always has more would never let it be asked.
        if self.body.is_some() && self.poll_expired(cx).is_ready() {
            tracing::info!(target: "entragate::token", "stream ended with the token that opened it");
            self.body = None;
        }
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        // A stream that may be cut must not promise a length.
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::to_bytes;
    use futures_util::{StreamExt as _, stream};
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::clock::ManualClock;

    struct Shared(Arc<ManualClock>);

    impl Clock for Shared {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
    }

    fn clock() -> (Arc<ManualClock>, End) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1000)));
        let end: End = (Arc::new(Shared(Arc::clone(&clock))), Timestamp::from_unix(1060));
        (clock, end)
    }

    fn events(body: Body) -> Response<Body> {
        Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).unwrap()
    }

    fn forever() -> Body {
        Body::from_stream(stream::pending::<Result<Bytes, std::convert::Infallible>>())
    }

    #[tokio::test(start_paused = true)]
    async fn tr_24_a_stream_without_an_end_ends_with_its_token() {
        for opened in [Opened::WithGet, Opened::Subscription] {
            let (clock, end) = clock();
            let response = end_with_token(events(forever()), opened, Some(end));
            assert!(response.extensions().get::<OpenEnded>().is_some());
            // The timer wakes at the end, but it is the clock that has to say so.
            let waiting = tokio::spawn(to_bytes(response.into_body(), 10));
            tokio::time::sleep(Duration::from_secs(90)).await;
            assert!(!waiting.is_finished());
            clock.advance(Duration::from_secs(60));
            assert!(waiting.await.unwrap().unwrap().is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tr_24_a_stream_that_never_pauses_ends_with_its_token_too() {
        let (clock, end) = clock();
        let flood = stream::repeat_with(|| Ok::<_, std::convert::Infallible>(Bytes::from_static(b":\n")));
        let response = end_with_token(events(Body::from_stream(flood)), Opened::WithGet, Some(end));
        let mut frames = response.into_body().into_data_stream();
        assert!(frames.next().await.is_some());
        clock.advance(Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(frames.next().await.is_none());
        assert!(frames.next().await.is_none());
    }

    #[tokio::test]
    async fn tr_24_what_has_an_end_is_left_alone() {
        let (_, end) = clock();
        let json = || Response::new(Body::from("{}"));
        let mut refused = events(Body::from("no"));
        *refused.status_mut() = http::StatusCode::METHOD_NOT_ALLOWED;
        for response in [json(), refused] {
            let response = end_with_token(response, Opened::WithGet, Some((Arc::clone(&end.0), end.1)));
            assert!(response.extensions().get::<OpenEnded>().is_none());
            assert!(response.body().size_hint().exact().is_some());
        }
        let call = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#)
            .unwrap();
        assert_eq!(Opened::by(&Method::POST, &call), None);
        assert_eq!(Opened::by(&Method::DELETE, &Message::Empty), None);
    }
}
