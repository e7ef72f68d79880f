//! The body of a request that was refused before it was read.
//!
//! An HTTP/1.1 server that answers without reading the body must close the connection. Clients that send head
//! and body in two pieces (httpx, and with it the Python MCP SDK) and keep the connection then find it closed
//! under their next request: "Server disconnected without sending a response", now and then, on the first
//! request of a sign-in. So a small body is read and forgotten, and where that is not worth it the answer says
//! that the connection ends (RFC 9112 §9.6).

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http::header::{CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Response, Version};

/// More than any sign-in begins with, and little for a stranger to make us read.
const MOST: usize = 64 * 1024;
/// A stranger who sends slowly does not get a connection for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the connection fit for the next request, or lets `refusal` announce that there will be none.
pub(crate) async fn settle(head: &Parts, body: Body, refusal: &mut Response<Body>) {
    if !forget(head, body).await {
        announce_end(head, refusal);
    }
}

/// Says that the connection ends; HTTP/2 resets the one stream instead.
pub(crate) fn announce_end(head: &Parts, refusal: &mut Response<Body>) {
    if head.version <= Version::HTTP_11 {
        refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Whether nothing of the body is left.
async fn forget(head: &Parts, body: Body) -> bool {
    if body.is_end_stream() {
        return true;
    }
    // Whoever waits for `100 Continue` has not sent the body; reading would ask for it.
    if head.headers.contains_key(EXPECT) || body.size_hint().lower() > MOST as u64 {
        return false;
    }
    matches!(tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, MOST)).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::{ApiApp, BaseUrl, ClientId, Gate, Relay, TenantId};

    async fn gateway() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let id = "a0000000-0000-4000-8000-000000000001";
        let registrations = Relay {
            tenant: TenantId::parse(id).unwrap(),
            api: ApiApp::new(ClientId::parse(id).unwrap()),
            client: ClientId::parse(id).unwrap(),
        };
        let base_url = BaseUrl::parse(&format!("http://{address}")).unwrap();
        let gate = Gate::relay(base_url, registrations).build().unwrap();
        let router = gate.protect(axum::Router::new());
        tokio::spawn(async { axum::serve(listener, router).await });
        TcpStream::connect(address).await.unwrap()
    }

    async fn send(stream: &mut TcpStream, line: &str, headers: &str) {
        let host = stream.peer_addr().unwrap();
        let head = format!("{line} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    }

    /// The head of the next answer; the body is as long as it says.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        head
    }

    #[tokio::test]
    async fn python_clients_keep_their_connection_after_the_challenge() {
        let mut stream = gateway().await;
        send(&mut stream, "POST /mcp", "content-length: 10\r\n").await;
        // The body comes in a packet of its own, after the gateway could have answered.
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(br#"{"id": 12}"#).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 401"));
        send(&mut stream, "GET /.well-known/oauth-authorization-server", "").await;
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn large_body_is_not_read_and_the_answer_says_that_the_connection_ends() {
        for headers in ["content-length: 65537\r\n", "content-length: 10\r\nexpect: 100-continue\r\n"] {
            let mut stream = gateway().await;
            send(&mut stream, "POST /mcp", headers).await;
            let head = answer(&mut stream).await;
            assert!(head.starts_with("HTTP/1.1 401"), "{head}");
            assert!(head.contains("connection: close"), "{head}");
        }
    }

    #[tokio::test]
    async fn refusals_of_the_front_door_keep_the_connection_too() {
        let mut stream = gateway().await;
        send(&mut stream, "POST /mcp", "content-length: 10\r\norigin: https://evil.test\r\n").await;
        stream.write_all(br#"{"id": 12}"#).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 403"));
        send(&mut stream, "GET /mcp", "").await;
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 401"));
    }

    #[tokio::test]
    async fn body_that_does_not_come_is_not_waited_for_long() {
        let mut stream = gateway().await;
        send(&mut stream, "POST /mcp", "content-length: 10\r\n").await;
        let answered = tokio::time::timeout(PATIENCE * 3, answer(&mut stream)).await;
        assert!(answered.unwrap().contains("connection: close"));
    }

    #[tokio::test]
    async fn request_without_a_body_keeps_its_connection() {
        let mut stream = gateway().await;
        for _ in 0..2 {
            send(&mut stream, "GET /mcp", "").await;
            let head = answer(&mut stream).await;
            assert!(!head.contains("connection: close"), "{head}");
        }
    }
}
