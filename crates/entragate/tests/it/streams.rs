//! Streams that outlive a request, and the old HTTP+SSE transport, whose answers come in one (TR-12, TR-15, TR-24).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use entragate::Rule;
use entragate_emulator::MintRequest;
use futures_util::{StreamExt as _, stream};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::layer_server::{answering, recording, typed};
use crate::layer_wire::Wire;
use crate::world::{McpServer, Reply, World};

const PATIENCE: Duration = Duration::from_secs(20);
/// What a token is good for after its expiry, because clocks differ.
const SKEW: u64 = 60;
const FIRST: &[u8] = b": open\n\n";
const LAST: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";

/// Tells when the body that holds it is gone.
struct Held(mpsc::UnboundedSender<()>);

impl Drop for Held {
    fn drop(&mut self) {
        // The test may have ended.
        self.0.send(()).ok();
    }
}

/// A server whose answers begin with an event and go on when `go` says so; each body that is closed is told to `closed`.
fn streaming(closed: mpsc::UnboundedSender<()>, go: watch::Receiver<()>) -> McpServer {
    McpServer::new(tower::service_fn(move |_: Request| {
        let (held, mut go) = (Held(closed.clone()), go.clone());
        async move {
            let rest = stream::once(async move {
                go.changed().await.ok();
                drop(held);
                Bytes::from_static(LAST)
            });
            let events = stream::iter([Bytes::from_static(FIRST)]).chain(rest).map(Ok::<_, Infallible>);
            let answer = Response::builder().header("content-type", "text/event-stream");
            Ok::<_, Infallible>(answer.body(Body::from_stream(events)).unwrap())
        }
    }))
}

async fn next(response: &mut reqwest::Response) -> Option<Bytes> {
    timeout(PATIENCE, response.chunk()).await.expect("the stream goes on or ends").unwrap()
}

/// The method, and the message of a POST.
async fn opened(world: &World, token: &str, method: Option<&str>) -> reqwest::Response {
    match method {
        Some(method) => {
            let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "name": "x" } });
            world.post(Some(token), &message).await
        }
        None => world.http.get(world.url("/mcp")).bearer_auth(token).send().await.unwrap(),
    }
}

#[tokio::test]
async fn tr_24_streams_without_an_end_end_with_the_token_and_calls_do_not() {
    let (closed, mut closings) = mpsc::unbounded_channel();
    let (go, going) = watch::channel(());
    let world = World::builder().mcp(streaming(closed, going)).start().await;
    let token = world.control().mint(&MintRequest::default());
    // The call begins long before the others, and before the keys are known.
    let mut call = opened(&world, &token, Some("tools/call")).await;
    assert_eq!(next(&mut call).await.as_deref(), Some(FIRST));
    // A few seconds before the token is refused.
    world.control().advance(Duration::from_secs(3600 + SKEW - 4));
    let mut streams = Vec::new();
    for method in [None, Some("subscriptions/listen")] {
        let mut stream = opened(&world, &token, method).await;
        assert_eq!(next(&mut stream).await.as_deref(), Some(FIRST), "{method:?}");
        streams.push((method, stream));
    }
    for (method, mut stream) in streams {
        assert_eq!(next(&mut stream).await, None, "{method:?} went on without a token");
        timeout(PATIENCE, closings.recv()).await.expect("it is closed at the server, too");
    }
    assert_eq!(opened(&world, &token, Some("tools/call")).await.status(), 401, "the token has expired");
    go.send(()).unwrap();
    assert_eq!(next(&mut call).await.as_deref(), Some(LAST), "an answer was cut");
}

#[tokio::test]
async fn tr_12_the_servers_word_that_a_session_has_ended_reaches_the_client() {
    const ENDED: &str =
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#;
    let (mcp, mut requests) = answering(|seen| match seen.headers.get("mcp-session-id") {
        None => {
            let mut hello = typed("application/json", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
            hello.headers_mut().insert("mcp-session-id", "S.1".parse().unwrap());
            hello
        }
        Some(_) if seen.method == Method::DELETE => {
            let mut gone = Response::new(Body::empty());
            *gone.status_mut() = http::StatusCode::NO_CONTENT;
            gone
        }
        Some(_) => {
            let mut ended = typed("application/json", ENDED);
            *ended.status_mut() = http::StatusCode::NOT_FOUND;
            ended
        }
    });
    let world = World::builder().mcp(mcp).start().await;
    let token = world.control().mint(&MintRequest::default());
    let hello = world.post(Some(&token), &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize" })).await;
    let session = hello.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let send = |method: Method| {
        let request = world.http.request(method.clone(), world.url("/mcp")).bearer_auth(&token);
        let request = request.header("mcp-session-id", &session);
        if method == Method::POST {
            request.json(&json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" }))
        } else {
            request
        }
    };
    assert_eq!(Reply::of(send(Method::DELETE)).await.status, 204);
    let after = Reply::of(send(Method::POST)).await;
    assert_eq!((after.status, after.text.as_str()), (404, ENDED));
    assert!(requests.seen().iter().skip(1).all(|seen| seen.headers["mcp-session-id"] == "S.1"));
}

#[tokio::test]
async fn tr_04_header_names_in_any_case_and_values_as_they_are() {
    let (mcp, mut requests) = recording();
    let world = World::builder().mcp(mcp).start().await;
    let token = world.control().mint(&MintRequest::default());
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let mut wire = Wire::to(&world).await;
    for (name, method, status) in [
        ("mcp-method", "tools/list", 200),
        ("MCP-METHOD", "  tools/list\t ", 200),
        ("McP-mEtHoD", "Tools/list", 400),
        ("Mcp-Method", "TOOLS/LIST", 400),
    ] {
        let headers = format!(
            "AUTHORIZATION: bearer {token}\r\nMCP-PROTOCOL-VERSION: 2026-07-28\r\n{name}: {method}\r\nX-cAsE: KePt\r\n"
        );
        assert_eq!(wire.post("/mcp", &headers, body).await.status, status, "{name}: {method}");
        if status == 200 {
            let seen = requests.only();
            assert_eq!(seen.headers["mcp-method"], "tools/list");
            assert_eq!(seen.headers["x-case"], "KePt");
        }
    }
}

/// A server of the old transport: what it says to a message it says in the stream.
async fn legacy(acknowledgement: &'static str, content_type: &'static str) -> World {
    let (mcp, _requests) = answering(move |seen| {
        if seen.method == Method::GET {
            let list =
                r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"admin_reset"},{"name":"whoami"}]}}"#;
            return typed(
                "text/event-stream",
                &format!("event: endpoint\ndata: /messages?sessionId=7\n\nevent: message\ndata: {list}\n\n"),
            );
        }
        let mut accepted = typed(content_type, acknowledgement);
        *accepted.status_mut() = http::StatusCode::ACCEPTED;
        accepted
    });
    let rules = [Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])];
    let gate = |builder: entragate::GateBuilder| builder.also_protect("/messages").rules(rules);
    World::builder().mcp(mcp).gate(gate).start().await
}

#[tokio::test]
async fn tr_15_both_endpoints_of_the_old_transport_need_a_token_and_rules_hold_there() {
    const LIST: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    const RESET: &[u8] = br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"admin_reset"}}"#;
    let world = legacy("Accepted", "text/plain; charset=utf-8").await;
    let token = world.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() });
    let authorization = format!("Authorization: Bearer {token}\r\n");
    let mut wire = Wire::to(&world).await;
    assert_eq!(wire.get("/mcp", "").await.status, 401);
    assert_eq!(wire.post("/messages?sessionId=7", "", LIST).await.status, 401);

    // The list comes in the stream, and is filtered there; what acknowledges the message is no list.
    let accepted = wire.post("/messages?sessionId=7", &authorization, LIST).await;
    assert_eq!((accepted.status, accepted.body.as_str()), (202, "Accepted"));
    let stream = wire.get("/mcp", &authorization).await;
    assert!(stream.body.starts_with("event: endpoint\ndata: /messages?sessionId=7\n\n"), "{}", stream.body);
    assert!(stream.body.contains("whoami") && !stream.body.contains("admin_reset"), "{}", stream.body);
    let refused: Value =
        serde_json::from_str(&wire.post("/messages?sessionId=7", &authorization, RESET).await.body).unwrap();
    assert_eq!(refused["result"]["isError"], true, "{refused}");
}

#[tokio::test]
async fn tr_15_an_acknowledgement_carries_no_list_past_the_rules() {
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"admin_reset"}]}}"#;
    for content_type in ["application/json", "text/plain", "application/octet-stream"] {
        let world = legacy(list, content_type).await;
        let token = world.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let reply = Reply::read(world.post(Some(&token), &message).await).await;
        assert_eq!(reply.status, 202, "{content_type}");
        assert!(!reply.text.contains("admin_reset"), "{content_type}: {}", reply.text);
    }
}

/// The Python SDK asks each server first whether it speaks 2026-07-28, over the old transport without its headers.
#[tokio::test]
async fn tr_15_clients_of_today_may_ask_an_old_server_for_its_revision() {
    const DISCOVER: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let world = legacy("Accepted", "text/plain").await;
    let token = world.control().mint(&MintRequest::default());
    let authorization = format!("Authorization: Bearer {token}\r\n");
    let mut wire = Wire::to(&world).await;
    for (path, more, status) in [
        ("/messages?sessionId=7", "", 202),
        ("/messages/?sessionId=7", "", 202),
        ("/messages?sessionId=7", "Mcp-Method: tools/list\r\n", 400),
        ("/mcp", "", 400),
        ("/mcp?sessionId=7", "", 400),
    ] {
        let headers = format!("{authorization}{more}");
        assert_eq!(wire.post(path, &headers, DISCOVER).await.status, status, "{path} {more}");
    }
}
