//! The whole process: configuration in, two listeners out.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::time::Duration;

use entragate_cli::config::{self, Environment};
use entragate_cli::serve::Server;
use tokio::sync::oneshot;

use crate::upstream_fixture::{Backend, Message, Wire};

const A_SECOND: Duration = Duration::from_secs(1);

async fn bind(upstream: &str) -> Server {
    let environment: Environment = [
        ("ENTRAGATE_UPSTREAM", upstream),
        ("BASE_URL", "http://localhost:3002"),
        ("ENTRAGATE_LISTEN", "127.0.0.1:0"),
        ("ENTRAGATE_ADMIN_LISTEN", "127.0.0.1:0"),
    ]
    .into_iter()
    .collect();
    Server::bind(&config::load(&environment, None).unwrap()).await.unwrap()
}

async fn get(address: std::net::SocketAddr, path: &str) -> Message {
    let mut wire = Wire::connect(address).await;
    wire.send(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n")).await;
    wire.message().await
}

#[tokio::test]
async fn healthy_and_ready_when_the_server_is_there() {
    let backend = Backend::start().await;
    let server = bind(&format!("http://{}/mcp", backend.address)).await;
    let admin = server.admin_address().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async { drop(stopped.await) }));

    let health = get(admin, "/healthz").await;
    assert_eq!((health.status(), health.text()), (200, r#"{"status":"ok"}"#));
    let ready = get(admin, "/readyz").await;
    assert_eq!((ready.status(), ready.text()), (200, r#"{"status":"ready"}"#));
    assert_eq!(ready.header("cache-control"), Some("no-store"));
    assert_eq!(get(admin, "/metrics").await.status(), 404);

    drop(stop);
    tokio::time::timeout(A_SECOND, running).await.expect("it stops").unwrap().unwrap();
}

#[tokio::test]
async fn healthy_but_not_ready_when_the_server_is_gone() {
    let address = Backend::start().await.address;
    let server = bind(&format!("http://{address}/mcp")).await;
    let admin = server.admin_address().unwrap();
    let running = tokio::spawn(server.run(std::future::pending()));

    assert_eq!(get(admin, "/healthz").await.status(), 200);
    let ready = get(admin, "/readyz").await;
    assert_eq!(ready.status(), 503);
    let start = r#"{"status":"not ready","missing":[{"what":"upstream","why":""#;
    assert!(ready.text().starts_with(start), "{}", ready.text());

    running.abort();
}

#[tokio::test]
async fn admin_pages_are_not_on_the_public_listener() {
    let backend = Backend::start().await;
    let server = bind(&format!("http://{}/mcp", backend.address)).await;
    let public = server.address().unwrap();
    let running = tokio::spawn(server.run(std::future::pending()));

    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(public, path).await.status(), 404, "{path}");
    }
    assert!(!backend.is_bothered().await);

    running.abort();
}
