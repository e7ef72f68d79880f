//! Event streams at shutdown.
//!
//! A stream that never ends by itself (opened with GET, or a subscription) carries no answer that somebody waits for, so
//! it ends at once: the client reconnects, to the next replica. Everything else, also an answer to a POST that happens
//! to be an event stream, is given the time to finish.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use entragate::OpenEnded;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::watch;

/// Lets the response end at shutdown if it has no end of its own.
pub(super) fn cut_at_shutdown(response: Response<Body>, stopped: &watch::Receiver<()>) -> Response<Body> {
    if response.extensions().get::<OpenEnded>().is_none() {
        return response;
    }
    let mut stopped = stopped.clone();
    response.map(|body| {
        let stop = Box::pin(async move { while stopped.changed().await.is_ok() {} });
        Body::new(UntilStopped { body: Some(body), stop })
    })
}

/// A body that ends when the server stops.
struct UntilStopped {
    body: Option<Body>,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl HttpBody for UntilStopped {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Pending if self.stop.as_mut().poll(cx).is_ready() => {
                self.body = None; // closes the upstream connection, too
                Poll::Ready(None)
            }
            progress => progress,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
