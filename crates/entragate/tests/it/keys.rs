//! Signing keys: noticed when new, refused when gone, kept through outages, and never a reason to hammer Entra.

use std::time::Duration;

use entragate_emulator::{Control, Defect, Endpoint, Fault, FaultKind, MintRequest};
use futures_util::future::join_all;
use serde_json::json;

use crate::clouds_authority::Authority;
use crate::world::{Reply, World, log};

/// How often the key set was fetched.
fn fetches(entra: &Control) -> usize {
    entra.requests().iter().filter(|request| request.path.ends_with("/discovery/v2.0/keys")).count()
}

fn token(world: &World) -> String {
    world.control().mint(&MintRequest::default())
}

fn with_made_up_kid(world: &World) -> String {
    world.control().mint(&MintRequest { defect: Some(Defect::KidUnknown), ..MintRequest::default() })
}

async fn ask(world: &World, token: &str) -> Reply {
    Reply::read(world.post(Some(token), &json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await).await
}

async fn status(world: &World, token: &str) -> u16 {
    ask(world, token).await.status
}

fn outage(world: &World, kind: FaultKind) {
    world.control().inject(Fault { endpoint: Endpoint::Any, kind, times: None });
}

fn advance(world: &World, seconds: u64) {
    world.control().advance(Duration::from_secs(seconds));
}

/// Something that happens in the background has happened within ten seconds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tick.tick().await;
    }
    panic!("{what} did not happen");
}

fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(reply.header("retry-after"), "5");
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
    assert_eq!(reply.header("www-authenticate"), "", "a client must not throw its token away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_cold_requests_cause_one_fetch() {
    let world = World::start().await;
    let tokens: Vec<String> = (0..50).map(|_| token(&world)).collect();
    let statuses = join_all(tokens.iter().map(|token| status(&world, token))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(fetches(world.control()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_noticed_at_once_with_one_fetch_for_fifty_parallel_requests() {
    let world = World::start().await;
    assert_eq!(status(&world, &token(&world)).await, 200);
    world.control().rotate_keys();
    let tokens: Vec<String> = (0..50).map(|_| token(&world)).collect();
    let statuses = join_all(tokens.iter().map(|token| status(&world, token))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(fetches(world.control()), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rs_21_made_up_kids_do_not_make_us_hammer_entra() {
    let world = World::start().await;
    assert_eq!(status(&world, &token(&world)).await, 200);
    let mut expected = 1;
    for round in 0..3 {
        let tokens: Vec<String> = (0..25).map(|_| with_made_up_kid(&world)).collect();
        let statuses = join_all(tokens.iter().map(|token| status(&world, token))).await;
        assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
        expected += 1;
        assert_eq!(fetches(world.control()), expected, "round {round}");
        // Not yet half a minute later.
        advance(&world, 20);
        assert_eq!(status(&world, &with_made_up_kid(&world)).await, 401);
        assert_eq!(fetches(world.control()), expected, "round {round}");
        advance(&world, 11);
    }
    // A made-up `kid` does not disturb those whose key is known.
    assert_eq!(status(&world, &token(&world)).await, 200);
}

#[tokio::test]
async fn a_retired_key_is_refused_after_the_refresh_even_for_a_token_verified_before() {
    let world = World::start().await;
    let old = token(&world);
    assert_eq!(status(&world, &old).await, 200);
    world.control().rotate_keys();
    assert_eq!(status(&world, &token(&world)).await, 200);
    assert_eq!(status(&world, &old).await, 200, "rotated, but still published");
    world.control().retire_keys();
    world.control().rotate_keys();
    advance(&world, 31);
    assert_eq!(status(&world, &token(&world)).await, 200);
    let mut log = log::capture();
    assert_eq!(status(&world, &old).await, 401);
    assert!(log.lines().iter().any(|line| line.contains("check=kid_unknown")));
}

#[tokio::test]
async fn known_keys_outlive_an_outage_and_unknown_ones_are_unavailable_not_refused() {
    for kind in
        [FaultKind::Unavailable, FaultKind::Throttle { retry_after_seconds: 9 }, FaultKind::CloseConnection]
    {
        let world = World::start().await;
        assert_eq!(status(&world, &token(&world)).await, 200);
        let known = token(&world);
        world.control().rotate_keys();
        let unknown = token(&world);
        outage(&world, kind.clone());
        assert_eq!(status(&world, &known).await, 200, "{kind:?}");
        // The first, and the ones after it: none of them may be told that its token is bad.
        for _ in 0..3 {
            assert_unavailable(&ask(&world, &unknown).await);
        }
        let others: Vec<String> = (0..10).map(|_| token(&world)).collect();
        for reply in join_all(others.iter().map(|token| ask(&world, token))).await {
            assert_unavailable(&reply);
        }
        assert_eq!(status(&world, &known).await, 200, "{kind:?}");
        world.control().clear_faults();
        advance(&world, 6);
        assert_eq!(status(&world, &unknown).await, 200, "{kind:?}: over as soon as Entra is back");
    }
}

#[tokio::test]
async fn a_cold_start_during_an_outage_is_unavailable_and_recovers_within_seconds() {
    let world = World::start().await;
    outage(&world, FaultKind::Unavailable);
    let token = token(&world);
    assert_unavailable(&ask(&world, &token).await);
    let asked = world.control().requests().len();
    // For five seconds nobody asks again, however many come.
    for reply in join_all((0..20).map(|_| ask(&world, &token))).await {
        assert_unavailable(&reply);
    }
    assert_eq!(world.control().requests().len(), asked);
    world.control().clear_faults();
    advance(&world, 6);
    assert_eq!(status(&world, &token).await, 200);
    assert!(world.gate.ready().await.is_ok());
}

#[tokio::test]
async fn a_cold_outage_is_no_reason_to_accept_or_to_ask_about_what_is_wrong_anyway() {
    let world = World::start().await;
    outage(&world, FaultKind::Unavailable);
    assert!(world.gate.ready().await.is_err());
    for defect in [Defect::AlgNone, Defect::AlgHs256, Defect::KidMissing, Defect::Jwe, Defect::GraphNonce] {
        let bad = world.control().mint(&MintRequest { defect: Some(defect), ..MintRequest::default() });
        assert_eq!(status(&world, &bad).await, 401, "{defect:?}");
    }
    let challenge = world.post(None, &json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await;
    assert_eq!(challenge.status(), 401);
}

#[tokio::test]
async fn keys_are_refreshed_after_an_hour_and_nobody_waits_for_it() {
    let entra = entragate_emulator::Emulator::builder()
        .keys(entragate_emulator::KeySource::Embedded)
        .start()
        .await
        .unwrap();
    let authority = Authority::of(&entra, |_, _| None).await;
    let host = authority.host();
    let world = World::builder().gate(move |builder| builder.authority(host)).in_front_of(entra).await;
    assert_eq!(status(&world, &token(&world)).await, 200);
    advance(&world, 3_590);
    assert_eq!(status(&world, &token(&world)).await, 200);
    assert_eq!(fetches(world.control()), 1, "not before the hour is over");

    advance(&world, 11);
    authority.hold();
    for _ in 0..20 {
        assert_eq!(status(&world, &token(&world)).await, 200);
    }
    assert_eq!(fetches(world.control()), 1);
    authority.release();
    eventually("the refresh", || fetches(world.control()) == 2).await;
    for _ in 0..20 {
        assert_eq!(status(&world, &token(&world)).await, 200);
    }
    assert_eq!(fetches(world.control()), 2, "one refresh is enough");
}

#[tokio::test]
async fn one_token_used_all_the_time_keeps_its_keys_under_review() {
    let world = World::start().await;
    let day = MintRequest { lifetime_seconds: Some(7 * 24 * 3600), ..MintRequest::default() };
    let token = world.control().mint(&day);
    assert_eq!(status(&world, &token).await, 200);
    world.control().rotate_keys();
    world.control().retire_keys();
    advance(&world, 3_601);
    assert_eq!(status(&world, &token).await, 200, "known from before; the refresh runs behind");
    eventually("the refresh", || fetches(world.control()) == 2).await;
    advance(&world, 31);
    assert_eq!(status(&world, &token).await, 401, "its key is gone");
}

#[tokio::test]
async fn keys_are_not_trusted_for_more_than_a_day_without_entra() {
    let world = World::start().await;
    let week = MintRequest { lifetime_seconds: Some(7 * 24 * 3600), ..MintRequest::default() };
    let (cached, fresh) = (world.control().mint(&week), world.control().mint(&week));
    assert_eq!(status(&world, &cached).await, 200);
    outage(&world, FaultKind::Unavailable);
    advance(&world, 23 * 3600);
    assert_eq!(status(&world, &cached).await, 200);
    assert_eq!(status(&world, &world.control().mint(&week)).await, 200);
    advance(&world, 3601);
    assert_unavailable(&ask(&world, &cached).await);
    assert_unavailable(&ask(&world, &fresh).await);
    world.control().clear_faults();
    advance(&world, 6);
    assert_eq!(status(&world, &cached).await, 200);
    assert_eq!(status(&world, &fresh).await, 200);
}

fn verifications(log: &mut log::Captured) -> usize {
    log.lines().iter().filter(|line| line.contains("token verified")).count()
}

#[tokio::test]
async fn a_token_is_verified_once_until_it_expires_or_the_keys_change() {
    let world = World::start().await;
    let mut log = log::capture();
    let short = world.control().mint(&MintRequest { lifetime_seconds: Some(600), ..MintRequest::default() });
    for _ in 0..5 {
        assert_eq!(status(&world, &short).await, 200);
    }
    assert_eq!(verifications(&mut log), 1);
    // Another token of the same user is another token.
    assert_eq!(status(&world, &token(&world)).await, 200);
    assert_eq!(verifications(&mut log), 1);
    world.control().rotate_keys();
    assert_eq!(status(&world, &token(&world)).await, 200);
    assert_eq!(status(&world, &short).await, 200);
    assert_eq!(verifications(&mut log), 2, "the key set changed, so it was looked at again");
    advance(&world, 661);
    assert_eq!(status(&world, &short).await, 401);
    assert_eq!(status(&world, &short).await, 401);
}

#[tokio::test]
async fn a_refused_token_is_not_remembered_as_good() {
    let world = World::start().await;
    let future = world.control().now() + 3_000;
    let early = crate::refusals::with_claims(
        world.control(),
        &json!({ "nbf": future, "iat": future, "exp": future + 3_000 }),
    );
    assert_eq!(status(&world, &early).await, 401);
    assert_eq!(status(&world, &early).await, 401);
    advance(&world, 3_001);
    assert_eq!(status(&world, &early).await, 200, "nor as bad");
}
