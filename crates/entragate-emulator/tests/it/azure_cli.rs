//! Microsoft Graph as the Azure CLI uses it: by the emulator's own address, and in ways that are its own.

use entragate_emulator::fixtures::{ADM, ADM_SECRET, CLIENT_CERTIFICATE, DMN, GRAPH};
use serde_json::{Value, json};

use crate::fixture::{Entra, Jwt, Token};
use crate::graph::{Caller, at, text};

#[tokio::test]
async fn e109_the_address_of_the_emulator_is_a_name_of_graph() {
    let entra = Entra::start().await;
    let base = entra.b().to_owned();
    // `az` writes a resource with a slash at its end as a scope with two.
    for (scope, audience) in
        [(format!("{base}/.default"), base.clone()), (format!("{base}//.default"), format!("{base}/"))]
    {
        let tokens = entra.redeem(&Token::client_credentials(ADM, ADM_SECRET, &scope)).await;
        assert_eq!(Jwt::access(&tokens).claims["aud"], audience);
        let admin = Caller::with(&entra, text(&tokens, "access_token"));
        admin.register(&format!("by {audience}")).await;
    }
    let v1 = Token::client_credentials(ADM, ADM_SECRET, "").v1().with("resource", &base);
    let tokens = entra.redeem(&v1).await;
    assert_eq!(tokens["resource"], base);
    Caller::with(&entra, text(&tokens, "access_token")).get("/applications").await;
    // Nothing near it is.
    for other in
        ["https://localhost:1/.default".to_owned(), format!("{base}///.default"), format!("{base}1/.default")]
    {
        let request = Token::client_credentials(ADM, ADM_SECRET, &other);
        entra.token(&request).await.refusal(400, "invalid_resource", 500_011);
    }
}

#[tokio::test]
async fn e110_a_grant_is_deleted_whatever_the_case_of_its_collection() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let grant = admin.list("/oauth2PermissionGrants").await[0].clone();
    admin.delete(&format!("/oAuth2PermissionGrants/{}", text(&grant, "id"))).await;
    let left = admin.list("/oauth2PermissionGrants").await;
    assert!(left.iter().all(|other| other["id"] != grant["id"]));
}

#[tokio::test]
async fn e110_a_certificate_keeps_its_name_and_its_id() {
    const KEY_ID: &str = "5f3c3c53-0f04-4bb3-9a5e-1f8d8c1f2a3b";
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.register("named").await;
    let path = at("applications", &app);
    let der: String = CLIENT_CERTIFICATE.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = |more: Value| {
        let mut key = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": der});
        key.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({"keyCredentials": [key]})
    };
    let shown = async || admin.get(&path).await["keyCredentials"][0].clone();
    admin.patch(&path, key(json!({"displayName": "gateway of Contoso", "keyId": KEY_ID}))).await;
    let listed = shown().await;
    assert_eq!((&listed["displayName"], &listed["keyId"]), (&json!("gateway of Contoso"), &json!(KEY_ID)));
    // A list that names it by id keeps the name, or changes it.
    admin.patch(&path, json!({"keyCredentials": [{"keyId": KEY_ID}]})).await;
    assert_eq!(shown().await, listed);
    admin.patch(&path, json!({"keyCredentials": [{"keyId": KEY_ID, "displayName": "renamed"}]})).await;
    assert_eq!(shown().await["displayName"], "renamed");
    // Longer ones are accepted and shortened.
    admin.patch(&path, key(json!({"displayName": "ä".repeat(91)}))).await;
    assert_eq!(shown().await["displayName"], "ä".repeat(90));
    admin.patch(&path, key(json!({"displayName": null}))).await;
    assert_eq!(shown().await["displayName"], "CN=entragate test client");
    for wrong in [json!({"displayName": 7}), json!({"keyId": "x"})] {
        admin.call("PATCH", &path, &key(wrong)).await.graph_error(400, "Request_BadRequest");
    }
    let twice = json!([{"keyId": shown().await["keyId"]}, {"keyId": shown().await["keyId"]}]);
    let reply = admin.call("PATCH", &path, &json!({"keyCredentials": twice})).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
}

#[tokio::test]
async fn e109_basic_profiles_are_enough_for_an_app_to_find_people() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let graph = admin.get(&format!("/servicePrincipals(appId='{GRAPH}')")).await;
    let daemon = admin.get(&format!("/servicePrincipals(appId='{DMN}')")).await;
    let reading = "/users?$filter=userPrincipalName eq 'alice@contoso.test'";
    let before = Caller::daemon(&entra, DMN, "d3mon").await;
    before.call("GET", reading, &Value::Null).await.graph_error(403, "Authorization_RequestDenied");
    let roles = graph["appRoles"].as_array().expect("roles");
    let role = roles.iter().find(|role| role["value"] == "User.ReadBasic.All").expect("the role");
    assert_eq!(role["id"], "97235f07-e226-4f63-ace3-39588e11d3a1");
    let body = json!({"principalId": daemon["id"], "resourceId": graph["id"], "appRoleId": role["id"]});
    admin.post(&format!("{}/appRoleAssignedTo", at("servicePrincipals", &graph)), body).await;
    let after = Caller::daemon(&entra, DMN, "d3mon").await;
    assert_eq!(after.list(reading).await.len(), 1);
}
