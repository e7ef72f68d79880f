//! The `endpoint` event of the legacy HTTP+SSE transport (2024-11-05), for clients that know the server below
//! another path than it knows itself (TR-15).
//!
//! The server begins its stream with the path to post messages to. Below a base URL with a path that path
//! would lead out of the gateway, so it gets the base URL's path in front. Nothing else in a stream is touched.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};

/// The longest first event that is looked at; an endpoint event has some eighty bytes.
const LONGEST: usize = 8 * 1024;

/// What is put in front of the path: the path of the base URL.
#[derive(Debug, Clone)]
pub(super) struct Prefix(Arc<str>);

impl Prefix {
    /// `None` when clients know the server's paths as they are.
    pub(super) fn new(base_path: &str) -> Option<Self> {
        (!base_path.is_empty()).then(|| Self(base_path.into()))
    }

    /// The stream with its first event corrected.
    pub(super) fn apply(self, stream: Body) -> Body {
        Body::new(Corrected { stream, first: Some((self, BytesMut::new())) })
    }

    /// The first event as clients need it, or `None` when it is none of ours.
    fn corrected(&self, event: &[u8]) -> Option<Bytes> {
        let text = std::str::from_utf8(event).ok()?;
        let is_endpoint =
            |line: &str| line.trim_end() == "event: endpoint" || line.trim_end() == "event:endpoint";
        if !text.lines().any(is_endpoint) {
            return None;
        }
        let (before, path) = text.split_once("data:")?;
        let path_at = path.len() - path.trim_start_matches(' ').len();
        let (spaces, path) = path.split_at(path_at);
        // An absolute URL names an origin, which is the server's own business.
        (path.starts_with('/') && !path.starts_with("//"))
            .then(|| Bytes::from(format!("{before}data:{spaces}{}{path}", self.0)))
    }
}

/// A stream whose first event has not passed yet, or has.
struct Corrected {
    stream: Body,
    first: Option<(Prefix, BytesMut)>,
}

impl HttpBody for Corrected {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        loop {
            let frame = ready!(Pin::new(&mut this.stream).poll_frame(cx));
            let Some((prefix, mut held)) = this.first.take() else {
                return Poll::Ready(frame);
            };
            let data = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                // The end, or the error, is asked for again once what was held has gone.
                None if !held.is_empty() => return Poll::Ready(Some(Ok(Frame::data(held.freeze())))),
                other => return Poll::Ready(other),
            };
            held.extend_from_slice(&data);
            let end = end_of_first_event(&held);
            if end.is_none() && held.len() <= LONGEST {
                this.first = Some((prefix, held));
                continue;
            }
            let event = held.split_to(end.unwrap_or_default());
            let mut out = prefix.corrected(&event).map_or(event, BytesMut::from);
            out.unsplit(held);
            return Poll::Ready(Some(Ok(Frame::data(out.freeze()))));
        }
    }
}

/// Where the first event ends, its blank line included.
fn end_of_first_event(bytes: &[u8]) -> Option<usize> {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    ends.iter()
        .filter_map(|end| bytes.windows(end.len()).position(|window| window == *end).map(|at| at + end.len()))
        .min()
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    async fn through(chunks: &[&'static str]) -> String {
        let frames: Vec<Result<&str, std::convert::Infallible>> = chunks.iter().copied().map(Ok).collect();
        let body = Body::from_stream(stream::iter(frames));
        let bytes = Prefix::new("/gate").unwrap().apply(body).collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn path_of_the_endpoint_event_is_corrected_whatever_the_chunks() {
        for end in ["\n", "\r\n"] {
            let text = format!(
                "event: endpoint{end}data: /messages?sessionId=7{end}{end}event: message{end}data: /x{end}{end}"
            );
            let text: &'static str = text.leak();
            let expected = text.replacen("/messages", "/gate/messages", 1);
            assert_eq!(through(&[text]).await, expected);
            let pieces: Vec<&'static str> = (0..text.len()).map(|at| &text[at..=at]).collect();
            assert_eq!(through(&pieces).await, expected);
        }
    }

    #[tokio::test]
    async fn everything_else_passes_as_it_is() {
        for text in [
            "",
            "data: /messages\n\n",
            ": hello\n\nevent: endpoint\ndata: /messages\n\n",
            "event: endpoint\ndata: https://elsewhere.test/messages\n\n",
            "event: endpoint\ndata: //elsewhere.test/messages\n\n",
            "event: endpoint\ndata: /unfinished",
        ] {
            assert_eq!(through(&[text]).await, text);
        }
        let long: &'static str = format!("data: {}\n\n", "x".repeat(3 * LONGEST)).leak();
        assert_eq!(through(&[&long[..LONGEST], &long[LONGEST..]]).await, long);
    }
}
