//! The wait for the response head, and what becomes of the response.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use entragate::Permit;
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode, Version};
use url::Url;

use super::client::{Client, Outgoing, Relayed, SendError};
use super::failure::Failure;
use super::headers;
use super::identity::Introduction;
use super::legacy::Endpoints;

/// The head of the answer, or why there is none; `None`: nothing, in the time that was given.
pub(super) type Answer = Option<Result<Response<Relayed>, SendError>>;

/// Waits for the head of the answer. Dropping the future closes the connection.
pub(super) async fn ask(client: &Client, request: Outgoing, limit: Option<Duration>) -> Answer {
    match limit {
        Some(limit) => tokio::time::timeout(limit, client.send(request)).await.ok(),
        None => Some(client.send(request).await),
    }
}

/// What the client gets.
pub(super) async fn answered(
    answer: Answer,
    endpoints: Option<&Arc<Endpoints>>,
    permit: &Permit,
    introduction: &Introduction,
) -> Response<Body> {
    let failure = match answer {
        Some(Ok(response)) => match refused(&response, introduction) {
            None => return relayed(response, endpoints, permit),
            Some(Failure::Unauthorized) => {
                let headers = response.into_parts().0.headers;
                // A 401 that names what the next token must bring is for the person; any other is between gateway and
                // server. In a box, because it is rare and what is asked for is large.
                match Box::pin(introduction.challenge(permit, headers)).await {
                    Some(challenge) => return challenge,
                    None => Failure::Unauthorized,
                }
            }
            Some(failure) => failure,
        },
        Some(Err(error)) => {
            tracing::error!(error = %Chain(&error), "the upstream gave no answer");
            if is_time_out(&error) { Failure::TimedOut } else { Failure::Unavailable }
        }
        None => {
            tracing::error!("the upstream sent no response head in time");
            Failure::TimedOut
        }
    };
    failure.response(Some(permit))
}

/// Why a response is not passed on. The log says what to change.
fn refused(response: &Response<Relayed>, introduction: &Introduction) -> Option<Failure> {
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {
            tracing::error!("the upstream switched protocols without being asked");
            Some(Failure::Unavailable)
        }
        StatusCode::UNAUTHORIZED => {
            tracing::error!(
                "the MCP server asks for its own authentication (401): {}",
                introduction.advice()
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

/// The upstream's response for the client's connection: everything as it came, but for what would speak in our name.
fn relayed(
    response: Response<Relayed>,
    endpoints: Option<&Arc<Endpoints>>,
    permit: &Permit,
) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11; // of the upstream connection; the client's own is the server's matter
    headers::keep_back(&mut parts.headers);
    let mut body = Body::new(body);
    if headers::is_event_stream(&parts.headers) {
        headers::forbid_buffering(&mut parts.headers);
        if let Some(endpoints) = endpoints {
            body = Arc::clone(endpoints).apply(permit.clone(), &mut parts.headers, body);
        }
    }
    Response::from_parts(parts, body)
}

fn is_time_out(error: &SendError) -> bool {
    let is_io = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    };
    matches!(error, SendError::ConnectTimedOut(_)) || causes(error).any(is_io)
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
