//! One connection, driven by whoever waits for something from it.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;

use super::connect::Stream;

/// A connection and the way to hand it a request.
pub(super) struct Connection {
    sender: http1::SendRequest<Body>,
    /// Large, and moved with every answer: on the heap. `None` once it has ended.
    wire: Option<Box<http1::Connection<Stream, Body>>>,
}

/// Why a request has no answer.
pub(super) enum Unanswered {
    /// Nothing of it was written.
    NotSent(Box<Request<Body>>, hyper::Error),
    /// Some of it may have arrived.
    Failed(hyper::Error),
}

impl Connection {
    /// The HTTP side of an open stream.
    pub(super) async fn open(stream: Stream) -> Result<Self, hyper::Error> {
        let (sender, wire) = http1::Builder::new().handshake(stream).await?;
        Ok(Self { sender, wire: Some(Box::new(wire)) })
    }

    /// Sends the request and reads the head of the answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut response = pin!(self.sender.try_send_request(request));
        let wire = &mut self.wire;
        let answer = std::future::poll_fn(|cx| {
            drive(wire, cx);
            response.as_mut().poll(cx)
        });
        answer.await.map_err(|mut error| match error.take_message() {
            Some(request) => Unanswered::NotSent(Box::new(request), error.into_error()),
            None => Unanswered::Failed(error.into_error()),
        })
    }

    /// Reads and writes what can be read and written. What it read is with whoever holds the response.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.wire, cx);
    }

    /// Whether the connection is open and can take a request now. The server may have closed it since it was used last.
    pub(super) fn is_ready(&mut self) -> bool {
        // Nobody waits here: whoever uses the connection next registers itself.
        drive(&mut self.wire, &mut Context::from_waker(Waker::noop()));
        self.wire.is_some() && self.sender.is_ready()
    }
}

/// An error of the connection is reported by the exchange or the body that it breaks; between them it only ends.
fn drive(wire: &mut Option<Box<http1::Connection<Stream, Body>>>, cx: &mut Context<'_>) {
    if let Some(open) = wire
        && let Poll::Ready(ended) = Pin::new(open.as_mut()).poll(cx)
    {
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection to the upstream ended");
        }
        *wire = None;
    }
}
