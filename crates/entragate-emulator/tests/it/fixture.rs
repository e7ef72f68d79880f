//! A running emulator, a browser and a client for it, and fluent requests that start from one that succeeds.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate_emulator::{Control, Directory, Emulator, KeySource, fixtures};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::reply::{Location, Reply};

pub(crate) const MCP_URI: &str = "https://mcp.contoso.test/mcp";
pub(crate) const V1_URI: &str = "https://v1.contoso.test";
pub(crate) const GRAPH_URI: &str = "https://graph.microsoft.com";
pub(crate) const REDIRECT: &str = "http://localhost:51789/callback";
pub(crate) const WEB_REDIRECT: &str = "https://gw.contoso.test/auth/callback";
pub(crate) const SPA_REDIRECT: &str = "http://localhost:6274/oauth/callback";
pub(crate) const SPA_ORIGIN: &str = "http://localhost:6274";
pub(crate) const VERIFIER: &str = "M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag";

const V2_ENDPOINTS: &str = "oauth2/v2.0";
const V1_ENDPOINTS: &str = "oauth2";

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The scope `name` of `app`, in the `api://{guid}` form.
pub(crate) fn scope(app: &str, name: &str) -> String {
    format!("api://{app}/{name}")
}

pub(crate) fn upn(user: &str) -> String {
    match user {
        "mallory" => "mallory@fabrikam.onmicrosoft.com".to_owned(),
        name => format!("{name}@contoso.test"),
    }
}

pub(crate) fn oid(user: &str) -> String {
    fixtures::user_oid(user).to_string()
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn sha256(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

fn encode_pairs(pairs: &[(String, String)]) -> String {
    let parts: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    parts.join("&")
}

fn set(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    match pairs.iter_mut().find(|(key, _)| key == name) {
        Some(pair) => value.clone_into(&mut pair.1),
        None => pairs.push((name.to_owned(), value.to_owned())),
    }
}

/// A running emulator and an HTTP client that follows no redirects.
pub(crate) struct Entra {
    pub(crate) emulator: Emulator,
    /// Where requests go: `B`, unless the emulator calls itself by another name.
    base: String,
    http: reqwest::Client,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' client speaks loopback http only; no redirects, no proxy"
)]
fn client(trusted: Option<reqwest::Certificate>) -> reqwest::Client {
    // Another test may have installed it first; either way it is there.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only(trusted)
        .tls_info(true)
        .timeout(Duration::from_secs(30))
        .build()
        .expect("the client builds")
}

pub(crate) fn http_client() -> reqwest::Client {
    client(None)
}

/// A client that trusts one certificate authority and no other.
pub(crate) fn https_client(trusted: reqwest::Certificate) -> reqwest::Client {
    client(Some(trusted))
}

impl Entra {
    pub(crate) async fn start() -> Self {
        Self::with(Directory::fixtures()).await
    }

    pub(crate) async fn with(directory: Directory) -> Self {
        let builder = Emulator::builder().keys(KeySource::Embedded).directory(directory);
        Self::of(builder.start().await.expect("the emulator starts"))
    }

    pub(crate) fn of(emulator: Emulator) -> Self {
        let base = emulator.url().to_owned();
        Self { emulator, base, http: http_client() }
    }

    /// An emulator whose public URL is not where it listens.
    pub(crate) fn at_address(emulator: Emulator) -> Self {
        let base = format!("http://{}", emulator.addr());
        Self { emulator, base, http: http_client() }
    }

    /// The fixtures with textual edits of their TOML form.
    pub(crate) async fn edited(edits: &[(&str, &str)]) -> Self {
        Self::with(edited_fixtures(edits)).await
    }

    /// The base URL.
    pub(crate) fn b(&self) -> &str {
        self.emulator.url()
    }

    pub(crate) fn control(&self) -> &Control {
        self.emulator.control()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.control().advance(Duration::from_secs(seconds));
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::read(self.request("GET", path).send().await.expect("an answer")).await
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        Reply::read(request.send().await.expect("an answer")).await
    }

    /// A call of the control plane.
    pub(crate) async fn operate(&self, method: &str, path: &str, body: &Value) -> Reply {
        let request = self.request(method, &format!("/__emulator{path}"));
        let request = if body.is_null() { request } else { request.json(body) };
        self.send(request).await
    }

    pub(crate) async fn settings(&self, change: Value) {
        let reply = self.operate("PATCH", "/settings", &change).await;
        assert!((200..300).contains(&reply.status), "{change} refused: {}", reply.body);
    }

    pub(crate) async fn mint(&self, request: Value) -> String {
        let reply = self.operate("POST", "/tokens", &request).await;
        reply.ok()["token"].as_str().expect("a token").to_owned()
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { entra: self, cookies: BTreeMap::new() }
    }

    /// One /authorize call without cookies.
    pub(crate) async fn authorize(&self, request: &Authorize) -> Reply {
        self.browser().authorize(request).await
    }

    /// A code for the request, in a fresh browser, accepting consent where asked.
    pub(crate) async fn code(&self, request: &Authorize) -> String {
        self.browser().through(request).await.code()
    }

    /// A sign-in and its redemption by the same client.
    pub(crate) async fn tokens(&self, request: &Authorize) -> Value {
        let code = self.code(request).await;
        self.redeem(&Token::code(request, &code)).await
    }

    /// A successful call of /token.
    pub(crate) async fn redeem(&self, request: &Token) -> Value {
        self.token(request).await.ok()
    }

    pub(crate) async fn token(&self, request: &Token) -> Reply {
        let mut call = self
            .request("POST", &format!("/{}/{}/token", request.tenant, request.endpoints))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode_pairs(&request.pairs));
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        self.send(call).await
    }

    /// The request meets no error before sign-in.
    pub(crate) async fn assert_proceeds(&self, request: &Authorize) {
        let reply = self.authorize(&request.clone().with("prompt", "none")).await;
        reply.location().refusal("login_required", 50058);
    }

    pub(crate) async fn keys(&self, path: &str) -> Vec<Value> {
        self.get(path).await.ok()["keys"].as_array().expect("`keys` is an array").clone()
    }

    /// The claims, after an independent reader verified the RS256 signature with the published keys of T
    /// and the emulated clock lies within the validity.
    pub(crate) async fn verified(&self, token: &str) -> Value {
        let claims = self.verify(token).await.unwrap_or_else(|error| panic!("{error}: {token}"));
        let now = self.control().now();
        let seconds = |name: &str| claims[name].as_u64().unwrap_or_else(|| panic!("{name} in {claims}"));
        assert!(seconds("nbf") <= now && now < seconds("exp"), "not valid at {now}: {claims}");
        assert!(seconds("iat") <= now, "issued in the future: {claims}");
        claims
    }

    /// The claims as the reader takes them, its reason when it refuses. Times and audience are not its business here.
    pub(crate) async fn verify(&self, token: &str) -> Result<Value, String> {
        let key = self.key_of(token).await?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode::<Value>(token, &key, &validation)
            .map(|data| data.claims)
            .map_err(|error| error.to_string())
    }

    /// Whether the RS256 signature is good, whatever it covers.
    pub(crate) async fn is_signed(&self, token: &str) -> bool {
        let key = self.key_of(token).await.expect("a published key");
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::RS256)
            .expect("the key fits the algorithm")
    }

    /// The key that T publishes for the token's `kid`.
    async fn key_of(&self, token: &str) -> Result<DecodingKey, String> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let kid = header.kid.ok_or("no kid")?;
        let keys = self.keys(&format!("/{}/discovery/v2.0/keys", fixtures::TENANT)).await;
        let key = keys.iter().find(|key| key["kid"] == kid).ok_or("the kid is not published")?;
        let part = |name: &str| key[name].as_str().expect("RSA components are strings");
        DecodingKey::from_rsa_components(part("n"), part("e")).map_err(|error| error.to_string())
    }
}

/// The fixtures after textual edits of their TOML form; each edit must apply.
pub(crate) fn edited_fixtures(edits: &[(&str, &str)]) -> Directory {
    let mut text = Directory::fixtures().to_toml();
    for (from, to) in edits {
        assert!(text.contains(from), "`{from}` is not in the fixtures:\n{text}");
        text = text.replace(from, to);
    }
    Directory::from_toml(&text).expect("the edited fixtures parse")
}

/// A browser: cookies, no JavaScript, no automatic redirects.
pub(crate) struct Browser<'a> {
    entra: &'a Entra,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    pub(crate) async fn send(&mut self, mut request: reqwest::RequestBuilder) -> Reply {
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        let reply = self.entra.send(request).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("cookies are ASCII");
            let (name, rest) = cookie.split_once('=').expect("a cookie has a name");
            let value = rest.split(';').next().unwrap_or_default();
            if value.is_empty() || cookie.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub(crate) async fn authorize(&mut self, request: &Authorize) -> Reply {
        let mut call = self.entra.request("GET", &request.path_and_query());
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        self.send(call).await
    }

    /// Presses a button of a page.
    pub(crate) async fn press(&mut self, page: &Reply, button: (&str, &str)) -> Reply {
        self.fill_and_press(page, &[], button).await
    }

    /// Types into fields of the button's form, then presses it.
    pub(crate) async fn fill_and_press(
        &mut self,
        page: &Reply,
        typed: &[(&str, &str)],
        button: (&str, &str),
    ) -> Reply {
        let form = page.form_with(button).unwrap_or_else(|| {
            panic!("no button {button:?}: {} {:?} {}", page.status, page.header("location"), page.body)
        });
        assert_eq!(form.method, "post");
        let target = page.url.join(&form.action).expect("the form's action is a URL");
        let mut fields = form.fields.clone();
        for (name, value) in typed {
            assert!(form.get(name).is_some(), "the form has a field {name}: {form:?}");
            set(&mut fields, name, value);
        }
        set(&mut fields, button.0, button.1);
        let path = match target.query() {
            Some(query) => format!("{}?{query}", target.path()),
            None => target.path().to_owned(),
        };
        let call = self
            .entra
            .request("POST", &path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode_pairs(&fields));
        self.send(call).await
    }

    /// /authorize up to the redirect, accepting consent if asked.
    pub(crate) async fn through(&mut self, request: &Authorize) -> Location {
        let accept = ("__emulator_consent", "accept");
        let reply = self.authorize(request).await;
        if reply.form_with(accept).is_some() {
            return self.press(&reply, accept).await.location();
        }
        reply.location()
    }

    /// Gives the browser a session of the user.
    pub(crate) async fn sign_in(&mut self, user: &str) {
        let location = self.through(&Authorize::base().user(user)).await;
        location.code();
        assert!(self.cookies.contains_key("ESTSAUTH"), "{:?}", self.cookies);
    }
}

/// A request to /authorize, starting from one that succeeds.
#[derive(Clone, Debug)]
pub(crate) struct Authorize {
    tenant: String,
    endpoints: &'static str,
    pairs: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Authorize {
    pub(crate) fn base() -> Self {
        let (tenant, endpoints) = (fixtures::TENANT.to_owned(), V2_ENDPOINTS);
        let request = Self { tenant, endpoints, pairs: Vec::new(), headers: Vec::new() };
        request
            .with("client_id", fixtures::CLI)
            .with("response_type", "code")
            .with("redirect_uri", REDIRECT)
            .with("scope", &format!("{} offline_access", scope(fixtures::API, "access")))
            .with("state", "xyz")
            .with("code_challenge", &base64url(&sha256(VERIFIER)))
            .with("code_challenge_method", "S256")
    }

    /// The base request as the confidential client WEB.
    pub(crate) fn web() -> Self {
        Self::base().with("client_id", fixtures::WEB).with("redirect_uri", WEB_REDIRECT)
    }

    /// The base request as the single-page application.
    pub(crate) fn spa() -> Self {
        Self::base().with("client_id", fixtures::SPA).with("redirect_uri", SPA_REDIRECT)
    }

    /// The app that is client and API at once, asking for itself by its GUID.
    pub(crate) fn itself() -> Self {
        let scope = format!("{}/access offline_access", fixtures::SELF);
        Self::base().with("client_id", fixtures::SELF).scope(&scope)
    }

    /// The v1 endpoints, which know `resource` instead of `scope`.
    pub(crate) fn v1(mut self, resource: &str) -> Self {
        self.endpoints = V1_ENDPOINTS;
        self.without("scope").with("resource", resource)
    }

    pub(crate) fn tenant(mut self, tenant: &str) -> Self {
        tenant.clone_into(&mut self.tenant);
        self
    }

    /// Sets or replaces a parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        set(&mut self.pairs, name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(key, _)| key != name);
        self
    }

    pub(crate) fn without_pkce(self) -> Self {
        self.without("code_challenge").without("code_challenge_method")
    }

    pub(crate) fn scope(self, scope: &str) -> Self {
        self.with("scope", scope)
    }

    /// Signs in headlessly.
    pub(crate) fn user(self, user: &str) -> Self {
        self.with("login_hint", &upn(user))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    pub(crate) fn path(&self) -> String {
        format!("/{}/{}/authorize", self.tenant, self.endpoints)
    }

    pub(crate) fn query(&self) -> String {
        encode_pairs(&self.pairs)
    }

    pub(crate) fn path_and_query(&self) -> String {
        format!("{}?{}", self.path(), self.query())
    }
}

/// A request to /token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    tenant: String,
    endpoints: &'static str,
    pairs: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Token {
    fn new(grant: &str) -> Self {
        let (tenant, endpoints) = (fixtures::TENANT.to_owned(), V2_ENDPOINTS);
        let token = Self { tenant, endpoints, pairs: Vec::new(), headers: Vec::new() };
        token.with("grant_type", grant)
    }

    /// The redemption that fits an authorization request.
    pub(crate) fn code(request: &Authorize, code: &str) -> Self {
        let mut token = Self::new("authorization_code")
            .with("client_id", request.get("client_id"))
            .with("code", code)
            .with("redirect_uri", request.get("redirect_uri"));
        if !request.get("code_challenge").is_empty() {
            token = token.with("code_verifier", VERIFIER);
        }
        token.tenant.clone_from(&request.tenant);
        token.endpoints = request.endpoints;
        token
    }

    /// An API's exchange of the token it was called with.
    pub(crate) fn on_behalf_of(client: &str, secret: &str, assertion: &str, scope: &str) -> Self {
        Self::new("urn:ietf:params:oauth:grant-type:jwt-bearer")
            .with("client_id", client)
            .with("client_secret", secret)
            .with("assertion", assertion)
            .with("requested_token_use", "on_behalf_of")
            .with("scope", scope)
    }

    /// The v1 endpoint; `resource` is for the caller to set.
    pub(crate) fn v1(mut self) -> Self {
        self.endpoints = V1_ENDPOINTS;
        self.without("scope")
    }

    /// A refresh with the refresh token of an earlier answer.
    pub(crate) fn refresh(client: &str, tokens: &Value) -> Self {
        let token = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("no refresh_token: {tokens}"));
        Self::new("refresh_token").with("client_id", client).with("refresh_token", token)
    }

    pub(crate) fn client_credentials(client: &str, secret: &str, scope: &str) -> Self {
        Self::new("client_credentials")
            .with("client_id", client)
            .with("client_secret", secret)
            .with("scope", scope)
    }

    pub(crate) fn device(client: &str, device_code: &str) -> Self {
        Self::new("urn:ietf:params:oauth:grant-type:device_code")
            .with("client_id", client)
            .with("device_code", device_code)
    }

    pub(crate) fn tenant(mut self, tenant: &str) -> Self {
        tenant.clone_into(&mut self.tenant);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        set(&mut self.pairs, name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(key, _)| key != name);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// HTTP Basic with both halves given as they travel, that is already URL-encoded.
    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        self.header("authorization", &format!("Basic {credentials}"))
    }
}

/// A token read without verification.
#[derive(Debug)]
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// The payload as it was signed.
    pub(crate) payload: String,
}

impl Jwt {
    #[track_caller]
    pub(crate) fn parse(token: &str) -> Self {
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3, "a compact JWS has three parts: {token}");
        let decode = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url without padding");
            String::from_utf8(bytes).expect("UTF-8")
        };
        let payload = decode(parts[1]);
        Self {
            header: serde_json::from_str(&decode(parts[0])).expect("the header is JSON"),
            claims: serde_json::from_str(&payload).expect("the payload is JSON"),
            payload,
        }
    }

    /// The access token of a token answer.
    #[track_caller]
    pub(crate) fn access(tokens: &Value) -> Self {
        Self::parse(tokens["access_token"].as_str().unwrap_or_else(|| panic!("no access_token: {tokens}")))
    }
}

/// The names of an object's members, sorted.
pub(crate) fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
