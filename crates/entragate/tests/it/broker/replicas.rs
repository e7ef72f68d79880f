//! Several gates behind one name share keys and store; a gate that forgot what it knew refuses what it cannot judge.

use std::sync::Arc;
use std::time::Duration;

use entragate::once::{Memory, Once};
use futures_util::future::join_all;
use serde_json::json;

use super::wire::{Setup, assert_refused, refresh_form};
use super::world::{BrokerWorld, Browser, signed_in};
use crate::world::param;

async fn world() -> (BrokerWorld, Arc<dyn Once>) {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    (BrokerWorld::builder().once(Arc::clone(&store)).start().await, store)
}

#[tokio::test]
async fn k24_each_step_of_a_sign_in_may_be_at_another_replica() {
    let (a, store) = world().await;
    let b = Setup::sharing(&store).start(&a).await;
    let client_id = a.client_id().await;
    let mut browser = Browser::default();
    // The page at B, the answer at A, back from Entra at B.
    let page = browser.get(&a.http, &b.here(&a.authorize_url(&client_id, &[]))).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let to_entra = a.answer(&mut browser, &page, &[("decision", "approve")]).await.location();
    let back = a.at_entra(&mut browser, &to_entra, "alice").await;
    let done = browser.get(&a.http, &b.here(back.as_str())).await.location();
    // The code at A, a call and a refresh at B, the next refresh at A.
    let code = param(&done, "code").unwrap();
    let (status, body) = a.token(&BrokerWorld::code_form(&client_id, &code)).await;
    assert_eq!(status, 200, "{body}");
    let first = signed_in(client_id.clone(), body);
    assert_eq!(b.call("/mcp", &first.access).await.0, 200);
    let reply = b.refresh(&client_id, &first.refresh).await;
    let second = signed_in(client_id.clone(), reply.json());
    assert_eq!(a.call(&second.access, "whoami").await.0, 200);
    assert_eq!(a.refresh(&client_id, &second.refresh).await.0, 200);
    // And what was used at one is used at the other.
    let replayed = browser.get(&a.http, back.as_str()).await;
    assert_eq!(replayed.status, 403, "the cookie went with the first use");
    assert_refused(
        &b.post("/oauth/token", &BrokerWorld::code_form(&client_id, &code)).await,
        400,
        "invalid_grant",
    );
    a.advance(Duration::from_secs(5)).await;
    assert_eq!(a.call(&second.access, "whoami").await.0, 401);
}

#[tokio::test]
async fn as_36_a_revocation_at_one_is_seen_at_the_other_within_five_seconds() {
    let (a, store) = world().await;
    let b = Setup::sharing(&store).start(&a).await;
    let alice = a.sign_in("alice").await;
    assert_eq!(b.call("/mcp", &alice.access).await.0, 200);
    let form = [("client_id", alice.client_id.as_str()), ("token", &alice.access)];
    let revoked = super::wire::post(&a, "/oauth/revoke", &form).await;
    assert_eq!(revoked.status, 200);
    assert_refused(&b.refresh(&alice.client_id, &alice.refresh).await, 400, "invalid_grant");
    a.advance(Duration::from_secs(5)).await;
    let (status, body) = b.call("/mcp", &alice.access).await;
    assert_eq!((status, &body["error_description"]), (401, &json!("The access token was revoked")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn k42_refreshes_at_two_replicas_at_once_have_one_successor() {
    let (a, store) = world().await;
    let b = Setup::sharing(&store).start(&a).await;
    let alice = a.sign_in("alice").await;
    let form = refresh_form(&alice.client_id, &alice.refresh);
    let at_a = join_all((0..10).map(|_| super::wire::post(&a, "/oauth/token", &form)));
    let at_b = join_all((0..10).map(|_| b.post("/oauth/token", &form)));
    let (at_a, at_b) = futures_util::future::join(at_a, at_b).await;
    for reply in at_a.iter().chain(&at_b) {
        assert_eq!((reply.status, &reply.text), (200, &at_a[0].text));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_29_of_redemptions_at_two_replicas_at_once_one_gets_tokens() {
    let (a, store) = world().await;
    let b = Setup::sharing(&store).start(&a).await;
    let client_id = a.client_id().await;
    let code = a.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let at_a = join_all((0..10).map(|_| super::wire::post(&a, "/oauth/token", &form)));
    let at_b = join_all((0..10).map(|_| b.post("/oauth/token", &form)));
    let (at_a, at_b) = futures_util::future::join(at_a, at_b).await;
    let good = at_a.iter().chain(&at_b).filter(|reply| reply.status == 200).count();
    assert_eq!(good, 1);
}

#[tokio::test]
async fn a_gate_whose_store_forgot_refuses_tokens_and_codes_from_before() {
    let (world, _) = world().await;
    let alice = world.sign_in("alice").await;
    let code = world.code(&alice.client_id, "alice").await;
    let forgot: Arc<dyn Once> = Arc::new(Memory::new());
    let restarted = Setup::sharing(&forgot).start(&world).await;
    // Whether it was used or revoked, nobody knows any more.
    assert_eq!(restarted.call("/mcp", &alice.access).await.0, 401);
    let asked = world.grants_at_entra("refresh_token");
    assert_refused(&restarted.refresh(&alice.client_id, &alice.refresh).await, 400, "invalid_grant");
    assert_eq!(world.grants_at_entra("refresh_token"), asked);
    let form = BrokerWorld::code_form(&alice.client_id, &code);
    assert_refused(&restarted.post("/oauth/token", &form).await, 400, "invalid_grant");
    // Its own go on.
    let mut browser = Browser::default();
    let url = world.authorize_url(&alice.client_id, &[]);
    let page = browser.get(&world.http, &restarted.here(&url)).await;
    let form = [("request", page.field("request")), ("decision", "approve".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let to_entra = browser.post(&world.http, &restarted.at("/oauth/consent"), &form).await.location();
    let back = world.at_entra(&mut browser, &to_entra, "alice").await;
    let done = browser.get(&world.http, &restarted.here(back.as_str())).await.location();
    let code = param(&done, "code").unwrap();
    let reply = restarted.post("/oauth/token", &BrokerWorld::code_form(&alice.client_id, &code)).await;
    let again = signed_in(alice.client_id.clone(), reply.json());
    assert_eq!(restarted.refresh(&again.client_id, &again.refresh).await.status, 200);
}

#[tokio::test]
async fn rs_19_after_the_mcp_server_moved_its_codes_and_refresh_tokens_are_over() {
    let (world, store) = world().await;
    let alice = world.sign_in("alice").await;
    let code = world.code(&alice.client_id, "alice").await;
    let moved = Setup::sharing(&store).start_with(&world, |gate| gate.resource_path("/elsewhere")).await;
    assert_refused(&moved.refresh(&alice.client_id, &alice.refresh).await, 400, "invalid_grant");
    let form = BrokerWorld::code_form(&alice.client_id, &code);
    assert_refused(&moved.post("/oauth/token", &form).await, 400, "invalid_grant");
    assert_eq!(moved.call("/elsewhere", &alice.access).await.0, 401);
    // Nothing was used up.
    assert_eq!(world.refresh(&alice.client_id, &alice.refresh).await.0, 200);
}

#[tokio::test]
async fn registration_that_is_switched_off_ends_the_ids_it_gave_out() {
    let (world, store) = world().await;
    let alice = world.sign_in("alice").await;
    let closed = Setup::sharing(&store).start_with(&world, |gate| gate.registration(false)).await;
    assert_refused(&closed.refresh(&alice.client_id, &alice.refresh).await, 401, "invalid_client");
    assert_eq!(closed.call("/mcp", &alice.access).await.0, 200);
}
