//! Number 91 of the checklist: an application signing in as itself.

use entragate_emulator::fixtures::{API, DMN, GATE, TENANT};
use serde_json::json;

use crate::fixture::{Entra, MCP_URI, Token, members, scope};

fn daemon(scope: &str) -> Token {
    Token::client_credentials(DMN, "d3mon", scope)
}

#[tokio::test]
async fn e091_client_credentials_return_only_an_access_token() {
    let entra = Entra::start().await;
    let reply = entra.token(&daemon(&scope(API, ".default"))).await;
    let tokens = reply.ok();
    let names = members(&tokens);
    assert!(!names.contains(&"refresh_token") && !names.contains(&"id_token"), "{names:?}");
    for name in ["access_token", "expires_in", "ext_expires_in", "token_type"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(tokens["expires_in"].is_u64(), "{tokens}");
    assert!(reply.header("cache-control").is_some_and(|value| value.contains("no-store")));
}

#[tokio::test]
async fn e091_app_token_has_roles_and_no_scp() {
    let entra = Entra::start().await;
    for resource in [format!("api://{API}"), MCP_URI.to_owned(), API.to_owned()] {
        let tokens = entra.redeem(&daemon(&format!("{resource}/.default"))).await;
        let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
        assert_eq!(claims.get("scp"), None);
        assert_eq!(claims["roles"], json!(["Tools.All"]));
        assert_eq!(claims["azp"], DMN);
        assert_eq!(claims["azpacr"], "1");
        assert_eq!(claims["oid"], claims["sub"]);
        assert_eq!(claims["aud"], API);
        assert_eq!(claims["tid"], TENANT);
        assert_eq!(claims["ver"], "2.0");
        assert_eq!(claims.get("preferred_username"), None);
        assert_eq!(claims.get("name"), None);
    }
}

#[tokio::test]
async fn e091_idtyp_is_app_where_the_api_asks_for_it() {
    let with = crate::tokens::with_optional_claims(API, &["idtyp"]);
    let with = Entra::with(with).await;
    let without = crate::tokens::with_optional_claims(API, &[]);
    let without = Entra::with(without).await;
    for (entra, expected) in [(&with, Some(json!("app"))), (&without, None)] {
        let tokens = entra.redeem(&daemon(&scope(API, ".default"))).await;
        let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
        assert_eq!(claims.get("idtyp"), expected.as_ref());
    }
}

#[tokio::test]
async fn e091_named_scope_1002012() {
    let entra = Entra::start().await;
    let named = scope(API, "access");
    let refusal = entra.token(&daemon(&named)).await.refusal(400, "invalid_scope", 1_002_012);
    refusal.says(&format!(
        "The provided value for scope {named} is not valid. Client credential flows must have a scope value with /.default \
         suffixed to the resource identifier (application ID URI)."
    ));
}

#[tokio::test]
async fn e091_on_common_9001023() {
    let entra = Entra::start().await;
    for segment in ["common", "consumers"] {
        let reply = entra.token(&daemon(&scope(API, ".default")).tenant(segment)).await;
        reply.refusal(400, "invalid_request", 9_001_023).says(
            "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or \
             tenant-specific endpoint.",
        );
    }
}

#[tokio::test]
async fn e091_unassigned_caller_501051() {
    let entra = Entra::start().await;
    let reply = entra.token(&daemon(&scope(GATE, ".default"))).await;
    let refusal = reply.refusal(400, "invalid_grant", 501_051);
    refusal.begins(&format!("Application '{DMN}'("));
    let rest = format!(") is not assigned to a role for the application '{GATE}'(");
    assert!(refusal.message.contains(&rest) && refusal.message.ends_with(")."), "{}", refusal.message);
}

#[tokio::test]
async fn e091_credentials_are_checked() {
    let entra = Entra::start().await;
    let request = daemon(&scope(API, ".default"));
    let refusal = entra.token(&request.clone().with("client_secret", "wrong")).await;
    refusal.refusal(401, "invalid_client", 7_000_215);
    let refusal = entra.token(&request.clone().without("client_secret")).await;
    refusal.refusal(401, "invalid_client", 7_000_218);
    entra.redeem(&request.without("client_secret").without("client_id").basic(DMN, "d3mon")).await;
}

#[tokio::test]
async fn e091_missing_scope_900144() {
    let entra = Entra::start().await;
    let refusal = entra.token(&daemon("x").without("scope")).await.refusal(400, "invalid_request", 900_144);
    refusal.says("The request body must contain the following parameter: 'scope'.");
}

#[tokio::test]
async fn e091_unknown_resource_500011() {
    let entra = Entra::start().await;
    let refusal = entra.token(&daemon("api://nope/.default")).await.refusal(400, "invalid_resource", 500_011);
    refusal.begins("The resource principal named api://nope was not found in the tenant named ");
}
