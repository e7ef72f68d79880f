//! Settings that only the running gateway shows.

use axum::Router;
use axum::body::Body;
use entragate_cli::upstream::Upstream;
use http::{Request, StatusCode};
use tower_service::Service as _;

use crate::config_fixture::{RELAY, accepted, with};

fn gateway(changes: &[(&str, &str)]) -> Router {
    let config = accepted(&with(&RELAY, changes));
    let upstream = Upstream::new(&config.upstream, &config.base_url).expect("an upstream");
    config.gate().expect("a gate").protect(upstream)
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
