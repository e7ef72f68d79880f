//! Runs an answer through the list filter: JSON as a whole, event streams event by event as they arrive. Where an item of
//! a list depends on groups that are not in the token, they are asked for then; most answers have none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Frame;

use crate::facade::Entra;
use crate::media_type::{MediaType, is_compressed};
use crate::oauth::error::json as json_response;
use crate::policy::events::SseFilter;
use crate::policy::filter::{Filter, FilterError, MAX_FILTERED, may_be_list, text_of};
use crate::principal::Principal;

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
    let (parts, body) = response.into_parts();
    let media_type = MediaType::of(&parts.headers);
    if is_compressed(&parts.headers) {
        // We asked for none; what cannot be read cannot be shown.
        return unreadable("the MCP server's answer is compressed although that was not accepted");
    }
    let (is_success, is_accepted) = (parts.status.is_success(), parts.status == StatusCode::ACCEPTED);
    let is_empty = body.size_hint().exact() == Some(0);
    let is_read_as_stream = is_success && !is_accepted && !is_empty && media_type.may_be_events();
    let is_stream = media_type.is_event_stream() || (through.asked == Asked::Stream && is_read_as_stream);
    if (is_stream || media_type.is_json()) && is_success && !media_type.is_utf8() {
        return unreadable("the MCP server's answer is not in UTF-8");
    }
    if is_stream {
        stream(parts, body, through)
    } else if media_type.is_json() || is_accepted {
        json(parts, body, through).await
    } else if !is_success || is_empty {
        // An error as text, or nothing at all, shows no list.
        Response::from_parts(parts, body)
    } else {
        unreadable("the MCP server's answer is neither JSON nor an event stream")
    }
}

fn stream(mut parts: Parts, body: Body, through: AnswerFilter) -> Response<Body> {
    parts.headers.remove(CONTENT_LENGTH);
    say_of_another(&mut parts.headers);
    Response::from_parts(parts, Body::new(FilteredStream::new(body, through.filter, through.entra)))
}

async fn json(mut parts: Parts, body: Body, through: AnswerFilter) -> Response<Body> {
    let AnswerFilter { mut filter, entra, .. } = through;
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
            say_of_another(&mut parts.headers);
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(filtered.len()));
            Response::from_parts(parts, Body::from(filtered))
        }
        Err(error) => unreadable(&error.to_string()),
    }
}

fn whole(filter: &Filter, bytes: &[u8], status: StatusCode) -> Result<Option<String>, FilterError> {
    let text = text_of(bytes)?;
    if is_no_json(text, status) { Ok(None) } else { filter.json(text) }
}

/// Nothing at all; or a word such as `Accepted`, with which servers of the HTTP+SSE transport acknowledge what they answer
/// in the stream.
fn is_no_json(text: &str, status: StatusCode) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_word = || status == StatusCode::ACCEPTED && !text.starts_with(['{', '[']) && !may_be_list(text);
    text.is_empty() || is_word()
}

/// What the server said of its own bytes is not true of these, which are for one caller: no cache may take one for the other,
/// or give them to somebody else (RFC 9110 §8.8, RFC 9111 §5.2.2, RFC 9530).
fn say_of_another(headers: &mut HeaderMap) {
    for of_the_bytes in ["content-digest", "content-md5", "digest", "etag", "last-modified", "repr-digest"] {
        headers.remove(of_the_bytes);
    }
    let said: Vec<&str> =
        headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).collect();
    if said.is_empty() {
        return;
    }
    let is_for_all = |directive: &str| {
        let name = directive.split('=').next().unwrap_or_default().to_ascii_lowercase();
        matches!(name.as_str(), "" | "private" | "public" | "s-maxage")
    };
    let said = said.join(",");
    let kept = said.split(',').map(str::trim).filter(|directive| !is_for_all(directive));
    let own = std::iter::once("private").chain(kept).collect::<Vec<_>>().join(", ");
    headers.insert(CACHE_CONTROL, HeaderValue::try_from(own).unwrap_or(HeaderValue::from_static("no-store")));
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
    failed: Option<FilterError>,
}

impl FilteredStream {
    fn new(body: Body, filter: Filter, entra: Arc<Entra>) -> Self {
        let who = filter.principal().clone();
        Self {
            body,
            sse: Some(SseFilter::new(filter)),
            is_over: false,
            who,
            entra,
            asking: None,
            failed: None,
        }
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
        if let Some(error) = this.failed.take() {
            return Poll::Ready(Some(Err(error.into())));
        }
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
                    // One turn later: a server drops what it has not written yet when the body fails.
                    this.failed = Some(error);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
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
