//! What a call takes while it waits: every connection in use holds as much.

use std::mem::size_of_val;
use std::time::Duration;

use axum::body::Body;
use entragate::{BaseUrl, Gate};
use entragate_cli::config::{UpstreamConfig, UpstreamIdentity};
use entragate_cli::upstream::Upstream;
use http::Request;
use tower_service::Service as _;

#[tokio::test]
async fn a_waiting_call_takes_few_kilobytes() {
    let config = UpstreamConfig {
        url: "http://127.0.0.1:1/mcp".parse().unwrap(),
        replicas: Vec::new(),
        path: "/mcp".to_owned(),
        also: Vec::new(),
        connect_timeout: Duration::from_secs(1),
        response_header_timeout: None,
        identity: UpstreamIdentity::Headers,
    };
    let gate = Gate::development(BaseUrl::parse("http://localhost:3002").unwrap()).build().unwrap();
    let mut upstream = Upstream::new(&config, &gate).unwrap();
    let mut guarded = gate.guard_each(|_| upstream.clone()).remove(0).1;
    let judged = guarded.call(Request::new(Body::empty()));
    let forwarded = upstream.call(Request::new(Body::empty()));
    let (judged, forwarded) = (size_of_val(&*judged), size_of_val(&*forwarded));
    assert!(
        judged <= 3 * 1024 && forwarded <= 3 * 1024,
        "{judged} bytes in the layer, {forwarded} in the proxy"
    );
}
