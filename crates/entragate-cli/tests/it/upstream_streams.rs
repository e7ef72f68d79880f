//! Event streams and disconnects.

use std::time::Duration;

use entragate::Gate;
use entragate_cli::config::{FurtherPath, UpstreamConfig};

use crate::upstream_fixture::{Backend, Gateway, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const A_SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn tr_05_events_arrive_one_by_one_and_unchanged() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer_events().await;
    let head = client.head().await;
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    for event in [
        ": heartbeat\n\n",
        "id: 7\nretry: 3000\ndata: \n\n",
        "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"id\":1}\r\n\r\n",
        "data: half of an ev",
        "ent \u{1F980}\n\n",
        ":\n",
    ] {
        // The next one is sent only when this one has arrived: a buffer anywhere would stop the test.
        server.send_chunk(event).await;
        assert_eq!(client.event().await.as_deref(), Some(event));
    }
    server.send("0\r\n\r\n").await;
    assert_eq!(client.event().await, None);
}

#[tokio::test]
async fn tr_14_stream_opened_with_get_resumes_where_the_client_says() {
    let (gateway, backend) = Gateway::start().await;
    let headers = "accept: text/event-stream\r\nlast-event-id: 41\r\nmcp-session-id: S1\r\n";
    let mut client = gateway.send("GET /mcp", headers, b"").await;
    let (mut server, request) = backend.request().await;
    assert_eq!(request.line, "GET /mcp HTTP/1.1");
    assert_eq!(request.header("last-event-id"), Some("41"));
    assert_eq!(request.header("mcp-session-id"), Some("S1"));
    assert_eq!((request.header("content-length"), request.header("transfer-encoding")), (None, None));
    server.answer_events().await;
    server.send_chunk("id: 42\ndata: {}\n\n").await;
    client.head().await;
    assert_eq!(client.event().await.as_deref(), Some("id: 42\ndata: {}\n\n"));
}

#[tokio::test]
async fn tr_15_legacy_stream_names_a_path_that_leads_back_to_the_gateway() {
    let backend = Backend::start().await;
    let legacy = UpstreamConfig {
        url: format!("http://{}/sse", backend.address).parse().unwrap(),
        path: "/sse".to_owned(),
        also: vec![FurtherPath::same("/messages")],
        ..config(backend.address)
    };
    let gateway = Gateway::below("/gate", legacy, Gate::development).await;
    let mut client = gateway.send("GET /gate/sse", "accept: text/event-stream\r\n", b"").await;
    let (mut server, _) = backend.request().await;
    server.answer_events().await;
    server.send_chunk("event: endpoint\ndata: /messages/?session_id=7\n\n").await;
    client.head().await;
    let first = client.event().await;
    assert_eq!(first.as_deref(), Some("event: endpoint\ndata: /gate/messages/?session_id=7\n\n"));
    let _post = gateway.send("POST /gate/messages/?session_id=7", "", PING.as_bytes()).await;
    let (_, request) = backend.request().await;
    assert_eq!(request.line, "POST /messages/?session_id=7 HTTP/1.1");
    server.send_chunk("event: message\ndata: {}\n\n").await;
    assert_eq!(client.event().await.as_deref(), Some("event: message\ndata: {}\n\n"));
}

/// Below a base URL with a path, where an endpoint event would be corrected.
async fn below() -> (Gateway, Backend) {
    let backend = Backend::start().await;
    (Gateway::below("/gate", config(backend.address), Gate::development).await, backend)
}

#[tokio::test]
async fn tr_05_stream_that_is_read_is_asked_for_uncompressed() {
    const COMPRESSED: &str = "accept: text/event-stream\r\naccept-encoding: gzip\r\naccept-encoding: br\r\n";
    let (gateway, backend) = below().await;
    let _client = gateway.send("GET /gate/mcp", COMPRESSED, b"").await;
    assert_eq!(backend.request().await.1.all("accept-encoding"), ["identity"]);
    // Nobody reads the rest.
    let _client = gateway.send("POST /gate/mcp", "accept-encoding: gzip\r\n", PING.as_bytes()).await;
    assert_eq!(backend.request().await.1.all("accept-encoding"), ["gzip"]);
    let (gateway, backend) = Gateway::start().await;
    let _client = gateway.send("GET /mcp", COMPRESSED, b"").await;
    assert_eq!(backend.request().await.1.all("accept-encoding"), ["gzip", "br"]);
}

#[tokio::test]
async fn tr_05_stream_that_is_compressed_all_the_same_passes_as_it_comes() {
    let (gateway, backend) = below().await;
    let mut client = gateway.send("GET /gate/mcp", "accept: text/event-stream\r\n", b"").await;
    let (mut server, _) = backend.request().await;
    server
        .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(client.head().await.header("content-encoding"), Some("gzip"));
    for piece in ["bytes without", " an empty line"] {
        server.send_chunk(piece).await;
        assert_eq!(client.event().await.as_deref(), Some(piece));
    }
}

#[tokio::test]
async fn tr_15_stream_with_a_length_is_not_cut_where_its_event_becomes_longer() {
    let (gateway, backend) = below().await;
    let mut client = gateway.send("GET /gate/mcp", "accept: text/event-stream\r\n", b"").await;
    let (mut server, _) = backend.request().await;
    let event = "event: endpoint\ndata: /mcp?session_id=7\n\n";
    server.answer("200 OK", "content-type: text/event-stream\r\n", event).await;
    let answer = client.message().await;
    assert_eq!(answer.text(), "event: endpoint\ndata: /gate/mcp?session_id=7\n\n");
    assert_eq!(answer.header("content-length"), None);
}

#[tokio::test]
async fn tr_07_client_that_leaves_while_waiting_cancels_the_call() {
    let (gateway, backend) = Gateway::start().await;
    let client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    drop(client);
    assert!(server.is_closed_within(A_SECOND).await);
}

#[tokio::test]
async fn tr_07_client_that_leaves_a_stream_closes_it_at_the_server() {
    for line in ["GET /mcp", "POST /mcp"] {
        let (gateway, backend) = Gateway::start().await;
        let body = if line.starts_with("POST") { PING } else { "" };
        let mut client = gateway.send(line, "", body.as_bytes()).await;
        let (mut server, _) = backend.request().await;
        server.answer_events().await;
        server.send_chunk("data: 1\n\n").await;
        client.head().await;
        client.event().await;
        drop(client);
        assert!(server.is_closed_within(A_SECOND).await, "{line}");
    }
}

#[tokio::test]
async fn tr_07_stream_cut_at_the_server_is_an_error_at_the_client() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer_events().await;
    server.send_chunk("data: 1\n\n").await;
    client.head().await;
    client.event().await;
    drop(server);
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "a cut stream must not look complete: {rest:?}");
}

#[tokio::test]
async fn body_cut_at_the_server_is_an_error_at_the_client() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this").await;
    drop(server);
    let head = client.head().await;
    assert_eq!(head.header("content-length"), Some("100"));
    assert!(client.rest().await.len() < 100);
}

#[tokio::test]
async fn trailers_pass() {
    let (gateway, backend) = Gateway::start().await;
    let mut client =
        gateway.send("POST /mcp", "te: trailers\r\nconnection: te, close\r\n", PING.as_bytes()).await;
    let (mut server, _) = backend.request().await;
    server
        .send("HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n")
        .await;
    assert_eq!(client.head().await.header("trailer"), Some("x-sum"));
    let rest = String::from_utf8(client.rest().await).unwrap();
    assert_eq!(rest, "2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n");
}
