//! Number 93 of the checklist: tokens of other issuers as client assertions, and the managed identity that has one.

use entragate_emulator::fixtures::{API, DMN, IDENTITY, IDENTITY_OID, TENANT, WEB};
use serde_json::{Value, json};

use crate::assertion::{Assertion, jwks, other_key};
use crate::fixture::{Authorize, Entra, Jwt, Token, edited_fixtures, members, scope};
use crate::reply::Reply;

const EXCHANGE: &str = "api://AzureADTokenExchange";
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const REPOSITORY: &str = "repo:contoso/gateway:ref:refs/heads/main";

fn daemon() -> Token {
    Token::client_credentials(WEB, "", &scope(API, ".default")).without("client_secret")
}

async fn metadata(entra: &Entra, query: &str) -> Reply {
    let path = format!("/metadata/identity/oauth2/token?{query}");
    entra.send(entra.request("GET", &path).header("metadata", "true")).await
}

async fn identity_token(entra: &Entra) -> String {
    let query = format!("api-version=2018-02-01&resource={EXCHANGE}");
    metadata(entra, &query).await.ok()["access_token"].as_str().expect("a token").to_owned()
}

/// A token as GitHub's workflows have it; WEB trusts it by a key in the directory.
async fn with_github() -> (Entra, Assertion, aws_lc_rs::rsa::KeyPair) {
    let key = other_key();
    let mut directory = edited_fixtures(&[]);
    let web = directory.apps.iter_mut().find(|app| app.id == WEB).expect("WEB");
    let mut credential = web.federated_credentials[0].clone();
    GITHUB.clone_into(&mut credential.issuer);
    REPOSITORY.clone_into(&mut credential.subject);
    credential.jwks = Some(jwks(&key, "k1"));
    web.federated_credentials.push(credential);
    let entra = Entra::with(directory).await;
    let now = entra.control().now();
    let assertion = Assertion {
        // GitHub's tokens carry a thumbprint too, which must not make them a certificate's.
        header: json!({ "alg": "RS256", "kid": "k1", "x5t": "k1" }),
        claims: json!({ "aud": EXCHANGE, "iss": GITHUB, "sub": REPOSITORY, "nbf": now, "exp": now + 300 }),
    };
    (entra, assertion, key)
}

#[tokio::test]
async fn e093_the_metadata_service_answers_like_azure_s() {
    let entra = Entra::start().await;
    let query = format!("api-version=2018-02-01&resource={EXCHANGE}&client_id={IDENTITY}");
    let body = metadata(&entra, &query).await.ok();
    assert_eq!(
        members(&body),
        [
            "access_token",
            "client_id",
            "expires_in",
            "expires_on",
            "ext_expires_in",
            "not_before",
            "resource",
            "token_type"
        ]
    );
    for name in ["expires_in", "expires_on", "ext_expires_in", "not_before"] {
        assert!(body[name].as_str().expect("text").parse::<u64>().is_ok(), "{body}");
    }
    assert_eq!((&body["client_id"], &body["resource"]), (&json!(IDENTITY), &json!(EXCHANGE)));
    let claims = entra.verified(body["access_token"].as_str().expect("a token")).await;
    assert_eq!(claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
    assert_eq!((&claims["sub"], &claims["oid"]), (&json!(IDENTITY_OID), &json!(IDENTITY_OID)));
    let for_api = metadata(&entra, &format!("api-version=2018-02-01&resource=api://{API}")).await.ok();
    assert_eq!(Jwt::access(&for_api).claims["aud"], API);
}

#[tokio::test]
async fn e093_the_metadata_service_refuses() {
    let entra = Entra::start().await;
    let good = format!("api-version=2018-02-01&resource={EXCHANGE}");
    let without = entra.get(&format!("/metadata/identity/oauth2/token?{good}")).await;
    assert_eq!((without.status, &without.json()["error"]), (400, &json!("invalid_request")));
    for query in [
        format!("resource={EXCHANGE}"),
        "api-version=2018-02-01".to_owned(),
        "api-version=2018-02-01&resource=api://nope".to_owned(),
        format!("{good}&client_id={API}"),
    ] {
        assert_eq!(metadata(&entra, &query).await.status, 400, "{query}");
    }
    // What a proxy passes on is not asked for by this machine.
    let path = format!("/metadata/identity/oauth2/token?{good}");
    let request =
        entra.request("GET", &path).header("metadata", "true").header("x-forwarded-for", "192.0.2.1");
    let forwarded = entra.send(request).await;
    assert_eq!((forwarded.status, &forwarded.json()["error"]), (400, &json!("invalid_request")));
    assert_eq!(forwarded.json()["access_token"], Value::Null);
}

#[tokio::test]
async fn e093_a_managed_identity_s_token_gives_azpacr_2() {
    let entra = Entra::start().await;
    let assertion = identity_token(&entra).await;
    let tokens = entra.redeem(&daemon().asserting(&assertion)).await;
    assert_eq!(Jwt::access(&tokens).claims["azpacr"], "2");
    let request = Authorize::web().user("alice");
    let code = Token::code(&request, &entra.code(&request).await);
    let tokens = entra.redeem(&code.asserting(&assertion)).await;
    assert_eq!(Jwt::access(&tokens).claims["azpacr"], "2");
}

#[tokio::test]
async fn e093_a_managed_identity_s_token_needs_the_emulator_s_signature() {
    let entra = Entra::start().await;
    let claims = Jwt::parse(&identity_token(&entra).await).claims;
    let forged = Assertion { header: json!({ "alg": "RS256", "kid": "x" }), claims };
    let refusal = entra.token(&daemon().asserting(&forged.sign())).await;
    refusal.refusal(401, "invalid_client", 700_027);
}

#[tokio::test]
async fn e093_an_issuer_with_its_keys_in_the_directory() {
    let (entra, assertion, key) = with_github().await;
    let several = assertion.clone().claim("aud", json!(["other", EXCHANGE]));
    for good in [assertion.clone(), several] {
        let tokens = entra.redeem(&daemon().asserting(&good.sign_with(&key))).await;
        assert_eq!(Jwt::access(&tokens).claims["azpacr"], "2");
    }
    let refusal = entra.token(&daemon().asserting(&assertion.sign_with(&other_key()))).await;
    refusal.refusal(401, "invalid_client", 700_027);
}

#[tokio::test]
async fn e093_wrong_subject_700213_issuer_700211_audience_700212() {
    let (entra, assertion, key) = with_github().await;
    let wrong: [(&str, &str, &str, u64); 5] = [
        ("sub", "repo:contoso/other", "subject", 700_213),
        ("sub", &REPOSITORY.to_uppercase(), "subject", 700_213),
        // Somebody else's subject, which another credential of the app has.
        ("sub", IDENTITY_OID, "subject", 700_213),
        ("iss", "https://token.actions.githubusercontent.com/", "issuer", 700_211),
        ("aud", "https://github.com/contoso", "audience", 700_212),
    ];
    for (claim, value, what, code) in wrong {
        let sent = assertion.clone().claim(claim, Value::from(value)).sign_with(&key);
        let refusal = entra.token(&daemon().asserting(&sent)).await.refusal(401, "invalid_client", code);
        refusal.begins(&format!(
            "No matching federated identity record found for presented assertion {what} '{value}'."
        ));
    }
}

#[tokio::test]
async fn e093_an_expired_token_700024() {
    let (entra, assertion, key) = with_github().await;
    let sent = assertion.sign_with(&key);
    entra.advance(900);
    entra.token(&daemon().asserting(&sent)).await.refusal(401, "invalid_client", 700_024);
}

#[tokio::test]
async fn e093_an_app_without_federated_credentials_70021() {
    let entra = Entra::start().await;
    let sent = daemon().with("client_id", DMN).asserting(&identity_token(&entra).await);
    entra.token(&sent).await.refusal(400, "invalid_request", 70021);
}
