//! Session ids belong to the caller who opened the session (S-22, TR-12 to TR-14).

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use entragate_emulator::MintRequest;
use serde_json::{Value, json};

use crate::world::{McpServer, World};

/// Opens a session on `initialize` and tells which session id reached it.
async fn with_sessions(request: Request) -> Result<Response, Infallible> {
    let saw = request.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
    let builder = Response::builder().header("content-type", "application/json");
    let builder = match saw {
        None => builder.header("mcp-session-id", "raw-session.1"),
        Some(id) => builder.header("x-saw-session", id),
    };
    Ok(builder.body(Body::from(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)).unwrap())
}

async fn world() -> World {
    World::builder().mcp(McpServer::new(tower::service_fn(with_sessions))).start().await
}

fn token_of(world: &World, user: &str) -> String {
    world.control().mint(&MintRequest { user: Some(user.into()), ..MintRequest::default() })
}

async fn send(
    world: &World,
    method: &str,
    token: &str,
    session: Option<&str>,
    headers: &[(&str, &str)],
) -> reqwest::Response {
    let mut request = world.http.request(method.parse().unwrap(), world.url("/mcp")).bearer_auth(token);
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if method == "POST" {
        request = request.json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    }
    request.send().await.unwrap()
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn s_22_tr_12_the_server_sees_its_own_session_id_and_the_client_a_bound_one() {
    let world = world().await;
    let alice = token_of(&world, "alice");
    let opened = send(&world, "POST", &alice, None, &[]).await;
    let bound = header(&opened, "mcp-session-id").unwrap().to_owned();
    assert_ne!(bound, "raw-session.1");
    assert!(bound.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{bound}");
    for method in ["POST", "GET", "DELETE"] {
        let answer = send(&world, method, &alice, Some(&bound), &[]).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "x-saw-session")),
            (200, Some("raw-session.1")),
            "{method}"
        );
    }
    // A new token of the same person continues the session.
    let renewed = send(&world, "POST", &token_of(&world, "alice"), Some(&bound), &[]).await;
    assert_eq!(header(&renewed, "x-saw-session"), Some("raw-session.1"));
}

#[tokio::test]
async fn tr_14_session_of_other_user_404() {
    let world = world().await;
    let opened = send(&world, "POST", &token_of(&world, "alice"), None, &[]).await;
    let bound = header(&opened, "mcp-session-id").unwrap().to_owned();
    let bob = token_of(&world, "bob");
    for method in ["POST", "GET", "DELETE"] {
        for session in [bound.as_str(), "raw-session.1", "made-up"] {
            let answer = send(&world, method, &bob, Some(session), &[("last-event-id", "7")]).await;
            assert_eq!(answer.status(), 404, "{method} {session}");
            assert_eq!(header(&answer, "x-saw-session"), None);
        }
    }
    let body: Value = send(&world, "POST", &bob, Some(&bound), &[]).await.json().await.unwrap();
    assert_eq!((body["id"].clone(), body["error"]["code"].clone()), (json!(1), json!(-31404)));
}

#[tokio::test]
async fn tr_13_session_headers_mean_nothing_in_a_revision_without_sessions() {
    let world = world().await;
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "ping")];
    let answer = send(&world, "POST", &token_of(&world, "bob"), Some("raw-session.1"), &headers).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "x-saw-session")), (200, None));
}

#[tokio::test]
async fn s_22_a_session_id_in_another_spelling_of_the_header_reaches_nobody() {
    let world = world().await;
    let headers = [("mcp_session_id", "raw-session.1"), ("mcp.session.id", "raw-session.1")];
    let answer = send(&world, "POST", &token_of(&world, "bob"), None, &headers).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "x-saw-session")), (200, None));
}

#[tokio::test]
async fn replicas_with_one_key_know_each_others_sessions_and_others_do_not() {
    let start = |key: &'static [u8; 32]| {
        let mcp = McpServer::new(tower::service_fn(with_sessions));
        World::builder().mcp(mcp).gate(move |gate| gate.session_key(key.as_slice())).start()
    };
    let (one, two, other) = (start(&[7; 32]).await, start(&[7; 32]).await, start(&[8; 32]).await);
    let opened = send(&one, "POST", &token_of(&one, "alice"), None, &[]).await;
    let bound = header(&opened, "mcp-session-id").unwrap().to_owned();
    assert_eq!(send(&two, "POST", &token_of(&two, "alice"), Some(&bound), &[]).await.status(), 200);
    assert_eq!(send(&other, "POST", &token_of(&other, "alice"), Some(&bound), &[]).await.status(), 404);
}
