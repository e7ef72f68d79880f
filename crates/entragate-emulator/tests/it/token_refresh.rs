//! Numbers 81–83 and 86 of the checklist: refresh tokens, which are bound to user and client but not to a resource.

use entragate_emulator::fixtures::{API, CLI, CLI2, GATE, GRAPH, SELF, SPA, WEB};
use serde_json::{Value, json};

use crate::fixture::{
    Authorize, Entra, GRAPH_URI, Jwt, MCP_URI, SPA_ORIGIN, Token, V1_URI, members, oid, scope,
};

fn alice() -> Authorize {
    Authorize::base().user("alice")
}

fn offline() -> String {
    format!("{} offline_access", scope(API, "access"))
}

async fn of_self(entra: &Entra) -> Value {
    entra.tokens(&Authorize::itself().user("alice")).await
}

fn assert_self_token_refused(refusal: &crate::reply::Refusal) {
    refusal.begins(&format!("Application '{SELF}'("));
    assert!(
        refusal.message.ends_with(
            ") is requesting a token for itself. This scenario is supported only if resource is specified using the GUID \
             based App Identifier."
        ),
        "{}",
        refusal.message
    );
}

const MISMATCH: &str =
    "The resource parameter provided in the request doesn't match with the requested scopes.";

#[tokio::test]
async fn e081_refresh_returns_a_new_token_and_keeps_the_old_one() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let refresh = Token::refresh(CLI, &first).with("scope", &offline());
    let second = entra.redeem(&refresh).await;
    assert_eq!(
        members(&second),
        ["access_token", "expires_in", "ext_expires_in", "refresh_token", "scope", "token_type"]
    );
    assert_eq!(second["scope"], scope(API, "access"));
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);

    let third = entra.redeem(&refresh).await;
    assert_ne!(third["refresh_token"], second["refresh_token"]);
    for tokens in [&second, &third] {
        let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
        assert_eq!(claims["oid"], oid("alice"));
        assert_eq!(claims["sub"], Jwt::access(&first).claims["sub"]);
        assert_eq!(claims["azp"], CLI);
    }
    entra.redeem(&Token::refresh(CLI, &third).with("scope", &offline())).await;
}

#[tokio::test]
async fn e081_refresh_works_after_the_access_token_expired() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    entra.advance(2 * 3600);
    let second = entra.redeem(&Token::refresh(CLI, &first).with("scope", &offline())).await;
    entra.verified(second["access_token"].as_str().expect("a token")).await;
}

#[tokio::test]
async fn e081_garbage_refresh_token_9002313() {
    let entra = Entra::start().await;
    let garbage = json!({"refresh_token": "garbage"});
    let reply = entra.token(&Token::refresh(CLI, &garbage).with("scope", &offline())).await;
    reply
        .refusal(400, "invalid_request", 9_002_313)
        .says("Invalid request. Request is malformed or invalid.");
}

#[tokio::test]
async fn e081_missing_refresh_token_900144() {
    let entra = Entra::start().await;
    let request = Token::refresh(CLI, &json!({"refresh_token": ""})).without("refresh_token");
    let refusal = entra.token(&request).await.refusal(400, "invalid_request", 900_144);
    refusal.says("The request body must contain the following parameter: 'refresh_token'.");
}

#[tokio::test]
async fn e082_refresh_without_scope_falls_back_to_the_original_for_two_apps() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let second = entra.redeem(&Token::refresh(CLI, &first)).await;
    assert_eq!(second["scope"], scope(API, "access"));
    assert_eq!(Jwt::access(&second).claims["aud"], API);
    assert!(second["refresh_token"].is_string(), "offline_access was among the original scopes");
}

#[tokio::test]
async fn e082_refresh_without_scope_can_be_refused_for_two_apps_90009() {
    let entra = Entra::start().await;
    entra.settings(json!({"refresh_without_scope": "reject90009"})).await;
    let first = entra.tokens(&alice()).await;
    entra.token(&Token::refresh(CLI, &first)).await.refusal(400, "invalid_request", 90009);
    entra.redeem(&Token::refresh(CLI, &first).with("scope", &offline())).await;
}

#[tokio::test]
async fn e082_refresh_without_scope_of_an_app_for_itself_90009() {
    let entra = Entra::start().await;
    let first = of_self(&entra).await;
    let refusal = entra.token(&Token::refresh(SELF, &first)).await.refusal(400, "invalid_request", 90009);
    assert_self_token_refused(&refusal);
    for original in [format!("{SELF}/access offline_access"), format!("{SELF}/access")] {
        let second = entra.redeem(&Token::refresh(SELF, &first).with("scope", &original)).await;
        assert_eq!(Jwt::access(&second).claims["aud"], SELF);
    }
}

#[tokio::test]
async fn e082_refresh_of_an_app_for_itself_by_uri_90009() {
    let entra = Entra::start().await;
    let first = of_self(&entra).await;
    let request = Token::refresh(SELF, &first).with("scope", &scope(SELF, "access"));
    assert_self_token_refused(&entra.token(&request).await.refusal(400, "invalid_request", 90009));
}

#[tokio::test]
async fn e083_refresh_with_mismatching_resource_9010010() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let slash = format!("{MCP_URI}/");
    let refresh = Token::refresh(CLI, &first);
    for request in [
        refresh.clone().with("scope", &offline()).with("resource", &slash),
        refresh.clone().with("resource", &slash),
        refresh.clone().with("resource", MCP_URI),
        refresh.clone().with("scope", &offline()).with("resource", V1_URI),
        refresh.with("scope", "access").with("resource", MCP_URI),
    ] {
        entra.token(&request).await.refusal(400, "invalid_target", 9_010_010).says(MISMATCH);
    }
}

#[tokio::test]
async fn e083_refresh_with_matching_resource_and_scope_succeeds() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let scope = format!("{MCP_URI}/access offline_access");
    let second =
        entra.redeem(&Token::refresh(CLI, &first).with("scope", &scope).with("resource", MCP_URI)).await;
    assert_eq!(second["scope"], format!("{MCP_URI}/access"));
    assert_eq!(Jwt::access(&second).claims["aud"], API);
}

#[tokio::test]
async fn e083_refresh_of_an_app_for_itself_with_resource_and_no_scope_90009() {
    let entra = Entra::start().await;
    let first = of_self(&entra).await;
    let request = Token::refresh(SELF, &first).with("resource", SELF);
    assert_self_token_refused(&entra.token(&request).await.refusal(400, "invalid_request", 90009));
}

#[tokio::test]
async fn e083_policies_apply_to_refresh() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let request =
        Token::refresh(CLI, &first).with("scope", &offline()).with("resource", &format!("{MCP_URI}/"));
    entra.settings(json!({"resource_policy": "ignore"})).await;
    entra.redeem(&request).await;
    entra.settings(json!({"resource_policy": "reject901002"})).await;
    let refusal = entra.token(&request).await.refusal(400, "invalid_request", 901_002);
    refusal.says("The 'resource' request parameter is not supported.");
}

#[tokio::test]
async fn e084_refresh_for_graph_after_consent_gives_a_token_nobody_can_verify() {
    let entra = Entra::start().await;
    let both = format!("{} {GRAPH_URI}/User.Read offline_access", scope(API, "access"));
    let consenting = Authorize::base().with("client_id", CLI2).scope(&both).user("bob");
    let code = entra.code(&consenting).await;
    let api = scope(API, "access");
    let first = entra.redeem(&Token::code(&consenting, &code).with("scope", &api)).await;
    let refresh = Token::refresh(CLI2, &first).with("scope", &format!("{GRAPH_URI}/User.Read"));
    let second = entra.redeem(&refresh).await;
    let token = Jwt::access(&second);
    assert!(token.header["nonce"].is_string(), "{}", token.header);
    let audience = token.claims["aud"].as_str().expect("one audience");
    assert!([GRAPH, GRAPH_URI].contains(&audience.trim_end_matches('/')), "{audience}");
    assert!(!entra.is_signed(second["access_token"].as_str().expect("a token")).await);
}

#[tokio::test]
async fn e085_refresh_spanning_two_resources_takes_the_first() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let both = format!("{} {V1_URI}/access offline_access", scope(API, "access"));
    let second = entra.redeem(&Token::refresh(CLI, &first).with("scope", &both)).await;
    assert_eq!(Jwt::access(&second).claims["aud"], API);
}

#[tokio::test]
async fn e086_refresh_token_of_another_client_70000() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let request = Token::refresh(CLI2, &first).with("scope", &offline());
    entra.token(&request).await.refusal(400, "invalid_grant", 70000);
    entra.redeem(&Token::refresh(CLI, &first).with("scope", &offline())).await;
}

#[tokio::test]
async fn e087_refresh_token_idle_for_90_days_700082() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    entra.advance(89 * 86_400);
    let second = entra.redeem(&Token::refresh(CLI, &first).with("scope", &offline())).await;
    entra.advance(91 * 86_400);
    let late = Token::refresh(CLI, &second).with("scope", &offline());
    let refusal = entra.token(&late).await.refusal(400, "invalid_grant", 700_082);
    refusal.begins("The refresh token has expired due to inactivity. The token was issued on ");
    assert!(refusal.message.contains(" and was inactive for 90.00:00:00."), "{}", refusal.message);
}

#[tokio::test]
async fn e088_refresh_after_revocation_of_the_user_50173() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let bob = entra.tokens(&Authorize::base().user("bob")).await;
    entra.advance(1);
    entra.control().revoke_user("alice");
    let refusal = entra.token(&Token::refresh(CLI, &first).with("scope", &offline())).await;
    refusal
        .refusal(400, "invalid_grant", 50173)
        .begins("The provided grant has expired due to it being revoked, a fresh auth token is needed.");
    entra.redeem(&Token::refresh(CLI, &bob).with("scope", &offline())).await;
    entra.advance(1);
    entra.tokens(&alice()).await;
}

#[tokio::test]
async fn e087_refresh_token_of_a_spa_ends_after_24_hours_even_if_refreshed_700084() {
    let entra = Entra::start().await;
    let request = Authorize::spa().user("alice");
    let redemption = Token::code(&request, &entra.code(&request).await).header("origin", SPA_ORIGIN);
    let first = entra.redeem(&redemption).await;
    let refresh =
        |tokens: &Value| Token::refresh(SPA, tokens).with("scope", &offline()).header("origin", SPA_ORIGIN);
    entra.advance(23 * 3600);
    let second = entra.redeem(&refresh(&first)).await;
    entra.advance(2 * 3600);
    for tokens in [&first, &second] {
        let refusal = entra.token(&refresh(tokens)).await.refusal(400, "invalid_grant", 700_084);
        assert!(
            refusal.message.contains(
                "issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00"
            ),
            "{}",
            refusal.message
        );
    }
}

#[tokio::test]
async fn e088_revocation_ends_sessions_too() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    entra.control().revoke_user("alice");
    let silent = Authorize::base().with("prompt", "none");
    browser.authorize(&silent).await.location().refusal("login_required", 50058);
}

#[tokio::test]
async fn e089_refresh_for_an_api_without_consent_65001() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let refresh = Token::refresh(CLI, &first).with("scope", &format!("{GRAPH_URI}/User.Read"));
    let refusal = entra.token(&refresh).await.refusal(400, "invalid_grant", 65001);
    assert_eq!(refusal.json["suberror"], "consent_required");
}

#[tokio::test]
async fn e090_policies_are_evaluated_again_at_refresh() {
    let entra = Entra::start().await;
    let first = entra.tokens(&alice()).await;
    let refresh = Token::refresh(CLI, &first).with("scope", &offline());
    for (setting, code, suberror) in
        [("ca_blocked_users", 53003, "message_only"), ("mfa_required_users", 50076, "basic_action")]
    {
        entra.settings(json!({setting: ["alice"]})).await;
        let refusal = entra.token(&refresh).await.refusal(400, "invalid_grant", code);
        assert_eq!(refusal.json["suberror"], suberror);
        let claims = refusal.json["claims"].as_str().expect("claims is a string");
        let claims: Value = serde_json::from_str(claims).expect("that holds JSON");
        assert!(claims["access_token"].is_object(), "{claims}");
        entra.settings(json!({setting: []})).await;
        entra.redeem(&refresh).await;
    }
}

#[tokio::test]
async fn e090_the_claims_of_a_refused_refresh_lead_to_one_that_works() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    let code = browser.authorize(&Authorize::base()).await.location().code();
    let first = entra.redeem(&Token::code(&Authorize::base(), &code)).await;
    entra.settings(json!({"mfa_required_users": ["alice"]})).await;
    let refused = entra.token(&Token::refresh(CLI, &first).with("scope", &offline())).await;
    let refusal = refused.refusal(400, "invalid_grant", 50076);
    assert_eq!(refusal.json["suberror"], "basic_action");
    let claims = refusal.json["claims"].as_str().expect("claims is a string");

    let again = Authorize::base().with("claims", claims);
    let page = browser.authorize(&again).await;
    let location = browser.press(&page, ("__emulator_mfa", "approve")).await.location();
    assert_eq!(location.get("state"), Some("xyz"));
    let second = entra.redeem(&Token::code(&again, &location.code())).await;
    let third = entra.redeem(&Token::refresh(CLI, &second).with("scope", &offline())).await;
    entra.redeem(&Token::refresh(CLI, &third).with("scope", &offline())).await;
    // The grant of before had no second factor and does not get one by somebody else's.
    let old = entra.token(&Token::refresh(CLI, &first).with("scope", &offline())).await;
    old.refusal(400, "invalid_grant", 50076);
    browser.authorize(&again.with("prompt", "none")).await.location().code();
}

#[tokio::test]
async fn e090_assignment_is_evaluated_at_refresh_50105() {
    let entra = Entra::start().await;
    let request = Authorize::web().user("alice");
    let code = entra.code(&request).await;
    let first = entra.redeem(&Token::code(&request, &code).with("client_secret", "s3cret")).await;
    let refresh = Token::refresh(WEB, &first).with("client_secret", "s3cret");
    let refusal = entra.token(&refresh.with("scope", &scope(GATE, "access"))).await;
    refusal.refusal(400, "invalid_grant", 50105);
}
