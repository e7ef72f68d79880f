//! Number 94 of the checklist: the on-behalf-of exchange.

use entragate_emulator::fixtures::{API, API_SECRET, API1, CLI, DMN, GATE, GRAPH, SIBLING, TENANT2};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, GRAPH_URI, Jwt, Token, V1_URI, oid, scope};

/// What a client got for an API.
async fn called_with(entra: &Entra, request: &Authorize) -> String {
    entra.tokens(request).await["access_token"].as_str().expect("a token").to_owned()
}

async fn alice(entra: &Entra) -> String {
    called_with(entra, &Authorize::base().user("alice")).await
}

fn user_read() -> String {
    format!("{GRAPH_URI}/User.Read")
}

fn exchange(assertion: &str, scope: &str) -> Token {
    Token::on_behalf_of(API, API_SECRET, assertion, scope)
}

#[tokio::test]
async fn e094_a_graph_token_comes_out() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let tokens = entra.redeem(&exchange(&assertion, &user_read())).await;
    assert_eq!(tokens["scope"], user_read());
    assert_eq!((tokens.get("refresh_token"), tokens.get("id_token")), (None, None));
    let token = Jwt::access(&tokens);
    let claims = &token.claims;
    assert!(token.header["nonce"].is_string(), "Graph's tokens carry a nonce: {}", token.header);
    assert_eq!((&claims["aud"], &claims["ver"]), (&json!(GRAPH_URI), &json!("1.0")));
    assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(API), &json!("1")));
    assert_eq!((&claims["oid"], &claims["scp"]), (&json!(oid("alice")), &json!("User.Read")));
    assert!(!entra.is_signed(tokens["access_token"].as_str().expect("a token")).await);
}

#[tokio::test]
async fn e094_a_token_of_another_api_comes_out() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let tokens = entra.redeem(&exchange(&assertion, &scope(SIBLING, "access"))).await;
    let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
    assert_eq!((&claims["aud"], &claims["azp"]), (&json!(SIBLING), &json!(API)));
    assert_eq!((&claims["oid"], &claims["scp"]), (&json!(oid("alice")), &json!("access")));
    assert_eq!(claims["roles"], json!(["Admin"]), "the user's roles on the other API");
}

#[tokio::test]
async fn e094_default_means_what_is_consented_to() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let tokens = entra.redeem(&exchange(&assertion, &format!("{GRAPH_URI}/.default"))).await;
    assert_eq!(Jwt::access(&tokens).claims["scp"], "User.Read");
}

#[tokio::test]
async fn e094_offline_access_and_openid_yield_their_tokens() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let all = format!("{} openid profile offline_access", scope(SIBLING, "access"));
    let tokens = entra.redeem(&exchange(&assertion, &all)).await;
    let id = Jwt::parse(tokens["id_token"].as_str().expect("an ID token")).claims;
    assert_eq!((&id["aud"], &id["preferred_username"]), (&json!(API), &json!("alice@contoso.test")));
    let refresh = Token::refresh(API, &tokens)
        .with("client_secret", API_SECRET)
        .with("scope", &scope(SIBLING, "access"));
    assert_eq!(Jwt::access(&entra.redeem(&refresh).await).claims["aud"], SIBLING);
    let refusal = entra.token(&refresh.without("client_secret")).await;
    refusal.refusal(401, "invalid_client", 7_000_218);
}

#[tokio::test]
async fn e094_v1_tokens_are_assertions_too() {
    let entra = Entra::edited(&[(
        "identifier_uris = [\"api://a0000000-0000-4000-8000-000000000001\", \"https://mcp.contoso.test/mcp\"]\ntoken_version = 2",
        "identifier_uris = [\"api://a0000000-0000-4000-8000-000000000001\", \"https://mcp.contoso.test/mcp\"]\ntoken_version = 1",
    )])
    .await;
    for form in ["requested_uri", "any_uri", "with_slash", "guid"] {
        entra.settings(json!({"v1_audience": form})).await;
        let assertion = alice(&entra).await;
        assert_eq!(Jwt::parse(&assertion).claims["ver"], "1.0");
        entra.redeem(&exchange(&assertion, &user_read())).await;
    }
}

#[tokio::test]
async fn e094_missing_parameters_900144() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    for name in ["requested_token_use", "assertion", "scope"] {
        let refusal = entra.token(&exchange(&assertion, &user_read()).without(name)).await;
        let refusal = refusal.refusal(400, "invalid_request", 900_144);
        refusal.says(&format!("The request body must contain the following parameter: '{name}'."));
    }
    let other = exchange(&assertion, &user_read()).with("requested_token_use", "other");
    entra.token(&other).await.refusal(400, "invalid_request", 90023);
}

#[tokio::test]
async fn e094_the_client_proves_itself() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let request = exchange(&assertion, &user_read());
    let wrong = entra.token(&request.clone().with("client_secret", "wrong")).await;
    wrong.refusal(401, "invalid_client", 7_000_215);
    let none = entra.token(&request.clone().without("client_secret")).await;
    none.refusal(401, "invalid_client", 7_000_218);
    let browser = entra.token(&request.header("origin", "http://localhost:6274")).await;
    browser.refusal(400, "invalid_request", 9_002_326);
}

#[tokio::test]
async fn e094_an_assertion_for_another_app_500131() {
    let entra = Entra::start().await;
    let assertion = entra.mint(json!({"app": "SIBLING"})).await;
    let refusal = entra.token(&exchange(&assertion, &user_read())).await;
    let refusal = refusal.refusal(400, "invalid_grant", 500_131);
    refusal.begins(&format!(
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was \
         '{SIBLING}' and the expected audience is '{API}'"
    ));
    let v1 = called_with(&entra, &Authorize::base().user("alice").scope(&format!("{V1_URI}/access"))).await;
    let refusal = entra.token(&exchange(&v1, &user_read())).await.refusal(400, "invalid_grant", 500_131);
    assert!(refusal.message.contains(&format!("'{V1_URI}'")), "{}", refusal.message);
    let itself = format!("{API1}/access");
    entra.redeem(&Token::on_behalf_of(API1, API_SECRET, &v1, &itself)).await;
}

#[tokio::test]
async fn e094_an_expired_assertion_500133() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    entra.advance(2 * 3600);
    let refusal = entra.token(&exchange(&assertion, &user_read())).await;
    refusal.refusal(400, "invalid_grant", 500_133).begins("Assertion is not within its valid time range.");
    let early = entra.mint(json!({"defect": "not_yet_valid"})).await;
    entra.token(&exchange(&early, &user_read())).await.refusal(400, "invalid_grant", 500_133);
}

#[tokio::test]
async fn e094_a_signature_that_is_not_entra_s_50013() {
    let entra = Entra::start().await;
    for defect in [
        "bad_signature",
        "alg_hs256",
        "alg_none",
        "kid_unknown",
        "kid_missing",
        "consumers_key",
        "graph_nonce",
        "wrong_tid",
        "other_tenant",
    ] {
        let assertion = entra.mint(json!({"defect": defect})).await;
        let refusal = entra.token(&exchange(&assertion, &user_read())).await;
        let refusal = refusal.refusal(400, "invalid_grant", 50013);
        refusal.begins("Assertion failed signature validation. [Reason - ");
    }
    let retired = alice(&entra).await;
    entra.operate("POST", "/keys/rotate", &Value::Null).await.ok();
    entra.redeem(&exchange(&retired, &user_read())).await;
    entra.operate("POST", "/keys/retire", &Value::Null).await.ok();
    let refusal = entra.token(&exchange(&retired, &user_read())).await.refusal(400, "invalid_grant", 50013);
    assert!(refusal.message.contains("The key was not found."), "{}", refusal.message);
    for garbage in ["x", "a.b.c", "e30.e30."] {
        let reply = entra.token(&exchange(garbage, &user_read())).await;
        assert!(
            [50027, 50013].contains(&reply.json()["error_codes"][0].as_u64().expect("a code")),
            "{garbage}"
        );
    }
}

#[tokio::test]
async fn e094_an_id_token_240002() {
    let entra = Entra::start().await;
    let assertion = entra.mint(json!({"client": "API", "defect": "id_token"})).await;
    let refusal = entra.token(&exchange(&assertion, &user_read())).await;
    refusal.refusal(400, "invalid_grant", 240_002);
}

#[tokio::test]
async fn e094_an_app_only_assertion_7000114() {
    let entra = Entra::start().await;
    let daemon = Token::client_credentials(DMN, "d3mon", &scope(API, ".default"));
    let daemon = entra.redeem(&daemon).await["access_token"].as_str().expect("a token").to_owned();
    let agent = entra.mint(json!({"user": null, "agent": true})).await;
    for assertion in [daemon, agent] {
        let refusal = entra.token(&exchange(&assertion, &user_read())).await;
        let refusal = refusal.refusal(400, "unauthorized_client", 7_000_114);
        refusal.says(&format!("Application '{API}' is not allowed to make application on-behalf-of calls."));
    }
}

#[tokio::test]
async fn e094_no_consent_65001() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let refusal = entra.token(&exchange(&assertion, &format!("{GRAPH_URI}/Mail.Read"))).await;
    let refusal = refusal.refusal(400, "invalid_grant", 65001);
    assert_eq!(refusal.json["suberror"], "consent_required");
    refusal.begins(&format!(
        "The user or administrator has not consented to use the application with ID '{API}'"
    ));
    entra.operate("POST", "/apps/API/revoke-consent", &Value::Null).await.ok();
    entra.token(&exchange(&assertion, &user_read())).await.refusal(400, "invalid_grant", 65001);
}

#[tokio::test]
async fn e094_a_user_without_assignment_downstream_50105() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let refusal = entra.token(&exchange(&assertion, &scope(GATE, "access"))).await;
    refusal.refusal(400, "invalid_grant", 50105);
    let bob = called_with(&entra, &Authorize::base().user("bob")).await;
    let tokens = entra.redeem(&exchange(&bob, &scope(GATE, "access"))).await;
    assert_eq!(Jwt::access(&tokens).claims["roles"], json!(["User"]));
}

#[tokio::test]
async fn e094_policies_ask_for_more_with_claims() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    entra.settings(json!({"mfa_required_users": ["alice"]})).await;
    let refusal = entra.token(&exchange(&assertion, &user_read())).await;
    let refusal = refusal.refusal(400, "interaction_required", 50076);
    assert!(refusal.message.contains(&format!("to access '{GRAPH}'")), "{}", refusal.message);
    let claims = refusal.json["claims"].as_str().expect("claims are text");
    assert!(serde_json::from_str::<Value>(claims).expect("JSON")["access_token"].is_object());

    entra.settings(json!({"mfa_required_users": [], "ca_blocked_users": ["alice"]})).await;
    let refusal = entra.token(&exchange(&assertion, &user_read())).await;
    let refusal = refusal.refusal(400, "invalid_grant", 53003);
    assert!(refusal.json["claims"].is_string(), "{}", refusal.json);
}

#[tokio::test]
async fn e094_a_second_factor_at_the_client_counts_in_the_middle() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("mia");
    let mut browser = entra.browser();
    let page = browser.authorize(&request).await;
    let code = browser.press(&page, ("__emulator_mfa", "approve")).await.location().code();
    let tokens = entra.redeem(&Token::code(&request, &code)).await;
    let assertion = tokens["access_token"].as_str().expect("a token");
    entra.redeem(&exchange(assertion, &user_read())).await;
}

#[tokio::test]
async fn e094_accounts_are_checked_again() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    entra.operate("PATCH", "/users/alice", &json!({"disabled": true})).await.ok();
    entra.token(&exchange(&assertion, &user_read())).await.refusal(400, "invalid_grant", 50057);
}

#[tokio::test]
async fn e094_scopes_are_checked() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let two = format!("{} {}", user_read(), scope(SIBLING, "access"));
    entra.token(&exchange(&assertion, &two)).await.refusal(400, "invalid_request", 28000);
    let itself = exchange(&assertion, &scope(API, "access"));
    entra.token(&itself).await.refusal(400, "invalid_request", 90009);
    let unknown = exchange(&assertion, "api://nope/access");
    entra.token(&unknown).await.refusal(400, "invalid_resource", 500_011);
    let mismatch = exchange(&assertion, &user_read()).with("resource", "https://mcp.contoso.test/mcp");
    entra.token(&mismatch).await.refusal(400, "invalid_target", 9_010_010);
    let elsewhere = exchange(&assertion, &user_read()).tenant(TENANT2);
    entra.token(&elsewhere).await.refusal(400, "unauthorized_client", 700_016);
}

#[tokio::test]
async fn e094_a_client_without_an_api_has_no_such_tokens() {
    let entra = Entra::start().await;
    let assertion = alice(&entra).await;
    let refusal = entra.token(&Token::on_behalf_of(CLI, "x", &assertion, &user_read())).await;
    refusal.refusal(401, "invalid_client", 7_000_215);
}
