//! Client ID metadata documents, served by a host on this machine, which a gate on this machine may read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use entragate::ClientDocuments;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::front::{all, assert_consent, assert_page, assert_told};
use super::world::{BrokerWorld, Browser, Shown};
use crate::world::{REDIRECT, Reply};

pub(super) const HOSTED: &str = "https://claude.ai/api/mcp/auth_callback";

/// What the host answers.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// The body never ends.
    pub(super) hangs: bool,
}

/// A host of documents; every path is answered alike.
pub(super) struct Host {
    url: String,
    answer: watch::Sender<Answer>,
    asked: Arc<AtomicUsize>,
}

impl Host {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let nothing = Answer { status: 404, headers: Vec::new(), body: String::new(), hangs: false };
        let (answer, current) = watch::channel(nothing);
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let app = axum::Router::new().fallback(move |_: Request| {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = current.borrow().clone();
            async move {
                let mut response = Response::builder().status(answer.status);
                for (name, value) in answer.headers {
                    response = response.header(name, value);
                }
                let body = if answer.hangs {
                    Body::from_stream(futures_util::stream::pending::<
                        Result<axum::body::Bytes, std::io::Error>,
                    >())
                } else {
                    Body::from(answer.body)
                };
                response.body(body).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, answer, asked }
    }

    /// The id of the client whose document is here.
    pub(super) fn id(&self) -> String {
        format!("{}/oauth/client.json", self.url)
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Answer)) {
        self.answer.send_modify(change);
    }

    /// Serves a document with these members instead of or besides the usual ones; `null` leaves one out.
    pub(super) fn serve(&self, changes: &Value) {
        let mut document = json!({
            "client_id": self.id(),
            "client_name": "Document client",
            "redirect_uris": [REDIRECT, HOSTED],
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
                value => document[name] = value.clone(),
            }
        }
        self.serve_text(document.to_string());
    }

    pub(super) fn serve_text(&self, body: String) {
        let headers = vec![("content-type", "application/json".to_owned())];
        self.set(|answer| *answer = Answer { status: 200, headers, body, hangs: false });
    }
}

pub(super) async fn world() -> (BrokerWorld, Host) {
    (BrokerWorld::start().await, Host::start().await)
}

async fn refused(world: &BrokerWorld, id: &str, text: &str) {
    let page = world.open(&world.authorize_url(id, &[])).await;
    assert_page(&page, 400);
    assert!(page.html.contains(text), "{text} is not in {}", page.html);
}

#[tokio::test]
async fn ci_01_ci_04_ci_07_ci_13_k27_a_client_with_a_document_signs_in_without_registering() {
    let (world, host) = world().await;
    host.serve(&json!({ "logo_uri": "http://169.254.169.254/x.png", "grant_types": ["authorization_code"] }));
    let url = world.authorize_url(&host.id(), &[("redirect_uri", Some("http://localhost:7/callback"))]);
    let mut browser = Browser::default();
    let page = world.typed(&mut browser, &url).await;
    assert_consent(&page);
    for text in [
        "Allow Document client to use",
        "a document at 127.0.0.1",
        "<code>localhost</code>",
        "Only continue if",
    ] {
        assert!(page.html.contains(text), "{text} is not in {}", page.html);
    }
    let leaving = world.allow(&mut browser, &page, false).await;
    let done = world.come_back(&mut browser, &leaving, "bob").await.location();
    assert!(done.as_str().starts_with("http://localhost:7/callback?code="), "{done}");
    let mut form = BrokerWorld::code_form("", "");
    let (id, code) = (host.id(), all(&done, "code").remove(0));
    form.retain(|(name, _)| !["client_id", "code", "redirect_uri"].contains(name));
    form.extend([
        ("client_id", id.as_str()),
        ("code", &code),
        ("redirect_uri", "http://localhost:7/callback"),
    ]);
    let (status, body) = world.token(&form).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(world.call(body["access_token"].as_str().unwrap(), "whoami").await.0, 200);
}

#[tokio::test]
async fn ci_16_s_35_no_logo_is_ever_shown_and_names_are_harmless() {
    let (world, host) = world().await;
    host.serve(&json!({ "client_name": "<img src=x>\u{202e}", "logo_uri": "https://evil.test/logo.png" }));
    let page = world.open(&world.authorize_url(&host.id(), &[])).await;
    assert_consent(&page);
    assert!(page.html.contains("Allow &#60;img src=x&#62; to use"), "{}", page.html);
    assert!(!page.html.contains("logo.png"), "{}", page.html);
    assert_eq!(host.asked(), 1);
}

#[tokio::test]
async fn ci_07_s_05_a_redirect_uri_that_the_document_does_not_list_gets_a_page() {
    let (world, host) = world().await;
    host.serve(&json!({ "redirect_uris": ["http://localhost/callback", "https://evil.test/cb"] }));
    assert_consent(&world.open(&world.authorize_url(&host.id(), &[])).await);
    for redirect_uri in [
        "http://localhost:51789/other",
        "http://127.0.0.1:51789/callback",
        HOSTED,
        // Listed, but nothing that this server sends codes to.
        "https://evil.test/cb",
    ] {
        let url = world.authorize_url(&host.id(), &[("redirect_uri", Some(redirect_uri))]);
        assert_page(&world.open(&url).await, 400);
    }
}

#[tokio::test]
async fn ci_03_ci_04_ci_05_ci_09_a_document_that_describes_no_client_gets_a_page() {
    let (world, host) = world().await;
    let other = format!("{}x", host.id());
    for (changes, text) in [
        (json!({ "client_id": other }), "client_id is not the URL of the document"),
        (json!({ "client_id": null }), "client_id is missing"),
        (json!({ "client_name": null }), "client_name is missing"),
        (json!({ "client_name": "\u{200b}" }), "client_name has nothing to show"),
        (json!({ "redirect_uris": null }), "redirect_uris is missing"),
        (json!({ "redirect_uris": [] }), "redirect_uris must hold"),
        (json!({ "redirect_uris": "x" }), "redirect_uris has the wrong type"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "no redirect URI is usable"),
        (json!({ "client_secret": "x" }), "client_secret is not for a public document"),
        (json!({ "client_secret_expires_at": 0 }), "client_secret_expires_at is not for a public document"),
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "must be none or private_key_jwt"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "needs either jwks or jwks_uri"),
        (json!({ "grant_types": ["client_credentials"] }), "grant_types must contain"),
    ] {
        host.serve(&changes);
        refused(&world, &host.id(), text).await;
    }
    for body in ["", "[]", "null", "<html>", "{\"client_id\":"] {
        host.serve_text(body.to_owned());
        refused(&world, &host.id(), "it is not a JSON object").await;
    }
    host.serve_text(format!("{{\"client_id\":\"{0}\",\"client_id\":\"{0}\"}}", host.id()));
    refused(&world, &host.id(), "a member is there twice").await;
    // None of them was remembered.
    host.serve(&json!({}));
    assert_consent(&world.open(&world.authorize_url(&host.id(), &[])).await);
}

#[tokio::test]
async fn ci_02_ci_03_ci_12_s_17_s_20_only_a_plain_small_answer_is_read() {
    let (world, host) = world().await;
    let target = Host::start().await;
    target.serve(&json!({ "client_id": host.id() }));
    for status in [301, 302, 303, 307, 308] {
        host.serve(&json!({}));
        host.set(|answer| {
            answer.status = status;
            answer.headers.push(("location", target.id()));
        });
        refused(&world, &host.id(), "its URL redirects").await;
    }
    assert_eq!(target.asked(), 0);
    for status in [201, 204, 400, 401, 404, 410, 500, 503] {
        host.serve(&json!({}));
        host.set(|answer| answer.status = status);
        refused(&world, &host.id(), "the status is not 200").await;
    }
    for content_type in ["text/html", "text/plain", "application/octet-stream", "application/jsonx", ""] {
        host.serve(&json!({}));
        host.set(|answer| answer.headers = vec![("content-type", content_type.to_owned())]);
        refused(&world, &host.id(), "the content type is not JSON").await;
    }
    host.serve(&json!({ "software_statement": "x".repeat(70_000) }));
    refused(&world, &host.id(), "it is too large").await;
    host.serve(&json!({}));
    host.set(|answer| answer.headers.push(("content-encoding", "gzip".to_owned())));
    refused(&world, &host.id(), "it is compressed").await;
    // A page for an outage says nothing of what the host said.
    host.set(|answer| {
        *answer = Answer { status: 500, headers: Vec::new(), body: "s3cret".into(), hangs: false }
    });
    let page = world.open(&world.authorize_url(&host.id(), &[])).await;
    assert!(!page.html.contains("s3cret"), "{}", page.html);
    host.serve(&json!({}));
    host.set(|answer| {
        answer.headers = vec![("content-type", "application/oauth-client+json; charset=utf-8".into())];
    });
    assert_consent(&world.open(&world.authorize_url(&host.id(), &[])).await);
}

#[tokio::test]
async fn ci_09_ci_12_a_host_that_does_not_answer_gets_a_page_and_not_the_persons_time() {
    let (world, host) = world().await;
    host.serve(&json!({}));
    host.set(|answer| answer.hangs = true);
    // The clock of time-outs runs ahead while everybody waits.
    tokio::time::pause();
    refused(&world, &host.id(), "its host did not answer").await;
    tokio::time::resume();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    refused(&world, &format!("http://{gone}/client.json"), "its host did not answer").await;
}

#[tokio::test]
async fn ci_08_what_was_good_is_kept_within_bounds_and_what_was_not_never() {
    let (world, host) = world().await;
    let url = world.authorize_url(&host.id(), &[]);
    for _ in 0..3 {
        assert_page(&world.open(&url).await, 400);
    }
    assert_eq!(host.asked(), 3);
    for (header, kept) in
        [("no-store", 300), ("max-age=0", 300), ("max-age=3600", 3_600), ("max-age=9999999", 86_400)]
    {
        host.serve(&json!({}));
        host.set(|answer| answer.headers.push(("cache-control", header.to_owned())));
        let before = host.asked();
        assert_consent(&world.open(&url).await);
        world.advance(Duration::from_secs(kept - 1)).await;
        assert_consent(&world.open(&url).await);
        assert_eq!(host.asked(), before + 1, "{header}");
        world.advance(Duration::from_secs(1)).await;
        // A host that is down then is not waited for with the old document: a sign-in is a matter of now.
        host.set(|answer| answer.status = 404);
        assert_page(&world.open(&url).await, 400);
        assert_eq!(host.asked(), before + 2, "{header}");
    }
}

#[tokio::test]
async fn ci_08_a_refresh_waits_an_outage_out_and_a_withdrawn_document_counts_no_more() {
    let (world, host) = world().await;
    host.serve(&json!({}));
    let code = world.code(&host.id(), "bob").await;
    let (status, body) = world.token(&BrokerWorld::code_form(&host.id(), &code)).await;
    assert_eq!(status, 200, "{body}");
    let mut token = body["refresh_token"].as_str().unwrap().to_owned();
    // Its host is down for a day at most.
    let down = |answer: &mut Answer| answer.status = 503;
    let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
    host.set(down);
    for (later, expected) in [(1, 200), (22, 200), (2, 503)] {
        world.advance(hours(later)).await;
        let (status, body) = world.refresh(&host.id(), &token).await;
        assert_eq!(status, expected, "{later}: {body}");
        match body["refresh_token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => assert_eq!(body["error"], "temporarily_unavailable"),
        }
    }
    // Its owner took it away; that the host is down later does not bring it back.
    host.serve(&json!({}));
    let (_, body) = world.refresh(&host.id(), &token).await;
    let token = body["refresh_token"].as_str().unwrap_or_else(|| panic!("{body}"));
    world.advance(hours(1)).await;
    host.set(|answer| answer.status = 404);
    assert_eq!(world.refresh(&host.id(), token).await.0, 503);
    host.set(down);
    assert_eq!(world.refresh(&host.id(), token).await.0, 503);
    host.serve(&json!({}));
    assert_eq!(world.refresh(&host.id(), token).await.0, 200);
}

#[tokio::test]
async fn ci_15_a_document_that_changed_is_a_client_that_nobody_has_agreed_to() {
    let (world, host) = world().await;
    let url = world.authorize_url(&host.id(), &[("redirect_uri", Some(HOSTED))]);
    let key = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
    for (changes, asked) in [
        (json!({ "logo_uri": "https://evil.test/x.png" }), false),
        (json!({ "redirect_uris": [HOSTED, REDIRECT] }), false),
        (json!({ "client_name": "Claude" }), true),
        (json!({ "redirect_uris": [HOSTED] }), true),
        (json!({ "redirect_uris": [HOSTED, REDIRECT, "https://evil.test/cb"] }), true),
        (json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key }), true),
    ] {
        let mut browser = Browser::default();
        host.serve(&json!({}));
        world.advance(Duration::from_secs(300)).await;
        world.walk(&mut browser, &url, "alice", true).await;
        world.assert_skipped(&world.typed(&mut browser, &url).await);
        host.serve(&changes);
        world.advance(Duration::from_secs(300)).await;
        let shown = world.typed(&mut browser, &url).await;
        if asked { assert_consent(&shown) } else { world.assert_skipped(&shown) }
    }
}

#[tokio::test]
async fn s_11_ci_13_a_document_client_on_this_computer_is_asked_every_time() {
    let (world, host) = world().await;
    host.serve(&json!({}));
    let mut browser = Browser::default();
    let url = world.authorize_url(&host.id(), &[]);
    for _ in 0..2 {
        let page = world.typed(&mut browser, &url).await;
        assert!(!page.html.contains("name=\"remember\""), "{}", page.html);
        world.walk(&mut browser, &url, "alice", true).await;
    }
    let silent = world.authorize_url(&host.id(), &[("prompt", Some("none"))]);
    assert_told(&world, &world.typed(&mut browser, &silent).await, "consent_required");
}

async fn with(documents: ClientDocuments) -> BrokerWorld {
    BrokerWorld::builder().gate(move |gate| gate.client_documents(documents)).start().await
}

async fn shown(world: &BrokerWorld, id: &str) -> Shown {
    world.open(&world.authorize_url(id, &[])).await
}

#[tokio::test]
async fn ci_14_ci_18_the_operator_decides_whose_documents_are_read() {
    let host = Host::start().await;
    host.serve(&json!({}));
    for (documents, text) in [
        (ClientDocuments::off(), "client ID metadata documents are switched off"),
        (
            ClientDocuments::open().allow(["claude.ai"]).unwrap(),
            "its domain is not on the operator&#39;s list",
        ),
    ] {
        let world = with(documents).await;
        let page = shown(&world, &host.id()).await;
        assert_page(&page, 400);
        assert!(page.html.contains(text), "{}", page.html);
        let asked = world.http.get(world.authorize_url(&host.id(), &[])).header("accept", "application/json");
        assert_eq!(Reply::of(asked).await.json()["error"], "invalid_client");
    }
    let named = host.id().replace("127.0.0.1", "localhost");
    let host_name_denied = with(ClientDocuments::open().deny(["localhost"]).unwrap()).await;
    assert_page(&shown(&host_name_denied, &named).await, 400);
    assert_eq!(host.asked(), 0);
    let allowed = with(ClientDocuments::open().allow(["localhost"]).unwrap()).await;
    host.serve(&json!({ "client_id": named }));
    assert_consent(&shown(&allowed, &named).await);
}
