//! Signed assertions at the wire, verified with the published keys by another implementation of JWT.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate::once::{Memory, Once};
use entragate::{AssertionError, Permit, SealKeys, Secret};
use entragate_emulator::{MintRequest, fixtures};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::broker::wire::Setup;
use crate::broker::world::BrokerWorld;
use crate::on_behalf_of::Later;
use crate::refusals::mint;
use crate::world::{McpServer, World, jose_header};

const AUDIENCE: &str = "https://tools.internal.contoso.test/mcp";

fn ring(letters: &str) -> SealKeys {
    SealKeys::new(letters.chars().map(|letter| Secret::new(String::from(letter).repeat(40)))).unwrap()
}

/// An MCP server that answers every call with the assertion about its caller.
fn vouched(gate: &Later) -> McpServer {
    let gate = Arc::clone(gate);
    McpServer::new(tower::service_fn(move |request: Request| {
        let gate = Arc::clone(&gate);
        async move {
            let permit = request.extensions().get::<Permit>().unwrap();
            let token = gate.get().unwrap().assertion(permit, AUDIENCE);
            let text = token.map_or_else(|error| error.to_string(), |token| token.expose().to_owned());
            Ok(Response::new(Body::from(text)))
        }
    }))
}

async fn world(keys: Option<SealKeys>) -> World {
    let gate = Later::default();
    let builder = World::builder().mcp(vouched(&gate));
    let world = builder
        .gate(|builder| match keys {
            Some(keys) => builder.assertion_keys(keys),
            None => builder,
        })
        .start()
        .await;
    gate.set(world.gate.clone()).unwrap();
    world
}

fn alice() -> MintRequest {
    MintRequest { client: Some("MCP".into()), ..MintRequest::default() }
}

async fn assertion(world: &World, token: &str) -> String {
    world
        .post(Some(token), &json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }))
        .await
        .text()
        .await
        .unwrap()
}

async fn keys(world: &World) -> Vec<Value> {
    let set: Value = world.get("/oauth/jwks").await.json().await.unwrap();
    let keys = set["keys"].as_array().unwrap().clone();
    keys.into_iter().filter(|key| key["kty"] == "EC").collect()
}

/// The claims, if one of the published keys signed them for this audience.
async fn verified(world: &World, token: &str, audience: &str) -> Result<Value, jsonwebtoken::errors::Error> {
    let set: JwkSet = world.get("/oauth/jwks").await.json().await.unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let jwk = set.find(header.kid.as_deref().unwrap()).expect("the key is published");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[world.base()]);
    validation.set_audience(&[audience]);
    // The emulator's clock runs apart from the computer's.
    (validation.validate_exp, validation.leeway) = (false, 0);
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation)
        .map(|token| token.claims)
}

#[tokio::test]
async fn a_server_that_verifies_reads_who_calls() {
    let world = world(Some(ring("a"))).await;
    let before = world.control().now();
    let request = MintRequest { roles: Some(vec!["Admin".into()]), ..alice() };
    let claims = json!({ "email": "alice@contoso.test", "groups": ["g1"], "preferred_username": "alice@contoso.test" });
    let token = mint(&world, &MintRequest { claims: claims.as_object().unwrap().clone(), ..request });
    let signed = assertion(&world, &token).await;
    let mut claims = verified(&world, &signed, AUDIENCE).await.unwrap();
    // The emulator's clock runs.
    let iat = claims["iat"].as_u64().unwrap();
    assert!((before..=world.control().now()).contains(&iat), "{claims}");
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(jti.as_str().unwrap().len(), 22);
    let expected = json!({
        "iss": world.base(), "aud": AUDIENCE, "sub": fixtures::user_oid("alice"), "oid": fixtures::user_oid("alice"),
        "tid": fixtures::TENANT, "azp": fixtures::MCP, "idtyp": "user", "preferred_username": "alice@contoso.test",
        "email": "alice@contoso.test", "roles": ["Admin"], "scp": "access", "groups": ["g1"],
        "iat": iat, "nbf": iat, "exp": iat + 300,
    });
    assert_eq!(claims, expected);
    let header = jose_header(&signed);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("JWT")));
    assert!(verified(&world, &signed, "https://elsewhere.test").await.is_err());
    assert!(!signed.contains(&token), "Entra's token is not in it");
    let (body, signature) = signed.rsplit_once('.').unwrap();
    let forged = format!("{}.{signature}", body.replace(body.split('.').nth(1).unwrap(), "eyJpc3MiOiJ4In0"));
    assert!(verified(&world, &forged, AUDIENCE).await.is_err());
}

#[tokio::test]
async fn it_is_signed_once_in_a_while_and_never_outlives_the_token() {
    let world = world(Some(ring("a"))).await;
    let token = mint(&world, &MintRequest { lifetime_seconds: Some(3600), ..alice() });
    let first = assertion(&world, &token).await;
    world.control().advance(Duration::from_secs(180));
    assert_eq!(assertion(&world, &token).await, first);
    world.control().advance(Duration::from_secs(61));
    let second = assertion(&world, &token).await;
    assert_ne!(second, first);
    let brief = mint(&world, &MintRequest { lifetime_seconds: Some(60), ..alice() });
    let claims = verified(&world, &assertion(&world, &brief).await, AUDIENCE).await.unwrap();
    let (iat, exp) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert!(exp < iat + 300, "{claims}");
    // To the second, although the gateway takes the token a minute longer.
    let payload = brief.split('.').nth(1).unwrap();
    let entra: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(claims["exp"], entra["exp"]);
}

#[tokio::test]
async fn groups_that_did_not_fit_into_the_token_are_not_mistaken_for_none() {
    let world = world(Some(ring("a"))).await;
    let claims = json!({ "_claim_names": { "groups": "src1" }, "groups": [] }).as_object().unwrap().clone();
    let token = mint(&world, &MintRequest { claims, ..alice() });
    let claims = verified(&world, &assertion(&world, &token).await, AUDIENCE).await.unwrap();
    assert_eq!((&claims["hasgroups"], claims.get("groups")), (&json!(true), None));
}

#[tokio::test]
async fn another_caller_has_another_one() {
    let world = world(Some(ring("a"))).await;
    let bob = mint(&world, &MintRequest { user: Some("bob".into()), ..alice() });
    let daemon = MintRequest {
        client: Some("DMN".into()),
        user: None,
        roles: Some(vec!["Tools.All".into()]),
        ..MintRequest::default()
    };
    let claims = json!({ "scp": null, "idtyp": "app" }).as_object().unwrap().clone();
    let daemon = mint(&world, &MintRequest { claims, ..daemon });
    let alice = mint(&world, &alice());
    for _ in 0..2 {
        for (token, kind) in [(&alice, "user"), (&bob, "user"), (&daemon, "app")] {
            let claims = verified(&world, &assertion(&world, token).await, AUDIENCE).await.unwrap();
            assert_eq!(claims["idtyp"], kind);
            if *token == bob {
                assert_eq!(claims["sub"], fixtures::user_oid("bob"));
            }
        }
    }
}

#[tokio::test]
async fn the_first_key_signs_all_are_published_and_nothing_of_them_is_private() {
    let world = world(Some(ring("ba"))).await;
    let published = keys(&world).await;
    assert_eq!(published.len(), 2);
    for key in &published {
        let mut members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
    let token = mint(&world, &alice());
    let signed = assertion(&world, &token).await;
    assert_eq!(jose_header(&signed)["kid"], published[0]["kid"]);
    let all: Value = world.get("/oauth/jwks").await.json().await.unwrap();
    assert!(all["keys"].as_array().unwrap().iter().any(|key| key["kty"] == "RSA"), "Entra's are there too");
}

#[tokio::test]
async fn another_gateway_with_the_same_ring_has_other_keys() {
    // Their base URLs differ by the port.
    let (one, other) = (world(Some(ring("a"))).await, world(Some(ring("a"))).await);
    assert_ne!(keys(&one).await[0]["kid"], keys(&other).await[0]["kid"]);
}

#[tokio::test]
async fn replicas_sign_with_the_same_key() {
    let a = BrokerWorld::builder().gate(|builder| builder.assertion_keys(ring("a"))).start().await;
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let b = Setup::sharing(&store).start_with(&a, |builder| builder.assertion_keys(ring("a"))).await;
    let published = async |url: String| a.http.get(url).send().await.unwrap().text().await.unwrap();
    // Entra's keys follow in any order.
    let ours = |set: String| serde_json::from_str::<Value>(&set).unwrap()["keys"][0].clone();
    assert_eq!(ours(published(a.url("/oauth/jwks")).await), ours(published(b.at("/oauth/jwks")).await));
}

#[tokio::test]
async fn an_outage_of_entra_hides_none_of_our_keys() {
    let mut world = world(Some(ring("a"))).await;
    world.shut_entra_down().await;
    let answer = world.get("/oauth/jwks").await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["cache-control"].to_str().unwrap()),
        (200, "no-store")
    );
    let set: Value = answer.json().await.unwrap();
    assert_eq!(set["keys"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_gate_without_keys_signs_nothing() {
    let world = world(None).await;
    let token = mint(&world, &alice());
    assert_eq!(assertion(&world, &token).await, AssertionError::NotConfigured.to_string());
    assert!(keys(&world).await.is_empty());
}
