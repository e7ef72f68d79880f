//! On behalf of people who signed in at the gateway itself: Entra's token travels sealed inside ours.

use std::sync::Arc;

use entragate::GateBuilder;
use entragate::once::{Memory, Once};
use entragate_emulator::{Endpoint, Fault, FaultKind, GroupClaims, fixtures};
use serde_json::json;

use super::wire::Setup;
use super::world::{BrokerWorld, Browser, SignedIn, app};
use crate::on_behalf_of::{Later, acting, api_app, got, scope};
use crate::world::param;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

async fn world() -> BrokerWorld {
    let gate = Later::default();
    let app = acting(&gate, scope("User.Read"));
    let world = BrokerWorld::builder().mcp(app).gate(|builder| builder.on_behalf_of(api_app())).start().await;
    gate.set(world.gate.clone()).unwrap();
    world
}

async fn call(world: &BrokerWorld, who: &SignedIn) -> (u16, String) {
    let (status, body) = world.call(&who.access, "mail").await;
    (status, body.to_string())
}

#[tokio::test]
async fn the_person_who_signed_in_here_is_the_one_who_acts() {
    let world = world().await;
    for user in ["alice", "bob"] {
        let signed_in = world.sign_in(user).await;
        for _ in 0..3 {
            let (_, claims) = got(&call(&world, &signed_in).await.1);
            assert_eq!(claims["oid"], fixtures::user_oid(user));
            assert_eq!((&claims["appid"], &claims["scp"]), (&json!(fixtures::API), &json!("User.Read")));
        }
        let (status, body) = world.refresh(&signed_in.client_id, &signed_in.refresh).await;
        assert_eq!(status, 200, "{body}");
        let renewed = super::world::signed_in(signed_in.client_id, body);
        assert_eq!(got(&call(&world, &renewed).await.1).1["oid"], fixtures::user_oid(user));
    }
    // One for each token of ours: two people, each with a token and its successor.
    assert_eq!(world.grants_at_entra(GRANT), 4);
    for request in world.control().requests().iter().filter(|request| request.param("assertion").is_some()) {
        assert!(!request.param("assertion").unwrap().starts_with("ega_"), "a sealed token left the gateway");
    }
}

#[tokio::test]
async fn entras_token_is_inside_only_where_it_is_needed() {
    let (with, without) = (world().await, BrokerWorld::start().await);
    let (with, without) = (with.sign_in("alice").await.access, without.sign_in("alice").await.access);
    assert!(without.len() < 700, "{} characters without", without.len());
    assert!(with.len() > without.len() + 1000, "{} characters with", with.len());
    // One header line of nginx, and of most others, is 8 KiB (docs/decisions/0017).
    assert!(with.len() < 4096, "{} characters with", with.len());
}

/// The sizes that docs/decisions/0017 gives, of alice's tokens and of hers in 190 groups more.
#[tokio::test]
async fn access_tokens_are_as_large_as_the_decision_says() {
    async fn size(groups: u32, configure: impl FnOnce(GateBuilder) -> GateBuilder + 'static) -> usize {
        let world = BrokerWorld::builder()
            .directory(move |directory| {
                app(directory, fixtures::API).group_claims = GroupClaims::SecurityGroup;
                let alice = directory.users.iter_mut().find(|user| user.name == "alice").unwrap();
                alice.further_groups = groups;
            })
            .gate(configure)
            .start()
            .await;
        world.sign_in("alice").await.access.len()
    }
    let acting = |builder: GateBuilder| builder.on_behalf_of(api_app());
    let plain = |builder: GateBuilder| builder;
    let measured =
        [size(0, plain).await, size(0, acting).await, size(190, plain).await, size(190, acting).await];
    for (size, said) in measured.into_iter().zip([640, 2_360, 9_000, 23_900]) {
        assert!(size.abs_diff(said) <= said / 20, "{measured:?}");
    }
}

#[tokio::test]
async fn what_a_policy_demands_goes_along_with_the_next_sign_in_and_no_refresh_evades_it() {
    let world = world().await;
    let signed_in = world.sign_in("alice").await;
    let kind = FaultKind::Refuse { code: 50076, claims: Some(CLAIMS.into()) };
    world.control().inject(Fault { endpoint: Endpoint::Token, kind, times: Some(1) });
    let (status, _) = call(&world, &signed_in).await;
    assert_eq!(status, 401);
    let before = world.grants_at_entra("refresh_token");
    let (status, body) = world.refresh(&signed_in.client_id, &signed_in.refresh).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{body}");
    assert_eq!(world.grants_at_entra("refresh_token"), before, "Entra was asked in vain");

    let mut browser = Browser::default();
    let url = world.authorize_url(&signed_in.client_id, &[]);
    let again = world.browse(&mut browser, &url, "alice").await.location();
    assert_eq!(param(&again, "claims").as_deref(), Some(CLAIMS), "{again}");
    let back = world.at_entra(&mut browser, &again, "alice").await;
    let done = browser.get(&world.http, back.as_str()).await.location();
    let code = param(&done, "code").unwrap_or_else(|| panic!("{done}"));
    let (status, body) = world.token(&BrokerWorld::code_form(&signed_in.client_id, &code)).await;
    assert_eq!(status, 200, "{body}");
    let renewed = super::world::signed_in(signed_in.client_id, body);
    got(&call(&world, &renewed).await.1);
    assert_eq!(world.refresh(&renewed.client_id, &renewed.refresh).await.0, 200);
}

#[tokio::test]
async fn a_token_from_before_leads_to_one_sign_in() {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let before = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let old = before.sign_in("alice").await;
    // The same gateway, after its operator set it up for on-behalf-of.
    let gate = Later::default();
    let setup = Setup { mcp: acting(&gate, scope("User.Read")), ..Setup::sharing(&store) };
    let after = setup.start_with(&before, |builder| builder.on_behalf_of(api_app())).await;
    gate.set(after.gate.clone()).unwrap();
    let (status, body) = after.call("/mcp", &old.access).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_token")), "{body}");
    let body = after.refresh(&old.client_id, &old.refresh).await.json();
    got(&after.call("/mcp", body["access_token"].as_str().unwrap()).await.1.to_string());
}
