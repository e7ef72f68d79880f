//! Number 95 of the checklist: the device authorization grant.

use entragate_emulator::fixtures::{API, CLI, CLI2, GRAPH, GRAPH_CLI, TENANT, WEB};
use serde_json::Value;

use crate::fixture::{Entra, Jwt, Token, encode, members, oid, scope};
use crate::reply::Reply;

async fn device_code(entra: &Entra, client: &str, tenant: &str) -> Reply {
    let scope = encode(&format!("{} offline_access", scope(API, "access")));
    let request = entra
        .request("POST", &format!("/{tenant}/oauth2/v2.0/devicecode"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("client_id={client}&scope={scope}"));
    entra.send(request).await
}

async fn started(entra: &Entra) -> (Value, Token) {
    let device = device_code(entra, CLI, TENANT).await.ok();
    let poll = Token::device(CLI, device["device_code"].as_str().expect("a device_code"));
    (device, poll)
}

#[tokio::test]
async fn e095_device_authorization_has_the_members_of_entra() {
    let entra = Entra::start().await;
    let device = device_code(&entra, CLI, TENANT).await.ok();
    assert_eq!(
        members(&device),
        ["device_code", "expires_in", "interval", "message", "user_code", "verification_uri"]
    );
    assert_eq!(device["expires_in"], 900);
    assert_eq!(device["interval"], 5);
    let text = |name: &str| device[name].as_str().expect("a string").to_owned();
    assert!(text("message").contains(&text("user_code")));
    assert!(text("message").contains(&text("verification_uri")));
    assert!(text("verification_uri").starts_with(entra.b()), "{device}");
}

#[tokio::test]
async fn e095_pending_70016() {
    let entra = Entra::start().await;
    let (_, poll) = started(&entra).await;
    for _ in 0..2 {
        let refusal = entra.token(&poll).await.refusal(400, "authorization_pending", 70016);
        refusal.says("OAuth 2.0 device flow error. Authorization is pending. Continue polling.");
    }
}

/// A person types the code, chooses an account and decides.
async fn decide(entra: &Entra, device: &Value, user: &str, decision: &str) -> Reply {
    let text = |name: &str| device[name].as_str().expect("a string").to_owned();
    let mut browser = entra.browser();
    let uri = text("verification_uri");
    let path = uri.strip_prefix(entra.b()).expect("the page is the emulator's own");
    let page = browser.send(entra.request("GET", path)).await;
    // People type in lower case.
    let typed = text("user_code").to_lowercase();
    let page = browser.fill_and_press(&page, &[("user_code", &typed)], ("__emulator_user", user)).await;
    browser.press(&page, ("__emulator_device", decision)).await
}

#[tokio::test]
async fn e095_approved_on_the_page_gives_tokens_once() {
    let entra = Entra::start().await;
    let (device, poll) = started(&entra).await;
    entra.token(&poll).await.refusal(400, "authorization_pending", 70016);
    let page = decide(&entra, &device, "bob", "approve").await;
    assert_eq!((page.status, page.is_html()), (200, true));
    let tokens = entra.redeem(&poll).await;
    assert_eq!(tokens["scope"], scope(API, "access"));
    let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
    assert_eq!(claims["oid"], oid("bob"));
    assert_eq!(claims["azp"], CLI);
    let refresh = Token::refresh(CLI, &tokens).with("scope", &scope(API, "access"));
    assert_eq!(Jwt::access(&entra.redeem(&refresh).await).claims["oid"], oid("bob"));
    assert_eq!(entra.token(&poll).await.status, 400, "a device code is good for one answer");
}

#[tokio::test]
async fn e095_declined_on_the_page() {
    let entra = Entra::start().await;
    let (device, poll) = started(&entra).await;
    decide(&entra, &device, "bob", "decline").await;
    let reply = entra.token(&poll).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "authorization_declined");
}

#[tokio::test]
async fn e095_expires_after_15_minutes() {
    let entra = Entra::start().await;
    let (_, poll) = started(&entra).await;
    entra.advance(14 * 60);
    entra.token(&poll).await.refusal(400, "authorization_pending", 70016);
    entra.advance(60);
    let reply = entra.token(&poll).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "expired_token");
}

#[tokio::test]
async fn e095_unknown_device_code() {
    let entra = Entra::start().await;
    let reply = entra.token(&Token::device(CLI, "garbage")).await;
    assert_eq!((reply.status, &reply.json()["error"]), (400, &"bad_verification_code".into()));
    let (_, poll) = started(&entra).await;
    let reply = entra.token(&poll.with("client_id", CLI2)).await;
    assert_eq!(reply.status, 400, "the code of another client");
}

#[tokio::test]
async fn e095_app_without_public_client_flows_7000218() {
    let entra = Entra::start().await;
    let device = device_code(&entra, WEB, TENANT).await.ok();
    let poll = Token::device(WEB, device["device_code"].as_str().expect("a device_code"));
    entra.token(&poll).await.refusal(401, "invalid_client", 7_000_218).says(
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
}

#[tokio::test]
async fn e095_an_administrator_gets_to_graph_and_others_end_at_90094() {
    let entra = Entra::start().await;
    let scope = encode(&format!("{GRAPH}/Application.ReadWrite.All {GRAPH}/Directory.Read.All"));
    let request = entra
        .request("POST", &format!("/{TENANT}/oauth2/v2.0/devicecode"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("client_id={GRAPH_CLI}&scope={scope}"));
    let device = entra.send(request).await.ok();
    decide(&entra, &device, "bob", "approve").await.page(90094);
    decide(&entra, &device, "alice", "approve").await;
    let poll = Token::device(GRAPH_CLI, device["device_code"].as_str().expect("a device_code"));
    let tokens = entra.redeem(&poll).await;
    let graph = crate::graph::Caller::with(&entra, tokens["access_token"].as_str().expect("a token"));
    let app = graph.register("from-the-command-line").await;
    assert_eq!(app["displayName"], "from-the-command-line");
}
