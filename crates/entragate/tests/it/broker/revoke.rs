//! `POST /oauth/revoke` (RFC 7009): either token ends the sign-in, and nobody ends another's.

use serde_json::json;

use super::wire::{assert_alive, assert_dead, assert_refused, post};
use super::world::{BrokerWorld, signed_in};
use crate::world::Reply;

const REVOKE: &str = "/oauth/revoke";

#[tokio::test]
async fn k49_t12_either_token_ends_the_whole_sign_in() {
    let world = BrokerWorld::start().await;
    for which in ["access", "refresh", "successor", "used"] {
        for hint in [None, Some("access_token"), Some("refresh_token"), Some("made-up")] {
            let alice = world.sign_in("alice").await;
            let renewed = assert_alive(&world, &alice).await;
            let token = match which {
                "access" => &alice.access,
                "used" => &alice.refresh,
                "successor" => &renewed.access,
                _ => &renewed.refresh,
            };
            let mut form = vec![("client_id", alice.client_id.as_str()), ("token", token)];
            form.extend(hint.map(|hint| ("token_type_hint", hint)));
            let reply = post(&world, REVOKE, &form).await;
            assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{which} {hint:?}");
            assert_dead(&world, &alice).await;
            assert_dead(&world, &renewed).await;
            // Again: there is nothing to end, and that is fine (RFC 7009 §2.2).
            assert_eq!(post(&world, REVOKE, &form).await.status, 200);
        }
    }
}

#[tokio::test]
async fn k49_t12_the_token_of_another_client_and_no_token_at_all_are_200_without_effect() {
    let world = BrokerWorld::start().await;
    let (alice, stranger) = (world.sign_in("alice").await, world.client_id().await);
    let code = world.code(&alice.client_id, "alice").await;
    for token in [&alice.access, &alice.refresh, "made-up", "ega_", "egr_AAAA", "eyJ.e30.x"] {
        let reply = post(&world, REVOKE, &[("client_id", &stranger), ("token", token)]).await;
        assert_eq!(reply.status, 200, "{token} {reply:?}");
    }
    // A code is no token, not even for its client.
    let form = [("client_id", alice.client_id.as_str()), ("token", &code)];
    assert_eq!(post(&world, REVOKE, &form).await.status, 200);
    assert_eq!(world.token(&BrokerWorld::code_form(&alice.client_id, &code)).await.0, 200);
    assert_alive(&world, &alice).await;
}

#[tokio::test]
async fn t12_the_other_sign_ins_of_client_and_person_go_on() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let mut all = Vec::new();
    for user in ["alice", "alice", "bob"] {
        let code = world.code(&client_id, user).await;
        let (_, body) = world.token(&BrokerWorld::code_form(&client_id, &code)).await;
        all.push(signed_in(client_id.clone(), body));
    }
    let form = [("client_id", client_id.as_str()), ("token", &all[0].refresh)];
    assert_eq!(post(&world, REVOKE, &form).await.status, 200);
    assert_dead(&world, &all[0]).await;
    assert_alive(&world, &all[1]).await;
    assert_alive(&world, &all[2]).await;
}

#[tokio::test]
async fn t12_what_is_no_revocation_request_is_refused_and_ends_nothing() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let (id, token) = (alice.client_id.as_str(), alice.refresh.as_str());
    assert_refused(&post(&world, REVOKE, &[("client_id", id)]).await, 400, "invalid_request");
    assert_refused(&post(&world, REVOKE, &[("token", token)]).await, 401, "invalid_client");
    let unknown = [("client_id", "egc_made-up"), ("token", token)];
    assert_refused(&post(&world, REVOKE, &unknown).await, 401, "invalid_client");
    let twice = [("client_id", id), ("token", token), ("token", token)];
    assert_refused(&post(&world, REVOKE, &twice).await, 400, "invalid_request");
    let url = world.url(REVOKE);
    let in_json = world.http.post(&url).json(&json!({ "client_id": id, "token": token }));
    assert_refused(&Reply::of(in_json).await, 400, "invalid_request");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", id), ("token", token)])
        .finish();
    let reply = Reply::of(world.http.get(format!("{url}?{query}"))).await;
    assert_refused(&reply, 405, "invalid_request");
    assert_alive(&world, &alice).await;
}

#[tokio::test]
async fn t12_a_pages_script_may_revoke_as_it_may_redeem() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let form = [("client_id", alice.client_id.as_str()), ("token", &alice.refresh)];
    let request = world.http.post(world.url(REVOKE)).header("origin", "http://localhost:6274").form(&form);
    let reply = Reply::of(request).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin").is_empty()), (200, false));
    assert_dead(&world, &alice).await;
}
