//! The `endpoint` event of the legacy HTTP+SSE transport (2024-11-05): where a client is to post its messages (TR-15).
//!
//! ```text
//! server: /messages?session_id=7  ──>  client: /gate/b/messages?session_id=7&entragate_seal=…
//! server: /messages?session_id=7  <──  client: POST to that
//! ```
//!
//! The server names its own path, a URL of its own, or the one that clients know it by, if it was told: below the base URL,
//! and where `upstream.also` says. What it names also is the session, by which alone it knows who posts; so it is sealed for
//! the caller who opened the stream, and without a good seal nothing with a query reaches a further path. Nothing else in a
//! stream is touched, and nothing after the first event that carries data is looked at.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use entragate::{BaseUrl, Permit, is_compressed};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http::uri::PathAndQuery;
use http_body::{Body as HttpBody, Frame};
use url::Url;

use super::target::{PublicPath, Which, public_paths};
use crate::config::UpstreamConfig;

/// The longest first event that is looked at; an endpoint event has some eighty bytes.
const LONGEST: usize = 8 * 1024;
/// The name of the seal in the query.
const SEAL: &str = "entragate_seal=";

/// Seals a text for a caller.
type Seal<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What there is to be instead of an event, if that is anything else.
type Correct = dyn Fn(&str) -> Option<String> + Send;

/// Where the server's paths are for clients.
#[derive(Debug)]
pub(super) struct Endpoints {
    server: Url,
    gateway: Url,
    base_path: Box<str>,
    paths: Vec<PublicPath>,
}

impl Endpoints {
    /// `None` when the server cannot be one of the legacy transport: its messages would have no path.
    pub(super) fn new(config: &UpstreamConfig, base_url: &BaseUrl) -> Option<Arc<Self>> {
        let base_path = base_url.path();
        if base_path.is_empty() && config.also.is_empty() {
            return None;
        }
        let (server, gateway) = (config.url.clone(), Url::parse(base_url.as_str()).ok()?);
        let paths = public_paths(&config.url, config, base_url);
        Some(Arc::new(Self { server, gateway, base_path: base_path.into(), paths }))
    }

    /// The stream with its endpoint event as this caller needs it, and its headers.
    pub(super) fn apply(self: Arc<Self>, permit: Permit, headers: &mut HeaderMap, stream: Body) -> Body {
        if is_compressed(headers) {
            // Bytes that cannot be read pass as they come. Messages for what they name have no seal, and go nowhere.
            tracing::warn!(
                "the MCP server encodes an event stream, and was asked not to: with the HTTP+SSE transport its messages are 404"
            );
            return stream;
        }
        headers.remove(CONTENT_LENGTH);
        let correct = Box::new(move |event: &str| self.corrected(event, &|text| permit.seal(text)));
        Body::new(Corrected { stream, sought: Some(Sought { correct, held: BytesMut::new() }) })
    }

    /// An endpoint event as this caller needs it, or `None` when it is none, or none of ours.
    fn corrected(&self, event: &str, seal: &Seal<'_>) -> Option<String> {
        if !fields(event).any(|(name, value)| name == "event" && value == "endpoint") {
            return None;
        }
        let mut data = fields(event).filter(|(name, _)| *name == "data");
        let ((_, named), None) = (data.next()?, data.next()) else { return None };
        let reference = self.reference(named, seal)?;
        let at = named.as_ptr().addr() - event.as_ptr().addr();
        let (before, after) = (event.get(..at)?, event.get(at + named.len()..)?);
        Some(format!("{before}{reference}{after}"))
    }

    /// What the client posts to.
    fn reference(&self, named: &str, seal: &Seal<'_>) -> Option<String> {
        if named.is_empty() {
            return None;
        }
        let url = self.server.join(named).ok()?;
        let (is_servers, is_gateways) = (is_at(&url, &self.server), is_at(&url, &self.gateway));
        if !is_servers && !is_gateways {
            return None; // elsewhere: clients refuse it
        }
        let (path, query) = (url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default());
        let as_server = self.paths.iter().find(|known| known.upstream == path);
        let as_client = self.paths.iter().find(|known| known.public == path);
        let Some(known) = (if is_servers { as_server.or(as_client) } else { as_client.or(as_server) }) else {
            tracing::warn!(
                path,
                "messages of the HTTP+SSE transport go to a path that clients cannot reach: name it in upstream.also"
            );
            return is_servers.then(|| format!("{}{path}{query}", self.base_path));
        };
        let PublicPath { public, upstream, which } = known;
        let seal = if *which == Which::Further { seal(&format!("{upstream}{query}")) } else { None };
        Some(match seal {
            None => format!("{public}{query}"),
            Some(seal) if query.is_empty() => format!("{public}?{SEAL}{seal}"),
            Some(seal) => format!("{public}{query}&{SEAL}{seal}"),
        })
    }
}

/// Whether a URL leads to a server. The scheme says nothing: many a server does not know that TLS ends before it.
fn is_at(url: &Url, server: &Url) -> bool {
    (url.host(), url.port()) == (server.host(), server.port())
}

/// What a request to a further path asks the server for, without the seal; `None` when the caller has no good one.
pub(super) fn opened(asked: PathAndQuery, permit: &Permit) -> Option<PathAndQuery> {
    // Nothing is sealed where nobody signs in. Without a query no session can be named.
    if permit.principal().is_development() || asked.query().is_none() {
        return Some(asked);
    }
    let (own, seal) = asked.as_str().rsplit_once(SEAL)?;
    let own = own.strip_suffix(['?', '&'])?;
    if permit.is_sealed(own, seal) { own.parse().ok() } else { None }
}

/// Names and values of an event, comments left out.
fn fields(event: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = event.trim_start_matches('\u{feff}').split(['\n', '\r']);
    lines.filter(|line| !line.is_empty() && !line.starts_with(':')).map(|line| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name, value.strip_prefix(' ').unwrap_or(value))
    })
}

/// A stream whose first event with data has not passed yet, or has.
struct Corrected {
    stream: Body,
    sought: Option<Sought>,
}

struct Sought {
    correct: Box<Correct>,
    held: BytesMut,
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
            let Some(sought) = this.sought.take() else {
                return Poll::Ready(frame);
            };
            let data = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                // The end, or the error, is asked for again once what was held has gone.
                None if !sought.held.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(sought.held.freeze()))));
                }
                other => return Poll::Ready(other),
            };
            let (passed, sought) = sought.take(&data);
            this.sought = sought;
            if !passed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(passed.freeze()))));
            }
        }
    }
}

impl Sought {
    /// What need not wait any longer, and what is still looked for.
    fn take(mut self, data: &Bytes) -> (BytesMut, Option<Self>) {
        self.held.extend_from_slice(data);
        let mut passed = BytesMut::new();
        while let Some(length) = first_event(&self.held) {
            let event = self.held.split_to(length);
            let text = std::str::from_utf8(&event).ok();
            // Comments, `retry` and the like: for the client that is no event.
            if text.is_some_and(|text| fields(text).all(|(name, _)| name != "data")) {
                passed.unsplit(event);
                continue;
            }
            match text.and_then(&self.correct) {
                Some(corrected) => passed.extend_from_slice(corrected.as_bytes()),
                None => passed.unsplit(event),
            }
            passed.unsplit(self.held);
            return (passed, None);
        }
        if self.held.len() > LONGEST {
            passed.unsplit(self.held);
            return (passed, None);
        }
        (passed, Some(self))
    }
}

/// Where the first event ends, its blank line included. A line ends in LF, CR LF or CR.
fn first_event(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        let rest = bytes.get(start..)?;
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let is_pair = rest.get(length..length + 2) == Some(b"\r\n");
        start += length + if is_pair { 2 } else { 1 };
        if length == 0 {
            return Some(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::config::{FurtherPath, UpstreamIdentity};

    fn endpoints() -> Endpoints {
        let config = UpstreamConfig {
            url: "http://10.0.0.7:8000/sse".parse().unwrap(),
            replicas: Vec::new(),
            path: "/b/sse".to_owned(),
            also: vec![FurtherPath { public: "/b/messages".to_owned(), upstream: "/messages".to_owned() }],
            connect_timeout: std::time::Duration::from_secs(1),
            response_header_timeout: None,
            identity: UpstreamIdentity::Headers,
        };
        Arc::into_inner(Endpoints::new(&config, &BaseUrl::parse("http://localhost:1/gate").unwrap()).unwrap())
            .unwrap()
    }

    async fn through(chunks: &[&'static str]) -> String {
        let endpoints = endpoints();
        let correct =
            Box::new(move |event: &str| endpoints.corrected(event, &|text| Some(format!("<{text}>"))));
        let frames: Vec<Result<&str, std::convert::Infallible>> = chunks.iter().copied().map(Ok).collect();
        let stream = Body::from_stream(stream::iter(frames));
        let body = Corrected { stream, sought: Some(Sought { correct, held: BytesMut::new() }) };
        let bytes = Body::new(body).collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn endpoint_event_is_corrected_whatever_the_chunks_and_what_stands_before_it() {
        const CORRECTED: &str = "/gate/b/messages?id=7&entragate_seal=</messages?id=7>";
        for end in ["\n", "\r\n", "\r"] {
            for before in
                ["", "\u{feff}", ": hello\n\n", ":\r\n:\r\n\r\nretry: 10\n\n", "id: 7\n", "data\n\n"]
            {
                let text = format!(
                    "{before}event: endpoint{end}data: /messages?id=7{end}{end}event: message{end}data: /messages{end}{end}"
                );
                // An event that carries data, if only none, was the first.
                let is_first = before != "data\n\n";
                let text: &'static str = text.leak();
                let expected =
                    if is_first { text.replacen("/messages?id=7", CORRECTED, 1) } else { text.to_owned() };
                assert_eq!(through(&[text]).await, expected);
                let pieces: Vec<&'static str> = text.split_inclusive(|_| true).collect();
                assert_eq!(through(&pieces).await, expected);
            }
        }
    }

    #[tokio::test]
    async fn path_that_the_server_names_leads_back_to_the_gateway_however_it_is_written() {
        for (named, public) in [
            ("/messages/?id=7", "/gate/b/messages/?id=7&entragate_seal=</messages/?id=7>"),
            ("http://10.0.0.7:8000/messages?id=7", "/gate/b/messages?id=7&entragate_seal=</messages?id=7>"),
            ("//10.0.0.7:8000/messages?id=7", "/gate/b/messages?id=7&entragate_seal=</messages?id=7>"),
            ("messages?id=7", "/gate/b/messages?id=7&entragate_seal=</messages?id=7>"),
            ("/messages", "/gate/b/messages?entragate_seal=</messages>"),
            ("/sse?id=7", "/gate/b/sse?id=7"),
            ("/elsewhere?id=7", "/gate/elsewhere?id=7"),
            // Where clients find it, as a server says it that was told, or that follows X-Forwarded-Host.
            ("http://localhost:1/messages?id=7", "/gate/b/messages?id=7&entragate_seal=</messages?id=7>"),
            (
                "https://localhost:1/gate/b/messages/?id=7",
                "/gate/b/messages/?id=7&entragate_seal=</messages/?id=7>",
            ),
            ("/gate/b/messages?id=7", "/gate/b/messages?id=7&entragate_seal=</messages?id=7>"),
            ("http://localhost:1/gate/b/sse?id=7", "/gate/b/sse?id=7"),
        ] {
            let text = |path: &str| format!("data: {path}\nevent: endpoint\n\n");
            assert_eq!(through(&[text(named).leak()]).await, text(public));
        }
    }

    #[tokio::test]
    async fn everything_else_passes_as_it_is() {
        for text in [
            "",
            "data: /messages\n\n",
            "event: endpoint\ndata: https://elsewhere.test/messages\n\n",
            "event: endpoint\ndata: //elsewhere.test/messages\n\n",
            "event: endpoint\ndata: http://10.0.0.7/messages\n\n",
            "event: endpoint\ndata: http://localhost/gate/b/messages\n\n",
            "event: endpoint\ndata: http://localhost:1/gate/elsewhere\n\n",
            "event: endpoint\ndata:\n\n",
            "event: endpoint\ndata: /messages\ndata: ?id=7\n\n",
            "event: endpoints\ndata: /messages\n\n",
            "event: endpoint\ndata: /unfinished",
        ] {
            assert_eq!(through(&[text]).await, text);
        }
        let long: &'static str = format!("data: {}\n\n", "x".repeat(3 * LONGEST)).leak();
        assert_eq!(through(&[&long[..LONGEST], &long[LONGEST..]]).await, long);
    }

    #[tokio::test]
    async fn comments_are_not_held_back() {
        let (sender, frames) = tokio::sync::mpsc::unbounded_channel::<&str>();
        let stream = Body::from_stream(stream::unfold(frames, async |mut frames| {
            Some((Ok::<_, std::convert::Infallible>(frames.recv().await?), frames))
        }));
        let sought = Some(Sought { correct: Box::new(|_| None), held: BytesMut::new() });
        let mut body = Body::new(Corrected { stream, sought });
        for text in [":\n\n", ": ping\r\n\r\n"] {
            sender.send(text).unwrap();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), text);
        }
    }
}
