//! The v1 endpoints: `resource` in, text for numbers out. Not on the checklist.

use entragate_emulator::fixtures::{API, API1, CLI, DMN, GRAPH, MCP, TENANT, WEB};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Jwt, MCP_URI, Token, V1_URI, WEB_REDIRECT, members};

fn number(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number in text: {value}"))
}

fn mcp(resource: &str) -> Authorize {
    Authorize::base().with("client_id", MCP).user("alice").v1(resource)
}

#[tokio::test]
async fn a_code_for_a_resource_answers_in_text() {
    let entra = Entra::start().await;
    let tokens = entra.tokens(&mcp(V1_URI)).await;
    assert_eq!(
        members(&tokens),
        [
            "access_token",
            "expires_in",
            "expires_on",
            "ext_expires_in",
            "not_before",
            "refresh_token",
            "resource",
            "scope",
            "token_type"
        ]
    );
    assert_eq!((&tokens["resource"], &tokens["scope"]), (&json!(V1_URI), &json!("access")));
    let now = entra.control().now();
    assert!((3600..=5400).contains(&number(&tokens["expires_in"])), "{tokens}");
    assert!(number(&tokens["not_before"]) <= now && now < number(&tokens["expires_on"]), "{tokens}");
    let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
    assert_eq!(claims["iss"], format!("{}/sts/{TENANT}/", entra.b()));
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!(V1_URI), &json!("access")));
    assert_eq!(claims["exp"].as_u64(), Some(number(&tokens["expires_on"])));
}

#[tokio::test]
async fn the_api_still_decides_the_version_of_its_tokens() {
    let entra = Entra::start().await;
    for resource in [MCP_URI.to_owned(), format!("api://{API}"), API.to_owned()] {
        let tokens = entra.tokens(&mcp(&resource)).await;
        assert_eq!(tokens["resource"], resource);
        let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
        assert_eq!((&claims["ver"], &claims["aud"]), (&json!("2.0"), &json!(API)));
    }
}

#[tokio::test]
async fn openid_yields_an_id_token_of_version_1() {
    let entra = Entra::start().await;
    let request = mcp(V1_URI).with("scope", "openid").with("nonce", "n");
    let tokens = entra.tokens(&request).await;
    let id = Jwt::parse(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!((&id.claims["ver"], &id.claims["aud"]), (&json!("1.0"), &json!(MCP)));
    assert_eq!(id.claims["iss"], format!("{}/sts/{TENANT}/", entra.b()));
    assert_eq!((&id.claims["upn"], &id.claims["nonce"]), (&json!("alice@contoso.test"), &json!("n")));
    assert!(id.header["x5t"].is_string());
}

#[tokio::test]
async fn the_resource_may_come_with_the_code_and_at_a_refresh() {
    let entra = Entra::start().await;
    let request = mcp(V1_URI).without("resource");
    let code = entra.code(&request).await;
    let tokens = entra.redeem(&Token::code(&request, &code).with("resource", V1_URI)).await;
    assert_eq!(Jwt::access(&tokens).claims["aud"], V1_URI);
    let refresh = Token::refresh(MCP, &tokens).v1();
    assert_eq!(Jwt::access(&entra.redeem(&refresh).await).claims["aud"], GRAPH, "what the sign-in asked for");
    let tokens = entra.redeem(&refresh.with("resource", MCP_URI)).await;
    assert_eq!(Jwt::access(&tokens).claims["aud"], API);
    assert!(tokens["refresh_token"].is_string() && tokens["expires_in"].is_string(), "{tokens}");
}

#[tokio::test]
async fn a_daemon_names_its_resource() {
    let entra = Entra::start().await;
    let request = Token::client_credentials(DMN, "d3mon", "").v1();
    let tokens = entra.redeem(&request.clone().with("resource", MCP_URI)).await;
    assert_eq!(
        members(&tokens),
        [
            "access_token",
            "expires_in",
            "expires_on",
            "ext_expires_in",
            "not_before",
            "resource",
            "token_type"
        ]
    );
    assert_eq!(Jwt::access(&tokens).claims["roles"], json!(["Tools.All"]));
    let refusal = entra.token(&request).await.refusal(400, "invalid_request", 900_144);
    refusal.says("The request body must contain the following parameter: 'resource'.");
}

#[tokio::test]
async fn an_unknown_resource_500011_and_one_not_listed_650057() {
    let entra = Entra::start().await;
    let unknown = entra.authorize(&mcp("https://nope.test")).await;
    unknown.location().refusal("invalid_resource", 500_011);
    let request = Authorize::base().with("client_id", CLI).user("alice").v1(V1_URI);
    entra.authorize(&request).await.page(650_057);
    let request = Token::client_credentials(DMN, "d3mon", "").v1().with("resource", "https://nope.test");
    entra.token(&request).await.refusal(400, "invalid_resource", 500_011);
}

#[tokio::test]
async fn a_second_factor_is_an_interaction_here() {
    let entra = Entra::start().await;
    let tokens = entra.tokens(&mcp(V1_URI)).await;
    entra.settings(json!({"mfa_required_users": ["alice"]})).await;
    let refresh = Token::refresh(MCP, &tokens).v1().with("resource", V1_URI);
    entra.token(&refresh).await.refusal(400, "interaction_required", 50076);
}

#[tokio::test]
async fn credentials_count_here_too() {
    let entra = Entra::start().await;
    let request = Authorize::web().user("alice").v1(&format!("api://{API1}"));
    let code = entra.code(&request).await;
    let token = Token::code(&request, &code).with("redirect_uri", WEB_REDIRECT);
    entra.token(&token).await.refusal(401, "invalid_client", 7_000_218);
    let tokens = entra.redeem(&token.with("client_secret", "s3cret")).await;
    let claims = Jwt::access(&tokens).claims;
    assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(WEB), &json!("1")));
}

#[tokio::test]
async fn on_behalf_of_names_a_resource() {
    let entra = Entra::start().await;
    let assertion = entra.mint(json!({})).await;
    let request = Token::on_behalf_of(API, "api-s3cret", &assertion, "").v1();
    let tokens = entra.redeem(&request.with("resource", "https://graph.microsoft.com")).await;
    assert_eq!(tokens["resource"], "https://graph.microsoft.com");
    assert_eq!(Jwt::access(&tokens).claims["scp"], "User.Read");
}

#[tokio::test]
async fn sign_out_is_there_as_well() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    let reply = browser.send(entra.request("GET", &format!("/{TENANT}/oauth2/logout"))).await;
    assert_eq!((reply.status, browser.cookies.len()), (200, 0));
}
