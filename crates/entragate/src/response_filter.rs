//! Runs an answer through the list filter: JSON as a whole, event streams event by event as they arrive. Where an item of
//! a list depends on groups that are not in the token, they are asked for then; most answers have none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Frame;

use crate::facade::Entra;
use crate::oauth::error::json as json_response;
use crate::policy::filter::{Filter, FilterError, MAX_FILTERED, SseFilter};
use crate::principal::Principal;

const EVENT_STREAM: &str = "text/event-stream";

/// What the request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A list: an answer that cannot be read is withheld.
    List,
    /// A stream that may resume an earlier answer, or whatever else GET means to the server.
    Stream,
}

/// What an answer must pass.
pub(crate) struct AnswerFilter {
    pub(crate) filter: Filter,
    pub(crate) asked: Asked,
    pub(crate) entra: Arc<Entra>,
}

pub(crate) async fn filtered(response: Response<Body>, through: AnswerFilter) -> Response<Body> {
    let AnswerFilter { mut filter, asked, entra } = through;
    let (mut parts, body) = response.into_parts();
    let media_type = media_type(&parts.headers);
    let is_encoded = parts.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if is_encoded {
        // We asked for none; what cannot be read cannot be shown.
        return unreadable("the MCP server's answer is compressed although that was not accepted");
    }
    match media_type.as_str() {
        EVENT_STREAM => {
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::new(FilteredStream::new(body, filter, entra)))
        }
        _ if media_type == "application/json" || parts.status == StatusCode::ACCEPTED => {
            let Ok(bytes) = axum::body::to_bytes(body, MAX_FILTERED).await else {
                return unreadable("the MCP server's answer was cut off or is too large");
            };
            let mut outcome = whole(&filter, &bytes, parts.status);
            if matches!(outcome, Err(FilterError::GroupsNeeded)) {
                filter.know(entra.groups.completed(filter.principal()).await);
                outcome = whole(&filter, &bytes, parts.status);
            }
            match outcome {
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

fn whole(filter: &Filter, bytes: &[u8], status: StatusCode) -> Result<Option<String>, FilterError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FilterError::Encoding)?;
    if is_no_json(text, status) { Ok(None) } else { filter.json(text) }
}

/// Nothing at all; or a word such as `Accepted`, with which servers of the HTTP+SSE transport acknowledge what they answer
/// in the stream.
fn is_no_json(text: &str, status: StatusCode) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim();
    text.is_empty() || (status == StatusCode::ACCEPTED && !text.starts_with(['{', '[']))
}

/// Whether the body is a stream of server-sent events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    media_type(headers) == EVENT_STREAM
}

/// The media type in lower case, without parameters.
fn media_type(headers: &HeaderMap) -> String {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
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
    /// Whether the server's stream has ended.
    is_over: bool,
    /// As the token says, without groups that were asked for: a stream may live for hours.
    who: Principal,
    entra: Arc<Entra>,
    asking: Option<Pin<Box<dyn Future<Output = Principal> + Send>>>,
}

impl FilteredStream {
    fn new(body: Body, filter: Filter, entra: Arc<Entra>) -> Self {
        let who = filter.principal().clone();
        Self { body, sse: Some(SseFilter::new(filter)), is_over: false, who, entra, asking: None }
    }

    /// What goes on now, if anything does.
    fn passed(&mut self) -> Result<Option<Bytes>, FilterError> {
        let Some(sse) = &mut self.sse else { return Ok(None) };
        let bytes = if self.is_over { sse.rest()? } else { sse.passed()? };
        // The next list asks again; what is known is remembered for as long as memberships are kept.
        sse.filter.know(self.who.clone());
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }
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
            if let Some(asking) = &mut this.asking {
                let who = ready!(asking.as_mut().poll(cx));
                this.asking = None;
                if let Some(sse) = &mut this.sse {
                    sse.filter.know(who);
                }
            }
            match this.passed() {
                Ok(Some(bytes)) => {
                    if this.is_over {
                        this.sse = None;
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Ok(None) => {}
                Err(FilterError::GroupsNeeded) => {
                    let (entra, who) = (Arc::clone(&this.entra), this.who.clone());
                    this.asking = Some(Box::pin(async move { entra.groups.completed(&who).await }));
                    continue;
                }
                Err(error) => {
                    tracing::error!(target: "entragate::policy", reason = %error, "stream cut: it could not be filtered");
                    this.sse = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
            let Some(sse) = this.sse.as_mut().filter(|_| !this.is_over) else {
                this.sse = None;
                return Poll::Ready(None);
            };
            // An unfinished event: wait for the rest of it.
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => sse.feed(&data),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(error)) => {
                    this.sse = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => this.is_over = true,
            }
        }
    }
}
