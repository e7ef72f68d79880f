//! Number 108 of the checklist: minted tokens, good and hostile, for the tests of whoever validates them.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate_emulator::fixtures::{API, API1, CLI, CLI2, DMN, GRAPH, SIBLING, TENANT, TENANT2};
use serde_json::{Value, json};

use crate::fixture::{Entra, Jwt, members, oid};

async fn defective(entra: &Entra, defect: &str) -> String {
    entra.mint(json!({"defect": defect})).await
}

/// A defect that leaves the signature good: the reader verifies it, the claims are wrong.
async fn signed(entra: &Entra, defect: &str) -> Jwt {
    let token = defective(entra, defect).await;
    entra.verify(&token).await.unwrap_or_else(|error| panic!("{defect}: {error}"));
    Jwt::parse(&token)
}

fn seconds(claims: &Value, name: &str) -> u64 {
    claims[name].as_u64().unwrap_or_else(|| panic!("{name} in {claims}"))
}

fn find<'a>(keys: &'a [Value], kid: &Value) -> Option<&'a Value> {
    keys.iter().find(|key| key["kid"] == *kid)
}

async fn tenant_keys(entra: &Entra) -> Vec<Value> {
    entra.keys(&format!("/{TENANT}/discovery/v2.0/keys")).await
}

/// The `SubjectPublicKeyInfo` of a published 2048-bit RSA key, built from its `n`.
fn spki(key: &Value) -> Vec<u8> {
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().expect("n")).expect("base64url");
    let mut der = vec![
        0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
        0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00,
    ];
    der.extend(modulus);
    der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    der
}

#[tokio::test]
async fn e108_minted_token_is_good_by_default() {
    let entra = Entra::start().await;
    let token = entra.mint(json!({})).await;
    let claims = entra.verified(&token).await;
    assert_eq!(claims["aud"], API);
    assert_eq!(claims["azp"], CLI);
    assert_eq!(claims["oid"], oid("alice"));
    assert_eq!(claims["scp"], "access");
    assert_eq!(claims["roles"], json!(["Admin"]));
    assert_eq!(claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
}

#[tokio::test]
async fn e108_mint_takes_app_client_user_version_and_lifetime() {
    let entra = Entra::start().await;
    let request = json!({"app": "API1", "client": CLI2, "user": "bob", "lifetime_seconds": 42});
    let claims = entra.verified(&entra.mint(request).await).await;
    assert_eq!(
        (&claims["ver"], &claims["appid"], &claims["oid"]),
        (&json!("1.0"), &json!(CLI2), &json!(oid("bob")))
    );
    assert!(seconds(&claims, "exp").abs_diff(entra.control().now() + 42) <= 2, "{claims}");

    let other_version = entra.verified(&entra.mint(json!({"app": API1, "version": 2})).await).await;
    assert_eq!((&other_version["ver"], &other_version["aud"]), (&json!("2.0"), &json!(API1)));
    let v1 = entra.verified(&entra.mint(json!({"version": 1})).await).await;
    assert_eq!(v1["iss"], format!("{}/sts/{TENANT}/", entra.b()));
}

#[tokio::test]
async fn e108_mint_without_user_is_app_only() {
    let entra = Entra::start().await;
    let request = json!({"user": null, "client": DMN, "roles": ["Tools.All"]});
    let claims = entra.verified(&entra.mint(request).await).await;
    assert_eq!(claims.get("scp"), None);
    assert_eq!(claims["roles"], json!(["Tools.All"]));
    assert_eq!(claims["azp"], DMN);
    assert_eq!(claims["oid"], claims["sub"]);
}

#[tokio::test]
async fn e108_mint_merges_claims_and_header_and_null_removes() {
    let entra = Entra::start().await;
    let request = json!({
        "claims": {"oid": null, "xms_act_fct": "9 3 11", "scp": "/"},
        "header": {"typ": null, "cty": "x"},
    });
    let token = entra.mint(request).await;
    entra.verify(&token).await.expect("still well signed");
    let token = Jwt::parse(&token);
    assert_eq!(token.claims.get("oid"), None);
    assert_eq!((&token.claims["xms_act_fct"], &token.claims["scp"]), (&json!("9 3 11"), &json!("/")));
    assert_eq!((token.header.get("typ"), &token.header["cty"]), (None, &json!("x")));
    assert_eq!(token.claims["aud"], API, "the rest stays");
}

#[tokio::test]
async fn e108_mint_signs_a_raw_payload_verbatim() {
    let entra = Entra::start().await;
    let raw = format!("{{ \"tid\":\"{TENANT}\", \"TID\":\"{TENANT2}\",\n\"aud\":\"a\",\"aud\":\"b\" }}");
    let token = entra.mint(json!({"raw_payload": raw})).await;
    assert!(entra.is_signed(&token).await);
    assert_eq!(Jwt::parse(&token).payload, raw);
}

#[tokio::test]
async fn e108_alg_none() {
    let entra = Entra::start().await;
    let token = defective(&entra, "alg_none").await;
    assert!(token.ends_with('.'), "no signature");
    let token = Jwt::parse(&token);
    assert_eq!(token.header["alg"], "none");
    assert_eq!(token.claims["aud"], API);
}

#[tokio::test]
async fn e108_alg_hs256_uses_the_public_key_as_secret() {
    let entra = Entra::start().await;
    let token = defective(&entra, "alg_hs256").await;
    let header = Jwt::parse(&token).header;
    assert_eq!(header["alg"], "HS256");
    let keys = tenant_keys(&entra).await;
    let secret = spki(find(&keys, &header["kid"]).expect("a published key"));
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    hmac::verify(&key, message.as_bytes(), &signature).expect("an HMAC with the SPKI DER");
}

#[tokio::test]
async fn e108_kid_missing_and_unknown() {
    let entra = Entra::start().await;
    let missing = Jwt::parse(&defective(&entra, "kid_missing").await).header;
    assert_eq!((missing.get("kid"), &missing["alg"]), (None, &json!("RS256")));
    let unknown = Jwt::parse(&defective(&entra, "kid_unknown").await).header;
    assert!(unknown["kid"].is_string());
    for path in [format!("/{TENANT}/discovery/v2.0/keys"), "/common/discovery/v2.0/keys".to_owned()] {
        assert!(find(&entra.keys(&path).await, &unknown["kid"]).is_none(), "{path}");
    }
}

#[tokio::test]
async fn e108_bad_signature() {
    let entra = Entra::start().await;
    let token = defective(&entra, "bad_signature").await;
    assert_eq!(entra.verify(&token).await, Err("InvalidSignature".to_owned()));
    let good = Jwt::parse(&entra.mint(json!({})).await);
    let bad = Jwt::parse(&token);
    assert_eq!((&bad.header["alg"], &bad.claims["aud"]), (&good.header["alg"], &good.claims["aud"]));
}

#[tokio::test]
async fn e108_consumers_key_with_the_tenants_issuer() {
    let entra = Entra::start().await;
    let token = Jwt::parse(&defective(&entra, "consumers_key").await);
    assert_eq!(token.claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
    let common = entra.keys("/common/discovery/v2.0/keys").await;
    let key = find(&common, &token.header["kid"]).expect("published on common");
    assert_eq!(key["issuer"], format!("{}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", entra.b()));
}

#[tokio::test]
async fn e108_wrong_tid() {
    let entra = Entra::start().await;
    let claims = signed(&entra, "wrong_tid").await.claims;
    assert_eq!(claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
    assert_ne!(claims["tid"], TENANT);
}

#[tokio::test]
async fn e108_duplicate_tid_in_two_casings() {
    let entra = Entra::start().await;
    let payload = signed(&entra, "duplicate_tid").await.payload;
    let tids = payload.to_ascii_lowercase().matches("\"tid\"").count();
    assert_eq!(tids, 2, "{payload}");
}

#[tokio::test]
async fn e108_wrong_cloud_instance() {
    let entra = Entra::start().await;
    let token = Jwt::parse(&defective(&entra, "wrong_cloud_instance").await);
    let keys = tenant_keys(&entra).await;
    let key = find(&keys, &token.header["kid"]).expect("the key is published");
    let cloud = key["cloud_instance_name"].as_str().expect("the key names its cloud");
    assert_ne!(cloud, "microsoftonline.com");
    assert_eq!(token.claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
}

#[tokio::test]
async fn e108_times() {
    let entra = Entra::start().await;
    let now = entra.control().now();
    let skew = 300;
    let expired = signed(&entra, "expired").await.claims;
    assert!(seconds(&expired, "exp") + skew < now, "beyond any skew: {expired}");
    let future = signed(&entra, "not_yet_valid").await.claims;
    assert!(seconds(&future, "nbf") > now + skew, "beyond any skew: {future}");
    assert_eq!(signed(&entra, "no_exp").await.claims.get("exp"), None);
    assert_eq!(signed(&entra, "no_nbf").await.claims.get("nbf"), None);
    let text = signed(&entra, "string_exp").await.claims;
    let exp = text["exp"].as_str().and_then(|exp| exp.parse::<u64>().ok()).expect("digits in a string");
    assert!(exp > now, "{text}");
}

#[tokio::test]
async fn e108_aud_array() {
    let entra = Entra::start().await;
    let claims = signed(&entra, "aud_array").await.claims;
    let audiences = claims["aud"].as_array().expect("an array");
    assert!(audiences.contains(&json!(API)), "{claims}");
}

#[tokio::test]
async fn e108_jwe_has_five_parts() {
    let entra = Entra::start().await;
    let token = defective(&entra, "jwe").await;
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 5);
    let header = URL_SAFE_NO_PAD.decode(parts[0]).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert!(header["alg"].is_string() && header["enc"].is_string(), "{header}");
}

#[tokio::test]
async fn e108_graph_style_nonce_never_verifies() {
    let entra = Entra::start().await;
    let token = defective(&entra, "graph_nonce").await;
    assert_eq!(entra.verify(&token).await, Err("InvalidSignature".to_owned()));
    let token = Jwt::parse(&token);
    assert!(token.header["nonce"].is_string(), "{}", token.header);
    let audience = token.claims["aud"].as_str().expect("one audience");
    assert!([GRAPH, "https://graph.microsoft.com"].contains(&audience), "{audience}");
}

#[tokio::test]
async fn e108_id_token() {
    let entra = Entra::start().await;
    let claims = signed(&entra, "id_token").await.claims;
    assert_eq!(claims["aud"], CLI);
    assert_eq!((claims.get("scp"), claims.get("azp")), (None, None));
}

#[tokio::test]
async fn e108_other_tenant() {
    let entra = Entra::start().await;
    let claims = signed(&entra, "other_tenant").await.claims;
    assert_eq!(claims["tid"], TENANT2);
    assert_eq!(claims["iss"], format!("{}/{TENANT2}/v2.0", entra.b()));
    assert_eq!(claims["aud"], API);
}

#[tokio::test]
async fn e108_sibling_app() {
    let entra = Entra::start().await;
    let claims = signed(&entra, "sibling_app").await.claims;
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!(SIBLING), &json!("access")));
}

#[tokio::test]
async fn e108_no_scp_no_roles() {
    let entra = Entra::start().await;
    let claims = signed(&entra, "no_scp_no_roles").await.claims;
    assert_eq!((claims.get("scp"), claims.get("roles")), (None, None));
    assert_eq!(claims["aud"], API);
}

#[tokio::test]
async fn e108_crit_header() {
    let entra = Entra::start().await;
    let token = Jwt::parse(&defective(&entra, "crit_header").await);
    let critical = token.header["crit"].as_array().expect("an array");
    assert!(!critical.is_empty());
    assert!(members(&token.header).len() > 3, "{}", token.header);
}

#[tokio::test]
async fn e108_an_unknown_defect_or_member_is_refused() {
    let entra = Entra::start().await;
    for request in [json!({"defect": "no_such_defect"}), json!({"lifetime": 5}), json!({"app": "NOPE"})] {
        crate::control::assert_refused(&entra.operate("POST", "/tokens", &request).await);
    }
}
