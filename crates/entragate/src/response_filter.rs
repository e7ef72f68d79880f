//! Runs an answer through the list filter: JSON as a whole, event streams event by event as they arrive.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;

use crate::oauth::error::json as json_response;
use crate::policy::filter::{Filter, FilterError, MAX_FILTERED, SseFilter};

/// What the request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A list: an answer that cannot be read is withheld.
    List,
    /// A stream that may resume an earlier answer, or whatever else GET means to the server.
    Stream,
}

pub(crate) async fn filtered(response: Response<Body>, filter: Filter, asked: Asked) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let content_type =
        parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_encoded = parts.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if is_encoded {
        // We asked for none; what cannot be read cannot be shown.
        return unreadable("the MCP server's answer is compressed although that was not accepted");
    }
    match media_type.as_str() {
        "text/event-stream" => {
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::new(FilteredStream { body, sse: Some(SseFilter::new(filter)) }))
        }
        "application/json" => {
            let Ok(bytes) = axum::body::to_bytes(body, MAX_FILTERED).await else {
                return unreadable("the MCP server's answer was cut off or is too large");
            };
            let text = std::str::from_utf8(&bytes).map_err(|_| FilterError::Encoding);
            match text.and_then(|text| if text.trim().is_empty() { Ok(None) } else { filter.json(text) }) {
                Ok(None) => Response::from_parts(parts, Body::from(bytes)),
                Ok(Some(filtered)) => {
                    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(filtered.len()));
                    Response::from_parts(parts, Body::from(filtered))
                }
                Err(error) => unreadable(&error.to_string()),
            }
        }
        // An error as text, or nothing at all, shows no list.
        _ if asked == Asked::Stream || !parts.status.is_success() || body.size_hint().exact() == Some(0) => {
            Response::from_parts(parts, body)
        }
        _ => unreadable("the MCP server's answer is neither JSON nor an event stream"),
    }
}

fn unreadable(reason: &str) -> Response<Body> {
    tracing::error!(target: "entragate::policy", reason, "answer withheld: it could not be filtered");
    let text = "The MCP server's answer could not be read";
    json_response(
        StatusCode::BAD_GATEWAY,
        &serde_json::json!({ "error": "bad_gateway", "error_description": text }),
    )
}

/// A body whose events pass the filter. `sse` is gone once the stream has ended.
struct FilteredStream {
    body: Body,
    sse: Option<SseFilter>,
}

impl HttpBody for FilteredStream {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            let Some(sse) = &mut this.sse else {
                return Poll::Ready(None);
            };
            let out = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => sse.push(&data),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(error)) => {
                    this.sse = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    let rest = sse.finish();
                    this.sse = None;
                    rest
                }
            };
            match out {
                // An unfinished event: wait for the rest of it.
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes.into())))),
                Err(error) => {
                    tracing::error!(target: "entragate::policy", reason = %error, "stream cut: it could not be filtered");
                    this.sse = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
        }
    }
}
