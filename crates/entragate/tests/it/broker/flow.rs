//! The way through: registration, consent, Entra, callback, code, tokens, calls, refresh, revocation.

use std::time::Duration;

use entragate::Rule;
use entragate_emulator::fixtures;
use serde_json::Value;

use super::world::{BrokerWorld, Browser};
use crate::world::{REDIRECT, param};

#[tokio::test]
async fn one_registration_signs_a_person_in_and_calls_tools() {
    let world = BrokerWorld::builder()
        .gate(|gate| gate.rules([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])]))
        .start()
        .await;
    let alice = world.sign_in("alice").await;
    assert!(alice.access.starts_with("ega_") && alice.refresh.starts_with("egr_"), "{}", alice.body);
    assert_eq!(alice.body["token_type"], "Bearer");
    assert_eq!(alice.body["scope"], format!("api://{}/access", fixtures::API));
    let (status, answer) = world.call(&alice.access, "admin_reset").await;
    assert_eq!((status, &answer["result"]["isError"]), (200, &Value::Bool(false)), "{answer}");
    let bob = world.sign_in("bob").await;
    let (status, answer) = world.call(&bob.access, "admin_reset").await;
    assert_eq!((status, &answer["result"]["isError"]), (200, &Value::Bool(true)), "{answer}");
}

#[tokio::test]
async fn as_22_success_and_error_carry_the_issuer_once() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let url = world.authorize_url(&client_id, &[]);
    let done = world.browse(&mut Browser::default(), &url, "bob").await;
    let callback = done.location();
    assert!(callback.as_str().starts_with(REDIRECT), "{callback}");
    assert_eq!(param(&callback, "state").as_deref(), Some("xyz"));
    assert_eq!(param(&callback, "iss").as_deref(), Some(world.gate.base_url().as_str()));
    assert_eq!(callback.query_pairs().filter(|(name, _)| name == "iss").count(), 1);
    let refused = world.authorize_url(&client_id, &[("code_challenge", None)]);
    let error = Browser::default().get(&world.http, &refused).await.location();
    assert_eq!(param(&error, "error").as_deref(), Some("invalid_request"));
    assert_eq!(param(&error, "iss").as_deref(), Some(world.gate.base_url().as_str()));
    assert_eq!(param(&error, "state").as_deref(), Some("xyz"));
}

#[tokio::test]
async fn as_36_refresh_replaces_both_tokens_and_asks_entra() {
    let world = BrokerWorld::start().await;
    let bob = world.sign_in("bob").await;
    world.advance(Duration::from_secs(7_200)).await;
    let (status, _) = world.call(&bob.access, "whoami").await;
    assert_eq!(status, 401);
    let (status, body) = world.refresh(&bob.client_id, &bob.refresh).await;
    assert_eq!(status, 200, "{body}");
    assert_ne!(body["refresh_token"], bob.refresh.as_str());
    assert_eq!(world.grants_at_entra("refresh_token"), 1);
    let (status, _) = world.call(body["access_token"].as_str().unwrap(), "whoami").await;
    assert_eq!(status, 200);
}
