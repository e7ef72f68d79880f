//! Numbers 98–106 of the checklist: what the access tokens say.

use entragate_emulator::Directory;
use entragate_emulator::fixtures::{API, API1, CLI, GROUPED, TENANT, TENANT2};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Jwt, MCP_URI, Token, V1_URI, base64url, members, oid, scope, sha256};

/// The fixtures with `app` configured for exactly these optional access-token claims.
pub(crate) fn with_optional_claims(app: &str, claims: &[&str]) -> Directory {
    let mut directory = Directory::fixtures();
    let app = directory.apps.iter_mut().find(|known| known.id == app).expect("a fixture app");
    app.optional_claims = claims.iter().map(|&claim| claim.to_owned()).collect();
    directory
}

async fn access(entra: &Entra, request: &Authorize) -> Jwt {
    let tokens = entra.tokens(request).await;
    entra.verified(tokens["access_token"].as_str().expect("a token")).await;
    Jwt::access(&tokens)
}

fn user(name: &str) -> Authorize {
    Authorize::base().user(name)
}

fn v1(name: &str) -> Authorize {
    user(name).scope(&format!("{V1_URI}/access"))
}

fn grouped(name: &str) -> Authorize {
    user(name).scope(&format!("{GROUPED}/access"))
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

#[tokio::test]
async fn e098_v2_token_has_the_shape_of_entra() {
    let entra = Entra::start().await;
    let token = access(&entra, &user("alice")).await;
    assert_eq!(members(&token.header), ["alg", "kid", "typ"], "v2 headers have no x5t");
    assert_eq!((&token.header["alg"], &token.header["typ"]), (&json!("RS256"), &json!("JWT")));
    let claims = &token.claims;
    let expected = [
        "aio", "aud", "azp", "azpacr", "exp", "iat", "iss", "nbf", "oid", "rh", "roles", "scp", "sub", "tid",
        "uti", "ver",
    ];
    let names = members(claims);
    for name in expected {
        assert!(names.contains(&name), "{name} is missing: {claims}");
    }
    for name in &names {
        assert!(
            expected.contains(name) || name.starts_with("xms_"),
            "{name} does not belong there: {claims}"
        );
    }
    assert_eq!(claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
    assert_eq!(claims["ver"], "2.0");
    assert_eq!(claims["azp"], CLI);
    assert_eq!(claims["azpacr"], "0");
    assert_eq!(claims["tid"], TENANT);
    assert_eq!(claims["oid"], oid("alice"));
    assert_eq!(length(&claims["uti"]), 22);
    assert_eq!(length(&claims["sub"]), 43);
    for name in ["iat", "nbf", "exp"] {
        assert!(claims[name].is_u64(), "{name}: {claims}");
    }
}

#[tokio::test]
async fn e098_v2_audience_is_the_guid_whichever_uri_was_requested() {
    let entra = Entra::start().await;
    for uri in [format!("api://{API}"), MCP_URI.to_owned(), API.to_owned()] {
        let token = access(&entra, &user("alice").scope(&format!("{uri}/access"))).await;
        assert_eq!(token.claims["aud"], API, "{uri}");
    }
}

#[tokio::test]
async fn e098_confidential_client_is_azpacr_1() {
    let entra = Entra::start().await;
    let request = Authorize::web().user("alice");
    let code = entra.code(&request).await;
    let tokens = entra.redeem(&Token::code(&request, &code).with("client_secret", "s3cret")).await;
    assert_eq!(Jwt::access(&tokens).claims["azpacr"], "1");
}

#[tokio::test]
async fn e099_v1_token_has_the_shape_of_entra() {
    let entra = Entra::start().await;
    let token = access(&entra, &v1("alice")).await;
    assert_eq!(members(&token.header), ["alg", "kid", "typ", "x5t"]);
    assert_eq!(token.header["x5t"], token.header["kid"]);
    let claims = &token.claims;
    assert_eq!(claims["ver"], "1.0");
    assert_eq!(claims["iss"], format!("{}/sts/{TENANT}/", entra.b()));
    assert_eq!(claims["appid"], CLI);
    assert_eq!(claims["appidacr"], "0");
    assert_eq!(claims["upn"], "alice@contoso.test");
    assert_eq!(claims["unique_name"], "alice@contoso.test");
    assert_eq!(claims["scp"], "access");
    assert_eq!(claims["tid"], TENANT);
    for absent in ["azp", "azpacr", "preferred_username"] {
        assert_eq!(claims.get(absent), None, "{absent}");
    }
    for present in ["given_name", "family_name", "ipaddr", "amr", "acr", "oid", "sub", "uti", "rh", "aio"] {
        assert!(claims.get(present).is_some(), "{present} is missing: {claims}");
    }
}

#[tokio::test]
async fn e099_v1_audience_follows_the_mode() {
    let entra = Entra::start().await;
    for (mode, expected) in [
        ("requested_uri", V1_URI.to_owned()),
        ("with_slash", format!("{V1_URI}/")),
        ("guid", API1.to_owned()),
    ] {
        entra.settings(json!({"v1_audience": mode})).await;
        assert_eq!(access(&entra, &v1("alice")).await.claims["aud"], expected, "{mode}");
    }
    entra.settings(json!({"v1_audience": "any_uri"})).await;
    let audience = access(&entra, &v1("alice")).await.claims["aud"].clone();
    let registered = [json!(V1_URI), json!(format!("api://{API1}"))];
    assert!(registered.contains(&audience), "{audience}");
}

#[tokio::test]
async fn e099_use_guid_forces_the_guid() {
    let entra = Entra::with(with_optional_claims(API1, &["use_guid"])).await;
    for mode in ["requested_uri", "any_uri", "with_slash", "guid"] {
        entra.settings(json!({"v1_audience": mode})).await;
        assert_eq!(access(&entra, &v1("alice")).await.claims["aud"], API1, "{mode}");
    }
}

#[tokio::test]
async fn e100_roles_come_from_direct_assignments() {
    let entra = Entra::start().await;
    for (name, roles) in [("alice", Some(json!(["Admin"]))), ("bob", Some(json!(["User"]))), ("carol", None)]
    {
        let token = access(&entra, &user(name)).await;
        assert_eq!(token.claims.get("roles"), roles.as_ref(), "{name}");
    }
}

#[tokio::test]
async fn e100_group_assignment_counts_for_direct_members_only() {
    let entra = Entra::start().await;
    let frank = access(&entra, &user("frank")).await;
    assert_eq!(frank.claims["roles"], json!(["User"]));
    let nina = access(&entra, &user("nina")).await;
    assert_eq!(nina.claims.get("roles"), None, "a nested group gives no role");
}

#[tokio::test]
async fn e101_group_overage_points_at_azure_ad_graph() {
    let entra = Entra::start().await;
    let claims = access(&entra, &grouped("gina")).await.claims;
    assert_eq!(claims.get("groups"), None);
    assert_eq!(claims["_claim_names"], json!({"groups": "src1"}));
    let endpoint = claims["_claim_sources"]["src1"]["endpoint"].as_str().expect("an endpoint");
    let expected = format!("https://graph.windows.net/{TENANT}/users/{}/getMemberObjects", oid("gina"));
    assert_eq!(endpoint, expected);
}

#[tokio::test]
async fn e101_few_groups_are_listed_where_the_app_asks_for_them() {
    let entra = Entra::start().await;
    let claims = access(&entra, &grouped("greta")).await.claims;
    let groups = claims["groups"].as_array().expect("an array");
    assert_eq!(groups.len(), 3);
    assert!(groups.iter().all(|group| group.as_str().is_some_and(crate::reply::is_guid)), "{groups:?}");
    assert_eq!(claims.get("_claim_names"), None);
    for name in ["gina", "greta"] {
        let plain = access(&entra, &user(name)).await.claims;
        assert_eq!(plain.get("groups"), None, "{name}");
        assert_eq!(plain.get("_claim_names"), None, "{name}");
    }
}

#[tokio::test]
async fn e028_guest_signs_in_and_carries_idp() {
    let entra = Entra::start().await;
    let claims = access(&entra, &user("eve")).await.claims;
    assert_eq!(claims["oid"], oid("eve"));
    assert!(claims["idp"].is_string(), "{claims}");
}

#[tokio::test]
async fn e102_guest_has_the_resource_tenant_and_the_home_issuer() {
    let entra = Entra::start().await;
    let claims = access(&entra, &user("eve")).await.claims;
    assert_eq!(claims["tid"], TENANT);
    assert_eq!(claims["iss"], format!("{}/{TENANT}/v2.0", entra.b()));
    assert_eq!(claims["idp"], format!("{}/sts/{TENANT2}/", entra.b()));
    assert_eq!(access(&entra, &user("alice")).await.claims.get("idp"), None, "members have none");
}

#[tokio::test]
async fn e103_sub_is_pairwise_and_oid_is_not() {
    let entra = Entra::start().await;
    let api = access(&entra, &user("alice")).await.claims;
    let api1 = access(&entra, &v1("alice")).await.claims;
    assert_ne!(api["sub"], api1["sub"]);
    assert_eq!(api["oid"], api1["oid"]);
    assert_eq!(api["sub"], base64url(&sha256(&format!("{API}{}", oid("alice")))));
    let bob = access(&entra, &user("bob")).await.claims;
    assert_ne!(bob["sub"], api["sub"]);
    assert_eq!(access(&entra, &user("alice")).await.claims["sub"], api["sub"], "stable");
}

#[tokio::test]
async fn e104_scp_has_short_names_only() {
    let entra = Entra::start().await;
    for requested in [
        scope(API, "access"),
        scope(API, ".default"),
        format!("{MCP_URI}/access openid profile offline_access email"),
    ] {
        let token = access(&entra, &user("alice").scope(&requested)).await;
        assert_eq!(token.claims["scp"], "access", "{requested}");
    }
}

#[tokio::test]
async fn e105_name_and_preferred_username_need_profile() {
    let entra = Entra::start().await;
    let plain = access(&entra, &user("alice").scope(&format!("{} openid", scope(API, "access")))).await;
    for name in ["name", "preferred_username"] {
        assert_eq!(plain.claims.get(name), None);
    }
    let request = user("alice").scope(&format!("{} openid profile", scope(API, "access")));
    let claims = access(&entra, &request).await.claims;
    assert_eq!(claims["preferred_username"], "alice@contoso.test");
    assert!(claims["name"].as_str().is_some_and(|name| !name.is_empty()));
}

#[tokio::test]
async fn e106_optional_claims_only_where_configured() {
    let without = Entra::with(with_optional_claims(API, &[])).await;
    let claims = access(&without, &user("alice")).await.claims;
    for name in ["idtyp", "acct", "xms_cc", "email", "upn"] {
        assert_eq!(claims.get(name), None, "{name}");
    }
    let with = Entra::with(with_optional_claims(API, &["idtyp", "acct"])).await;
    let claims = access(&with, &user("alice")).await.claims;
    assert_ne!(claims["idtyp"], "app", "a user signed in");
    assert_eq!(claims["acct"], 0);
    assert_eq!(access(&with, &user("eve")).await.claims["acct"], 1, "eve is a guest");
}

#[tokio::test]
async fn e106_client_capabilities_appear_where_configured_and_requested() {
    let request =
        user("alice").with("claims", &json!({"access_token": {"xms_cc": {"values": ["cp1"]}}}).to_string());
    let with = Entra::with(with_optional_claims(API, &["xms_cc"])).await;
    assert_eq!(access(&with, &request).await.claims["xms_cc"], json!(["cp1"]));
    assert_eq!(access(&with, &user("alice")).await.claims.get("xms_cc"), None);
    let without = Entra::with(with_optional_claims(API, &[])).await;
    assert_eq!(access(&without, &request).await.claims.get("xms_cc"), None);
}
