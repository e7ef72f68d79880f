//! The wait for the response head.
//!
//! A hand-written future: it is the inner service's future on every call, and this way it is neither boxed
//! nor larger than what it waits for. Dropping it drops the client's future, which closes the connection.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use entragate::Permit;
use http::{Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tokio::time::Sleep;

use super::client::ConnectTimedOut;
use super::endpoint::Prefix;
use super::failure::Failure;
use super::headers;

/// The answer to a forwarded request, sooner or later.
#[must_use = "futures do nothing unless polled"]
pub struct Forward(State);

enum State {
    Waiting {
        response: legacy::ResponseFuture,
        deadline: Option<Pin<Box<Sleep>>>,
        prefix: Option<Prefix>,
        permit: Permit,
    },
    Failed(Option<Response<Body>>),
}

impl Forward {
    pub(super) fn waiting(
        response: legacy::ResponseFuture,
        limit: Option<Duration>,
        prefix: Option<Prefix>,
        permit: Permit,
    ) -> Self {
        let deadline = limit.map(|limit| Box::pin(tokio::time::sleep(limit)));
        Self(State::Waiting { response, deadline, prefix, permit })
    }

    pub(super) fn failed(failure: Failure, permit: Option<&Permit>) -> Self {
        Self(State::Failed(Some(failure.response(permit))))
    }
}

impl Future for Forward {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (response, deadline, prefix, permit) = match &mut self.get_mut().0 {
            State::Waiting { response, deadline, prefix, permit } => (response, deadline, prefix, permit),
            State::Failed(response) => {
                return Poll::Ready(Ok(response.take().expect("a future is not polled after it was ready")));
            }
        };
        let failure = match Pin::new(response).poll(cx) {
            Poll::Ready(Ok(response)) if response.status() != StatusCode::SWITCHING_PROTOCOLS => {
                return Poll::Ready(Ok(relayed(response, prefix.take())));
            }
            Poll::Ready(Ok(_)) => {
                tracing::error!("the upstream switched protocols without being asked");
                Failure::Unavailable
            }
            Poll::Ready(Err(error)) => {
                let failure = if is_time_out(&error) { Failure::TimedOut } else { Failure::Unavailable };
                tracing::error!(error = %Chain(&error), "the upstream gave no answer");
                failure
            }
            Poll::Pending => {
                let Some(deadline) = deadline else {
                    return Poll::Pending;
                };
                ready!(deadline.as_mut().poll(cx));
                tracing::error!("the upstream sent no response head in time");
                Failure::TimedOut
            }
        };
        Poll::Ready(Ok(failure.response(Some(permit))))
    }
}

/// The upstream's response for the client's connection: everything as it came, but for what belonged to the
/// upstream's connection.
fn relayed(response: Response<Incoming>, prefix: Option<Prefix>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    headers::strip_response(&mut parts.headers);
    parts.version = Version::HTTP_11; // of the upstream connection; the client's own is the server's matter
    let body = Body::new(body);
    let body = match prefix.filter(|_| headers::is_event_stream(&parts.headers)) {
        Some(prefix) => prefix.apply(body),
        None => body,
    };
    Response::from_parts(parts, body)
}

fn is_time_out(error: &legacy::Error) -> bool {
    causes(error).any(|cause| {
        cause.is::<ConnectTimedOut>()
            || cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error with its causes, on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (depth, cause) in causes(self.0).enumerate() {
            let separator = if depth == 0 { "" } else { ": " };
            write!(f, "{separator}{cause}")?;
        }
        Ok(())
    }
}
