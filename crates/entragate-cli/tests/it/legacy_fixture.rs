//! Servers of the HTTP+SSE transport (2024-11-05), and a client that reads their streams.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get};
use entragate_emulator::{MintRequest, fixtures};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::routes_fixture::Gateway;

/// A server that names its sessions `0`, `1` …, and notes what is posted to it. It answers lists of tools and calls in the
/// session's stream.
pub(crate) struct Legacy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// What a session's stream gets next; nothing once it has ended.
    streams: Vec<Option<UnboundedSender<String>>>,
    posted: Vec<String>,
}

impl Legacy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(Mutex::default()));
        let router = Router::new()
            .route("/sse", get(stream_of))
            .route("/forwarded/sse", get(stream_of))
            .route("/told/sse", get(stream_of))
            .route("/messages", any(posted))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    pub(crate) fn posted(&self) -> Vec<String> {
        self.state.lock().posted.clone()
    }

    /// Writes into a session's stream.
    pub(crate) fn say(&self, session: usize, text: &str) {
        self.state.lock().say(session, text.to_owned());
    }

    /// Ends a session's stream.
    pub(crate) fn end(&self, session: usize) {
        self.state.lock().streams[session] = None;
    }
}

impl Seen {
    fn say(&self, session: usize, text: String) {
        self.streams[session].as_ref().unwrap().send(text).unwrap();
    }
}

/// Below `/forwarded` it puts the host before its path that it is told the client used, below `/told` its public URL.
async fn stream_of(State(state): State<Arc<Mutex<Seen>>>, request: Request) -> Response {
    let forwarded = request.headers().get("x-forwarded-host").map(|host| host.to_str().unwrap());
    let before = match request.uri().path() {
        "/forwarded/sse" => format!("http://{}", forwarded.unwrap()),
        "/told/sse" => "http://localhost:3002/a".to_owned(),
        _ => String::new(),
    };
    let (sender, texts) = unbounded_channel();
    let session = {
        let mut seen = state.lock();
        seen.streams.push(Some(sender));
        seen.streams.len() - 1
    };
    let first = [
        ": hello\n\n".to_owned(),
        format!("event: endpoint\ndata: {before}/messages?session_id={session}\n\n"),
    ];
    let later = stream::unfold(texts, async |mut texts| Some((Ok(texts.recv().await?), texts)));
    let events = stream::iter(first.map(Ok::<_, Infallible>)).chain(later);
    Response::builder()
        .header("content-type", "text/event-stream")
        // As many a server writes, so that nobody compresses its stream.
        .header("content-encoding", "none")
        .body(Body::from_stream(events))
        .unwrap()
}

async fn posted(State(state): State<Arc<Mutex<Seen>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = match message["method"].as_str() {
        Some("tools/list") => Some(json!({ "tools": [{ "name": "read" }, { "name": "wipe" }] })),
        Some("tools/call") => Some(json!({ "content": [{ "type": "text", "text": "done" }] })),
        _ => None,
    };
    let mut seen = state.lock();
    seen.posted.push(format!("{} {}", parts.method, parts.uri));
    if let Some(result) = result {
        let session = parts.uri.query().and_then(|query| query.strip_prefix("session_id=")?.parse().ok());
        let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        seen.say(session.unwrap(), format!("event: message\ndata: {answer}\n\n"));
    }
    Response::builder().status(202).body(Body::from("Accepted")).unwrap()
}

/// `[[routes]]` for a server at `/{at}/sse`, with rules that allow `read` and, with a scope that nobody has, `scoped`.
pub(crate) fn ruled(at: &str, server: &Legacy) -> String {
    let allowed = "[[routes.rules]]\ntools = [\"scoped\"]\nscopes = [\"more\"]\n\n[[routes.rules]]\ntools = [\"read\"]\n\n";
    route(at, server) + allowed
}

fn route(at: &str, server: &Legacy) -> String {
    format!(
        "[[routes]]\nurl = \"http://{}/sse\"\npath = \"/{at}/sse\"\nalso = [\"/{at}/messages=/messages\"]\n\n",
        server.address
    )
}

/// Two of them: `/a/sse` and `/b/sse`.
pub(crate) async fn two(name: &str) -> (Gateway, Legacy, Legacy) {
    let (a, b) = (Legacy::start().await, Legacy::start().await);
    (Gateway::start(name, &(route("a", &a) + &route("b", &b))).await, a, b)
}

pub(crate) fn token(gateway: &Gateway, user: &str) -> String {
    gateway.entra.control().mint(&MintRequest {
        app: Some(fixtures::API.to_owned()),
        client: Some("MCP".to_owned()),
        user: Some(user.to_owned()),
        ..MintRequest::default()
    })
}

/// A stream as its client reads it.
pub(crate) struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// Everything since the last time, up to the end of `last`.
    pub(crate) async fn until(&mut self, last: &str) -> String {
        loop {
            if let Some(at) = self.text.find(last) {
                return self.text.drain(..at + last.len()).collect();
            }
            let chunk =
                self.response.chunk().await.unwrap().unwrap_or_else(|| panic!("no {last}: {}", self.text));
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The data of the next `message` event.
    pub(crate) async fn message(&mut self) -> Value {
        let event = self.until("\n\n").await;
        let data = event.strip_prefix("event: message\ndata: ").unwrap_or_else(|| panic!("{event}"));
        serde_json::from_str(data).unwrap()
    }

    /// The server's end of the stream.
    pub(crate) async fn end(mut self) {
        assert_eq!(self.response.chunk().await.unwrap(), None);
        assert_eq!(self.text, "");
    }
}

/// Opens a stream and reads where messages go.
pub(crate) async fn opened(gateway: &Gateway, path: &str, token: &str) -> (Stream, String) {
    let url = format!("http://localhost:{}{path}", gateway.address.port());
    let request = gateway.http.get(url).bearer_auth(token).header("accept", "text/event-stream");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut stream = Stream { response, text: String::new() };
    stream.until("event: endpoint\ndata: ").await;
    let path = stream.until("\n\n").await;
    (stream, path.trim_end().to_owned())
}
