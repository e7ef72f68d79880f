//! The accept loop: shutdown, defects, client addresses.

use std::time::Duration;

use bytes::Bytes;
use entragate::Gate;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::upstream_fixture::{Backend, Gateway, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const A_SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn shutdown_lets_a_call_in_flight_finish() {
    let (mut gateway, backend) = Gateway::start().await;
    let mut idle = gateway.connect().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    gateway.stop();
    assert!(idle.is_closed_within(A_SECOND).await);
    server.answer("200 OK", "", "done").await;
    let response = client.message().await;
    assert_eq!((response.status(), response.text()), (200, "done"));
    gateway.stopped().await;
}

#[tokio::test]
async fn shutdown_lets_an_answer_that_is_a_stream_finish() {
    let (mut gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer_events().await;
    client.head().await;
    gateway.stop();
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.send_chunk("data: {}\n\n").await;
    server.send("0\r\n\r\n").await;
    assert_eq!(client.event().await.as_deref(), Some("data: {}\n\n"));
    assert_eq!(client.event().await, None);
    gateway.stopped().await;
}

#[tokio::test]
async fn shutdown_ends_streams_that_would_never_end() {
    let (mut gateway, backend) = Gateway::start().await;
    let mut client = gateway.send("GET /mcp", "", b"").await;
    let (mut server, _) = backend.request().await;
    server.answer_events().await;
    server.send_chunk("data: 1\n\n").await;
    client.head().await;
    client.event().await;
    gateway.stop();
    assert_eq!(client.event().await, None);
    assert!(server.is_closed_within(A_SECOND).await);
    tokio::time::timeout(A_SECOND, gateway.stopped()).await.expect("nothing is left to wait for");
}

#[tokio::test]
async fn http2_without_tls_is_served_on_the_same_port() {
    let (gateway, backend) = Gateway::start().await;
    let stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("http://localhost:{}/mcp", gateway.address.port()))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(Full::new(Bytes::from_static(PING.as_bytes())))
        .unwrap();
    let response = tokio::spawn(client.send_request(request));
    let (mut server, request) = backend.request().await;
    assert_eq!((request.line.as_str(), request.text()), ("POST /mcp HTTP/1.1", PING));
    assert_eq!(request.header("host"), Some(backend.address.to_string().as_str()));
    server.answer("200 OK", "connection: close\r\n", "done").await;
    let response = response.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "done");
    connection.abort();
}

#[tokio::test]
async fn a_connection_that_begins_in_pieces_speaks_the_version_it_goes_on_with() {
    let (gateway, backend) = Gateway::start().await;
    let mut http2 = gateway.connect().await;
    let mut http1 = gateway.connect().await;
    http2.send(b"P").await;
    http1.send(b"P").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // The preface of RFC 9113 §3.4 and empty SETTINGS: the server's own SETTINGS come back, not an HTTP/1.1 answer.
    http2.send(b"RI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert_eq!(http2.take(4).await[3], 4, "a SETTINGS frame");
    http1.send(&gateway.request("POST /mcp", "", PING.as_bytes())[1..]).await;
    let (mut server, _) = backend.request().await;
    server.answer("200 OK", "", "done").await;
    assert_eq!(http1.message().await.text(), "done");
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let backend = Backend::start().await;
    let limited = |base| Gate::development(base).max_body_bytes(1_000);
    let gateway = Gateway::guarded(config(backend.address), limited).await;
    let body = vec![b' '; 12_000_000];
    for (line, headers, status) in [
        ("POST /mcp", "", 413),
        ("POST /nowhere", "", 404),
        ("POST /mcp", "mcp-protocol-version: 1\r\norigin: https://elsewhere.test\r\n", 403),
    ] {
        for _ in 0..5 {
            // All of it before anything is read, as many clients do: a reset would lose the answer.
            let mut client = gateway.send(line, headers, &body).await;
            assert_eq!(client.message().await.status(), status, "{line}");
            assert!(client.is_closed_within(A_SECOND).await, "{line}");
        }
    }
}
