//! Numbers 61–70 and 80 of the checklist: redemption of authorization codes.

use entragate_emulator::fixtures::{API, CLI, CLI2, TENANT, TENANT2};
use entragate_emulator::{Audience, Directory};
use serde_json::json;

use crate::fixture::{Authorize, Entra, GRAPH_URI, Jwt, REDIRECT, Token, V1_URI, members, oid, scope};

fn alice() -> Authorize {
    Authorize::base().user("alice")
}

fn api() -> String {
    scope(API, "access")
}

#[tokio::test]
async fn e061_redemption_returns_the_members_of_entra() {
    let entra = Entra::start().await;
    let code = entra.code(&alice()).await;
    let reply = entra.token(&Token::code(&alice(), &code)).await;
    let tokens = reply.ok();
    assert_eq!(
        members(&tokens),
        ["access_token", "expires_in", "ext_expires_in", "refresh_token", "scope", "token_type"]
    );
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], api());
    let expires_in = tokens["expires_in"].as_u64().expect("a JSON number");
    assert!((3600..=5400).contains(&expires_in), "{expires_in}");
    assert_eq!(tokens["ext_expires_in"], tokens["expires_in"]);
    let refresh = tokens["refresh_token"].as_str().expect("a string");
    assert!(refresh.len() >= 1000, "{}", refresh.len());

    assert!(reply.header("cache-control").is_some_and(|value| value.contains("no-store")), "{reply:?}");
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    assert!(reply.header("x-ms-request-id").is_some_and(crate::reply::is_guid));
    let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
    let left = claims["exp"].as_u64().expect("a number") - entra.control().now();
    assert!(left.abs_diff(expires_in) <= 5, "{left} against {expires_in}");
}

#[tokio::test]
async fn e061_lifetime_is_random_between_60_and_90_minutes_or_as_set() {
    let entra = Entra::start().await;
    let mut lifetimes = std::collections::BTreeSet::new();
    for _ in 0..12 {
        let tokens = entra.tokens(&alice()).await;
        lifetimes.insert(tokens["expires_in"].as_u64().expect("a number"));
    }
    assert!(lifetimes.len() > 1, "{lifetimes:?}");
    assert!(lifetimes.iter().all(|seconds| (3600..=5400).contains(seconds)), "{lifetimes:?}");

    entra.settings(json!({"access_token_seconds": 120})).await;
    let tokens = entra.tokens(&alice()).await;
    assert_eq!(tokens["expires_in"], 120);
    entra.verified(tokens["access_token"].as_str().expect("a token")).await;
}

#[tokio::test]
async fn e061_refresh_token_only_with_offline_access() {
    let entra = Entra::start().await;
    let tokens = entra.tokens(&alice().scope(&api())).await;
    assert_eq!(members(&tokens), ["access_token", "expires_in", "ext_expires_in", "scope", "token_type"]);
}

#[tokio::test]
async fn e061_id_token_only_with_openid() {
    let entra = Entra::start().await;
    let request = alice().scope(&format!("{} openid profile", api())).with("nonce", "n-0S6_WzA2Mj");
    let tokens = entra.tokens(&request).await;
    assert_eq!(tokens.get("refresh_token"), None);
    let claims = entra.verified(tokens["id_token"].as_str().expect("an id_token")).await;
    assert_eq!(claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
    assert_eq!(claims["aud"], CLI);
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(claims["oid"], oid("alice"));
    assert_eq!(claims["tid"], TENANT);
    assert_eq!(claims["ver"], "2.0");
    assert_eq!(claims["preferred_username"], "alice@contoso.test");
    assert_ne!(claims["sub"], Jwt::access(&tokens).claims["sub"], "sub is pairwise");
    assert_eq!(claims.get("scp"), None);
    assert!(tokens["scope"].as_str().is_some_and(|scope| scope.contains(&api())), "{tokens}");
}

#[tokio::test]
async fn e062_code_replay_54005() {
    let entra = Entra::start().await;
    let redemption = Token::code(&alice(), &entra.code(&alice()).await);
    entra.redeem(&redemption).await;
    for _ in 0..2 {
        entra.token(&redemption).await.refusal(400, "invalid_grant", 54005).says(
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh \
             token.",
        );
    }
}

#[tokio::test]
async fn e063_code_expires_after_ten_minutes_70008() {
    let entra = Entra::start().await;
    let early = Token::code(&alice(), &entra.code(&alice()).await);
    let late = Token::code(&alice(), &entra.code(&alice()).await);
    entra.advance(9 * 60);
    entra.redeem(&early).await;
    entra.advance(2 * 60);
    entra.token(&late).await.refusal(400, "invalid_grant", 70008).says(
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
         authorization request for this user and resource.",
    );
}

#[tokio::test]
async fn e064_wrong_or_missing_verifier_501481_leaves_the_code() {
    let entra = Entra::start().await;
    let right = Token::code(&alice(), &entra.code(&alice()).await);
    for wrong in
        [right.clone().with("code_verifier", &"w".repeat(43)), right.clone().without("code_verifier")]
    {
        let refusal = entra.token(&wrong).await.refusal(400, "invalid_grant", 501_481);
        refusal.says(
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        );
    }
    entra.redeem(&right).await;
}

#[tokio::test]
async fn e064_wrong_verifier_consumes_the_code_when_the_flag_says_so() {
    let entra = Entra::start().await;
    entra.settings(json!({"consume_code_on_bad_verifier": true})).await;
    let right = Token::code(&alice(), &entra.code(&alice()).await);
    let wrong = right.clone().with("code_verifier", &"w".repeat(43));
    entra.token(&wrong).await.refusal(400, "invalid_grant", 501_481);
    entra.token(&right).await.refusal(400, "invalid_grant", 54005);
}

#[tokio::test]
async fn e065_redirect_uri_must_equal_that_of_the_authorize_leg_500112() {
    let entra = Entra::start().await;
    let right = Token::code(&alice(), &entra.code(&alice()).await);
    for other in
        ["http://localhost:51790/callback", "http://localhost/callback", "http://127.0.0.1:51789/callback"]
    {
        let refusal = entra.token(&right.clone().with("redirect_uri", other)).await;
        refusal.refusal(400, "invalid_client", 500_112).says(&format!(
            "The reply address '{other}' does not match the reply address '{REDIRECT}' provided when requesting \
             Authorization code."
        ));
    }
    entra.redeem(&right).await;
}

#[tokio::test]
async fn e066_code_of_another_client_70000() {
    let entra = Entra::start().await;
    let right = Token::code(&alice(), &entra.code(&alice()).await);
    entra.token(&right.clone().with("client_id", CLI2)).await.refusal(400, "invalid_grant", 70000);
    entra.redeem(&right).await;
}

#[tokio::test]
async fn e067_single_tenant_client_is_unknown_on_another_tenant_700016() {
    let entra = Entra::start().await;
    let right = Token::code(&alice(), &entra.code(&alice()).await);
    let refusal = entra.token(&right.clone().tenant(TENANT2)).await;
    let refusal = refusal.refusal(400, "unauthorized_client", 700_016);
    refusal.begins(&format!("Application with identifier '{CLI}' was not found in the directory '"));
    entra.redeem(&right).await;
}

/// CLI and API with a service principal in every tenant.
fn multi_tenant() -> Directory {
    let mut directory = Directory::fixtures();
    for app in directory.apps.iter_mut().filter(|app| [CLI, API].contains(&app.id.as_str())) {
        app.audience = Audience::MultipleOrgs;
    }
    directory
}

#[tokio::test]
async fn e067_code_redeemed_on_another_tenant_700005() {
    let entra = Entra::with(multi_tenant()).await;
    let right = Token::code(&alice(), &entra.code(&alice()).await);
    let refusal = entra.token(&right.clone().tenant(TENANT2)).await.refusal(400, "invalid_grant", 700_005);
    refusal.begins(
        "Provided Authorization Code is intended to use against other tenant, thus rejected. OAuth2 Authorization Code must \
         be redeemed against same tenant it was acquired for",
    );
    entra.redeem(&right).await;
}

#[tokio::test]
async fn e067_code_of_organizations_is_good_on_the_users_tenant() {
    let entra = Entra::with(multi_tenant()).await;
    for (segment, redeemed_at) in
        [("organizations", TENANT), ("organizations", "organizations"), ("common", TENANT)]
    {
        let request = alice().tenant(segment);
        let code = entra.code(&request).await;
        let tokens = entra.redeem(&Token::code(&request, &code).tenant(redeemed_at)).await;
        assert_eq!(Jwt::access(&tokens).claims["tid"], TENANT, "{segment} at {redeemed_at}");
    }
    let by_domain = Token::code(&alice(), &entra.code(&alice()).await).tenant("contoso.test");
    entra.redeem(&by_domain).await;
    let request = alice().tenant("organizations");
    let foreign = Token::code(&request, &entra.code(&request).await).tenant(TENANT2);
    entra.token(&foreign).await.refusal(400, "invalid_grant", 700_005);
}

#[tokio::test]
async fn e068_garbage_code_9002313() {
    let entra = Entra::start().await;
    for garbage in ["garbage", "eyJhbGciOiJub25lIn0.e30.", "0.AAAA", "%00", "漢字"] {
        let refusal = entra.token(&Token::code(&alice(), garbage)).await;
        refusal
            .refusal(400, "invalid_request", 9_002_313)
            .says("Invalid request. Request is malformed or invalid.");
    }
}

#[tokio::test]
async fn e068_truncated_code_9002313() {
    let entra = Entra::start().await;
    let code = entra.code(&alice()).await;
    let truncated = &code[..code.len() / 2];
    entra.token(&Token::code(&alice(), truncated)).await.refusal(400, "invalid_request", 9_002_313);
    entra.redeem(&Token::code(&alice(), &code)).await;
}

#[tokio::test]
async fn e069_unknown_grant_type_70003() {
    let entra = Entra::start().await;
    let request = Token::code(&alice(), "irrelevant").with("grant_type", "foo");
    let refusal = entra.token(&request).await.refusal(400, "unsupported_grant_type", 70003);
    refusal.says("The app requested an unsupported grant type 'foo'.");
}

#[tokio::test]
async fn e069_missing_parameters_900144() {
    let entra = Entra::start().await;
    let full = Token::code(&alice(), &entra.code(&alice()).await);
    for name in ["grant_type", "client_id", "code"] {
        let refusal = entra.token(&full.clone().without(name)).await.refusal(400, "invalid_request", 900_144);
        refusal.says(&format!("The request body must contain the following parameter: '{name}'."));
    }
    entra.redeem(&full).await;
}

#[tokio::test]
async fn e069_unknown_client_700016() {
    let entra = Entra::start().await;
    let unknown = "99999999-9999-4999-8999-999999999999";
    let request = Token::code(&alice(), &entra.code(&alice()).await).with("client_id", unknown);
    let refusal = entra.token(&request).await.refusal(400, "unauthorized_client", 700_016);
    refusal.begins(&format!("Application with identifier '{unknown}' was not found in the directory '"));
}

#[tokio::test]
async fn e070_get_token_900561() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/{TENANT}/oauth2/v2.0/token")).await;
    reply
        .refusal(400, "invalid_request", 900_561)
        .says("The endpoint only accepts POST, OPTIONS requests. Received a GET request.");
}

#[tokio::test]
async fn e070_json_body_is_no_form_900144() {
    let entra = Entra::start().await;
    let request = entra.request("POST", &format!("/{TENANT}/oauth2/v2.0/token"));
    let body = json!({"grant_type": "authorization_code", "client_id": CLI, "code": "x"});
    let refusal = entra.send(request.json(&body)).await.refusal(400, "invalid_request", 900_144);
    refusal.says("The request body must contain the following parameter: 'grant_type'.");
}

#[tokio::test]
async fn e080_two_resources_on_the_code_leg_28000() {
    let entra = Entra::start().await;
    let redemption = Token::code(&alice(), &entra.code(&alice()).await);
    for second in [format!("{GRAPH_URI}/User.Read"), format!("{V1_URI}/access")] {
        let scopes = format!("{} {second} offline_access", api());
        let refusal = entra.token(&redemption.clone().with("scope", &scopes)).await;
        let refusal = refusal.refusal(400, "invalid_request", 28000);
        refusal.begins(
            "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ",
        );
        assert!(refusal.message.contains(&scopes), "{}", refusal.message);
        assert!(refusal.message.ends_with(" is not valid."), "{}", refusal.message);
    }
}

#[tokio::test]
async fn e080_empty_scope_28003() {
    let entra = Entra::start().await;
    let redemption = Token::code(&alice(), &entra.code(&alice()).await);
    let reply = entra.token(&redemption.with("scope", "")).await;
    let error = reply.json()["error"].as_str().expect("an error").to_owned();
    reply.refusal(400, &error, 28003).says(
        "Provided value for the input parameter scope cannot be empty when requesting an access token using the provided \
         authorization code. Please specify a valid scope.",
    );
}

#[tokio::test]
async fn e080_one_resource_on_the_code_leg_is_selected() {
    let entra = Entra::start().await;
    let redemption = Token::code(&alice(), &entra.code(&alice()).await);
    let tokens = entra.redeem(&redemption.with("scope", &api())).await;
    assert_eq!(tokens["scope"], api());
}
