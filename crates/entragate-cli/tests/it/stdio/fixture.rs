//! A gateway in front of a stdio server, and its clients.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::net::SocketAddr;
use std::time::Duration;

use entragate_cli::config::{Environment, load};
use entragate_cli::serve::Server;
use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
use reqwest::{RequestBuilder, Response};
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::server;

/// Longer than anything in a test takes, shorter than a person waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway.
pub(crate) struct Gateway {
    entra: Option<Emulator>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// What every gateway needs, and a stdio server.
pub(crate) fn environment(settings: &[(&str, &str)]) -> Environment {
    let command = server::command();
    let base = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("ENTRAGATE_UPSTREAM", command.as_str()),
        ("BASE_URL", "http://localhost:3002"),
        ("ENTRAGATE_LISTEN", "127.0.0.1:0"),
        ("ENTRAGATE_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    base.iter().chain(settings).copied().collect()
}

impl Gateway {
    /// In development mode: nobody signs in.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::run(None, &environment(settings)).await
    }

    /// With the emulated Entra.
    pub(crate) async fn signed_in(settings: &[(&str, &str)]) -> Self {
        let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
        let environment = environment(settings)
            .with("AZURE_TENANT_ID", fixtures::TENANT)
            .with("AZURE_CLIENT_ID", fixtures::API)
            .with("AZURE_MCP_CLIENT_ID", fixtures::MCP)
            .with("AZURE_AUTHORITY_HOST", entra.url());
        Self::run(Some(entra), &environment).await
    }

    async fn run(entra: Option<Emulator>, environment: &Environment) -> Self {
        let config = load(environment, None).unwrap_or_else(|problems| panic!("{problems}"));
        let server = Server::bind(&config).await.unwrap();
        let (address, admin) = (server.address().unwrap(), server.admin_address().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async { drop(stopped.await) }));
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a test client is no product code")]
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { entra, address, admin, http, stop: Some(stop), task }
    }

    /// A token for the gateway.
    pub(crate) fn token(&self, user: &str, client: &str, roles: &[&str]) -> String {
        self.entra.as_ref().unwrap().control().mint(&MintRequest {
            user: Some(user.to_owned()),
            client: Some(client.to_owned()),
            roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
            ..MintRequest::default()
        })
    }

    pub(crate) fn request(&self, method: &str, token: &str) -> RequestBuilder {
        let url = format!("http://localhost:{}/mcp", self.address.port());
        let request = self.http.request(method.parse().unwrap(), url);
        let request = request.header("accept", "application/json, text/event-stream");
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// Asks for a session.
    pub(crate) async fn initialize(&self, token: &str) -> Response {
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" },
        } });
        timeout(PATIENCE, self.request("POST", token).json(&hello).send()).await.unwrap().unwrap()
    }

    /// A session of somebody who has this token.
    pub(crate) async fn open(&self, token: &str) -> Session<'_> {
        let response = self.initialize(token).await;
        let id = response.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
        Session { gateway: self, token: token.to_owned(), id: id.unwrap() }
    }

    /// Asks the gateway to stop, as a signal would, and waits.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        timeout(PATIENCE, &mut self.task).await.expect("it stops").unwrap().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client with a session.
pub(crate) struct Session<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) token: String,
    pub(crate) id: String,
}

impl Session<'_> {
    fn request(&self, method: &str) -> RequestBuilder {
        self.gateway.request(method, &self.token).header("mcp-session-id", &self.id)
    }

    pub(crate) async fn post(&self, message: &Value) -> Response {
        timeout(PATIENCE, self.request("POST").json(message).send()).await.expect("an answer").unwrap()
    }

    pub(crate) async fn delete(&self) -> Response {
        self.request("DELETE").send().await.unwrap()
    }

    pub(crate) async fn listen(&self) -> Events {
        Events::of(self.request("GET").send().await.unwrap())
    }

    /// Calls a tool, whose answer comes as JSON.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> String {
        let response = self.post(&call(1, tool, arguments)).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
        answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Calls a tool whose answer comes as an event stream.
    pub(crate) async fn stream(&self, id: i64, tool: &str, arguments: &Value) -> Events {
        let mut call = call(id, tool, arguments);
        call["params"]["_meta"] = json!({ "progressToken": format!("p{id}") });
        Events::of(self.post(&call).await)
    }

    pub(crate) async fn process(&self) -> Process {
        Process::of(&self.call("pid", &json!({})).await)
    }
}

pub(crate) fn call(id: i64, tool: &str, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
}

/// An event stream.
pub(crate) struct Events {
    response: Response,
    unread: String,
}

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { response, unread: String::new() }
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        timeout(PATIENCE, async {
            loop {
                if let Some((event, rest)) = self.unread.split_once("\n\n") {
                    let data = event.strip_prefix("event: message\ndata: ").map(str::to_owned);
                    self.unread = String::from(rest);
                    match data {
                        Some(data) => return Some(serde_json::from_str(&data).unwrap()),
                        None => continue, // a comment
                    }
                }
                // A stream that is cut off is over.
                let chunk = self.response.chunk().await.ok().flatten()?;
                self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
        .expect("an event")
    }

    /// The text of the answer, and how many messages came before it.
    pub(crate) async fn answer(&mut self) -> (String, usize) {
        let mut before = 0;
        while let Some(message) = self.next().await {
            if let Some(text) = message["result"]["content"][0]["text"].as_str() {
                return (text.to_owned(), before);
            }
            before += 1;
        }
        panic!("the stream ended after {before} messages")
    }
}

/// A process of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(pub(crate) Pid);

impl Process {
    pub(crate) fn of(id: &str) -> Self {
        Self(Pid::from_raw(id.parse().unwrap()).unwrap())
    }

    /// Whether it runs. One that has ended and that nobody has asked for its status does not.
    pub(crate) fn runs(self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.as_raw_nonzero()));
        let is_zombie =
            stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")));
        test_kill_process(self.0).is_ok() && !is_zombie
    }

    /// Waits for its end: nobody tells when somebody else's process ends.
    pub(crate) async fn ended(self) {
        let gone = async {
            while self.runs() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{self:?} is still there"));
    }
}
