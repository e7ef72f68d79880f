//! What an administrator takes away at Entra is gone here with the next refresh, and back when it is given back.

use std::time::Duration;

use entragate::Rule;
use entragate_emulator::fixtures;
use serde_json::json;

use super::wire::{assert_alive, assert_refused, post, refresh_form};
use super::world::{BrokerWorld, SECRET, SignedIn, signed_in};
use crate::world::Reply;

async fn refreshed(world: &BrokerWorld, signed_in: &SignedIn) -> Reply {
    post(world, "/oauth/token", &refresh_form(&signed_in.client_id, &signed_in.refresh)).await
}

#[tokio::test]
async fn k44_a_disabled_user_gets_no_further_token_aadsts50057() {
    let world = BrokerWorld::start().await;
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    world.control().disable_user("bob", true).unwrap();
    let text = assert_refused(&refreshed(&world, &bob).await, 400, "invalid_grant");
    assert!(text.starts_with("AADSTS50057"), "{text}");
    assert_alive(&world, &alice).await;
    world.control().disable_user("bob", false).unwrap();
    assert_alive(&world, &bob).await;
    // Whoever never asks again is out when the access token ends.
    world.control().disable_user("bob", true).unwrap();
    world.advance(Duration::from_secs(30 * 60)).await;
    assert_eq!(world.call(&bob.access, "whoami").await.0, 401);
}

#[tokio::test]
async fn as_36_a_role_that_was_taken_away_is_not_in_the_next_token() {
    let world = BrokerWorld::builder()
        .gate(|gate| gate.rules([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])]))
        .start()
        .await;
    let alice = world.sign_in("alice").await;
    let may = async |token: &str| {
        let (status, answer) = world.call(token, "admin_reset").await;
        assert_eq!(status, 200, "{answer}");
        answer["result"]["isError"] == json!(false)
    };
    assert!(may(&alice.access).await);
    world.control().unassign(fixtures::API, "alice", "Admin").unwrap();
    let less = signed_in(alice.client_id.clone(), refreshed(&world, &alice).await.json());
    assert!(!may(&less.access).await);
    world.control().assign(fixtures::API, "alice", "Admin").unwrap();
    let more = signed_in(alice.client_id.clone(), refreshed(&world, &less).await.json());
    assert!(may(&more.access).await);
}

#[tokio::test]
async fn k44_the_last_role_that_the_rules_ask_for_is_needed_at_the_refresh() {
    let world =
        BrokerWorld::builder().gate(|gate| gate.rules([Rule::tools(["*"]).roles(["User"])])).start().await;
    let bob = world.sign_in("bob").await;
    world.control().unassign(fixtures::API, "bob", "User").unwrap();
    let text = assert_refused(&refreshed(&world, &bob).await, 400, "invalid_grant");
    assert!(text.contains("none of the app roles that this server asks for: User"), "{text}");
    world.control().assign(fixtures::API, "bob", "User").unwrap();
    assert_alive(&world, &bob).await;
}

#[tokio::test]
async fn k44_consent_that_was_withdrawn_is_asked_for_at_the_next_sign_in_aadsts65001() {
    let world = BrokerWorld::start().await;
    let bob = world.sign_in("bob").await;
    world.control().revoke_consent(fixtures::API).unwrap();
    let text = assert_refused(&refreshed(&world, &bob).await, 400, "invalid_grant");
    assert!(text.starts_with("AADSTS65001"), "{text}");
}

#[tokio::test]
async fn k44_a_secret_that_was_replaced_at_entra_is_the_operators_and_costs_nobody_the_sign_in() {
    let world = BrokerWorld::start().await;
    let bob = world.sign_in("bob").await;
    world.control().set_secrets(fixtures::API, &["another-s3cret"]).unwrap();
    // Never `invalid_client`: the client would throw its own registration away.
    let text = assert_refused(&refreshed(&world, &bob).await, 500, "server_error");
    assert!(text.starts_with("AADSTS7000215") && text.contains("AZURE_CLIENT_SECRET"), "{text}");
    assert_eq!(world.call(&bob.access, "whoami").await.0, 200);
    world.control().set_secrets(fixtures::API, &[SECRET]).unwrap();
    assert_alive(&world, &bob).await;
}
