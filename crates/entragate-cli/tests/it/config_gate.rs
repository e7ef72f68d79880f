//! Settings that only the running gateway shows.

use axum::Router;
use axum::body::Body;
use entragate_cli::upstream::Upstream;
use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
use http::{HeaderValue, Request, StatusCode};
use tower_service::Service as _;

use crate::config_fixture::{RELAY, accepted, with};

fn gateway(changes: &[(&str, &str)]) -> Router {
    let config = accepted(&with(&RELAY, changes));
    let gate = config.gate().expect("a gate");
    let upstream = Upstream::new(config.routes[0].http().expect("a URL"), &gate).expect("an upstream");
    gate.protect(upstream)
}

/// What registration says to a client that would be called back at claude.ai.
async fn register(gateway: &mut Router) -> StatusCode {
    let request = Request::post("/oauth/register")
        .header("host", "mcp.contoso.com")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"redirect_uris":["https://claude.ai/api/mcp/auth_callback"]}"#))
        .expect("a request");
    gateway.call(request).await.expect("an answer").status()
}

#[tokio::test]
async fn callbacks_of_hosted_clients_are_allowed_unless_that_is_turned_off() {
    assert_eq!(register(&mut gateway(&[])).await, StatusCode::CREATED);
    let off = [("ENTRAGATE_HOSTED_CALLBACKS", "false")];
    assert_eq!(register(&mut gateway(&off)).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn sign_in_is_limited_to_the_configured_burst() {
    let mut usual = gateway(&[]);
    let mut narrow =
        gateway(&[("ENTRAGATE_SIGN_IN_RATE_PER_SECOND", "1"), ("ENTRAGATE_SIGN_IN_RATE_BURST", "2")]);
    for _ in 0..2 {
        assert_eq!(register(&mut narrow).await, StatusCode::CREATED);
    }
    assert_eq!(register(&mut narrow).await, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..3 {
        assert_eq!(register(&mut usual).await, StatusCode::CREATED);
    }
}

/// Sends a call to a server that opens session `S1` for everybody; gives the status and the session's id.
async fn call(gateway: &mut Router, token: &str, session: Option<&HeaderValue>) -> (StatusCode, HeaderValue) {
    let mut request = Request::post("/mcp")
        .header("host", "localhost:3002")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#))
        .expect("a request");
    if let Some(session) = session {
        request.headers_mut().insert("mcp-session-id", session.clone());
    }
    let response = gateway.call(request).await.expect("an answer");
    let session = response.headers().get("mcp-session-id").cloned();
    (response.status(), session.unwrap_or_else(|| HeaderValue::from_static("none")))
}

#[tokio::test]
async fn replicas_that_share_the_session_key_accept_each_others_sessions_and_no_others() {
    let entra = Emulator::builder().keys(KeySource::Embedded).start().await.expect("an emulator");
    let environment = [
        ("AZURE_TENANT_ID", fixtures::TENANT),
        ("AZURE_CLIENT_ID", fixtures::API),
        ("AZURE_MCP_CLIENT_ID", fixtures::MCP),
        ("AZURE_AUTHORITY_HOST", entra.url()),
        ("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp"),
    ];
    let replica = |key| {
        let config = accepted(&with(&environment, &[("ENTRAGATE_SESSION_KEY", key)]));
        let server = Router::new().fallback(|| async { [("mcp-session-id", "S1")] });
        config.gate().expect("a gate").protect(server)
    };
    let (shared, other) = ("0123456789abcdef0123456789abcdef", "other-other-other-other-other-oth");
    let token =
        entra.control().mint(&MintRequest { client: Some("MCP".to_owned()), ..MintRequest::default() });
    let (status, session) = call(&mut replica(shared), &token, None).await;
    assert_eq!(status, StatusCode::OK);
    for (key, expected) in
        [(shared, StatusCode::OK), (other, StatusCode::NOT_FOUND), ("", StatusCode::NOT_FOUND)]
    {
        assert_eq!(call(&mut replica(key), &token, Some(&session)).await.0, expected, "key {key:?}");
    }
}
