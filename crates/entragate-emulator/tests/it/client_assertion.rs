//! Number 92 of the checklist: a client that signs with its certificate.

use entragate_emulator::fixtures::{API, TENANT, WEB};

use crate::assertion::{Assertion, other_key};
use crate::fixture::{Authorize, Entra, Jwt, Token, scope};

fn daemon() -> Token {
    Token::client_credentials(WEB, "", &scope(API, ".default")).without("client_secret")
}

#[tokio::test]
async fn e092_ps256_and_rs256_give_azpacr_2() {
    let entra = Entra::start().await;
    let assertion = Assertion::of(&entra, WEB);
    for assertion in [assertion.clone(), assertion.rs256()] {
        let tokens = entra.redeem(&daemon().asserting(&assertion.sign())).await;
        assert_eq!(Jwt::access(&tokens).claims["azpacr"], "2");
    }
}

#[tokio::test]
async fn e092_seconds_may_have_a_fraction() {
    let entra = Entra::start().await;
    let exp = f64::from(u32::try_from(entra.control().now()).expect("before 2106")) + 600.25;
    let assertion = Assertion::of(&entra, WEB).claim("exp", exp).sign();
    entra.redeem(&daemon().asserting(&assertion)).await;
}

#[tokio::test]
async fn e092_codes_and_refresh_tokens_are_redeemed_with_an_assertion() {
    let entra = Entra::start().await;
    let request = Authorize::web().user("alice");
    let assertion = Assertion::of(&entra, WEB).sign();
    let code = Token::code(&request, &entra.code(&request).await);
    let tokens = entra.redeem(&code.asserting(&assertion)).await;
    assert_eq!(Jwt::access(&tokens).claims["azpacr"], "2");
    let refresh = Token::refresh(WEB, &tokens).with("scope", &scope(API, "access"));
    let again = entra.redeem(&refresh.clone().asserting(&assertion)).await;
    assert_eq!(Jwt::access(&again).claims["azpacr"], "2");
    let with_secret = entra.redeem(&refresh.with("client_secret", "s3cret")).await;
    assert_eq!(Jwt::access(&with_secret).claims["azpacr"], "1");
}

#[tokio::test]
async fn e092_a_v1_token_says_it_in_appidacr() {
    let entra = Entra::start().await;
    let scope = scope(entragate_emulator::fixtures::API1, ".default");
    let assertion = Assertion::of(&entra, WEB).sign();
    let tokens = entra.redeem(&daemon().with("scope", &scope).asserting(&assertion)).await;
    assert_eq!(Jwt::access(&tokens).claims["appidacr"], "2");
}

#[tokio::test]
async fn e092_expired_or_early_700024() {
    let entra = Entra::start().await;
    let (now, assertion) = (entra.control().now(), Assertion::of(&entra, WEB));
    for wrong in [
        assertion.clone().claim("exp", now - 600),
        assertion.clone().claim("nbf", now + 600).claim("exp", now + 900),
        assertion.claim("exp", "soon"),
    ] {
        let refusal = entra.token(&daemon().asserting(&wrong.sign())).await;
        let refusal = refusal.refusal(401, "invalid_client", 700_024);
        refusal.begins("Client assertion is not within its valid time range. Current time: 20");
    }
}

#[tokio::test]
async fn e092_a_bad_signature_700027() {
    let entra = Entra::start().await;
    let assertion = Assertion::of(&entra, WEB);
    for wrong in [
        assertion.sign_with(&other_key()),
        assertion.clone().rs256().sign_with(&other_key()),
        // Signed as one thing and called another.
        assertion.clone().sign().replace(
            &crate::fixture::base64url(assertion.header.to_string().as_bytes()),
            &crate::fixture::base64url(assertion.clone().rs256().header.to_string().as_bytes()),
        ),
        assertion.clone().header("alg", "none").sign(),
    ] {
        let refusal = entra.token(&daemon().asserting(&wrong)).await;
        refusal
            .refusal(401, "invalid_client", 700_027)
            .says("Client assertion contains an invalid signature.");
    }
}

#[tokio::test]
async fn e092_an_unknown_thumbprint_700027() {
    let entra = Entra::start().await;
    let unknown = Assertion::of(&entra, WEB).header("x5t#S256", "AAAA");
    let refusal = entra.token(&daemon().asserting(&unknown.sign())).await;
    let refusal = refusal.refusal(401, "invalid_client", 700_027);
    refusal.begins("Client assertion contains an invalid signature. [Reason - The key was not found.");
    // An app without certificates knows none.
    let dmn = entragate_emulator::fixtures::DMN;
    let assertion = Assertion::of(&entra, dmn).sign();
    let refusal = entra.token(&daemon().with("client_id", dmn).asserting(&assertion)).await;
    refusal.refusal(401, "invalid_client", 700_027);
}

#[tokio::test]
async fn e092_another_audience_issuer_or_subject_is_an_invalid_client() {
    let entra = Entra::start().await;
    let assertion = Assertion::of(&entra, WEB);
    let elsewhere = format!("{}/common/oauth2/v2.0/token", entra.b());
    for audience in [&elsewhere, "https://login.microsoftonline.com", API] {
        let wrong = assertion.clone().claim("aud", audience);
        let refusal = entra.token(&daemon().asserting(&wrong.sign())).await;
        refusal
            .refusal(401, "invalid_client", 700_023)
            .says("Client assertion audience claim does not match Realm issuer.");
    }
    for name in ["iss", "sub"] {
        let wrong = assertion.clone().claim(name, API);
        let refusal = entra.token(&daemon().asserting(&wrong.sign())).await;
        refusal.refusal(401, "invalid_client", 700_021);
    }
}

#[tokio::test]
async fn e092_the_audience_may_be_the_issuer_or_name_the_tenant_by_domain() {
    let entra = Entra::start().await;
    let assertion = Assertion::of(&entra, WEB);
    for audience in
        [format!("{}/{TENANT}/v2.0", entra.b()), format!("{}/contoso.test/oauth2/v2.0/token", entra.b())]
    {
        entra.redeem(&daemon().asserting(&assertion.clone().claim("aud", audience).sign())).await;
    }
}

#[tokio::test]
async fn e092_a_replayed_jti_is_tolerated() {
    let entra = Entra::start().await;
    let assertion = Assertion::of(&entra, WEB).sign();
    for _ in 0..2 {
        entra.redeem(&daemon().asserting(&assertion)).await;
    }
}

#[tokio::test]
async fn e092_what_is_no_assertion() {
    let entra = Entra::start().await;
    let assertion = Assertion::of(&entra, WEB).sign();
    let sent = daemon().asserting(&assertion);
    let refusal = entra.token(&sent.clone().without("client_assertion_type")).await;
    refusal.refusal(400, "invalid_request", 900_144);
    let refusal = entra.token(&sent.clone().with("client_assertion_type", "saml")).await;
    refusal.refusal(400, "invalid_request", 90023);
    entra.token(&sent.with("client_assertion", "x.y.z")).await.refusal(400, "invalid_request", 50027);
}
