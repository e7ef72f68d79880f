//! Numbers 96 and 97 of the checklist: the error JSON of Entra, its correlation, and injected failures.

use entragate_emulator::fixtures::TENANT;
use serde_json::json;

use crate::fixture::{Authorize, Entra, Token, members};
use crate::reply::is_guid;

fn garbage() -> Token {
    Token::code(&Authorize::base(), "garbage")
}

#[tokio::test]
async fn e096_error_json_has_exactly_the_seven_members() {
    let entra = Entra::start().await;
    let refusal = entra.token(&garbage()).await.refusal(400, "invalid_request", 9_002_313);
    assert_eq!(
        members(&refusal.json),
        ["correlation_id", "error", "error_codes", "error_description", "error_uri", "timestamp", "trace_id"]
    );
    let expected = format!(
        "AADSTS9002313: Invalid request. Request is malformed or invalid. Trace ID: {} Correlation ID: {} Timestamp: {}",
        refusal.trace_id, refusal.correlation_id, refusal.timestamp
    );
    assert_eq!(refusal.json["error_description"], expected);
    assert_eq!(refusal.error_uri, format!("{}/error?code=9002313", entra.b()));
}

#[tokio::test]
async fn e096_correlation_id_is_the_callers_request_id_when_a_guid() {
    let entra = Entra::start().await;
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let given = entra.token(&garbage().header("client-request-id", id)).await;
    assert_eq!(given.refusal(400, "invalid_request", 9_002_313).correlation_id, id);
    for other in ["not-a-guid", "0f8fad5b-d9cb-469f-a165-70867728950"] {
        let reply = entra.token(&garbage().header("client-request-id", other)).await;
        let correlation = reply.refusal(400, "invalid_request", 9_002_313).correlation_id;
        assert!(is_guid(&correlation) && correlation != other, "{correlation}");
    }
}

#[tokio::test]
async fn e096_client_request_id_is_returned_on_demand() {
    let entra = Entra::start().await;
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let request = garbage().header("client-request-id", id);
    assert_eq!(entra.token(&request).await.header("client-request-id"), None);
    let reply = entra.token(&request.header("return-client-request-id", "true")).await;
    assert_eq!(reply.header("client-request-id"), Some(id));
}

#[tokio::test]
async fn e096_ids_differ_between_answers_and_the_request_id_is_the_trace() {
    let entra = Entra::start().await;
    let first = entra.token(&garbage()).await;
    let second = entra.token(&garbage()).await;
    let (first_id, second_id) = (first.header("x-ms-request-id"), second.header("x-ms-request-id"));
    assert_ne!(first_id, second_id);
    let refusal = first.refusal(400, "invalid_request", 9_002_313);
    assert_eq!(first_id, Some(refusal.trace_id.as_str()));
    assert_ne!(refusal.trace_id, refusal.correlation_id);
}

#[tokio::test]
async fn e096_timestamp_follows_the_emulated_clock() {
    let entra = Entra::start().await;
    let year = |timestamp: &str| timestamp[..4].parse::<u32>().expect("a year");
    let before = entra.token(&garbage()).await.refusal(400, "invalid_request", 9_002_313).timestamp;
    entra.advance(2 * 366 * 86_400);
    let after = entra.token(&garbage()).await.refusal(400, "invalid_request", 9_002_313).timestamp;
    // 732 days: three New Year's Eves at the end of December.
    assert!((2..=3).contains(&(year(&after) - year(&before))), "{before} → {after}");
}

#[tokio::test]
async fn e096_every_error_is_uncacheable_json() {
    let entra = Entra::start().await;
    let reply = entra.token(&garbage()).await;
    assert!(reply.header("cache-control").is_some_and(|value| value.contains("no-store")), "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
}

#[tokio::test]
async fn e097_throttling_has_a_retry_after() {
    let entra = Entra::start().await;
    let fault = json!({"endpoint": "token", "kind": {"throttle": {"retry_after_seconds": 17}}, "times": 2});
    crate::control::inject(&entra, &fault).await;
    let redemption = Token::code(&Authorize::base(), &entra.code(&Authorize::base().user("alice")).await);
    for _ in 0..2 {
        let reply = entra.token(&redemption).await;
        assert_eq!((reply.status, reply.header("retry-after")), (429, Some("17")), "{reply:?}");
    }
    entra.redeem(&redemption).await;
}

#[tokio::test]
async fn e097_unavailable_is_503_temporarily_unavailable() {
    let entra = Entra::start().await;
    crate::control::inject(&entra, &json!({"endpoint": "token", "kind": "unavailable", "times": 1})).await;
    let reply = entra.token(&garbage()).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
    entra.token(&garbage()).await.refusal(400, "invalid_request", 9_002_313);
}

#[tokio::test]
async fn e097_faults_hit_only_their_endpoint() {
    let entra = Entra::start().await;
    let discovery = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let keys = format!("/{TENANT}/discovery/v2.0/keys");
    crate::control::inject(&entra, &json!({"endpoint": "keys", "kind": "unavailable"})).await;
    assert_eq!(entra.get(&keys).await.status, 503);
    assert_eq!(entra.get(&keys).await.status, 503, "without `times` it lasts");
    assert_eq!(entra.get(&discovery).await.status, 200);
    entra.control().clear_faults();
    assert_eq!(entra.get(&keys).await.status, 200);

    crate::control::inject(&entra, &json!({"endpoint": "any", "kind": "unavailable", "times": 3})).await;
    assert_eq!(entra.get(&discovery).await.status, 503);
    assert_eq!(entra.authorize(&Authorize::base()).await.status, 503);
    assert_eq!(entra.token(&garbage()).await.status, 503);
    assert_eq!(entra.get(&discovery).await.status, 200);
}

#[tokio::test]
async fn e097_a_closed_connection_gives_no_answer() {
    let entra = Entra::start().await;
    crate::control::inject(&entra, &json!({"endpoint": "token", "kind": "close_connection", "times": 1}))
        .await;
    let request = entra.request("POST", &format!("/{TENANT}/oauth2/v2.0/token")).body("grant_type=foo");
    assert!(request.send().await.is_err());
    entra.token(&garbage()).await.refusal(400, "invalid_request", 9_002_313);
}

#[tokio::test]
async fn no_request_makes_the_emulator_fail() {
    let entra = Entra::start().await;
    let long = "a".repeat(3000);
    let paths =
        ["", "/", "/%", "/%00", "/%ff/v2.0", "//", "/common", "/common/oauth2/v2.0/authorize", "/..%2f"];
    for path in paths {
        let status = entra.get(path).await.status;
        assert!((200..500).contains(&status), "{path}: {status}");
    }
    for name in [
        "client_id",
        "response_type",
        "redirect_uri",
        "scope",
        "state",
        "prompt",
        "claims",
        "login_hint",
        "resource",
    ] {
        for value in [
            "",
            " ",
            "\0",
            "%",
            "{",
            "[]",
            "null",
            "\u{feff}",
            "\r\nset-cookie: a=b",
            "://",
            "/.default",
            &long,
        ] {
            let request = Authorize::base().user("alice").with(name, value);
            let reply = entra.authorize(&request).await;
            assert!([200, 302].contains(&reply.status), "{name}={value:?}: {} {}", reply.status, reply.body);
            assert!(
                !reply
                    .headers
                    .get_all("set-cookie")
                    .iter()
                    .any(|cookie| cookie.as_bytes().starts_with(b"a=b"))
            );
        }
    }
    let code = entra.code(&Authorize::base().user("alice")).await;
    let redemption = Token::code(&Authorize::base(), &code);
    for name in [
        "grant_type",
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "code",
        "code_verifier",
        "claims",
    ] {
        for value in [" ", "\0", "%", "://", "/.default", &long] {
            let reply = entra.token(&redemption.clone().with(name, value)).await;
            assert!(
                [200, 400, 401].contains(&reply.status),
                "{name}={value:?}: {} {}",
                reply.status,
                reply.body
            );
        }
    }
}
