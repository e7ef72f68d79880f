//! The fixture: an emulated Entra, a gate in front of a small MCP server, and a client without redirects.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate::{
    ApiApp, AuthorityHost, BaseUrl, ClientId, Clock, Gate, GateBuilder, Permit, Relay, TenantId, Timestamp,
};
use entragate_emulator::{Control, Emulator, KeySource, fixtures};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;

/// A PKCE pair (RFC 7636 appendix B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const REDIRECT: &str = "http://localhost:51789/callback";

/// The emulator's clock, so that both sides agree on the time.
pub(crate) struct EmulatedTime(pub(crate) Control);

impl Clock for EmulatedTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.now())
    }
}

pub(crate) struct World {
    pub(crate) entra: Emulator,
    pub(crate) gate: Gate,
    pub(crate) addr: SocketAddr,
    pub(crate) http: reqwest::Client,
    /// When it was started, by the emulator's clock.
    pub(crate) started: u64,
    /// The client app of the relay.
    client: &'static str,
}

/// What stands behind the gate.
pub(crate) type McpServer = BoxCloneSyncService<Request, Response, Infallible>;

pub(crate) struct WorldBuilder {
    tenant: &'static str,
    api: ApiApp,
    client: &'static str,
    mcp: McpServer,
    below: &'static str,
    configure: Box<dyn FnOnce(GateBuilder) -> GateBuilder>,
}

/// A full set of tokens as a client gets them.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) body: Value,
}

impl World {
    /// API v2 with scope `access`, client app `MCP`, no rules.
    pub(crate) async fn start() -> Self {
        Self::builder().start().await
    }

    pub(crate) fn builder() -> WorldBuilder {
        log::install();
        let api = ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap();
        WorldBuilder {
            tenant: fixtures::TENANT,
            api,
            client: fixtures::MCP,
            mcp: McpServer::new(tower::service_fn(mcp_server)),
            below: "",
            configure: Box::new(|builder| builder),
        }
    }

    pub(crate) fn control(&self) -> &Control {
        self.entra.control()
    }

    /// The base URL as published: `http://localhost:PORT`.
    pub(crate) fn base(&self) -> &str {
        self.gate.base_url().as_str()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    /// The authorize request of a well-behaved client, with changes.
    pub(crate) fn authorize_url(&self, changes: &[(&str, Option<&str>)]) -> String {
        authorize_url(self.base(), self.client, changes)
    }

    /// Where the gate sends the browser: a URL of Entra.
    pub(crate) async fn at_entra(&self, authorize_url: &str) -> url::Url {
        let to_entra = self.http.get(authorize_url).send().await.unwrap();
        assert_eq!(to_entra.status(), 302, "{}", to_entra.text().await.unwrap());
        let at_entra = url::Url::parse(to_entra.headers()["location"].to_str().unwrap()).unwrap();
        assert!(at_entra.as_str().starts_with(self.entra.url()), "{at_entra}");
        at_entra
    }

    /// Follows the browser's way from the gate through Entra to the client's callback.
    pub(crate) async fn browse(&self, authorize_url: &str, user: &str) -> url::Url {
        let mut at_entra = self.at_entra(authorize_url).await;
        at_entra.query_pairs_mut().append_pair("login_hint", &format!("{user}@contoso.test"));
        let back = self.http.get(at_entra).send().await.unwrap();
        assert_eq!(back.status(), 302, "{}", back.text().await.unwrap());
        url::Url::parse(back.headers()["location"].to_str().unwrap()).unwrap()
    }

    pub(crate) async fn code(&self, user: &str) -> String {
        let callback = self.browse(&self.authorize_url(&[]), user).await;
        param(&callback, "code").unwrap_or_else(|| panic!("no code in {callback}"))
    }

    /// Posts a form to the token endpoint.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> reqwest::Response {
        self.http.post(self.url("/oauth/token")).form(form).send().await.unwrap()
    }

    /// The form with which a client redeems a code: no `scope`, as every measured client does it.
    pub(crate) fn code_form<'a>(&self, code: &'a str) -> Vec<(&'static str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.client),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]
    }

    pub(crate) async fn sign_in(&self, user: &str) -> Tokens {
        let code = self.code(user).await;
        let response = self.token(&self.code_form(&code)).await;
        let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
        assert_eq!(status, 200, "{body}");
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Tokens { access: text("access_token"), refresh: text("refresh_token"), body }
    }

    /// Posts a JSON-RPC message to the MCP endpoint.
    pub(crate) async fn post(&self, token: Option<&str>, body: &Value) -> reqwest::Response {
        let request =
            self.http.post(self.url("/mcp")).header("accept", "application/json, text/event-stream");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.json(body).send().await.unwrap()
    }

    /// Stops Entra for good; in the fixture, another one that nobody calls takes its place.
    pub(crate) async fn shut_entra_down(&mut self) {
        let unused = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
        std::mem::replace(&mut self.entra, unused).shutdown().await;
    }

    pub(crate) async fn call_tool(&self, token: &str, tool: &str) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {} } });
        let response = self.post(Some(token), &body).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

impl WorldBuilder {
    /// The tenant as configured: its GUID or one of its domains.
    pub(crate) fn tenant(mut self, tenant: &'static str) -> Self {
        self.tenant = tenant;
        self
    }

    /// Another MCP server behind the gate than the fixture's own.
    pub(crate) fn mcp(mut self, mcp: McpServer) -> Self {
        self.mcp = mcp;
        self
    }

    pub(crate) fn api(mut self, api: ApiApp) -> Self {
        self.api = api;
        self
    }

    pub(crate) fn client(mut self, client: &'static str) -> Self {
        self.client = client;
        self
    }

    /// The path of the base URL, for a gate that shares its origin with others.
    pub(crate) fn below(mut self, path: &'static str) -> Self {
        self.below = path;
        self
    }

    pub(crate) fn gate(mut self, configure: impl FnOnce(GateBuilder) -> GateBuilder + 'static) -> Self {
        self.configure = Box::new(configure);
        self
    }

    pub(crate) async fn start(self) -> World {
        let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
        self.in_front_of(entra).await
    }

    pub(crate) async fn in_front_of(self, entra: Emulator) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let registrations = Relay {
            tenant: TenantId::parse(self.tenant).unwrap(),
            api: self.api,
            client: ClientId::parse(self.client).unwrap(),
        };
        let base = BaseUrl::parse(&format!("http://localhost:{}{}", addr.port(), self.below)).unwrap();
        let builder = Gate::relay(base, registrations)
            .authority(AuthorityHost::parse(entra.url()).unwrap())
            .clock(EmulatedTime(entra.control().clone()))
            .listen_addresses([addr]);
        let gate = (self.configure)(builder).build().unwrap();
        let app = gate.protect(self.mcp);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let started = entra.control().now();
        World { entra, gate, addr, http: client(), started, client: self.client }
    }
}

/// A client that shows redirects instead of following them.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "a test client is no product code")]
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// The MCP server behind the gate: lists two tools, and a tool call tells what arrived.
pub(crate) async fn mcp_server(request: Request) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let permit = parts.extensions.get::<Permit>().expect("the layer sets a permit");
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let tools =
        json!([{ "name": "whoami", "inputSchema": {} }, { "name": "admin_reset", "inputSchema": {} }]);
    let answer = |message: &Value| {
        let result = match message["method"].as_str() {
            Some("tools/list") => json!({ "tools": tools }),
            Some("tools/call") => {
                json!({ "content": [{ "type": "text", "text": message["params"]["name"] }], "isError": false })
            }
            _ => json!({}),
        };
        json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })
    };
    let answered = match &message {
        Value::Array(batch) => Value::Array(batch.iter().map(answer).collect()),
        single => answer(single),
    };
    let headers: Vec<String> = parts.headers.keys().map(ToString::to_string).collect();
    let builder = Response::builder()
        .header("content-type", "application/json")
        .header("x-saw-method", parts.method.as_str())
        .header("x-saw-headers", headers.join(","))
        .header("x-saw-object-id", permit.principal().object_id())
        .header("x-saw-body", URL_SAFE_NO_PAD.encode(&body));
    Ok(builder.body(Body::from(answered.to_string())).unwrap())
}

/// An answer, read to the end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        Self::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    /// The header's only value; empty if there is none.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} is repeated");
        value
    }

    /// The body as every OAuth client can read it: `application/json`, no null, no empty string
    /// (docs/clients.md K14).
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        let json: Value = serde_json::from_str(&self.text).unwrap();
        assert_nothing_empty(&json);
        json
    }

    /// Where the browser is sent; 302, never 307 (RFC 9700 §4.12).
    #[track_caller]
    pub(crate) fn location(&self) -> url::Url {
        assert_eq!(self.status, 302, "{self:?}");
        url::Url::parse(self.header("location")).unwrap()
    }
}

#[track_caller]
fn assert_nothing_empty(json: &Value) {
    match json {
        Value::Null => panic!("a null"),
        Value::String(text) => assert_ne!(text, "", "an empty string"),
        Value::Array(items) => {
            assert_ne!(items.len(), 0, "an empty list");
            items.iter().for_each(assert_nothing_empty);
        }
        Value::Object(members) => members.values().for_each(assert_nothing_empty),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The JOSE header of a token, unverified.
pub(crate) fn jose_header(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// The authorize request of a well-behaved client, with changes: `("name", Some(value))` replaces or adds,
/// `("name", None)` removes.
pub(crate) fn authorize_url(base: &str, client_id: &str, changes: &[(&str, Option<&str>)]) -> String {
    let resource = format!("{base}/mcp");
    let scope = format!("api://{}/access", fixtures::API);
    let mut pairs: Vec<(String, String)> = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "xyz"),
        ("scope", scope.as_str()),
        ("resource", resource.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    for (name, value) in changes {
        pairs.retain(|(other, _)| other != name);
        pairs.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    let mut url = url::Url::parse(&format!("{base}/oauth/authorize")).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

/// A query parameter of a URL.
pub(crate) fn param(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Events of our own targets, for asserting what the operator can read.
pub(crate) mod log {
    use std::cell::RefCell;
    use std::fmt::Write as _;
    use std::sync::Once;

    thread_local! {
        /// What happened on this thread, which is all that a `#[tokio::test]` has.
        static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
    }

    /// Captures until dropped.
    pub(crate) struct Captured(());

    /// One subscriber for the whole process, in place before the first event: subscribers of single tests
    /// come too late for events that another test meets first at the same moment.
    pub(crate) fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Capture).unwrap());
    }

    pub(crate) fn capture() -> Captured {
        install();
        LINES.set(Some(Vec::new()));
        Captured(())
    }

    impl Captured {
        /// Everything logged since the last call, a line each: `target field=value …`.
        #[expect(clippy::unused_self, reason = "nothing is captured without one")]
        pub(crate) fn lines(&mut self) -> Vec<String> {
            LINES.replace(Some(Vec::new())).unwrap_or_default()
        }
    }

    impl Drop for Captured {
        fn drop(&mut self) {
            LINES.set(None);
        }
    }

    struct Capture;

    impl tracing::Subscriber for Capture {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target().starts_with("entragate")
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            struct Line(String);
            impl tracing::field::Visit for Line {
                fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    let _ = write!(self.0, " {field}={value:?}");
                }
                fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                    let _ = write!(self.0, " {field}={value}");
                }
            }
            let mut line = Line(event.metadata().target().to_owned());
            event.record(&mut line);
            LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.push(line.0)));
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }
}
