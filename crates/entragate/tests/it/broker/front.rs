//! What the tests of the browser's half share: what a page must be, what a client must be told, a person who behaves as
//! a browser makes them, and gates that nobody listens for.

use axum::body::Body;
use entragate::{
    ApiApp, AuthorityHost, BaseUrl, Broker, ClientId, Credential, Gate, SealKeys, Secret, TenantId,
};
use entragate_emulator::fixtures;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::world::{BrokerWorld, Browser, KEY, SECRET, Shown};
use crate::world::{EmulatedTime, McpServer, mcp_server, param};

/// A page of ours: nobody is sent anywhere, no cookie is set that would lead on, and the page can do nothing.
#[track_caller]
pub(crate) fn assert_page(shown: &Shown, status: u16) {
    assert_eq!(shown.status, status, "{}", shown.html);
    for absent in ["location", "refresh", "access-control-allow-origin"] {
        assert!(!shown.headers.contains_key(absent), "{absent}: {:?}", shown.headers);
    }
    let set = shown.cookies_set();
    assert!(set.iter().all(|name| name.starts_with("entragate-browser-")), "{set:?}");
    let header = |name: &str| {
        let values: Vec<_> =
            shown.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values[0].to_owned()
    };
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(["no-referrer", "same-origin"].contains(&header("referrer-policy").as_str()));
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "] {
        assert!(policy.contains(part), "{policy}");
    }
    for hole in ["unsafe", "script-src", "*", "data:", "http: "] {
        assert!(!policy.contains(hole), "{policy}");
    }
    for active in ["<script", "<img", "<iframe", "<object", "<link", "<meta http-equiv", "<svg"] {
        assert!(!shown.html.contains(active), "{active} in {}", shown.html);
    }
}

/// The consent page.
#[track_caller]
pub(crate) fn assert_consent(shown: &Shown) {
    assert_page(shown, 200);
    assert!(shown.html.contains("name=\"decision\" value=\"approve\""), "{}", shown.html);
    assert_eq!(shown.field("request").get(..4), Some("egf_"));
}

/// The client is told, with its state and our issuer once each, and gets no code.
#[track_caller]
pub(crate) fn assert_told(world: &BrokerWorld, shown: &Shown, error: &str) -> url::Url {
    assert!([302, 303].contains(&shown.status), "{} {}", shown.status, shown.html);
    let told = shown.location();
    assert_eq!(all(&told, "error"), [error], "{told}");
    assert_eq!(all(&told, "state"), ["xyz"], "{told}");
    assert_eq!(all(&told, "iss"), [world.gate.base_url().as_str()], "{told}");
    assert_eq!(all(&told, "code"), [""; 0], "{told}");
    assert_eq!(all(&told, "error_description").len(), 1, "{told}");
    assert_eq!(shown.headers["cache-control"], "no-store");
    told
}

/// All values of a parameter.
pub(crate) fn all(url: &url::Url, name: &str) -> Vec<String> {
    url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
}

impl BrokerWorld {
    /// Opens a URL in a browser that knows nothing.
    pub(crate) async fn open(&self, url: &str) -> Shown {
        Browser::default().get(&self.http, url).await
    }

    /// A client with this name and these redirect URIs.
    pub(crate) async fn register_as(&self, name: &str, redirect_uris: &[&str]) -> String {
        let answer = self.register(&json!({ "client_name": name, "redirect_uris": redirect_uris })).await;
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        assert_eq!(status, 201, "{body}");
        body["client_id"].as_str().unwrap().to_owned()
    }

    /// Opens the client's URL as typed, or as a program opens it.
    pub(crate) async fn typed(&self, browser: &mut Browser, url: &str) -> Shown {
        browser.site = Some("none");
        browser.get(&self.http, url).await
    }

    /// Allows the client on its page, by the page's own form.
    pub(crate) async fn allow(&self, browser: &mut Browser, page: &Shown, remember: bool) -> Shown {
        browser.site = Some("same-origin");
        let form: &[_] = if remember {
            &[("decision", "approve"), ("remember", "yes")]
        } else {
            &[("decision", "approve")]
        };
        self.answer(browser, page, form).await
    }

    /// Signs in at Entra and comes back.
    pub(crate) async fn come_back(&self, browser: &mut Browser, leaving: &Shown, user: &str) -> Shown {
        browser.site = Some("cross-site");
        let back = self.at_entra(browser, &leaving.location(), user).await;
        browser.get(&self.http, back.as_str()).await
    }

    /// The whole way with consent, in a real browser's words.
    pub(crate) async fn walk(
        &self,
        browser: &mut Browser,
        url: &str,
        user: &str,
        remember: bool,
    ) -> url::Url {
        let page = self.typed(browser, url).await;
        assert_consent(&page);
        let leaving = self.allow(browser, &page, remember).await;
        self.come_back(browser, &leaving, user).await.location()
    }

    /// The browser was sent to Entra without a question.
    #[track_caller]
    pub(crate) fn assert_skipped(&self, shown: &Shown) {
        assert_eq!(shown.status, 303, "{}", shown.html);
        assert!(shown.location().as_str().starts_with(self.entra.url()), "{}", shown.location());
    }

    /// The tokens for a code that arrived.
    pub(crate) async fn redeem(&self, client_id: &str, callback: &url::Url) -> (u16, Value) {
        let code = param(callback, "code").unwrap_or_else(|| panic!("no code in {callback}"));
        self.token(&Self::code_form(client_id, &code)).await
    }
}

/// A gate for this URL that nobody listens for; with an emulated Entra only on loopback names.
pub(crate) fn gate(base: &str, key: &'static str, world: Option<&BrokerWorld>) -> Gate {
    let broker = Broker {
        tenant: TenantId::parse(fixtures::TENANT).unwrap(),
        api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap(),
        client: None,
        credential: Credential::secret(Secret::new(SECRET)).unwrap(),
        keys: SealKeys::new([Secret::new(key)]).unwrap(),
    };
    let builder = Gate::broker(BaseUrl::parse(base).unwrap(), broker);
    let builder = match world {
        Some(world) => builder
            .authority(AuthorityHost::parse(world.entra.url()).unwrap())
            .clock(EmulatedTime(world.control().clone())),
        None => builder,
    };
    builder.build().unwrap()
}

/// The same key as the fixture's, under the fixture's own name.
pub(crate) fn twin(world: &BrokerWorld, key: &'static str) -> Gate {
    gate(world.gate.base_url().as_str(), key, Some(world))
}

/// Asks a gate without a socket.
pub(crate) async fn ask(
    gate: &Gate,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Shown {
    let parsed = url::Url::parse(url).unwrap();
    let host = parsed[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let mut request = http::Request::builder()
        .method(method)
        .uri(&parsed[url::Position::BeforePath..])
        .header("host", host)
        .header("accept", "text/html");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let app = gate.protect(McpServer::new(tower::service_fn(mcp_server)));
    let response = app.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Shown {
        status: parts.status.as_u16(),
        headers: parts.headers,
        html: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// A client at a gate without a socket.
pub(crate) async fn registered(gate: &Gate, redirect_uri: &str) -> String {
    let body = json!({ "client_name": "Fixture client", "redirect_uris": [redirect_uri] }).to_string();
    let url = format!("{}/oauth/register", gate.base_url());
    let answer = ask(gate, "POST", &url, &[("content-type", "application/json")], body).await;
    let body: Value = serde_json::from_str(&answer.html).unwrap();
    body["client_id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// The key of the fixture.
pub(crate) const SAME: &str = KEY;
/// Another one.
pub(crate) const OTHER: &str = "another-0123456789abcdef0123456789abcdef";
