//! rmcp's client with a person in front of it: signs in through a browser, lists the tools, calls one, and tells what
//! that person sees.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use rmcp::model::CallToolRequestParams;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{
    AuthClient, AuthorizationManager, AuthorizationRequest, AuthorizationSession, OAuthHttpClient,
    OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRequest,
};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use url::Url;

/// Nothing listens there: the redirect is read, not followed.
const CALLBACK: &str = "http://127.0.0.1:33419/callback";
/// The gateway, its consent page, Entra, the gateway's callback, the client's; and a few more.
const MOST_PAGES: usize = 10;

/// What somebody saw who connected.
#[derive(Default)]
pub(super) struct Seen {
    /// Step by step.
    pub(super) text: String,
    /// The access token that the client got.
    pub(super) token: Option<String>,
}

/// What went wrong, and what is on the screen.
type Stopped = String;

/// Connects as this user of Contoso, from nothing.
pub(super) async fn connect(mcp_url: &str, user: &str) -> Seen {
    let mut seen = Seen::default();
    if let Err(stopped) = attempt(mcp_url, user, &mut seen).await {
        let _ = writeln!(seen.text, "✗ {}", stopped.trim().replace('\n', "\n  "));
    }
    seen
}

async fn attempt(mcp_url: &str, user: &str, seen: &mut Seen) -> Result<(), Stopped> {
    let wire = Wire(http());
    let mut manager = AuthorizationManager::new_with_oauth_http_client(mcp_url, Arc::new(wire.clone()))
        .await
        .map_err(|error| error.to_string())?;
    let challenged = wire.0.post(mcp_url).body("{}").send().await.map_err(|error| error.to_string())?;
    let challenge = challenged.headers().get("www-authenticate").and_then(|value| value.to_str().ok());
    let found = manager
        .resolve_metadata_from_challenge(challenge)
        .await
        .map_err(|error| format!("the client does not find out where to sign in: {error}"))?;
    manager.set_metadata(found.metadata);
    let request =
        AuthorizationRequest::new(CALLBACK).with_initial_scope_selection().with_client_name("Journey");
    let session =
        AuthorizationSession::new(manager, request).await.map_err(|(_, error)| error.to_string())?;
    let callback = browse(&wire.0, session.get_authorization_url(), user).await?;
    let tokens = session
        .handle_callback_url(&callback)
        .await
        .map_err(|error| format!("the browser is back, and the client says: {error}"))?;
    let tokens = serde_json::to_value(&tokens).expect("JSON");
    seen.token = tokens["access_token"].as_str().map(str::to_owned);
    let _ = writeln!(seen.text, "✓ signed in as {user}@contoso.test");

    let config = StreamableHttpClientTransportConfig::with_uri(mcp_url);
    let client = AuthClient::new(wire.0.clone(), session.auth_manager);
    let transport = StreamableHttpClientTransport::with_client(client, config);
    let service =
        ().serve_with_lifecycle(transport, ClientLifecycleMode::Initialize)
            .await
            .map_err(|error| format!("the client cannot connect: {error}"))?;
    let tools = service.list_all_tools().await.map_err(|error| format!("no list of tools: {error}"))?;
    let mut names: Vec<_> = tools.into_iter().map(|tool| tool.name.into_owned()).collect();
    names.sort();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let _ = writeln!(seen.text, "✓ tools: {names}");
    let answer = service.call_tool(CallToolRequestParams::new("whoami")).await;
    let answer = answer.map_err(|error| format!("whoami: {error}"))?;
    let texts: Vec<_> = answer.content.iter().filter_map(|part| Some(part.as_text()?.text.clone())).collect();
    let mark = if answer.is_error == Some(true) { '✗' } else { '✓' };
    let _ = writeln!(seen.text, "{mark} whoami: {}", texts.join("\n").replace('\n', "\n  "));
    // The next one is a new session.
    service.cancel().await.map_err(|error| error.to_string())?;
    Ok(())
}

/// Follows the sign-in as far as the client's callback; where it stops, the page is what the person sees.
async fn browse(http: &reqwest::Client, authorize: &str, user: &str) -> Result<String, Stopped> {
    let mut url = Url::parse(authorize).map_err(|error| error.to_string())?;
    url.query_pairs_mut().append_pair("login_hint", &format!("{user}@contoso.test"));
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let mut request = http.get(url.clone());
    for _ in 0..MOST_PAGES {
        let cookie: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let page =
            request.header(COOKIE, cookie.join("; ")).send().await.map_err(|error| error.to_string())?;
        for line in page.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            cookies.extend(pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let location = page.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        let Some(location) = location else {
            let html = page.text().await.map_err(|error| error.to_string())?;
            let form = html.split("name=\"request\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
            let Some(form) = form else {
                let place = &url[..url::Position::AfterPath];
                return Err(format!("the browser stops at {place}\n{}", text_of(&html)));
            };
            url = url.join("consent").map_err(|error| error.to_string())?;
            request = http.post(url.clone()).form(&[("request", form), ("decision", "approve")]);
            continue;
        };
        url = url.join(&location).map_err(|error| error.to_string())?;
        if url.as_str().starts_with(CALLBACK) {
            return Ok(url.into());
        }
        request = http.get(url.clone());
    }
    Err(format!("still redirected, now to {url}"))
}

/// What is to be read on a page.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let hidden = ["script", "style", "title", "header"].into_iter().find(|name| tag.starts_with(name));
        rest = match hidden {
            Some(name) => tag.split_once(&format!("</{name}>")).map_or("", |(_, after)| after),
            None => tag.split_once('>').map_or("", |(_, after)| after),
        };
        let block = ["/p", "/h", "/li", "br", "/div", "/tr", "/dt", "/dd", "/code", "/button"];
        if block.into_iter().any(|name| tag.starts_with(name)) {
            text.push('\n');
        }
    }
    text.push_str(rest);
    let text = ["&#39;", "&#x27;", "&apos;"].iter().fold(text, |text, entity| text.replace(entity, "'"));
    let text = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&#60;", "<").replace("&#62;", ">").replace("&amp;", "&").replace("&#38;", "&");
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A client that reads redirects instead of following them, and goes through no proxy.
fn http() -> reqwest::Client {
    // Whoever comes second finds it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "a client of the test's own")]
    let builder = reqwest::Client::builder();
    let builder = builder.no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.pool_max_idle_per_host(0).build().expect("a client")
}

/// Carries rmcp's OAuth requests.
#[derive(Clone)]
struct Wire(reqwest::Client);

impl OAuthHttpClient for Wire {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let exchange = async {
                let request = reqwest::Request::try_from(request.request)?;
                let answer = self.0.execute(request).await?;
                let mut response = http::Response::builder().status(answer.status());
                for (name, value) in answer.headers() {
                    response = response.header(name, value);
                }
                Ok::<_, OAuthHttpClientError>(response.body(answer.bytes().await?.to_vec())?)
            };
            exchange.await
        })
    }
}
