//! What a client sees when the MCP server gives no answer.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

use axum::body::Body;
use entragate::{BaseUrl, Gate};
use entragate_cli::upstream::Upstream;
use http::{Request, StatusCode};
use tower_service::Service as _;
use tracing::subscriber::DefaultGuard;

use crate::upstream_fixture::{Backend, Gateway, Message, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const UNREACHABLE: &str = "the MCP server behind this gateway cannot be reached";

/// What is logged by this thread, on which all tasks of a test run.
pub(crate) struct Log(mpsc::Receiver<Vec<u8>>);

struct LogWriter(mpsc::Sender<Vec<u8>>);

impl Log {
    pub(crate) fn capture() -> (Self, DefaultGuard) {
        let (sender, receiver) = mpsc::channel();
        let writer = move || LogWriter(sender.clone());
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
        (Self(receiver), tracing::subscriber::set_default(subscriber))
    }

    /// What was logged since the last call.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.try_iter().flatten().collect()).expect("text")
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A test that has ended reads no log.
        drop(self.0.send(bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A gateway in front of a port where nobody listens.
async fn orphan() -> Gateway {
    let address = Backend::start().await.address;
    Gateway::with(config(address)).await
}

fn assert_is_ours(response: &Message, status: u16) {
    assert_eq!(response.status(), status);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn tr_10_tr_11_server_that_is_down_is_a_json_rpc_error_for_every_request_id() {
    let gateway = orphan().await;
    let error = format!(r#""error":{{"code":-31502,"message":"{UNREACHABLE}"}}"#);
    for (message, answer) in [
        (PING.to_owned(), format!(r#"{{"jsonrpc":"2.0","id":1,{error}}}"#)),
        (
            r#"{"jsonrpc":"2.0","id":"a\u00e9-1","method":"ping"}"#.to_owned(),
            format!(r#"{{"jsonrpc":"2.0","id":"a\u00e9-1",{error}}}"#),
        ),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":"b","method":"ping"}]"#
                .to_owned(),
            format!(r#"[{{"jsonrpc":"2.0","id":1,{error}}},{{"jsonrpc":"2.0","id":"b",{error}}}]"#),
        ),
    ] {
        let response = gateway.post(&message).await.message().await;
        assert_is_ours(&response, 502);
        assert_eq!(response.text(), answer);
    }
}

#[tokio::test]
async fn failure_that_nobody_waits_for_is_a_small_object_without_addresses() {
    let gateway = orphan().await;
    let notification = gateway.post(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#).await.message().await;
    let stream = gateway.send("GET /mcp", "", b"").await.message().await;
    for response in [notification, stream] {
        assert_is_ours(&response, 502);
        assert_eq!(
            response.text(),
            format!(r#"{{"error":"upstream_unavailable","error_description":"{UNREACHABLE}"}}"#)
        );
    }
}

#[tokio::test]
async fn server_that_does_not_answer_in_time_is_504() {
    let backend = Backend::start().await;
    let mut config = config(backend.address);
    config.response_header_timeout = Some(Duration::from_millis(100));
    let gateway = Gateway::with(config).await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    let response = client.message().await;
    assert_is_ours(&response, 504);
    assert!(response.text().contains(r#""id":1,"error":{"code":-31504,"#), "{}", response.text());
    assert!(server.is_closed_within(Duration::from_secs(1)).await);
}

#[tokio::test]
async fn answer_may_take_longer_than_its_head() {
    let backend = Backend::start().await;
    let mut config = config(backend.address);
    config.response_header_timeout = Some(Duration::from_millis(300));
    let gateway = Gateway::with(config).await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer_events().await;
    client.head().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.send_chunk("data: 1\n\n").await;
    assert_eq!(client.event().await.as_deref(), Some("data: 1\n\n"));
}

#[tokio::test]
async fn server_that_never_completes_the_connection_is_504() {
    let backend = Backend::start().await;
    let mut config = config(backend.address);
    // TLS towards a server that accepts and says nothing: the limit covers the handshake.
    config.url = format!("https://{}/mcp", backend.address).parse().unwrap();
    config.connect_timeout = Duration::from_millis(100);
    let gateway = Gateway::with(config).await;
    let response = gateway.post(PING).await.message().await;
    assert_is_ours(&response, 504);
}

#[tokio::test]
async fn tr_08_request_that_may_have_arrived_is_never_sent_again() {
    let (gateway, backend) = Gateway::start().await;
    // On a fresh connection, and on one that has served before (where clients are tempted to retry).
    let mut client = gateway.post(PING).await;
    let (server, _) = backend.request().await;
    drop(server);
    assert_is_ours(&client.message().await, 502);
    assert!(!backend.is_bothered().await);

    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer("200 OK", "", "1").await;
    client.message().await;
    client.send(gateway.request("POST /mcp", "", PING.as_bytes())).await;
    server.message().await;
    drop(server);
    assert_is_ours(&client.message().await, 502);
    assert!(!backend.is_bothered().await);
}

#[tokio::test]
async fn answer_that_is_not_http_is_502() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.send("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    assert_is_ours(&client.message().await, 502);
}

#[tokio::test]
async fn redirects_are_neither_followed_nor_passed_on() {
    for status in [
        "300 Multiple Choices",
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let (log, _guard) = Log::capture();
        let (gateway, backend) = Gateway::start().await;
        let mut client = gateway.post(PING).await;
        let (mut server, _) = backend.request().await;
        let location = format!("location: http://u:hunter2@{}/mcp/elsewhere?k=hunter2\r\n", backend.address);
        server.answer(status, &location, "moved to 10.0.0.7").await;
        let response = client.message().await;
        assert_is_ours(&response, 502);
        assert_eq!(response.header("location"), None);
        assert_eq!(
            response.text(),
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-31300,"message":"the MCP server behind this gateway answers at another address, which its operator must configure"}}"#
        );
        assert!(!backend.is_bothered().await);
        let log = log.text();
        assert!(log.contains("redirects to /mcp/elsewhere: set upstream.url to it"), "{log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
}

#[tokio::test]
async fn a_401_of_the_server_is_not_taken_for_the_gateways_own() {
    let (log, _guard) = Log::capture();
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer("401 Unauthorized", "www-authenticate: Bearer realm=\"x\"\r\n", "who?").await;
    let response = client.message().await;
    assert_is_ours(&response, 502);
    assert_eq!(response.header("www-authenticate"), None);
    assert_eq!(
        response.text(),
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-31401,"message":"the MCP server behind this gateway asks for a sign-in of its own, which its operator must turn off"}}"#
    );
    assert!(
        log.text().contains("asks for its own authentication (401): turn it off there"),
        "{}",
        log.text()
    );

    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.send("GET /mcp", "", b"").await;
    let (mut server, _) = backend.request().await;
    server.answer("401 Unauthorized", "", "").await;
    let response = client.message().await;
    assert_is_ours(&response, 502);
    assert!(response.text().starts_with(r#"{"error":"upstream_unauthorized","#), "{}", response.text());
}

#[tokio::test]
async fn protocol_upgrades_are_refused() {
    let (gateway, backend) = Gateway::start().await;
    let headers = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let response = gateway.send("GET /mcp", headers, b"").await.message().await;
    assert_is_ours(&response, 501);
    let response = gateway.send("POST /mcp", headers, PING.as_bytes()).await.message().await;
    assert_is_ours(&response, 501);
    assert!(!backend.is_bothered().await);
}

#[tokio::test]
async fn request_without_permit_is_not_forwarded() {
    let backend = Backend::start().await;
    let base_url = BaseUrl::parse("http://localhost:3002").unwrap();
    let gate = Gate::development(base_url).build().unwrap();
    let mut upstream = Upstream::new(&config(backend.address), &gate).unwrap();
    let request = Request::post("/mcp").body(Body::from(PING)).unwrap();
    let response = upstream.call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!backend.is_bothered().await);
}
