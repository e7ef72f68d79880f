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
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tokio::time::Sleep;
use url::Url;

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
            Poll::Ready(Ok(response)) => match refused(&response) {
                Some(failure) => failure,
                None => return Poll::Ready(Ok(relayed(response, prefix.take()))),
            },
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

/// Why a response is not passed on. The log says what to change.
fn refused(response: &Response<Incoming>) -> Option<Failure> {
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {
            tracing::error!("the upstream switched protocols without being asked");
            Some(Failure::Unavailable)
        }
        StatusCode::UNAUTHORIZED => {
            tracing::error!(
                "the MCP server asks for its own authentication (401): turn it off there, it gets no token from \
                 this gateway; the X-Forwarded-User and X-Entra- headers say who calls"
            );
            Some(Failure::Unauthorized)
        }
        // Nothing moved: the answer to a conditional request.
        StatusCode::NOT_MODIFIED => None,
        status if status.is_redirection() => {
            let location = response.headers().get(LOCATION).and_then(path_of);
            let location = location.as_deref().unwrap_or("another address");
            let status = status.as_u16();
            tracing::error!(status, "the MCP server redirects to {location}: set upstream.url to it");
            Some(Failure::Redirected)
        }
        _ => None,
    }
}

/// The path of a `Location`, without the host, which is nobody's business, and the query, which may be secret.
fn path_of(location: &HeaderValue) -> Option<String> {
    let location = location.to_str().ok()?;
    let url = match Url::parse(location) {
        Err(url::ParseError::RelativeUrlWithoutBase) if location.starts_with('/') => {
            Url::parse("http://upstream").and_then(|base| base.join(location))
        }
        other => other,
    };
    url.ok().filter(Url::has_host).map(|url| url.path().to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_a_location_is_named() {
        for (location, path) in [
            ("/mcp/?key=1#x", Some("/mcp/")),
            ("http://u:p@10.0.0.7:8000/v1/mcp?key=1", Some("/v1/mcp")),
            ("//10.0.0.7/mcp/", Some("/mcp/")),
            ("https://10.0.0.7", Some("/")),
            ("mcp/", None),
            ("mailto:admin@contoso.com", None),
            ("", None),
        ] {
            assert_eq!(path_of(&HeaderValue::from_static(location)).as_deref(), path, "{location}");
        }
    }
}
