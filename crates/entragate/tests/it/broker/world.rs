//! The fixture of broker mode: an emulated Entra whose API app is also its own client, a gate, an MCP server behind it, a
//! client that registers, and a browser that keeps its cookies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use entragate::once::{Memory, Once};
use entragate::{
    ApiApp, AuthorityHost, BaseUrl, Broker, ClientId, Credential, Gate, GateBuilder, SealKeys, Secret,
    TenantId,
};
use entragate_emulator::{App, Control, Directory, Emulator, KeySource, fixtures};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::{EmulatedTime, McpServer, REDIRECT, VERIFIER, authorize_url, client, mcp_server, param};

/// The API app's secret in the fixture.
pub(crate) const SECRET: &str = "api-s3cret";
/// What seals in the fixture, so that two gates can share it.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef-fixture";

pub(crate) struct BrokerWorld {
    pub(crate) entra: Emulator,
    pub(crate) gate: Gate,
    pub(crate) addr: SocketAddr,
    pub(crate) http: reqwest::Client,
}

type MakeCredential = Box<dyn FnOnce(&Emulator) -> Credential>;
type Configure = Box<dyn FnOnce(GateBuilder) -> GateBuilder>;

pub(crate) struct BrokerWorldBuilder {
    api: ApiApp,
    client: Option<&'static str>,
    secret: &'static str,
    credential: Option<MakeCredential>,
    keys: Vec<&'static str>,
    directory: Box<dyn FnOnce(&mut Directory)>,
    once: Option<Arc<dyn Once>>,
    mcp: McpServer,
    configure: Configure,
}

/// What a client holds after it signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) client_id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) body: Value,
}

/// A browser: cookies by host and name, no redirects followed unless told.
#[derive(Debug, Default, Clone)]
pub(crate) struct Browser {
    cookies: BTreeMap<(String, String), String>,
    /// `Sec-Fetch-Site` of the next navigation.
    pub(crate) site: Option<&'static str>,
}

/// A page or a redirect, read to the end.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Shown {
    pub(crate) fn location(&self) -> url::Url {
        let location =
            self.headers.get("location").unwrap_or_else(|| panic!("{} {}", self.status, self.html));
        url::Url::parse(location.to_str().unwrap()).unwrap()
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let at = self.html.find(&start).unwrap_or_else(|| panic!("no field {name} in {}", self.html));
        let rest = &self.html[at + start.len()..];
        rest[..rest.find('"').unwrap()].to_owned()
    }

    /// The names of cookies that are set with a value.
    pub(crate) fn cookies_set(&self) -> Vec<String> {
        let lines = self.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        lines
            .filter(|line| !line.contains("Max-Age=0"))
            .map(|line| line.split('=').next().unwrap().to_owned())
            .collect()
    }
}

impl Browser {
    pub(crate) async fn get(&mut self, http: &reqwest::Client, url: &str) -> Shown {
        self.send(http, http.get(url), url).await
    }

    pub(crate) async fn post(&mut self, http: &reqwest::Client, url: &str, form: &[(&str, &str)]) -> Shown {
        self.send(http, http.post(url).form(form), url).await
    }

    pub(crate) async fn send(
        &mut self,
        _: &reqwest::Client,
        request: reqwest::RequestBuilder,
        url: &str,
    ) -> Shown {
        let host = url::Url::parse(url).unwrap().host_str().unwrap().to_owned();
        let of_host = self.cookies.iter().filter(|((at, _), _)| *at == host);
        let cookies: Vec<String> = of_host.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = request.header("accept", "text/html");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(site) = self.site {
            request = request.header("sec-fetch-site", site);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let key = (host.clone(), name.to_owned());
            if line.contains("Max-Age=0") || value.is_empty() {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        Shown { status, headers, html: response.text().await.unwrap() }
    }

    /// The cookies whose name contains `part`.
    pub(crate) fn cookies(&self, part: &str) -> Vec<(String, String)> {
        let named = self.cookies.iter().filter(|((_, name), _)| name.contains(part));
        named.map(|((_, name), value)| (name.clone(), value.clone())).collect()
    }

    /// Forgets the cookies whose name contains `part`.
    pub(crate) fn forget(&mut self, part: &str) {
        self.cookies.retain(|(_, name), _| !name.contains(part));
    }
}

impl BrokerWorld {
    /// One registration for client and API, scope `access`, no rules.
    pub(crate) async fn start() -> Self {
        Self::builder().start().await
    }

    pub(crate) fn builder() -> BrokerWorldBuilder {
        crate::world::log::install();
        BrokerWorldBuilder {
            api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap(),
            client: None,
            secret: SECRET,
            credential: None,
            keys: vec![KEY],
            directory: Box::new(|_| {}),
            once: None,
            mcp: McpServer::new(tower::service_fn(mcp_server)),
            configure: Box::new(|builder| builder),
        }
    }

    pub(crate) fn control(&self) -> &Control {
        self.entra.control()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gate.base_url())
    }

    #[expect(clippy::unused_async, reason = "read like the other steps of a sign-in")]
    pub(crate) async fn advance(&self, by: Duration) {
        self.control().advance(by);
    }

    /// Registers a client and returns the answer.
    pub(crate) async fn register(&self, metadata: &Value) -> reqwest::Response {
        self.http.post(self.url("/oauth/register")).json(metadata).send().await.unwrap()
    }

    /// A client id of a client with the fixture's redirect URI.
    pub(crate) async fn client_id(&self) -> String {
        let metadata = json!({ "client_name": "Fixture client", "redirect_uris": [REDIRECT] });
        let body: Value = self.register(&metadata).await.json().await.unwrap();
        body["client_id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    /// The authorize request of a well-behaved client, with changes.
    pub(crate) fn authorize_url(&self, client_id: &str, changes: &[(&str, Option<&str>)]) -> String {
        authorize_url(&self.url(""), client_id, changes)
    }

    /// Answers the consent page.
    pub(crate) async fn answer(&self, browser: &mut Browser, page: &Shown, more: &[(&str, &str)]) -> Shown {
        let request = page.field("request");
        let mut form = vec![("request", request.as_str())];
        form.extend_from_slice(more);
        browser.post(&self.http, &self.url("/oauth/consent"), &form).await
    }

    /// Opens the client's request and allows it; the answer sends the browser to Entra.
    pub(crate) async fn approve(&self, browser: &mut Browser, authorize_url: &str) -> Shown {
        let page = browser.get(&self.http, authorize_url).await;
        assert_eq!(page.status, 200, "{}", page.html);
        self.answer(browser, &page, &[("decision", "approve")]).await
    }

    /// Signs in at Entra and returns the URL with which Entra sends the browser back.
    pub(crate) async fn at_entra(&self, browser: &mut Browser, to_entra: &url::Url, user: &str) -> url::Url {
        assert!(to_entra.as_str().starts_with(self.entra.url()), "{to_entra}");
        let mut url = to_entra.clone();
        url.query_pairs_mut().append_pair("login_hint", &format!("{user}@contoso.test"));
        let back = browser.get(&self.http, url.as_str()).await;
        back.location()
    }

    /// The whole way of the browser, up to the answer of our callback.
    pub(crate) async fn browse(&self, browser: &mut Browser, authorize_url: &str, user: &str) -> Shown {
        let to_entra = self.approve(browser, authorize_url).await.location();
        let back = self.at_entra(browser, &to_entra, user).await;
        browser.get(&self.http, back.as_str()).await
    }

    pub(crate) async fn code(&self, client_id: &str, user: &str) -> String {
        let done = self.browse(&mut Browser::default(), &self.authorize_url(client_id, &[]), user).await;
        let callback = done.location();
        param(&callback, "code").unwrap_or_else(|| panic!("no code in {callback}"))
    }

    /// Posts a form to the token endpoint.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let response = self.http.post(self.url("/oauth/token")).form(form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) fn code_form<'a>(client_id: &'a str, code: &'a str) -> Vec<(&'static str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]
    }

    pub(crate) async fn refresh(&self, client_id: &str, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)])
            .await
    }

    /// Registers, signs in and redeems.
    pub(crate) async fn sign_in(&self, user: &str) -> SignedIn {
        let client_id = self.client_id().await;
        let code = self.code(&client_id, user).await;
        let (status, body) = self.token(&Self::code_form(&client_id, &code)).await;
        assert_eq!(status, 200, "{body}");
        signed_in(client_id, body)
    }

    /// Calls a tool and returns status and body.
    pub(crate) async fn call(&self, token: &str, tool: &str) -> (u16, Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {} } });
        let request =
            self.http.post(self.url("/mcp")).header("accept", "application/json, text/event-stream");
        let response = request.bearer_auth(token).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// How often Entra's token endpoint was asked with this grant type.
    pub(crate) fn grants_at_entra(&self, grant_type: &str) -> usize {
        let requests = self.control().requests();
        let tokens = requests.iter().filter(|request| request.path.ends_with("/token"));
        tokens.filter(|request| request.param("grant_type") == Some(grant_type)).count()
    }
}

pub(crate) fn signed_in(client_id: String, body: Value) -> SignedIn {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    SignedIn { client_id, access: text("access_token"), refresh: text("refresh_token"), body }
}

impl BrokerWorldBuilder {
    pub(crate) fn api(mut self, api: ApiApp) -> Self {
        self.api = api;
        self
    }

    /// A client app of its own towards Entra.
    pub(crate) fn client(mut self, client: &'static str, secret: &'static str) -> Self {
        (self.client, self.secret) = (Some(client), secret);
        self
    }

    pub(crate) fn secret(mut self, secret: &'static str) -> Self {
        self.secret = secret;
        self
    }

    /// Another credential than a secret.
    pub(crate) fn credential(mut self, make: impl FnOnce(&Emulator) -> Credential + 'static) -> Self {
        self.credential = Some(Box::new(make));
        self
    }

    pub(crate) fn keys(mut self, keys: Vec<&'static str>) -> Self {
        self.keys = keys;
        self
    }

    pub(crate) fn once(mut self, once: Arc<dyn Once>) -> Self {
        self.once = Some(once);
        self
    }

    /// Changes Entra's directory before it starts.
    pub(crate) fn directory(mut self, change: impl FnOnce(&mut Directory) + 'static) -> Self {
        self.directory = Box::new(change);
        self
    }

    /// Another MCP server behind the gate than the fixture's own.
    pub(crate) fn mcp(mut self, mcp: McpServer) -> Self {
        self.mcp = mcp;
        self
    }

    pub(crate) fn gate(mut self, configure: impl FnOnce(GateBuilder) -> GateBuilder + 'static) -> Self {
        self.configure = Box::new(configure);
        self
    }

    pub(crate) async fn start(self) -> BrokerWorld {
        let mut directory = Directory::fixtures();
        (self.directory)(&mut directory);
        let entra = Emulator::builder().keys(KeySource::Embedded).directory(directory).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let base = BaseUrl::parse(&format!("http://localhost:{}", addr.port())).unwrap();
        let registrations = Broker {
            tenant: TenantId::parse(fixtures::TENANT).unwrap(),
            api: self.api,
            client: self.client.map(|client| ClientId::parse(client).unwrap()),
            credential: match self.credential {
                Some(make) => make(&entra),
                None => Credential::secret(Secret::new(self.secret)).unwrap(),
            },
            keys: SealKeys::new(self.keys.into_iter().map(Secret::new)).unwrap(),
        };
        let time = || EmulatedTime(entra.control().clone());
        let builder = Gate::broker(base, registrations)
            .authority(AuthorityHost::parse(entra.url()).unwrap())
            .clock(time())
            .once(self.once.unwrap_or_else(|| Arc::new(Memory::with_clock(time()))))
            .listen_addresses([addr]);
        let gate = (self.configure)(builder).build().unwrap();
        let app = gate.protect(self.mcp);
        tokio::spawn(async move { axum::serve(listener, app).await });
        BrokerWorld { entra, gate, addr, http: client() }
    }
}

/// Changes one app of the directory.
pub(crate) fn app<'a>(directory: &'a mut Directory, id: &str) -> &'a mut App {
    directory.apps.iter_mut().find(|app| app.id == id).unwrap()
}
