//! Numbers 14–17 of the checklist: the published signing keys and their rotation.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entragate_emulator::fixtures::TENANT;
use serde_json::Value;

use crate::fixture::{Authorize, Entra, Jwt, base64url};

const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn v2_keys() -> String {
    format!("/{TENANT}/discovery/v2.0/keys")
}

fn kids(keys: &[Value]) -> Vec<String> {
    keys.iter().map(|key| key["kid"].as_str().expect("kid is a string").to_owned()).collect()
}

fn sorted(keys: &[Value]) -> BTreeSet<String> {
    kids(keys).into_iter().collect()
}

async fn fresh_token(entra: &Entra) -> (String, String) {
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let kid = Jwt::access(&tokens).header["kid"].as_str().expect("a kid").to_owned();
    (tokens["access_token"].as_str().expect("a token").to_owned(), kid)
}

/// Everything items 14 and 16 say about the shape of one key, except `issuer`.
fn assert_key(key: &Value) {
    assert_eq!(key["kty"], "RSA");
    assert_eq!(key["use"], "sig");
    assert_eq!(key["e"], "AQAB");
    assert_eq!(key.get("alg"), None, "Entra publishes no alg: {key}");
    assert_eq!(key["kid"], key["x5t"]);
    assert_eq!(key["kid"].as_str().map(str::len), Some(27));
    let chain = key["x5c"].as_array().expect("x5c is an array");
    assert_eq!(chain.len(), 1);
    let certificate = STANDARD.decode(chain[0].as_str().expect("text")).expect("x5c is standard base64");
    let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
    assert_eq!(key["x5t"], base64url(thumbprint.as_ref()));
    let modulus = key["n"].as_str().expect("n is a string");
    assert_eq!(modulus.len(), 342, "2048 bits");
    let modulus = URL_SAFE_NO_PAD.decode(modulus).expect("base64url");
    assert!(
        certificate.windows(modulus.len()).any(|window| window == modulus),
        "the certificate is of that key"
    );
}

#[tokio::test]
async fn e014_v2_keys_have_the_shape_of_entra() {
    let entra = Entra::start().await;
    let keys = entra.keys(&v2_keys()).await;
    assert!((2..=10).contains(&keys.len()), "{}", keys.len());
    assert_eq!(sorted(&keys).len(), keys.len(), "kids are unique");
    for key in &keys {
        assert_key(key);
        let issuer = key["issuer"].as_str().expect("v2 keys name their issuer");
        let known = [TENANT, "{tenantid}"].map(|segment| format!("{}/{segment}/v2.0", entra.b()));
        assert!(known.contains(&issuer.to_owned()), "{issuer}");
        if let Some(cloud) = key.get("cloud_instance_name") {
            assert_eq!(cloud, "microsoftonline.com");
        }
    }
}

#[tokio::test]
async fn e015_common_keys_add_keys_of_the_consumers_issuer() {
    let entra = Entra::start().await;
    let keys = entra.keys("/common/discovery/v2.0/keys").await;
    let consumers = format!("{}/{CONSUMERS}/v2.0", entra.b());
    let template = format!("{}/{{tenantid}}/v2.0", entra.b());
    let (of_consumers, others): (Vec<Value>, Vec<Value>) =
        keys.into_iter().partition(|key| key["issuer"] == consumers.as_str());
    assert!(!of_consumers.is_empty());
    assert!(others.len() >= 2);
    for key in &others {
        assert_key(key);
        assert_eq!(key["issuer"], template);
    }
    let tenant = sorted(&entra.keys(&v2_keys()).await);
    assert_eq!(sorted(&others), tenant);
    for kid in kids(&of_consumers) {
        assert!(!tenant.contains(&kid), "the tenant's document has no consumer key");
    }
}

#[tokio::test]
async fn e016_v1_keys_are_the_same_kids_without_issuer() {
    let entra = Entra::start().await;
    let v1 = entra.keys(&format!("/{TENANT}/discovery/keys")).await;
    for key in &v1 {
        assert_key(key);
        assert_eq!(key.get("issuer"), None);
    }
    assert_eq!(sorted(&v1), sorted(&entra.keys(&v2_keys()).await));
}

#[tokio::test]
async fn e017_rotation_signs_with_a_new_key_and_keeps_the_old_one_published() {
    let entra = Entra::start().await;
    let (old_token, old_kid) = fresh_token(&entra).await;
    entra.control().rotate_keys();
    let (new_token, new_kid) = fresh_token(&entra).await;
    assert_ne!(new_kid, old_kid);
    let published = sorted(&entra.keys(&v2_keys()).await);
    assert!(published.contains(&old_kid) && published.contains(&new_kid), "{published:?}");
    entra.verified(&old_token).await;
    entra.verified(&new_token).await;
}

#[tokio::test]
async fn e017_retiring_removes_the_old_keys_everywhere() {
    let entra = Entra::start().await;
    let (old_token, old_kid) = fresh_token(&entra).await;
    entra.control().rotate_keys();
    entra.control().retire_keys();
    let (new_token, _) = fresh_token(&entra).await;
    for path in [v2_keys(), format!("/{TENANT}/discovery/keys"), "/common/discovery/v2.0/keys".to_owned()] {
        assert!(!sorted(&entra.keys(&path).await).contains(&old_kid), "{path}");
    }
    entra.verified(&new_token).await;
    assert_eq!(entra.verify(&old_token).await, Err("the kid is not published".to_owned()));
}

#[tokio::test]
async fn e017_the_order_of_the_keys_changes_between_calls() {
    let entra = Entra::start().await;
    let first = kids(&entra.keys(&v2_keys()).await);
    let mut orders = BTreeSet::from([first]);
    for _ in 0..60 {
        orders.insert(kids(&entra.keys(&v2_keys()).await));
    }
    assert!(orders.len() > 1, "61 answers, one order");
    let contents: BTreeSet<BTreeSet<String>> =
        orders.into_iter().map(|order| order.into_iter().collect()).collect();
    assert_eq!(contents.len(), 1, "only the order changes");
}
