//! Number 107 of the checklist: tokens of agent identities, minted and by setting.

use entragate_emulator::fixtures::{API, CLI, DMN};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Jwt, Token, oid, scope};

fn is_guid(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 36)
}

fn daemon() -> Token {
    Token::client_credentials(DMN, "d3mon", &scope(API, ".default"))
}

#[tokio::test]
async fn e107_an_agent_for_itself_has_a_slash_for_a_scope() {
    let entra = Entra::start().await;
    entra.settings(json!({"agent_clients": ["DMN"]})).await;
    let by_setting = entra.redeem(&daemon()).await["access_token"].as_str().expect("a token").to_owned();
    let minted = entra.mint(json!({"client": "DMN", "user": null, "agent": true})).await;
    for token in [by_setting, minted] {
        let claims = entra.verified(&token).await;
        assert!(is_guid(&claims["xms_par_app_azp"]), "{claims}");
        assert_ne!(claims["xms_par_app_azp"], claims["azp"], "the blueprint is another app");
        assert_eq!((&claims["xms_act_fct"], &claims["xms_sub_fct"]), (&json!("9 3 11"), &json!("11 3 9")));
        assert_eq!(claims["scp"], "/");
        assert_ne!(claims["oid"], claims["sub"]);
        assert_eq!((&claims["azp"], &claims["roles"]), (&json!(DMN), &json!(["Tools.All"])));
    }
}

#[tokio::test]
async fn e107_an_agent_for_a_user_has_the_user_as_its_subject() {
    let entra = Entra::start().await;
    // Clients go by id too.
    entra.settings(json!({"agent_clients": [CLI]})).await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let minted = entra.mint(json!({"agent": true})).await;
    for token in [tokens["access_token"].as_str().expect("a token"), &minted] {
        let claims = entra.verified(token).await;
        assert!(is_guid(&claims["xms_par_app_azp"]), "{claims}");
        assert_eq!((&claims["xms_act_fct"], &claims["xms_sub_fct"]), (&json!("9 3 11"), &json!("2 3")));
        assert_eq!((&claims["oid"], &claims["scp"]), (&json!(oid("alice")), &json!("access")));
        assert_eq!((&claims["azp"], &claims["roles"]), (&json!(CLI), &json!(["Admin"])));
    }
}

#[tokio::test]
async fn e107_no_other_token_says_so() {
    let entra = Entra::start().await;
    entra.settings(json!({"agent_clients": ["CLI2"]})).await;
    let daemon = entra.redeem(&daemon()).await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    for tokens in [daemon, tokens] {
        let claims = Jwt::access(&tokens).claims;
        for name in ["xms_par_app_azp", "xms_act_fct", "xms_sub_fct"] {
            assert_eq!(claims.get(name), None, "{claims}");
        }
    }
}

#[tokio::test]
async fn e107_minted_claims_still_have_the_last_word() {
    let entra = Entra::start().await;
    let token = entra.mint(json!({"user": null, "agent": true, "claims": {"scp": null}})).await;
    assert_eq!(Jwt::parse(&token).claims.get("scp"), None);
}
