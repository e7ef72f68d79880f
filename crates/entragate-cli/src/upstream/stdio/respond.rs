//! From what comes out of a session to an HTTP response: JSON when the answer is the first that comes, an event
//! stream when something else comes before it or it takes a while.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::accept::Accepted;
use super::events::Events;
use super::outbox::{Item, ItemKind, Reader};
use super::refusal::json;

/// After so long without an answer the response begins, so that nobody on the way gives it up.
const QUIET: Duration = Duration::from_secs(5);
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The response to a POST with so many calls.
pub(super) async fn answer(reader: Reader, calls: usize, accepted: Accepted) -> Response<Body> {
    if !accepted.events {
        return collected(&reader, calls).await;
    }
    if !accepted.json {
        return events(VecDeque::new(), reader);
    }
    match tokio::time::timeout(QUIET, reader.items()).await {
        Ok(Some(items)) if calls == 1 => match items.front() {
            Some(Item { kind: ItemKind::Answer, text }) => json(StatusCode::OK, text.clone()),
            Some(Item { kind: ItemKind::Failure, text }) => json(StatusCode::BAD_GATEWAY, text.clone()),
            _ => events(items, reader),
        },
        Ok(first) => events(first.unwrap_or_default(), reader),
        Err(_) => events(VecDeque::new(), reader),
    }
}

/// For a client that takes no event stream: the answers, and nothing that comes before them.
async fn collected(reader: &Reader, calls: usize) -> Response<Body> {
    let (mut answers, mut is_whole) = (Vec::new(), true);
    while let Some(items) = reader.items().await {
        for Item { kind, text } in items {
            is_whole &= kind != ItemKind::Failure;
            if kind != ItemKind::Event {
                answers.push(text);
            }
        }
    }
    let status = if is_whole { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
    match answers.as_slice() {
        // Cancelled: there is nothing to say.
        [] => accepted(),
        [one] if calls == 1 => json(status, one.clone()),
        all => json(status, array(all)),
    }
}

fn array(all: &[Bytes]) -> Bytes {
    let mut text = BytesMut::with_capacity(all.iter().map(|one| one.len() + 1).sum::<usize>() + 1);
    for (index, one) in all.iter().enumerate() {
        text.extend_from_slice(if index == 0 { b"[" } else { b"," });
        text.extend_from_slice(one);
    }
    text.extend_from_slice(b"]");
    text.freeze()
}

/// The response that is a stream.
pub(super) fn events(first: VecDeque<Item>, rest: Reader) -> Response<Body> {
    let mut response = Response::new(Body::new(Events::new(first, rest)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx in front of us would hold events back until its buffer is full.
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// The response to what needs no answer.
pub(super) fn accepted() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
