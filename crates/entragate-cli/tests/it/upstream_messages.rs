//! Methods, paths, status codes and bodies pass as they are.

use entragate_cli::config::FurtherPath;

use crate::upstream_fixture::{Backend, Gateway, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

/// Text whose every part differs from the others, so that a lost or swapped piece shows.
fn long_text(length: usize) -> String {
    (0..).map(|number: u32| format!("{number:09} ")).take(length / 10).collect()
}

#[tokio::test]
async fn large_bodies_arrive_byte_for_byte_both_ways() {
    let (gateway, backend) = Gateway::start().await;
    let text = long_text(TEN_MEGABYTES);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","arguments":{{"text":"{text}"}}}}}}"#
    );
    let sent = call.clone();
    let mut client = gateway.connect().await;
    let request = gateway.request("POST /mcp", "", call.as_bytes());
    let client = tokio::spawn(async move {
        client.send(&request).await;
        client.message().await
    });
    let (mut server, request) = backend.request().await;
    assert!(request.body == sent.as_bytes(), "the request body changed on the way");
    assert_eq!(request.header("content-length"), Some(sent.len().to_string().as_str()));
    server.answer("200 OK", "content-type: application/json\r\n", &text).await;
    assert!(client.await.unwrap().body == text.as_bytes(), "the response body changed on the way");
}

#[tokio::test]
async fn accepted_without_body_stays_202_without_body() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let (mut server, _) = backend.request().await;
    server.answer("202 Accepted", "", "").await;
    let response = client.message().await;
    assert_eq!((response.status(), response.text()), (202, ""));
    assert_eq!(response.header("content-length"), Some("0"));
}

/// Clients tell the protocol revision from these (docs/requirements.md TR-09).
#[tokio::test]
async fn tr_09_status_codes_of_the_server_are_preserved_with_their_bodies() {
    for (status, body) in [
        ("400 Bad Request", r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"x"}}"#),
        ("400 Bad Request", ""),
        ("403 Forbidden", "not you"),
        ("404 Not Found", r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}"#),
        ("405 Method Not Allowed", "POST only"),
        ("406 Not Acceptable", "x"),
        ("429 Too Many Requests", "slow down"),
        ("500 Internal Server Error", "oops"),
        ("503 Service Unavailable", ""),
    ] {
        let (gateway, backend) = Gateway::start().await;
        let mut client = gateway.post(PING).await;
        let (mut server, _) = backend.request().await;
        server.answer(status, "allow: POST\r\nretry-after: 3\r\n", body).await;
        let response = client.message().await;
        assert_eq!(response.line, format!("HTTP/1.1 {status}"));
        assert_eq!(response.text(), body);
        assert_eq!((response.header("allow"), response.header("retry-after")), (Some("POST"), Some("3")));
    }
}

#[tokio::test]
async fn tr_12_delete_ends_the_session_at_the_server() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.send("DELETE /mcp", "mcp-session-id: S1\r\n", b"").await;
    let (mut server, request) = backend.request().await;
    assert_eq!(request.line, "DELETE /mcp HTTP/1.1");
    assert_eq!(request.header("mcp-session-id"), Some("S1"));
    server.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(client.message().await.status(), 204);
}

#[tokio::test]
async fn query_arrives_verbatim() {
    let (gateway, backend) = Gateway::start().await;
    let target = "/mcp?a=%2e%2E&&b=c+d&b=%zz;e?f/g=..%2f..&=";
    let _client = gateway.send(&format!("POST {target}"), "", PING.as_bytes()).await;
    let (_server, request) = backend.request().await;
    assert_eq!(request.line, format!("POST {target} HTTP/1.1"));
}

#[tokio::test]
async fn trailing_slash_goes_to_the_same_place() {
    let (gateway, backend) = Gateway::start().await;
    let _client = gateway.send("POST /mcp/", "", PING.as_bytes()).await;
    let (_server, request) = backend.request().await;
    assert_eq!(request.line, "POST /mcp HTTP/1.1");
}

#[tokio::test]
async fn extra_paths_of_the_legacy_transport_keep_their_path() {
    let backend = Backend::start().await;
    let mut config = config(backend.address);
    config.also = vec![FurtherPath::same("/messages")];
    let gateway = Gateway::with(config).await;
    let mut client = gateway.send("POST /messages?session_id=7", "", PING.as_bytes()).await;
    let (mut server, request) = backend.request().await;
    assert_eq!(request.line, "POST /messages?session_id=7 HTTP/1.1");
    server.answer("202 Accepted", "", "Accepted").await;
    assert_eq!(client.message().await.status(), 202);
}

#[tokio::test]
async fn no_other_path_reaches_the_server() {
    let (gateway, backend) = Gateway::start().await;
    for path in [
        "/mcp/..%2fadmin",
        "/mcp/../admin",
        "/mcp/%2e%2e/admin",
        "/mcp/admin",
        "/mcp%2f..%2fadmin",
        "//mcp",
        "/mcp//",
        "/MCP",
        "/mcp;a=b",
        "/mcp/.",
        "/..%2fmcp",
        "/mcp%00",
        "http://127.0.0.1/admin",
        "/admin",
        "/mcp\\..\\admin",
    ] {
        let mut client = gateway.send(&format!("POST {path}"), "", PING.as_bytes()).await;
        let status = client.message().await.status();
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    assert!(!backend.is_bothered().await);
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer("200 OK", "", "1").await;
    assert_eq!(client.message().await.text(), "1");
    client.send(gateway.request("POST /mcp", "", PING.as_bytes())).await;
    assert_eq!(server.message().await.text(), PING);
    server.answer("200 OK", "", "2").await;
    assert_eq!(client.message().await.text(), "2");
}

#[tokio::test]
async fn what_a_server_says_unasked_is_nobodys_answer() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    server.answer("200 OK", "", "1").await;
    assert_eq!(client.message().await.text(), "1");
    server.answer("200 OK", "", "for whoever comes next").await;
    client.send(gateway.request("POST /mcp", "", PING.as_bytes())).await;
    let (mut other, _) = backend.request().await;
    other.answer("200 OK", "", "2").await;
    assert_eq!(client.message().await.text(), "2");
}

#[tokio::test]
async fn a_connection_that_the_server_wants_to_end_is_not_used_again() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut first, _) = backend.request().await;
    first.answer("200 OK", "connection: close\r\n", "1").await;
    assert_eq!(client.message().await.text(), "1");
    client.send(gateway.request("POST /mcp", "", PING.as_bytes())).await;
    let (mut second, _) = backend.request().await;
    second.answer("200 OK", "", "2").await;
    assert_eq!(client.message().await.text(), "2");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_arrives() {
    let (gateway, backend) = Gateway::start().await;
    let text = long_text(TEN_MEGABYTES);
    let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"text":"{text}"}}}}"#);
    let mut client = gateway.connect().await;
    let request = gateway.request("POST /mcp", "", call.as_bytes());
    let client = tokio::spawn(async move {
        client.send(&request).await;
        client.message().await
    });
    // It reads no more than the head.
    let mut server = backend.accept().await;
    server.head().await;
    server.answer("413 Content Too Large", "", "too much").await;
    let response = client.await.unwrap();
    assert_eq!((response.status(), response.text()), (413, "too much"));
    assert!(
        server.is_closed_within(std::time::Duration::from_secs(5)).await,
        "what is left of the request has no end"
    );
}
