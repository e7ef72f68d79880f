//! The ring that seals: changing it in order keeps everybody signed in, losing it signs everybody out. Entra's secrets have
//! nothing to do with it.

use std::sync::Arc;

use entragate::once::{Memory, Once};
use entragate::{SealKeyError, SealKeys, Secret};
use entragate_emulator::{Secret as EntraSecret, fixtures};
use serde_json::json;

use super::wire::{Replica, Setup, assert_alive, assert_refused};
use super::world::{BrokerWorld, KEY, SignedIn, app, signed_in};

const NEXT: &str = "the-next-key-of-the-fixture-0123456789abcdef";

async fn world() -> (BrokerWorld, Arc<dyn Once>) {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    (BrokerWorld::builder().once(Arc::clone(&store)).start().await, store)
}

async fn with_keys(world: &BrokerWorld, store: &Arc<dyn Once>, keys: Vec<&'static str>) -> Replica {
    Setup { keys, ..Setup::sharing(store) }.start(world).await
}

async fn refreshed(at: &Replica, old: &SignedIn) -> SignedIn {
    let reply = at.refresh(&old.client_id, &old.refresh).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    signed_in(old.client_id.clone(), reply.json())
}

#[tokio::test]
async fn k24_a_new_key_in_front_keeps_everybody_signed_in() {
    let (world, store) = world().await;
    let alice = world.sign_in("alice").await;
    let code = world.code(&alice.client_id, "alice").await;
    let rotated = with_keys(&world, &store, vec![NEXT, KEY]).await;
    assert_eq!(rotated.call("/mcp", &alice.access).await.0, 200);
    let reply = rotated.post("/oauth/token", &BrokerWorld::code_form(&alice.client_id, &code)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let renewed = refreshed(&rotated, &alice).await;
    // What is given out now is sealed with the new one.
    let only_new = with_keys(&world, &store, vec![NEXT]).await;
    assert_eq!(only_new.call("/mcp", &renewed.access).await.0, 200);
    assert_eq!(only_new.call("/mcp", &alice.access).await.0, 401);
}

#[tokio::test]
async fn during_a_rotation_replicas_with_the_keys_in_either_order_read_each_other() {
    let (world, store) = world().await;
    let alice = world.sign_in("alice").await;
    let (new_first, old_first) =
        (with_keys(&world, &store, vec![NEXT, KEY]).await, with_keys(&world, &store, vec![KEY, NEXT]).await);
    let mut tokens = alice;
    for at in [&new_first, &old_first, &new_first] {
        tokens = refreshed(at, &tokens).await;
        for other in [&new_first, &old_first] {
            assert_eq!(other.call("/mcp", &tokens.access).await.0, 200);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_gone_signs_out_whom_it_signed_in() {
    let (world, store) = world().await;
    let alice = world.sign_in("alice").await;
    let other = with_keys(&world, &store, vec![NEXT]).await;
    let (status, body) = other.call("/mcp", &alice.access).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
    // Its client id is gone as well, so the client registers again.
    let reply = other.refresh(&alice.client_id, &alice.refresh).await;
    let text = assert_refused(&reply, 401, "invalid_client");
    assert!(text.contains("registers anew"), "{text}");
}

#[tokio::test]
async fn another_client_secret_at_entra_signs_nobody_out() {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder()
        .once(Arc::clone(&store))
        .directory(|directory| {
            let second = EntraSecret { value: "second-s3cret".into(), ..EntraSecret::default() };
            app(directory, fixtures::API).secrets.push(second);
        })
        .start()
        .await;
    let alice = world.sign_in("alice").await;
    let changed = Setup { secret: "second-s3cret", ..Setup::sharing(&store) }.start(&world).await;
    assert_eq!(changed.call("/mcp", &alice.access).await.0, 200);
    let renewed = refreshed(&changed, &alice).await;
    assert_eq!(changed.call("/mcp", &renewed.access).await.0, 200);
    let secrets: Vec<String> = world
        .control()
        .requests()
        .iter()
        .filter_map(|request| request.param("client_secret").map(str::to_owned))
        .collect();
    assert_eq!(secrets, ["api-s3cret", "second-s3cret"]);
}

#[tokio::test]
async fn a_secret_that_went_bad_at_entra_is_the_operators_and_signs_nobody_out() {
    let (world, store) = world().await;
    let alice = world.sign_in("alice").await;
    for (secret, aadsts) in [("wrong-secret-value", "AADSTS7000215"), ("api-old", "AADSTS7000222")] {
        let broken = Setup { secret, ..Setup::sharing(&store) }.start(&world).await;
        let reply = broken.refresh(&alice.client_id, &alice.refresh).await;
        let text = assert_refused(&reply, 500, "server_error");
        assert!(text.starts_with(aadsts) && text.contains("AZURE_CLIENT_SECRET"), "{text}");
        assert!(!text.contains(secret), "{text}");
    }
    let repaired = Setup::sharing(&store).start(&world).await;
    refreshed(&repaired, &alice).await;
}

#[test]
fn a_ring_of_keys_that_anybody_could_guess_is_none() {
    let ring = |keys: &[&str]| SealKeys::new(keys.iter().map(|key| Secret::new(*key))).map(drop);
    assert_eq!(ring(&[]), Err(SealKeyError::Empty));
    assert_eq!(ring(&[KEY, "short"]), Err(SealKeyError::Short(32)));
    assert_eq!(ring(&[KEY, NEXT, KEY]), Err(SealKeyError::Repeated));
    assert_eq!(ring(&[KEY, NEXT]), Ok(()));
}

#[tokio::test]
async fn an_app_of_its_own_may_sign_people_in_for_the_api_app() {
    let world = BrokerWorld::builder()
        .client(fixtures::WEB, "s3cret")
        .keys(vec![NEXT, KEY])
        .directory(|directory| {
            let callback = "http://localhost/auth/callback".to_owned();
            app(directory, fixtures::WEB).web_redirect_uris.push(callback);
        })
        .start()
        .await;
    let alice = world.sign_in("alice").await;
    assert_alive(&world, &alice).await;
    let requests = world.control().requests();
    let at_token: Vec<_> = requests.iter().filter(|request| request.path.ends_with("/token")).collect();
    assert_eq!(at_token.len(), 2);
    for request in at_token {
        assert_eq!(request.param("client_id"), Some(fixtures::WEB));
        assert!(request.param("scope").unwrap().starts_with(fixtures::API));
    }
}
