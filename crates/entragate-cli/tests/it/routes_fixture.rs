//! A gateway in relay mode from an `entragate.toml`, with MCP servers behind it that say which one answers.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use entragate_cli::config::load;
use entragate_cli::serve::Server;
use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config_fixture::{file, with};

/// An MCP server: opens a session on `initialize`, knows its own sessions only, and lists the tools `read` and `admin_x`.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    /// Requests that reached it.
    seen: Arc<AtomicUsize>,
    task: JoinHandle<std::io::Result<()>>,
}

#[derive(Clone)]
struct Identity {
    name: &'static str,
    seen: Arc<AtomicUsize>,
}

impl Site {
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let state = Identity { name, seen: Arc::clone(&seen) };
        let router = Router::new().fallback(answer).with_state(state);
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// Takes no more connections; none is kept open.
    pub(crate) async fn stop(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

async fn answer(State(site): State<Identity>, request: Request) -> Response {
    let number = site.seen.fetch_add(1, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let session = parts.headers.get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    // Connections are not kept, so that a server that stops is really gone.
    let response = Response::builder().header("x-site", site.name).header("connection", "close");
    if session.as_ref().is_some_and(|id| !id.starts_with(&format!("{}.", site.name))) {
        return response.status(404).body(Body::empty()).unwrap();
    }
    let response = match (session, message["method"].as_str()) {
        (Some(id), _) => response.header("x-session", id),
        (None, Some("initialize")) => response.header("mcp-session-id", format!("{}.{number}", site.name)),
        _ => response,
    };
    let result = match message["method"].as_str() {
        Some("tools/list") => {
            json!({ "tools": [{ "name": "read", "inputSchema": {} }, { "name": "admin_x", "inputSchema": {} }] })
        }
        _ => json!({ "content": [{ "type": "text", "text": site.name }], "isError": false }),
    };
    let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    response.header("content-type", "application/json").body(Body::from(answer.to_string())).unwrap()
}

/// A running gateway and its emulated Entra.
pub(crate) struct Gateway {
    pub(crate) entra: Emulator,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) http: reqwest::Client,
    task: JoinHandle<anyhow::Result<()>>,
}

/// What a test looks at.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Who answered; empty if it was the gateway.
    pub(crate) site: String,
    /// The session id that the client gets.
    pub(crate) session: Option<String>,
    /// The session id that the server got.
    pub(crate) saw: Option<String>,
    pub(crate) challenge: String,
    pub(crate) body: Value,
}

pub(crate) const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

impl Gateway {
    /// `toml`: the routes; `name`: the test's.
    pub(crate) async fn start(name: &str, toml: &str) -> Self {
        let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
        Self::in_front_of(entra, name, toml).await
    }

    pub(crate) async fn in_front_of(entra: Emulator, name: &str, toml: &str) -> Self {
        let environment = [
            ("AZURE_TENANT_ID", fixtures::TENANT),
            ("AZURE_CLIENT_ID", fixtures::API),
            ("AZURE_MCP_CLIENT_ID", fixtures::MCP),
            ("AZURE_AUTHORITY_HOST", entra.url()),
            ("ENTRAGATE_ENTRA_SCOPES", "access"),
            ("ENTRAGATE_SESSION_KEY", "0123456789abcdef0123456789abcdef"),
            ("BASE_URL", "http://localhost:3002"),
            ("ENTRAGATE_LISTEN", "127.0.0.1:0"),
            ("ENTRAGATE_ADMIN_LISTEN", "127.0.0.1:0"),
        ];
        let config = load(&with(&environment, &[]), Some(&file(name, toml)));
        let server = Server::bind(&config.unwrap_or_else(|problems| panic!("{problems}"))).await.unwrap();
        let (address, admin) = (server.address().unwrap(), server.admin_address().unwrap());
        let task = tokio::spawn(server.run(std::future::pending()));
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a test client is no product code")]
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { entra, address, admin, http, task }
    }

    /// Alice's token for an API app of the fixtures.
    pub(crate) fn token(&self, app: &str) -> String {
        let (app, client) = (Some(app.to_owned()), Some("MCP".to_owned()));
        self.entra.control().mint(&MintRequest { app, client, ..MintRequest::default() })
    }

    pub(crate) async fn send(
        &self,
        (method, path): (&str, &str),
        token: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Answer {
        let url = format!("http://localhost:{}{path}", self.address.port());
        let mut request = self.http.request(method.parse().unwrap(), url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == "POST" {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.header("accept", "application/json, text/event-stream").send().await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (site, session, saw) = (header("x-site"), header("mcp-session-id"), header("x-session"));
        let challenge = header("www-authenticate").unwrap_or_default();
        let status = response.status().as_u16();
        let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
        Answer { status, site: site.unwrap_or_default(), session, saw, challenge, body }
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &'static str) -> Answer {
        self.send(("POST", path), token, &[], body).await
    }

    /// A document of the gateway, or of its admin listener.
    pub(crate) async fn get(&self, address: SocketAddr, path: &str) -> (u16, Value) {
        let response = self.http.get(format!("http://{address}{path}")).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}
