//! What happens to headers on the way to the MCP server and back.

use crate::upstream_fixture::{Backend, Gateway, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn end_to_end_headers_reach_the_server_unchanged() {
    let (gateway, backend) = Gateway::start().await;
    let headers = "mcp-session-id: AbC-1\r\nMCP-Protocol-Version: 2025-11-25\r\nMcp-Param-Region: eu west\r\n\
                   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\naccept-encoding: br, gzip\r\n\
                   x-many: 1\r\nx-many: 2\r\nuser-agent: test/1\r\n";
    let mut client = gateway.send("POST /mcp", headers, PING.as_bytes()).await;
    let (mut server, request) = backend.request().await;
    assert_eq!(request.line, "POST /mcp HTTP/1.1");
    assert_eq!(request.header("mcp-session-id"), Some("AbC-1"));
    assert_eq!(request.header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(request.header("mcp-param-region"), Some("eu west"));
    assert!(request.header("traceparent").unwrap().ends_with("-01"));
    assert_eq!(request.header("accept-encoding"), Some("br, gzip"));
    assert_eq!(request.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("user-agent"), Some("test/1"));
    assert_eq!(request.all("x-many"), ["1", "2"]);
    assert_eq!(request.text(), PING);
    server.answer("200 OK", "", "{}").await;
    assert_eq!(client.message().await.status(), 200);
}

#[tokio::test]
async fn what_has_been_judged_reaches_the_server_although_connection_names_it() {
    let (gateway, backend) = Gateway::start().await;
    let headers = "Connection: Content-Type, accept, Mcp-Method, mcp-session-id, x-own\r\nmcp-method: ping\r\n\
                   mcp-session-id: AbC-1\r\nx-own: 1\r\n";
    let _client = gateway.send("POST /mcp", headers, PING.as_bytes()).await;
    let (_, request) = backend.request().await;
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(
        (request.header("mcp-method"), request.header("mcp-session-id")),
        (Some("ping"), Some("AbC-1"))
    );
    assert_eq!((request.header("x-own"), request.header("connection")), (None, None));
}

#[tokio::test]
async fn length_that_a_server_writes_oddly_is_a_plain_number_to_the_client() {
    for odd in ["2, 2", "2, 02", "002", "2\r\ncontent-length: 2", "2\r\ncontent-length: 02, 2"] {
        let (gateway, backend) = Gateway::start().await;
        let mut client = gateway.post(PING).await;
        let (mut server, _) = backend.request().await;
        server.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {odd}\r\n\r\n{{}}")).await;
        let response = client.message().await;
        assert_eq!((response.all("content-length"), response.text()), (vec!["2"], "{}"), "{odd}");
    }
}

#[tokio::test]
async fn response_headers_reach_the_client_unchanged() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.post(PING).await;
    let (mut server, _) = backend.request().await;
    // Not gzip at all: whoever tried to decode it would fail.
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\nmcp-session-id: S1\r\n\
                   server: uvicorn\r\nx-unknown: kept\r\nconnection: x-private, keep-alive\r\n\
                   x-private: gone\r\nkeep-alive: timeout=5\r\nproxy-authenticate: Basic\r\n";
    server.answer("200 OK", headers, "not gzip").await;
    let response = client.message().await;
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert_eq!(response.header("mcp-session-id"), Some("S1"));
    assert_eq!(response.header("server"), Some("uvicorn"));
    assert_eq!(response.header("x-unknown"), Some("kept"));
    for gone in ["connection", "x-private", "keep-alive", "proxy-authenticate", "x-accel-buffering"] {
        assert_eq!(response.header(gone), None, "{gone}");
    }
    assert_eq!(response.text(), "not gzip");
}

/// docs/decisions/0009-answers-that-are-not-passed-on.md
#[tokio::test]
async fn challenges_and_cookies_of_the_server_do_not_pass_at_any_status() {
    let (gateway, backend) = Gateway::start().await;
    for status in
        ["200 OK", "202 Accepted", "403 Forbidden", "404 Not Found", "407 Proxy Authentication Required"]
    {
        let mut client = gateway.post(PING).await;
        let (mut server, _) = backend.request().await;
        let headers = "connection: close\r\nset-cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nwww-authenticate: Basic\r\n\
                       WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"admin\", \
                       resource_metadata=\"https://elsewhere.test/.well-known/oauth-protected-resource\"\r\nx-kept: 1\r\n";
        server.answer(status, headers, "body").await;
        let response = client.message().await;
        assert_eq!(
            (response.line.as_str(), response.text()),
            (format!("HTTP/1.1 {status}").as_str(), "body")
        );
        assert_eq!(response.all("www-authenticate"), [""; 0], "{status}");
        assert_eq!(response.all("set-cookie"), [""; 0], "{status}");
        assert_eq!(response.header("x-kept"), Some("1"));
    }
}

/// Servers of the Python SDK refuse every origin that they were not told of (403), and so what the gateway allows.
#[tokio::test]
async fn origin_is_judged_here_and_does_not_reach_the_server() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.send("POST /mcp", "Origin: http://localhost:6274\r\n", PING.as_bytes()).await;
    let (mut server, request) = backend.request().await;
    assert_eq!(request.header("origin"), None);
    server.answer("200 OK", "", "{}").await;
    let response = client.message().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.header("access-control-allow-origin"), Some("http://localhost:6274"));
    let mut foreign = gateway.send("POST /mcp", "Origin: https://evil.test\r\n", PING.as_bytes()).await;
    assert_eq!(foreign.message().await.status(), 403);
    assert!(!backend.is_bothered().await);
}

#[tokio::test]
async fn hop_by_hop_headers_stay_on_their_hop() {
    let (gateway, backend) = Gateway::start().await;
    let headers = "connection: keep-alive, X-Private, te, Upgrade, HTTP2-Settings\r\nx-private: 1\r\nkeep-alive: timeout=5\r\n\
                   proxy-authorization: Basic eA==\r\nproxy-connection: keep-alive\r\nte: gzip, trailers\r\n\
                   upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n";
    let mut client = gateway.send("POST /mcp", headers, PING.as_bytes()).await;
    let (mut server, request) = backend.request().await;
    for gone in
        ["x-private", "keep-alive", "proxy-authorization", "proxy-connection", "upgrade", "http2-settings"]
    {
        assert_eq!(request.header(gone), None, "{gone}");
    }
    assert_eq!(request.header("te"), Some("trailers"));
    assert_eq!(request.header("connection"), Some("te"));
    server.answer("200 OK", "", "{}").await;
    // Java's HttpClient offers h2c on every request; it is served all the same.
    assert_eq!(client.message().await.status(), 200);
}

#[tokio::test]
async fn nobody_but_the_gateway_says_who_is_calling() {
    let (gateway, backend) = Gateway::start().await;
    let headers = "authorization: Bearer stolen\r\ncookie: a=1\r\nX-Forwarded-User: root\r\nX_Forwarded_User: root\r\n\
                   x-forwarded_roles: Admin\r\nX-Entra-Object-Id: 1\r\nx_entra_object_id: 1\r\nForwarded: for=1.1.1.1\r\n\
                   X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n\
                   X-MS-CLIENT-PRINCIPAL-ID: 1\r\nconnection: x-forwarded-proto\r\n";
    let _client = gateway.send("POST /mcp", headers, PING.as_bytes()).await;
    let (_server, request) = backend.request().await;
    let claims: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase().replace('_', "-"), value.as_str()))
        .filter(|(name, _)| {
            ["x-forwarded", "x-entra", "forwarded", "x-ms", "authorization", "cookie"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        })
        .collect();
    let host = format!("localhost:{}", gateway.address.port());
    let mut claims: Vec<_> = claims.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    claims.sort_unstable();
    // Development mode knows nobody, so there is no identity either.
    assert_eq!(
        claims,
        [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", host.as_str()),
            ("x-forwarded-proto", "http")
        ]
    );
}

#[tokio::test]
async fn host_is_the_servers_own() {
    let backend = Backend::start().await;
    let mut config = config(backend.address);
    config.url = format!("http://localhost:{}/mcp", backend.address.port()).parse().unwrap();
    let gateway = Gateway::with(config).await;
    let _client = gateway.post(PING).await;
    let (_server, request) = backend.request().await;
    assert_eq!(request.header("host"), Some(format!("localhost:{}", backend.address.port()).as_str()));
}
