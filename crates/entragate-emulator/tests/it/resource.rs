//! Numbers 44–54 of the checklist: scopes against `resource` (AADSTS9010010), and the application that asks for itself.

use entragate_emulator::fixtures::{API, CLI2, SELF};
use serde_json::json;

use crate::fixture::{Authorize, Entra, GRAPH_URI, Jwt, MCP_URI, Token, V1_URI, scope};

const MISMATCH: &str =
    "The resource parameter provided in the request doesn't match with the requested scopes.";

fn api_scope() -> String {
    scope(API, "access")
}

fn mcp_scope() -> String {
    format!("{MCP_URI}/access")
}

fn with_resource(scope: &str, resource: &str) -> Authorize {
    Authorize::base().scope(scope).with("resource", resource)
}

/// Items 45, 46 and 52: what `strict` lets through.
fn matching() -> Vec<Authorize> {
    vec![
        with_resource(&mcp_scope(), MCP_URI),
        with_resource(&api_scope(), MCP_URI),
        with_resource(&format!("{GRAPH_URI}/User.Read"), GRAPH_URI),
        with_resource(&format!("{GRAPH_URI}/User.Read"), &format!("{GRAPH_URI}/")),
    ]
}

/// Items 47–51: what `strict` refuses.
fn mismatching() -> Vec<Authorize> {
    vec![
        with_resource(&mcp_scope(), &format!("{MCP_URI}/")),
        with_resource(&mcp_scope(), "https://MCP.contoso.test/mcp"),
        with_resource(&api_scope(), V1_URI),
        with_resource("access", MCP_URI),
        with_resource("access", &format!("api://{API}")),
        with_resource("access", &format!("api://{API}/")),
        with_resource("openid offline_access", MCP_URI),
    ]
}

async fn assert_mismatch(entra: &Entra, request: &Authorize) {
    let reply = entra.authorize(request).await;
    assert_eq!(reply.header("set-cookie"), None, "refused before sign-in");
    assert_eq!(reply.location().refusal("invalid_target", 9_010_010), MISMATCH, "{request:?}");
}

#[tokio::test]
async fn e044_two_resources_may_be_consented_in_one_request() {
    let entra = Entra::start().await;
    let both = format!("{} {GRAPH_URI}/User.Read offline_access", api_scope());
    let request = Authorize::base().with("client_id", CLI2).scope(&both).user("bob");
    let mut browser = entra.browser();
    let page = browser.authorize(&request).await;
    let code = browser.press(&page, ("__emulator_consent", "accept")).await.location().code();

    let tokens = entra.redeem(&Token::code(&request, &code).with("scope", &api_scope())).await;
    assert_eq!(Jwt::access(&tokens).claims["aud"], API);
    let graph = Token::refresh(CLI2, &tokens).with("scope", &format!("{GRAPH_URI}/User.Read"));
    assert_eq!(entra.redeem(&graph).await["scope"], format!("{GRAPH_URI}/User.Read"), "consent covers both");
}

#[tokio::test]
async fn e045_exact_identifier_uri_proceeds() {
    let entra = Entra::start().await;
    let request = with_resource(&mcp_scope(), MCP_URI);
    entra.assert_proceeds(&request).await;
    let tokens = entra.tokens(&request.user("alice")).await;
    assert_eq!(Jwt::access(&tokens).claims["aud"], API, "resource never changes the audience");
}

#[tokio::test]
async fn e046_another_identifier_uri_of_the_same_app_proceeds() {
    let entra = Entra::start().await;
    let request = with_resource(&api_scope(), MCP_URI);
    entra.assert_proceeds(&request).await;
    let tokens = entra.tokens(&request.user("alice")).await;
    assert_eq!(Jwt::access(&tokens).claims["aud"], API);
}

#[tokio::test]
async fn e046_same_uri_mode_refuses_another_uri_of_the_same_app_9010010() {
    let entra = Entra::start().await;
    entra.settings(json!({"resource_match": "same_uri"})).await;
    assert_mismatch(&entra, &with_resource(&api_scope(), MCP_URI)).await;
    entra.assert_proceeds(&with_resource(&mcp_scope(), MCP_URI)).await;
    entra.settings(json!({"resource_match": "same_app"})).await;
    entra.assert_proceeds(&with_resource(&api_scope(), MCP_URI)).await;
}

#[tokio::test]
async fn e047_trailing_slash_9010010_before_sign_in() {
    let entra = Entra::start().await;
    let request = with_resource(&mcp_scope(), &format!("{MCP_URI}/"));
    assert_mismatch(&entra, &request).await;
    assert_mismatch(&entra, &request.user("alice")).await;
}

#[tokio::test]
async fn e048_upper_case_host_9010010() {
    let entra = Entra::start().await;
    assert_mismatch(&entra, &with_resource(&mcp_scope(), "https://MCP.contoso.test/mcp")).await;
    assert_mismatch(&entra, &with_resource(&api_scope(), "HTTPS://mcp.contoso.test/mcp")).await;
}

#[tokio::test]
async fn e049_resource_of_another_api_9010010() {
    let entra = Entra::start().await;
    assert_mismatch(&entra, &with_resource(&api_scope(), V1_URI)).await;
    assert_mismatch(&entra, &with_resource(&format!("{V1_URI}/access"), MCP_URI)).await;
    assert_mismatch(&entra, &with_resource(&format!("{GRAPH_URI}/User.Read"), MCP_URI)).await;
    assert_mismatch(&entra, &with_resource(&api_scope(), "https://unknown.test/mcp")).await;
    let two = format!("{} {V1_URI}/access", api_scope());
    assert_mismatch(&entra, &with_resource(&two, MCP_URI)).await;
}

#[tokio::test]
async fn e050_bare_scope_with_any_resource_9010010() {
    let entra = Entra::start().await;
    for resource in [MCP_URI.to_owned(), format!("api://{API}"), format!("api://{API}/")] {
        assert_mismatch(&entra, &with_resource("access", &resource)).await;
        assert_mismatch(&entra, &with_resource("access openid offline_access", &resource)).await;
    }
}

#[tokio::test]
async fn e051_only_oidc_scopes_with_resource_9010010() {
    let entra = Entra::start().await;
    for resource in [MCP_URI.to_owned(), format!("api://{API}"), GRAPH_URI.to_owned()] {
        assert_mismatch(&entra, &with_resource("openid offline_access", &resource)).await;
    }
}

#[tokio::test]
async fn e052_graph_scope_with_graph_proceeds_with_and_without_slash() {
    let entra = Entra::start().await;
    let scope = format!("{GRAPH_URI}/User.Read");
    entra.assert_proceeds(&with_resource(&scope, GRAPH_URI)).await;
    entra.assert_proceeds(&with_resource(&scope, &format!("{GRAPH_URI}/"))).await;
}

#[tokio::test]
async fn e053_policy_ignore_lets_everything_proceed() {
    let entra = Entra::start().await;
    entra.settings(json!({"resource_policy": "ignore"})).await;
    for request in matching().iter().chain(&mismatching()) {
        entra.assert_proceeds(request).await;
    }
}

#[tokio::test]
async fn e053_policy_reject901002_refuses_every_resource() {
    let entra = Entra::start().await;
    entra.settings(json!({"resource_policy": "reject901002"})).await;
    for request in matching().iter().chain(&mismatching()) {
        let location = entra.authorize(request).await.location();
        let message = location.refusal("invalid_request", 901_002);
        assert_eq!(message, "The 'resource' request parameter is not supported.", "{request:?}");
    }
    entra.assert_proceeds(&Authorize::base()).await;
}

#[tokio::test]
async fn e053_policy_strict_is_the_default() {
    let entra = Entra::start().await;
    for request in &matching() {
        entra.assert_proceeds(request).await;
    }
    for request in &mismatching() {
        assert_mismatch(&entra, request).await;
    }
}

#[tokio::test]
async fn e054_token_for_itself_by_uri_90009() {
    let entra = Entra::start().await;
    for name in [".default", "access"] {
        let request = Authorize::itself().scope(&scope(SELF, name));
        let location = entra.authorize(&request).await.location();
        let message = location.refusal("invalid_request", 90009);
        assert!(message.starts_with(&format!("Application '{SELF}'(")), "{message}");
        assert!(
            message.ends_with(
                ") is requesting a token for itself. This scenario is supported only if resource is specified using the \
                 GUID based App Identifier."
            ),
            "{message}"
        );
    }
}

#[tokio::test]
async fn e054_token_for_itself_by_guid_is_issued() {
    let entra = Entra::start().await;
    for name in [".default", "access"] {
        let request = Authorize::itself().scope(&format!("{SELF}/{name} offline_access")).user("alice");
        let tokens = entra.tokens(&request).await;
        let claims = Jwt::access(&tokens).claims;
        assert_eq!(claims["aud"], SELF, "{name}");
        assert_eq!(claims["azp"], SELF, "{name}");
        assert_eq!(claims["scp"], "access", "{name}");
    }
}

#[tokio::test]
async fn e054_other_apps_may_name_the_api_by_uri_or_guid() {
    let entra = Entra::start().await;
    for resource in [format!("api://{API}"), API.to_owned(), MCP_URI.to_owned()] {
        let tokens =
            entra.tokens(&Authorize::base().scope(&format!("{resource}/access")).user("alice")).await;
        assert_eq!(tokens["scope"], format!("{resource}/access"));
        assert_eq!(Jwt::access(&tokens).claims["aud"], API);
    }
}
