//! The `endpoint` event of the legacy HTTP+SSE transport (2024-11-05): where a client is to post its messages (TR-15).
//!
//! ```text
//! server: /messages?session_id=7  ──>  client: /gate/b/messages?session_id=7&entragate_seal=…
//! server: /messages?session_id=7  <──  client: POST to that
//! ```
//!
//! The server names its own path, a URL of its own, or the one that clients know it by, if it was told: below the base URL,
//! and where `upstream.also` says. What it names also is the session, by which alone it knows who posts; so it is sealed for
//! the caller who opened the stream, and without a good seal nothing with a query reaches a further path.

use std::sync::Arc;
use std::task::Context;

use axum::body::Body;
use entragate::sse::fields;
use entragate::{BaseUrl, Permit, is_compressed};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http::uri::PathAndQuery;
use url::Url;

use super::stream::{Corrected, Refusals, Stream};
use crate::config::UpstreamConfig;
use crate::upstream::target::{PublicPath, Which, public_paths};

/// The name of the seal in the query.
const SEAL: &str = "entragate_seal=";

/// Seals a text for a caller.
type Seal<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Opens a stream for the refusals of what is posted to a URL.
type Opened<'a> = dyn Fn(&str) -> Option<Box<Refusals>> + 'a;

/// Where the server's paths are for clients.
#[derive(Debug)]
pub(in crate::upstream) struct Endpoints {
    server: Url,
    gateway: Url,
    base_path: Box<str>,
    paths: Vec<PublicPath>,
}

impl Endpoints {
    /// `None` when the server cannot be one of the legacy transport: its messages would have no path.
    pub(in crate::upstream) fn new(config: &UpstreamConfig, base_url: &BaseUrl) -> Option<Arc<Self>> {
        let base_path = base_url.path();
        if base_path.is_empty() && config.also.is_empty() {
            return None;
        }
        let (server, gateway) = (config.url.clone(), Url::parse(base_url.as_str()).ok()?);
        let paths = public_paths(&config.url, config, base_url);
        Some(Arc::new(Self { server, gateway, base_path: base_path.into(), paths }))
    }

    /// The stream with its endpoint event as this caller needs it, and its headers.
    pub(in crate::upstream) fn apply(
        self: Arc<Self>,
        permit: Permit,
        headers: &mut HeaderMap,
        stream: Body,
    ) -> Body {
        if is_compressed(headers) {
            // Bytes that cannot be read pass as they come. Messages for what they name have no seal, and go nowhere.
            tracing::warn!(
                "the MCP server encodes an event stream, and was asked not to: with the HTTP+SSE transport its messages are 404"
            );
            return stream;
        }
        headers.remove(CONTENT_LENGTH);
        let correct = move |event: &str| {
            self.corrected(event, &|text| permit.seal(text), &|url| {
                let mut refusals = permit.open_stream(url)?;
                Some(Box::new(move |cx: &mut Context<'_>| refusals.poll_next(cx)))
            })
        };
        Body::new(Stream::new(stream, Box::new(correct)))
    }

    /// An endpoint event as this caller needs it, or `None` when it is none, or none of ours.
    fn corrected(&self, event: &str, seal: &Seal<'_>, opened: &Opened<'_>) -> Option<Corrected> {
        if !fields(event).any(|(name, value)| name == "event" && value == "endpoint") {
            return None;
        }
        let mut data = fields(event).filter(|(name, _)| *name == "data");
        let ((_, named), None) = (data.next()?, data.next()) else { return None };
        let (reference, sealed) = self.reference(named, seal)?;
        let at = named.as_ptr().addr() - event.as_ptr().addr();
        let (before, after) = (event.get(..at)?, event.get(at + named.len()..)?);
        let refusals = if sealed == Sealed::Yes { opened(&reference) } else { None };
        Some(Corrected { event: format!("{before}{reference}{after}"), refusals })
    }

    /// What the client posts to, and whether it is sealed.
    fn reference(&self, named: &str, seal: &Seal<'_>) -> Option<(String, Sealed)> {
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
            return is_servers.then(|| (format!("{}{path}{query}", self.base_path), Sealed::No));
        };
        let PublicPath { public, upstream, which } = known;
        let seal = if *which == Which::Further { seal(&format!("{upstream}{query}")) } else { None };
        Some(match seal {
            None => (format!("{public}{query}"), Sealed::No),
            Some(seal) if query.is_empty() => (format!("{public}?{SEAL}{seal}"), Sealed::Yes),
            Some(seal) => (format!("{public}{query}&{SEAL}{seal}"), Sealed::Yes),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sealed {
    Yes,
    No,
}

/// Whether a URL leads to a server. The scheme says nothing: many a server does not know that TLS ends before it.
fn is_at(url: &Url, server: &Url) -> bool {
    (url.host(), url.port()) == (server.host(), server.port())
}

/// What a request to a further path asks the server for, without the seal; `None` when the caller has no good one.
pub(in crate::upstream) fn opened(asked: PathAndQuery, permit: &Permit) -> Option<PathAndQuery> {
    // Nothing is sealed where nobody signs in. Without a query no session can be named.
    if permit.principal().is_development() || asked.query().is_none() {
        return Some(asked);
    }
    let (own, seal) = asked.as_str().rsplit_once(SEAL)?;
    let own = own.strip_suffix(['?', '&'])?;
    if permit.is_sealed(own, seal) { own.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::BodyExt as _;
    use parking_lot::Mutex;
    use tokio::sync::mpsc;

    use super::*;
    use crate::config::{FurtherPath, UpstreamIdentity};
    use crate::upstream::legacy::stream::LONGEST;

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

    /// A stream of the server as the client of somebody gets it whose seal of a text is the text itself in `<>`.
    fn passed(body: Body) -> Body {
        told(body, mpsc::channel(1).1)
    }

    /// The same with refusals.
    fn told(body: Body, refusals: mpsc::Receiver<Bytes>) -> Body {
        let (endpoints, refusals) = (endpoints(), Mutex::new(Some(refusals)));
        let opened = move |_: &str| {
            let mut refusals = refusals.lock().take()?;
            let next: Box<Refusals> = Box::new(move |cx: &mut Context<'_>| refusals.poll_recv(cx));
            Some(next)
        };
        let correct =
            move |event: &str| endpoints.corrected(event, &|text| Some(format!("<{text}>")), &opened);
        Body::new(Stream::new(body, Box::new(correct)))
    }

    async fn through(chunks: &[&'static str]) -> String {
        let frames: Vec<Result<&str, std::convert::Infallible>> = chunks.iter().copied().map(Ok).collect();
        let body = passed(Body::from_stream(stream::iter(frames)));
        let bytes = body.collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// A stream into which a test writes.
    fn written() -> (mpsc::UnboundedSender<&'static str>, Body) {
        let (sender, frames) = mpsc::unbounded_channel();
        let stream = stream::unfold(frames, async |mut frames| {
            Some((Ok::<&str, std::convert::Infallible>(frames.recv().await?), frames))
        });
        (sender, Body::from_stream(stream))
    }

    async fn next(body: &mut Body) -> Bytes {
        body.frame().await.unwrap().unwrap().into_data().unwrap()
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
        let (sender, stream) = written();
        let mut body = passed(stream);
        for text in [":\n\n", ": ping\r\n\r\n", ": a line\n", ": another\r\n", "retry: 10\n\n"] {
            sender.send(text).unwrap();
            assert_eq!(next(&mut body).await, text);
        }
    }

    const ENDPOINT: &str = "event: endpoint\ndata: /messages?id=7\n\n";
    const SEALED: &str = "event: endpoint\ndata: /gate/b/messages?id=7&entragate_seal=</messages?id=7>\n\n";
    const TOLD: &str = "event: message\ndata: no\n\n";

    #[tokio::test]
    async fn a_refusal_goes_between_two_events_whatever_the_chunks() {
        for end in ["\n", "\r\n", "\r"] {
            let event = format!("id: 1{end}: no event{end}data: {{}}{end}{end}");
            for cut in 1..event.len() {
                let (first, rest) = event.split_at(cut);
                let begun: &'static str = format!("{ENDPOINT}{first}").leak();
                let more: &'static str = format!("{rest}{event}{first}").leak();
                let ((sender, stream), (refuse, refusals)) = (written(), mpsc::channel(1));
                let mut body = told(stream, refusals);
                sender.send(begun).unwrap();
                assert_eq!(next(&mut body).await, format!("{SEALED}{first}"));
                // An event of the server is on its way, until it has ended; and then the next but one.
                refuse.send(TOLD.into()).await.unwrap();
                sender.send(more).unwrap();
                let mut passed = first.to_owned();
                while passed.len() < first.len() + TOLD.len() + more.len() {
                    passed += std::str::from_utf8(&next(&mut body).await).unwrap();
                }
                let (before, after) = passed.split_once(TOLD).unwrap();
                assert_eq!(format!("{before}{after}"), format!("{first}{more}"), "{end:?} {cut}");
                // The LF of the last CR LF may come after it: a blank line between events means nothing.
                let is_between =
                    before.replace(&event, "").is_empty() || before == event.trim_end_matches('\n');
                assert!(is_between, "{end:?} {cut} {before:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_refusal_does_not_wait_for_the_server() {
        for quiet in ["", ": ping\n", ": ping\r\n\r\n", "data: {}\r\r", "data: {}\r\n\r"] {
            let ((sender, stream), (refuse, refusals)) = (written(), mpsc::channel(1));
            let mut body = told(stream, refusals);
            sender.send(format!("{ENDPOINT}{quiet}").leak()).unwrap();
            assert_eq!(next(&mut body).await, format!("{SEALED}{quiet}"));
            for _ in 0..3 {
                refuse.send(TOLD.into()).await.unwrap();
                assert_eq!(next(&mut body).await, TOLD);
            }
        }
    }

    #[tokio::test]
    async fn only_a_stream_with_a_sealed_url_is_open_for_refusals_and_no_longer_than_it_lasts() {
        for first in ["data: {}\n\n", "event: endpoint\ndata: /sse?id=7\n\n", ENDPOINT] {
            // The server's end, or the client's.
            for is_over in [false, true] {
                let ((sender, stream), (refuse, refusals)) = (written(), mpsc::channel(1));
                let mut body = told(stream, refusals);
                sender.send(first).unwrap();
                next(&mut body).await;
                assert_eq!(!refuse.is_closed(), first == ENDPOINT, "{first}");
                if is_over {
                    drop(sender);
                    assert!(body.frame().await.is_none());
                } else {
                    drop(body);
                }
                assert!(refuse.is_closed());
            }
        }
    }
}
