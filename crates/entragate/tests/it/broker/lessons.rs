//! What went wrong in other gateways and is tested nowhere else (docs/security/lessons.md).

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use entragate::RedirectRule;
use entragate::once::{Memory, Once};
use entragate_emulator::{Endpoint, Fault, FaultKind, MintRequest};
use serde_json::json;

use super::wire::{Breakable, Setup, assert_refused, post, refresh_form};
use super::world::{BrokerWorld, Browser};
use crate::world::{McpServer, REDIRECT, Reply};

/// Tables that strangers can fill are a way to take a server down: what strangers make up is not kept.
#[tokio::test]
async fn strangers_leave_nothing_in_the_store() {
    let store = Arc::new(Breakable::default());
    let world = BrokerWorld::builder().once(store.clone()).start().await;
    let (callback, grants) = (world.url("/auth/callback"), world.url("/auth/grants"));
    for _ in 0..10 {
        let client_id = world.client_id().await;
        let mut browser = Browser::default();
        let url = world.authorize_url(&client_id, &[]);
        let page = browser.get(&world.http, &url).await;
        world.answer(&mut browser, &page, &[("decision", "deny")]).await;
        let leaving = world.approve(&mut browser, &url).await;
        world.at_entra(&mut browser, &leaving.location(), "alice").await;
        browser.get(&world.http, &format!("{callback}?code=x&state=made-up")).await;
        browser.get(&world.http, &grants).await;
        post(&world, "/oauth/token", &BrokerWorld::code_form(&client_id, "ego_made-up")).await;
        world.refresh(&client_id, "egr_made-up").await;
        post(&world, "/oauth/revoke", &[("client_id", &client_id), ("token", "egr_made-up")]).await;
        assert_eq!(world.call("ega_made-up", "whoami").await.0, 401);
    }
    assert_eq!(store.swaps(), 0);
    world.sign_in("alice").await;
    assert_ne!(store.swaps(), 0, "this store sees what is kept");
}

/// One gateway registered clients at every path that ended like its endpoint.
#[tokio::test]
async fn paths_that_end_like_an_endpoint_are_none() {
    let world = BrokerWorld::start().await;
    let metadata = json!({ "client_name": "x", "redirect_uris": [REDIRECT] });
    for path in [
        "/mcp/oauth/register",
        "/mcp/register",
        "/x/oauth/register",
        "/oauth/x/register",
        "/oauth/register/",
        "/oauth/Register",
        "/oauth/client-registration",
        "/mcp/client-registration",
        "/mcp/oauth/token",
        "/x/auth/callback",
    ] {
        let reply = Reply::of(world.http.post(world.url(path)).json(&metadata)).await;
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
        assert!(!reply.text.contains("client_id"), "{path}: {reply:?}");
    }
}

/// One gateway left checks out for clients that said that they were old.
#[tokio::test]
async fn no_protocol_version_switches_a_check_off() {
    let world = BrokerWorld::start().await;
    let sibling =
        world.control().mint(&MintRequest { app: Some("SIBLING".into()), ..MintRequest::default() });
    let refresh = world.sign_in("alice").await.refresh;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for version in
        ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "1999-01-01", "x", ""]
    {
        for token in [None, Some("x"), Some(sibling.as_str()), Some(refresh.as_str())] {
            let request = world.http.post(world.url("/mcp")).json(&ping);
            let mut request = request.header("mcp-protocol-version", version).header("mcp-method", "ping");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let reply = Reply::of(request).await;
            assert_eq!(reply.status, 401, "{version} {token:?}: {reply:?}");
        }
    }
}

/// One gateway took the session of another route, behind which other rules held.
#[tokio::test]
async fn a_session_of_another_route_is_404() {
    async fn with_sessions(request: Request) -> Result<Response, Infallible> {
        let response = Response::builder().header("content-type", "application/json");
        let response = if request.headers().contains_key("mcp-session-id") {
            response
        } else {
            response.header("mcp-session-id", "raw-session")
        };
        Ok(response.body(Body::from(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)).unwrap())
    }
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let setup = || Setup { mcp: McpServer::new(tower::service_fn(with_sessions)), ..Setup::sharing(&store) };
    let here = setup().start(&world).await;
    let there = setup().start_with(&world, |gate| gate.resource_path("/other")).await;
    // Entra's own token for the API app, which both routes take.
    let token = world.control().mint(&MintRequest { user: Some("alice".into()), ..MintRequest::default() });
    let send = async |url: String, session: Option<&str>| {
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        let request = world.http.post(url).bearer_auth(&token).json(&ping);
        let request = match session {
            Some(id) => request.header("mcp-session-id", id),
            None => request,
        };
        Reply::of(request).await
    };
    let opened = send(here.at("/mcp"), None).await;
    let session = opened.header("mcp-session-id");
    assert_eq!(send(here.at("/mcp"), Some(session)).await.status, 200);
    assert_eq!(send(there.at("/other"), None).await.status, 200);
    assert_eq!(send(there.at("/other"), Some(session)).await.status, 404);
}

/// Several gateways let dots, encoded once or twice, climb out of the folder that the operator had allowed.
#[tokio::test]
async fn dots_in_any_encoding_do_not_climb_out_of_an_allowed_folder() {
    let rule = || RedirectRule::parse("https://chat.contoso.com/cb/*").unwrap();
    let world = BrokerWorld::builder().gate(move |gate| gate.redirect_rules([rule()])).start().await;
    let register = async |uri: &str| {
        Reply::read(world.register(&json!({ "client_name": "x", "redirect_uris": [uri] })).await).await
    };
    for path in ["x", "x/y", "x.y"] {
        let reply = register(&format!("https://chat.contoso.com/cb/{path}")).await;
        assert_eq!(reply.status, 201, "{path}: {reply:?}");
    }
    for path in [
        "../evil",
        "x/../../evil",
        "..",
        "..\\evil",
        "..%2fevil",
        "..%5cevil",
        "%2e%2e/evil",
        "%2E%2e%2Fevil",
        "%252e%252e/evil",
        "%252e%252e%252fevil",
        ".%00./evil",
        "",
    ] {
        let reply = register(&format!("https://chat.contoso.com/cb/{path}")).await;
        assert_refused(&reply, 400, "invalid_redirect_uri");
    }
    assert_refused(&register("https://chat.contoso.com/cb2/x").await, 400, "invalid_redirect_uri");
    assert_refused(&register("https://chat.contoso.com.evil.test/cb/x").await, 400, "invalid_redirect_uri");
}

/// Nobody has signed in yet at any of these.
#[tokio::test]
async fn every_endpoint_of_the_sign_in_has_a_limit() {
    let world = BrokerWorld::start().await;
    for (path, limit) in [
        ("/oauth/authorize", 65_536),
        ("/oauth/consent", 65_536),
        ("/oauth/token", 65_536),
        ("/oauth/revoke", 65_536),
        ("/token", 65_536),
        ("/auth/grants", 16_384),
    ] {
        let form = format!("x={}", "a".repeat(limit));
        let request = world.http.post(world.url(path)).body(form);
        let reply = Reply::of(request.header("content-type", "application/x-www-form-urlencoded")).await;
        assert_eq!(reply.status, 413, "{path}: {reply:?}");
    }
    let metadata = json!({ "client_name": "a".repeat(65_536), "redirect_uris": [REDIRECT] });
    assert_eq!(world.register(&metadata).await.status(), 413);
    world.sign_in("alice").await;
}

/// One gateway answered 500 with Entra's text to whatever Entra said at a refresh.
#[tokio::test]
async fn each_class_of_entras_errors_has_its_own_answer_at_a_refresh() {
    for (codes, status, error) in [
        (&[70043, 70002, 700_081, 50079, 53000, 530_032][..], 400, "invalid_grant"),
        (&[7_000_222, 7_000_218, 700_024, 700_027, 700_213], 500, "server_error"),
    ] {
        for &code in codes {
            let world = BrokerWorld::start().await;
            let bob = world.sign_in("bob").await;
            let kind = FaultKind::Refuse { code, claims: None };
            world.control().inject(Fault { endpoint: Endpoint::Token, kind, times: Some(1) });
            let form = refresh_form(&bob.client_id, &bob.refresh);
            let text = assert_refused(&post(&world, "/oauth/token", &form).await, status, error);
            assert!(text.starts_with(&format!("AADSTS{code}: ")), "{text}");
            assert!(text.contains(" [Entragate: "), "{text}");
        }
    }
}
