//! An MCP server that remembers what reached it and answers as it is told.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use entragate::Principal;
use futures_util::stream;
use http::{HeaderMap, Method, Uri};
use tokio::sync::mpsc;

use crate::world::McpServer;

/// A request as it reached the MCP server.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) principal: Principal,
}

pub(crate) struct Requests(mpsc::UnboundedReceiver<Seen>);

impl Requests {
    /// Everything since the last time.
    pub(crate) fn seen(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }

    #[track_caller]
    pub(crate) fn only(&mut self) -> Seen {
        let mut all = self.seen();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

/// A server with one answer for everything.
pub(crate) fn answering(
    answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static,
) -> (McpServer, Requests) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let service = tower::service_fn(move |request: Request| {
        let (sender, answer) = (sender.clone(), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let principal = parts.extensions.get::<Principal>().expect("the layer says who calls").clone();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
            let seen = Seen { method, uri, headers, body, principal };
            let response = answer(&seen);
            // The test may have ended.
            sender.send(seen).ok();
            Ok::<_, Infallible>(response)
        }
    });
    (McpServer::new(service), Requests(receiver))
}

/// Answers `{}` to everything.
pub(crate) fn recording() -> (McpServer, Requests) {
    answering(|_| typed("application/json", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#))
}

pub(crate) fn typed(content_type: &str, body: &str) -> Response {
    Response::builder().header("content-type", content_type).body(Body::from(body.to_owned())).unwrap()
}

/// The body in pieces, each of which is sent before the next is made.
pub(crate) fn streamed(content_type: &str, pieces: &[&[u8]]) -> Response {
    let pieces: Vec<Bytes> = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
    let body = stream::unfold(pieces.into_iter(), |mut rest| async move {
        tokio::task::yield_now().await;
        let piece = rest.next()?;
        Some((Ok::<_, Infallible>(piece), rest))
    });
    Response::builder().header("content-type", content_type).body(Body::from_stream(body)).unwrap()
}
