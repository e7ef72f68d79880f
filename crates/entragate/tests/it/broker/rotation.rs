//! Refresh tokens are replaced when they are used. Clients that refresh twice at once, or lose an answer, stay signed in;
//! whoever comes later with a used one ends the sign-in.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::wire::{Breakable, assert_alive, assert_dead, assert_refused, post, refresh_form};
use super::world::{BrokerWorld, SignedIn, signed_in};
use crate::world::Reply;

async fn refreshed(world: &BrokerWorld, signed_in: &SignedIn) -> Reply {
    post(world, "/oauth/token", &refresh_form(&signed_in.client_id, &signed_in.refresh)).await
}

async fn renewed(world: &BrokerWorld, old: &SignedIn) -> SignedIn {
    let reply = refreshed(world, old).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    signed_in(old.client_id.clone(), reply.json())
}

#[tokio::test]
async fn k42_as_36_within_a_minute_a_used_token_gets_the_same_answer_again() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let first = refreshed(&world, &alice).await;
    for _ in 0..3 {
        world.advance(Duration::from_secs(15)).await;
        let again = refreshed(&world, &alice).await;
        assert_eq!((again.status, &again.text), (200, &first.text));
    }
    assert_eq!(world.grants_at_entra("refresh_token"), 1);
    assert_alive(&world, &signed_in(alice.client_id.clone(), first.json())).await;
}

#[tokio::test]
async fn as_36_t8_after_a_minute_a_used_token_ends_the_sign_in() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let successor = renewed(&world, &alice).await;
    world.advance(Duration::from_secs(60)).await;
    assert_eq!(world.call(&successor.access, "whoami").await.0, 200);
    assert_refused(&refreshed(&world, &alice).await, 400, "invalid_grant");
    assert_dead(&world, &successor).await;
    assert_dead(&world, &alice).await;
}

#[tokio::test]
async fn as_36_two_generations_back_is_too_far_even_within_a_minute() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let second = renewed(&world, &alice).await;
    let third = renewed(&world, &second).await;
    assert_refused(&refreshed(&world, &alice).await, 400, "invalid_grant");
    assert_dead(&world, &third).await;
    assert_dead(&world, &second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn k42_twenty_refreshes_at_once_end_with_one_and_the_same_successor() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let answers = join_all((0..20).map(|_| refreshed(&world, &alice))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (200, &answers[0].text));
    }
    let mut successor = signed_in(alice.client_id.clone(), answers[0].json());
    // The sign-in goes on as if there had been one.
    for _ in 0..3 {
        world.advance(Duration::from_secs(1_700)).await;
        successor = assert_alive(&world, &successor).await;
    }
}

#[tokio::test]
async fn as_36_another_sign_in_of_the_same_client_and_person_is_not_ended() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let mut both = Vec::new();
    for _ in 0..2 {
        let code = world.code(&client_id, "alice").await;
        let (_, body) = world.token(&BrokerWorld::code_form(&client_id, &code)).await;
        both.push(signed_in(client_id.clone(), body));
    }
    let successor = renewed(&world, &both[0]).await;
    world.advance(Duration::from_secs(61)).await;
    assert_refused(&refreshed(&world, &both[0]).await, 400, "invalid_grant");
    assert_dead(&world, &successor).await;
    assert_alive(&world, &both[1]).await;
}

#[tokio::test]
async fn as_36_a_replay_by_another_client_has_no_effect() {
    let world = BrokerWorld::start().await;
    let (alice, stranger) = (world.sign_in("alice").await, world.client_id().await);
    let successor = renewed(&world, &alice).await;
    world.advance(Duration::from_secs(61)).await;
    let reply = post(&world, "/oauth/token", &refresh_form(&stranger, &alice.refresh)).await;
    assert_refused(&reply, 400, "invalid_grant");
    assert_alive(&world, &successor).await;
}

#[tokio::test]
async fn as_36_a_used_token_is_remembered_for_as_long_as_it_could_be_used() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let mut newest = renewed(&world, &alice).await;
    for _ in 0..8 {
        world.advance(Duration::from_secs(11 * 24 * 3600)).await;
        newest = renewed(&world, &newest).await;
    }
    // 88 days after its use, two before its end.
    assert_refused(&refreshed(&world, &alice).await, 400, "invalid_grant");
    assert_dead(&world, &newest).await;
}

#[tokio::test]
async fn as_36_a_revocation_is_remembered_for_as_long_as_the_tokens_could_be_used() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let form = [("client_id", alice.client_id.as_str()), ("token", alice.refresh.as_str())];
    assert_eq!(post(&world, "/oauth/revoke", &form).await.status, 200);
    for _ in 0..9 {
        assert_refused(&refreshed(&world, &alice).await, 400, "invalid_grant");
        world.advance(Duration::from_secs(10 * 24 * 3600)).await;
    }
    assert_refused(&refreshed(&world, &alice).await, 400, "invalid_grant");
    assert_eq!(world.grants_at_entra("refresh_token"), 0);
}

#[tokio::test]
async fn k42_a_successor_that_got_lost_with_the_store_ends_the_sign_in_and_not_more() {
    let store = Arc::new(Breakable::default());
    let world = BrokerWorld::builder().once(store.clone()).start().await;
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    renewed(&world, &alice).await;
    // A store that answers and has lost an entry: what it does not know is not made up.
    store.forgets_successors();
    assert_refused(&refreshed(&world, &alice).await, 400, "invalid_grant");
    assert_alive(&world, &bob).await;
}
