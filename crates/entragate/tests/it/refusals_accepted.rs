//! The other side of the matrix: what Entra really issues is accepted in every form it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use entragate::{ApiApp, ClientId, Clock, Timestamp};
use entragate_emulator::{Defect, MintRequest, V1Audience, fixtures};
use serde_json::{Map, Value, json};

use crate::refusals::{accepts, mint, with_claims};
use crate::world::{World, log};

fn members(object: &Value) -> Map<String, Value> {
    object.as_object().unwrap().clone()
}

/// A clock that stands still, for tests of single seconds.
#[derive(Clone)]
struct Frozen(Arc<AtomicU64>);

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn everybody_with_a_permission_is_let_in() {
    let world = World::start().await;
    for user in ["alice", "bob", "carol", "eve", "frank", "gina", "nina"] {
        let token = mint(&world, &MintRequest { user: Some(user.to_owned()), ..MintRequest::default() });
        assert!(accepts(&world, &token).await, "{user} was refused");
    }
}

#[tokio::test]
async fn a_program_with_an_app_role_is_let_in() {
    let world = World::start().await;
    let daemon = MintRequest { client: Some("DMN".into()), user: None, ..MintRequest::default() };
    assert!(accepts(&world, &mint(&world, &daemon)).await);
    // Agent identities: `scp: "/"`, `oid` other than `sub`, `idtyp: app` or none.
    for claims in [
        json!({ "scp": "/" }),
        json!({ "scp": "" }),
        json!({ "scp": "/", "idtyp": "app" }),
        json!({ "scp": "/", "xms_act_fct": "9 3 11", "xms_par_app_azp": fixtures::CLI, "sub": "another" }),
    ] {
        let token = mint(&world, &MintRequest { claims: members(&claims), ..daemon.clone() });
        assert!(accepts(&world, &token).await, "{claims}");
    }
}

#[tokio::test]
async fn seed_row_9_every_audience_that_entra_writes_for_the_app_is_its_name() {
    let world = World::start().await;
    for aud in [
        json!(fixtures::API),
        json!(format!("api://{}", fixtures::API)),
        json!(format!("api://{}/", fixtures::API)),
        json!([fixtures::API]),
    ] {
        assert!(accepts(&world, &with_claims(world.control(), &json!({ "aud": aud }))).await, "{aud}");
    }
    let array = MintRequest { defect: Some(Defect::AudArray), ..MintRequest::default() };
    assert!(accepts(&world, &mint(&world, &array)).await);
}

#[tokio::test]
async fn seed_rows_8_and_9_v1_tokens_are_accepted_with_every_spelling_of_their_audience() {
    let api = ApiApp::new(ClientId::parse(fixtures::API1).unwrap())
        .with_identifier_uris(["https://v1.contoso.test"])
        .unwrap()
        .with_scopes(["access"])
        .unwrap();
    let world = World::builder().api(api).start().await;
    let mut spellings = Vec::new();
    for audience in [V1Audience::RequestedUri, V1Audience::AnyUri, V1Audience::WithSlash, V1Audience::Guid] {
        world.control().set(|settings| settings.v1_audience = audience);
        for user in ["alice", "eve"] {
            let request = MintRequest {
                app: Some("API1".into()),
                user: Some(user.to_owned()),
                ..MintRequest::default()
            };
            let token = mint(&world, &request);
            assert!(accepts(&world, &token).await, "{user} {audience:?}");
            spellings.push(crate::refusals::payload(&token)["aud"].clone());
        }
    }
    spellings.dedup();
    assert_eq!(spellings.len(), 4, "four spellings were tried: {spellings:?}");
}

#[tokio::test]
async fn typ_is_that_of_an_access_token_or_absent() {
    let world = World::start().await;
    for typ in [json!("JWT"), json!("jwt"), json!("at+jwt"), json!("application/at+jwt"), Value::Null] {
        let header = members(&json!({ "typ": typ }));
        let token = mint(&world, &MintRequest { header, ..MintRequest::default() });
        assert!(accepts(&world, &token).await, "{typ}");
    }
}

#[tokio::test]
async fn unknown_claims_and_header_members_are_ignored() {
    let world = World::start().await;
    let request = MintRequest {
        header: members(&json!({ "x5t#S256": "x", "jku": "https://evil.test/keys", "ctx": 1 })),
        claims: members(&json!({ "xms_new": { "deep": [1, "x"] }, "ver": "3.0", "acrs": ["c1"] })),
        ..MintRequest::default()
    };
    assert!(accepts(&world, &mint(&world, &request)).await);
}

#[tokio::test]
async fn rs_16_the_scheme_is_case_insensitive_and_spaces_around_the_token_do_not_matter() {
    let world = World::start().await;
    let token = mint(&world, &MintRequest::default());
    for value in [format!("bearer {token}"), format!("BEARER {token}"), format!("Bearer   {token}  ")] {
        let request = world.http.post(world.url("/mcp")).header("authorization", &value);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn rs_22_clocks_may_differ_by_less_than_a_minute() {
    let now = Frozen(Arc::new(AtomicU64::new(2_000_000_000)));
    let clock = now.clone();
    let world = World::builder().gate(move |builder| builder.clock(clock)).start().await;
    let at = |exp: u64, nbf: u64, iat: u64| {
        with_claims(world.control(), &json!({ "exp": exp, "nbf": nbf, "iat": iat }))
    };
    let now = now.now().as_unix();
    let mut log = log::capture();
    for (token, expected, what) in [
        (at(now - 59, now - 4000, now - 4000), true, "59 s past exp"),
        (at(now - 60, now - 4000, now - 4000), false, "60 s past exp"),
        (at(now - 61, now - 4000, now - 4000), false, "61 s past exp"),
        (at(now + 600, now + 60, now), true, "60 s before nbf"),
        (at(now + 600, now + 61, now), false, "61 s before nbf"),
        (at(now + 600, now, now + 60), true, "60 s before iat"),
        (at(now + 600, now, now + 61), false, "61 s before iat"),
        (at(u64::MAX, now, now), true, "the largest number"),
    ] {
        assert_eq!(accepts(&world, &token).await, expected, "{what}");
    }
    let lines = log.lines();
    let reasons = ["expired 60 s ago", "expired 61 s ago", "for another 61 s"];
    assert!(reasons.iter().all(|text| lines.iter().any(|line| line.contains(text))), "{lines:?}");
}
