//! What the tests of the back channel share: answers of the token endpoint, a store that fails, and further gates under
//! the same name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use entragate::once::{Memory, Once, OnceError, OnceFuture};
use entragate::{
    ApiApp, AuthorityHost, Broker, ClientId, Credential, Gate, GateBuilder, SealKeys, Secret, TenantId,
};
use entragate_emulator::fixtures;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::world::{BrokerWorld, KEY, SECRET, SignedIn};
use crate::world::{EmulatedTime, McpServer, Reply, VERIFIER, mcp_server};

pub(crate) async fn post(world: &BrokerWorld, path: &str, form: &[(&str, &str)]) -> Reply {
    Reply::of(world.http.post(world.url(path)).form(form)).await
}

pub(crate) fn refresh_form<'a>(client_id: &'a str, token: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)]
}

/// The form with one parameter replaced, added, or left out.
pub(crate) fn changed<'a>(
    form: &[(&'static str, &'a str)],
    name: &'static str,
    value: Option<&'a str>,
) -> Vec<(&'static str, &'a str)> {
    let mut form: Vec<_> = form.iter().filter(|(other, _)| *other != name).copied().collect();
    form.extend(value.map(|value| (name, value)));
    form
}

/// Another verifier than the client's.
pub(crate) fn other_verifier() -> String {
    VERIFIER.chars().rev().collect()
}

/// An OAuth error as clients read it: JSON that nobody keeps, in the characters of RFC 6749 §5.2, with nobody's address.
#[track_caller]
pub(crate) fn assert_refused(reply: &Reply, status: u16, error: &str) -> String {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    let body = reply.json();
    assert_eq!(body["error"], error, "{body}");
    let text = body["error_description"].as_str().unwrap().to_owned();
    assert!(text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{text}");
    assert!(!text.contains('@') && !text.contains("Trace ID"), "{text}");
    text
}

/// Neither token of the sign-in is of any use.
pub(crate) async fn assert_dead(world: &BrokerWorld, signed_in: &SignedIn) {
    assert_eq!(world.call(&signed_in.access, "whoami").await.0, 401);
    let (status, body) = world.refresh(&signed_in.client_id, &signed_in.refresh).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{body}");
}

/// Both tokens of the sign-in work; what the refresh gave.
pub(crate) async fn assert_alive(world: &BrokerWorld, signed_in: &SignedIn) -> SignedIn {
    assert_eq!(world.call(&signed_in.access, "whoami").await.0, 200);
    let (status, body) = world.refresh(&signed_in.client_id, &signed_in.refresh).await;
    assert_eq!(status, 200, "{body}");
    super::world::signed_in(signed_in.client_id.clone(), body)
}

/// A store that can be switched off, and counts what it is told to keep.
#[derive(Debug, Default)]
pub(crate) struct Breakable {
    memory: Memory,
    broken: AtomicBool,
    forgetful: AtomicBool,
    swaps: AtomicUsize,
}

impl Breakable {
    pub(crate) fn breaks(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    pub(crate) fn swaps(&self) -> usize {
        self.swaps.load(Ordering::SeqCst)
    }

    /// Loses the successors of refresh tokens from now on.
    pub(crate) fn forgets_successors(&self) {
        self.forgetful.store(true, Ordering::SeqCst);
    }

    fn or_broken<'a, T: Send + 'a>(&self, answer: OnceFuture<'a, T>) -> OnceFuture<'a, T> {
        if self.broken.load(Ordering::SeqCst) {
            return Box::pin(async { Err(OnceError::Failed("switched off".to_owned())) });
        }
        answer
    }
}

impl Once for Breakable {
    fn get<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        if key.starts_with("next/") && self.forgetful.load(Ordering::SeqCst) {
            return Box::pin(async { Ok(None) });
        }
        self.or_broken(self.memory.get(key))
    }

    fn swap<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        new: &'a [u8],
        keep: Duration,
    ) -> OnceFuture<'a, bool> {
        self.swaps.fetch_add(1, Ordering::SeqCst);
        self.or_broken(self.memory.swap(key, expected, new, keep))
    }

    fn take<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        self.or_broken(self.memory.take(key))
    }

    fn epoch(&self) -> OnceFuture<'_, String> {
        self.or_broken(self.memory.epoch())
    }
}

/// Another gate with the base URL of the world's, at a port of its own: a replica, or the same gate after a change.
pub(crate) struct Replica {
    pub(crate) gate: Gate,
    port: u16,
    http: reqwest::Client,
}

/// How it differs.
pub(crate) struct Setup {
    pub(crate) once: Arc<dyn Once>,
    pub(crate) keys: Vec<&'static str>,
    pub(crate) secret: &'static str,
    pub(crate) mcp: McpServer,
}

impl Setup {
    pub(crate) fn sharing(once: &Arc<dyn Once>) -> Self {
        let mcp = McpServer::new(tower::service_fn(mcp_server));
        Self { once: Arc::clone(once), keys: vec![KEY], secret: SECRET, mcp }
    }

    pub(crate) async fn start(self, world: &BrokerWorld) -> Replica {
        self.start_with(world, |builder| builder).await
    }

    pub(crate) async fn start_with(
        self,
        world: &BrokerWorld,
        configure: impl FnOnce(GateBuilder) -> GateBuilder,
    ) -> Replica {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let registrations = Broker {
            tenant: TenantId::parse(fixtures::TENANT).unwrap(),
            api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap(),
            client: None,
            credential: Credential::secret(Secret::new(self.secret)).unwrap(),
            keys: SealKeys::new(self.keys.into_iter().map(Secret::new)).unwrap(),
        };
        let builder = Gate::broker(world.gate.base_url().clone(), registrations)
            .authority(AuthorityHost::parse(world.entra.url()).unwrap())
            .clock(EmulatedTime(world.control().clone()))
            .once(self.once)
            .listen_addresses([addr]);
        let gate = configure(builder).build().unwrap();
        let app = gate.protect(self.mcp);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Replica { gate, port: addr.port(), http: world.http.clone() }
    }
}

impl Replica {
    /// Where this one listens, whatever it is called.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// The same URL, here.
    pub(crate) fn here(&self, url: &str) -> String {
        url.replacen(self.gate.base_url().as_str(), &self.at(""), 1)
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        Reply::of(self.http.post(self.at(path)).form(form)).await
    }

    pub(crate) async fn refresh(&self, client_id: &str, token: &str) -> Reply {
        self.post("/oauth/token", &refresh_form(client_id, token)).await
    }

    pub(crate) async fn call(&self, path: &str, token: &str) -> (u16, Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami", "arguments": {} } });
        let request = self.http.post(self.at(path)).header("accept", "application/json, text/event-stream");
        let response = request.bearer_auth(token).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}
