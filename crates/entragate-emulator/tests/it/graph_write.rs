//! Microsoft Graph, writing: what is made there works at `/authorize` and `/token` at once.

use entragate_emulator::fixtures::{API, CLI, GRAPH, IDENTITY_OID, TENANT, WEB};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Jwt, Token, oid, scope as scope_of};
use crate::graph::{Caller, ROLE_ID, SCOPE_ID, at, role, scope, text};

/// A grant of an administrator's.
fn grant(client: &Value, api: &Value, scope: &str) -> Value {
    json!({"clientId": client["id"], "consentType": "AllPrincipals", "resourceId": api["id"], "scope": scope})
}

#[tokio::test]
async fn e110_what_setup_makes_signs_in() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let upsert = [("prefer", "create-if-missing")];
    let body = json!({"displayName": "Notes", "api": crate::graph::api(), "appRoles": crate::graph::roles()});
    let made = admin.call_with("PATCH", "/applications(uniqueName='notes')", &body, &upsert).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let api = made.json();
    let again = admin.call_with("PATCH", "/applications(uniqueName='notes')", &body, &upsert).await;
    assert_eq!(again.status, 204, "{}", again.body);
    admin.patch("/applications(uniqueName='notes')", json!({
        "identifierUris": [format!("api://{}", text(&api, "appId")), "https://notes.contoso.test/mcp"],
    })).await;
    let path = format!("/servicePrincipals(appId='{}')", text(&api, "appId"));
    admin.call("GET", &path, &Value::Null).await.graph_error(404, "Request_ResourceNotFound");
    let api_sp = admin.call_with("PATCH", &path, &json!({}), &upsert).await;
    assert_eq!(api_sp.status, 201, "{}", api_sp.body);
    let api_sp = api_sp.json();
    assert_eq!(admin.call_with("PATCH", &path, &json!({}), &upsert).await.status, 204);

    let client = admin
        .post(
            "/applications",
            json!({
                "displayName": "Notes clients", "isFallbackPublicClient": true,
                "publicClient": {"redirectUris": ["http://localhost/callback"]},
                "requiredResourceAccess": [{
                    "resourceAppId": api["appId"], "resourceAccess": [{"id": SCOPE_ID, "type": "Scope"}],
                }],
            }),
        )
        .await;
    let client_sp = admin.post("/servicePrincipals", json!({"appId": client["appId"]})).await;
    admin
        .patch(
            &at("applications", &api),
            json!({"api": {"preAuthorizedApplications": [
                {"appId": client["appId"], "delegatedPermissionIds": [SCOPE_ID]},
            ]}}),
        )
        .await;
    let read = admin.get(&at("applications", &api)).await;
    assert_eq!(read["api"]["oauth2PermissionScopes"][0]["id"], SCOPE_ID, "what is not named stays");
    assert_eq!(read["api"]["preAuthorizedApplications"][0]["delegatedPermissionIds"], json!([SCOPE_ID]));
    admin.post("/oauth2PermissionGrants", grant(&client_sp, &api_sp, "use")).await;
    admin
        .post(
            &format!("{}/appRoleAssignedTo", at("servicePrincipals", &api_sp)),
            json!({
                "principalId": oid("carol"), "resourceId": api_sp["id"], "appRoleId": ROLE_ID,
            }),
        )
        .await;

    let request = Authorize::base()
        .with("client_id", text(&client, "appId"))
        .scope("https://notes.contoso.test/mcp/use")
        .user("carol");
    let tokens = entra.tokens(&request).await;
    let claims = Jwt::access(&tokens).claims;
    assert_eq!(
        (&claims["aud"], &claims["scp"], &claims["roles"]),
        (&api["appId"], &json!("use"), &json!(["Writer"]))
    );
}

#[tokio::test]
async fn e110_a_missing_service_principal_650052_7000229() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    admin.delete(&format!("/servicePrincipals(appId='{WEB}')")).await;
    let request = Token::client_credentials(WEB, "s3cret", &scope_of(API, ".default"));
    entra.token(&request).await.refusal(401, "unauthorized_client", 7_000_229);
    // Its grants went with it; a person's consent brings it back.
    let page = entra.authorize(&Authorize::web().user("alice")).await;
    assert!(page.form_with(("__emulator_consent", "accept")).is_some(), "{}", page.body);
    entra.code(&Authorize::web().user("alice")).await;
    entra.redeem(&request).await;

    admin.delete(&format!("/servicePrincipals(appId='{API}')")).await;
    entra.authorize(&Authorize::base().user("alice")).await.page(650_052);
    let silent = Authorize::base().user("alice").with("prompt", "none");
    let mut browser = entra.browser();
    let elsewhere =
        Authorize::base().scope(&scope_of(entragate_emulator::fixtures::SIBLING, "access")).user("alice");
    browser.through(&elsewhere).await;
    browser.authorize(&silent).await.location().refusal("invalid_resource", 650_052);
    entra.token(&request).await.refusal(400, "invalid_resource", 650_052);
    let made = admin.post("/servicePrincipals", json!({"appId": API})).await;
    assert_eq!(admin.get(&at("servicePrincipals", &made)).await["appId"], API);
    entra.code(&Authorize::base().user("alice")).await;
}

#[tokio::test]
async fn e110_disabled_apps_7000112_500014() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let (client, api) =
        (format!("/servicePrincipals(appId='{WEB}')"), format!("/servicePrincipals(appId='{API}')"));
    let request = Token::client_credentials(WEB, "s3cret", &scope_of(API, ".default"));
    admin.patch(&client, json!({"accountEnabled": false})).await;
    entra.token(&request).await.refusal(400, "unauthorized_client", 7_000_112);
    entra.authorize(&Authorize::web().user("alice")).await.page(7_000_112);
    admin.patch(&client, json!({"accountEnabled": true})).await;
    admin.patch(&api, json!({"accountEnabled": false})).await;
    entra.token(&request).await.refusal(400, "invalid_resource", 500_014);
    entra.authorize(&Authorize::base().user("alice")).await.page(500_014);
    admin.patch(&api, json!({"accountEnabled": true, "appRoleAssignmentRequired": true})).await;
    entra.authorize(&Authorize::base().user("carol")).await.page(50105);
}

#[tokio::test]
async fn e110_secrets_work_expire_and_end_7000222_7000215() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let path = format!("/applications(appId='{WEB}')");
    let end = "2027-01-31T00:00:00Z";
    let body = json!({"passwordCredential": {"displayName": "gateway", "endDateTime": end}});
    let made = admin.call("POST", &format!("{path}/addPassword"), &body).await.ok();
    let secret = text(&made, "secretText").to_owned();
    assert!(secret.len() >= 40 && secret.contains("8Q~"), "{secret}");
    let request = Token::client_credentials(WEB, &secret, &scope_of(API, ".default"));
    entra.redeem(&request).await;
    let listed = admin.get(&path).await["passwordCredentials"].as_array().expect("an array").last().cloned();
    let listed = listed.expect("the new one");
    assert_eq!(
        (&listed["keyId"], &listed["secretText"], &listed["endDateTime"]),
        (&made["keyId"], &Value::Null, &json!(end))
    );
    entra.advance(365 * 86_400);
    entra.token(&request).await.refusal(401, "invalid_client", 7_000_222);
    let admin = Caller::admin(&entra).await;
    let remove = format!("{path}/removePassword");
    let gone = admin.call("POST", &remove, &json!({"keyId": made["keyId"]})).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    entra.token(&request).await.refusal(401, "invalid_client", 7_000_215);
    admin
        .call("POST", &remove, &json!({"keyId": made["keyId"]}))
        .await
        .graph_error(400, "Request_BadRequest");
    admin.call("POST", &remove, &json!({"keyId": "x"})).await.graph_error(400, "Request_BadRequest");
    let backwards =
        json!({"passwordCredential": {"startDateTime": end, "endDateTime": "2026-01-01T00:00:00Z"}});
    admin.call("POST", &format!("{path}/addPassword"), &backwards).await.graph_error(400, "InvalidValue");
    let own = json!({"passwordCredentials": [{"secretText": "mine"}]});
    let message = admin.call("PATCH", &path, &own).await.graph_error(400, "Request_BadRequest");
    assert_eq!(message, "New password credentials must be generated with service actions.");
}

#[tokio::test]
async fn e110_disabled_scopes_do_not_exist_650053() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let path = format!("/applications(appId='{API}')");
    let mut scopes = admin.get(&path).await["api"]["oauth2PermissionScopes"].clone();
    let without = json!([scopes[1]]);
    let message = admin
        .call("PATCH", &path, &json!({"api": {"oauth2PermissionScopes": without}}))
        .await
        .graph_error(400, "CannotDeleteOrUpdateEnabledEntitlement");
    assert_eq!(message, "Permission (scope or role) cannot be deleted or updated unless disabled first.");
    scopes[0]["isEnabled"] = false.into();
    admin.patch(&path, json!({"api": {"oauth2PermissionScopes": scopes}})).await;
    entra.authorize(&Authorize::base().user("alice")).await.page(650_053);
    admin.patch(&path, json!({"api": {"oauth2PermissionScopes": without}})).await;
    assert_eq!(admin.get(&path).await["api"]["oauth2PermissionScopes"].as_array().map(Vec::len), Some(1));
    // A registration cannot require what is gone.
    let cli = admin.get(&format!("/applications(appId='{CLI}')")).await;
    assert_eq!(cli["requiredResourceAccess"], json!([]));
}

#[tokio::test]
async fn e110_roles_are_renamed_once_disabled() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.register("roles").await;
    let path = at("applications", &app);
    let sp = admin.post("/servicePrincipals", json!({"appId": app["appId"]})).await;
    let assigned = format!("{}/appRoleAssignedTo", at("servicePrincipals", &sp));
    let body = json!({"principalId": oid("bob"), "resourceId": sp["id"], "appRoleId": ROLE_ID});
    admin.post(&assigned, body.clone()).await;
    let renamed = json!({"appRoles": [role(ROLE_ID, "Author", true)]});
    admin.call("PATCH", &path, &renamed).await.graph_error(400, "CannotDeleteOrUpdateEnabledEntitlement");
    admin
        .call("PATCH", &path, &json!({"appRoles": []}))
        .await
        .graph_error(400, "CannotDeleteOrUpdateEnabledEntitlement");
    admin.patch(&path, json!({"appRoles": [role(ROLE_ID, "Writer", false)]})).await;
    admin.patch(&path, renamed).await;
    assert_eq!(admin.list(&assigned).await[0]["appRoleId"], ROLE_ID, "the assignment follows its role");
    admin.patch(&path, json!({"appRoles": [role(ROLE_ID, "Author", false)]})).await;
    let disabled = json!({"principalId": oid("carol"), "resourceId": sp["id"], "appRoleId": ROLE_ID});
    admin.call("POST", &assigned, &disabled).await.graph_error(400, "Request_BadRequest");
    admin.patch(&path, json!({"appRoles": []})).await;
    assert_eq!(admin.list(&assigned).await, Vec::<Value>::new());
}

#[tokio::test]
async fn e110_certificates_and_federated_credentials_sign_in() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.register("credentials").await;
    let path = at("applications", &app);
    admin.post("/servicePrincipals", json!({"appId": app["appId"]})).await;
    let pem = entragate_emulator::fixtures::CLIENT_CERTIFICATE;
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": der});
    admin.patch(&path, json!({"keyCredentials": [key]})).await;
    let listed = admin.get(&path).await["keyCredentials"].clone();
    assert_eq!(
        (&listed[0]["key"], &listed[0]["endDateTime"]),
        (&Value::Null, &json!("2126-11-01T16:27:09Z"))
    );
    // A list that names it by id keeps it.
    admin.patch(&path, json!({"keyCredentials": listed})).await;
    admin
        .call("PATCH", &path, &json!({"keyCredentials": [{"keyId": SCOPE_ID}]}))
        .await
        .graph_error(400, "Request_BadRequest");
    let bad = json!({"keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": "eA=="}]});
    admin.call("PATCH", &path, &bad).await.graph_error(400, "InvalidValue");

    let list = format!("{path}/federatedIdentityCredentials");
    let issuer = format!("{}/{TENANT}/v2.0", entra.b());
    let body = json!({
        "name": "gateway", "issuer": issuer, "subject": IDENTITY_OID, "audiences": ["api://AzureADTokenExchange"],
    });
    let made = admin.post(&list, body.clone()).await;
    let identity =
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api://AzureADTokenExchange";
    let token = entra.send(entra.request("GET", identity).header("metadata", "true")).await.ok();
    let request = Token::client_credentials(text(&app, "appId"), "", &scope_of(API, ".default"))
        .without("client_secret")
        .with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .with("client_assertion", text(&token, "access_token"));
    entra.redeem(&request).await;
    let message =
        admin.call("POST", &list, &body).await.graph_error(409, "Request_MultipleObjectsWithSameKeyValue");
    assert_eq!(message, "FederatedIdentityCredential with name gateway already exists.");
    let one = format!("{list}/{}", text(&made, "id"));
    admin.patch(&one, json!({"subject": "other"})).await;
    entra.token(&request).await.refusal(401, "invalid_client", 700_213);
    admin.call("PATCH", &one, &json!({"name": "renamed"})).await.graph_error(400, "Request_BadRequest");
    admin.call("PATCH", &one, &json!({"audiences": []})).await.graph_error(400, "InvalidValue");
    admin.call("PATCH", &one, &json!({"issuer": "http://evil.test"})).await.graph_error(400, "InvalidValue");
    for at in 0..19 {
        let name = format!("further-{at}");
        admin.post(&list, json!({
            "name": name, "issuer": "https://issuer.test", "subject": name, "audiences": ["api://AzureADTokenExchange"],
        })).await;
    }
    let over = json!({"name": "over", "issuer": issuer, "subject": "over", "audiences": ["x"]});
    admin.call("POST", &list, &over).await.graph_error(400, "Request_BadRequest");
    admin.delete(&one).await;
    admin.call("GET", &one, &Value::Null).await.graph_error(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn e110_consent_is_granted_changed_and_withdrawn_65001() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let client = admin.get(&format!("/servicePrincipals(appId='{CLI}')")).await;
    let api = admin.get(&format!("/servicePrincipals(appId='{API}')")).await;
    let filter = format!("clientId eq '{}'", text(&client, "id"));
    let held = admin.list(&format!("/oauth2PermissionGrants?$filter={filter}")).await;
    let one = format!("/oauth2PermissionGrants/{}", text(&held[0], "id"));
    let twice = grant(&client, &api, "admin");
    let message = admin
        .call("POST", "/oauth2PermissionGrants", &twice)
        .await
        .graph_error(409, "Request_MultipleObjectsWithSameKeyValue");
    assert_eq!(message, "Permission entry already exists.");
    let admin_scope = Authorize::base().scope(&scope_of(API, "admin")).user("bob");
    entra.authorize(&admin_scope).await.page(90094);
    admin.patch(&one, json!({"scope": "access admin"})).await;
    entra.code(&admin_scope).await;
    let message = admin
        .call("PATCH", &one, &json!({"principalId": oid("bob")}))
        .await
        .graph_error(400, "Request_BadRequest");
    assert_eq!(message, "Property cannot be updated: principalId");
    let tokens = entra.tokens(&Authorize::base().user("bob")).await;
    admin.delete(&one).await;
    let refresh = Token::refresh(CLI, &tokens).with("scope", &scope_of(API, "access"));
    entra.token(&refresh).await.refusal(400, "invalid_grant", 65001);
    let own = json!({
        "clientId": client["id"], "consentType": "Principal", "principalId": oid("bob"), "resourceId": api["id"],
        "scope": "access",
    });
    admin.post("/oauth2PermissionGrants", own).await;
    entra.redeem(&refresh).await;
    let path = entra.authorize(&Authorize::base().user("alice")).await;
    assert!(path.form_with(("__emulator_consent", "accept")).is_some(), "only bob's");
    for (body, status, code) in [
        (
            json!({"clientId": API, "resourceId": api["id"], "consentType": "AllPrincipals", "scope": "access"}),
            404,
            "Request_ResourceNotFound",
        ),
        (
            json!({"clientId": client["id"], "resourceId": api["id"], "scope": "access"}),
            400,
            "Request_BadRequest",
        ),
        (
            json!({"clientId": client["id"], "resourceId": api["id"], "consentType": "Some", "scope": "access"}),
            400,
            "InvalidValue",
        ),
        (
            json!({"clientId": "x", "resourceId": api["id"], "consentType": "AllPrincipals", "scope": "access"}),
            400,
            "Request_BadRequest",
        ),
        (
            json!({"clientId": client["id"], "resourceId": api["id"], "consentType": "AllPrincipals", "scopes": "access"}),
            400,
            "Request_BadRequest",
        ),
    ] {
        admin.call("POST", "/oauth2PermissionGrants", &body).await.graph_error(status, code);
    }
}

#[tokio::test]
async fn e110_assignments_are_made_once_and_taken_away() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let api = admin.get(&format!("/servicePrincipals(appId='{API}')")).await;
    let list = format!("{}/appRoleAssignedTo", at("servicePrincipals", &api));
    let (admin_role, tools) = (&api["appRoles"][0]["id"], &api["appRoles"][2]["id"]);
    let body = json!({"principalId": oid("carol"), "resourceId": api["id"], "appRoleId": admin_role});
    let made = admin.post(&list, body.clone()).await;
    let tokens = entra.tokens(&Authorize::base().user("carol")).await;
    assert_eq!(Jwt::access(&tokens).claims["roles"], json!(["Admin"]));
    let message = admin.call("POST", &list, &body).await.graph_error(400, "Request_BadRequest");
    assert_eq!(message, "Permission being assigned already exists on the object");
    let nobody = "99999999-0000-4000-8000-000000000009";
    for (principal, resource, role, code) in [
        (json!(nobody), &api["id"], admin_role, "Request_BadRequest"),
        (json!(oid("bob")), &json!(nobody), admin_role, "Request_BadRequest"),
        (json!(oid("bob")), &api["id"], &json!(nobody), "Request_BadRequest"),
        (json!(oid("bob")), &api["id"], tools, "InvalidValue"),
        (json!("bob"), &api["id"], admin_role, "Request_BadRequest"),
    ] {
        let body = json!({"principalId": principal, "resourceId": resource, "appRoleId": role});
        admin.call("POST", &list, &body).await.graph_error(400, code);
    }
    admin.delete(&format!("{list}/{}", text(&made, "id"))).await;
    let gone = admin.call("DELETE", &format!("{list}/{}", text(&made, "id")), &Value::Null).await;
    assert_eq!(
        gone.graph_error(400, "Request_BadRequest"),
        "EntitlementGrant being updated or deleted is not found."
    );
    // From the other side: an app gets a permission of Graph.
    let graph = admin.get(&format!("/servicePrincipals(appId='{GRAPH}')")).await;
    let web = admin.get(&format!("/servicePrincipals(appId='{WEB}')")).await;
    let body = json!({
        "principalId": web["id"], "resourceId": graph["id"], "appRoleId": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    });
    admin.post(&format!("{}/appRoleAssignments", at("servicePrincipals", &web)), body).await;
    Caller::daemon(&entra, WEB, "s3cret").await.get(&format!("/applications(appId='{API}')")).await;
}

#[tokio::test]
async fn e110_deleted_apps_are_in_the_bin_700016() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.get(&format!("/applications(appId='{CLI}')")).await;
    admin.delete(&at("applications", &app)).await;
    entra.authorize(&Authorize::base().user("alice")).await.page(700_016);
    let bin = "/directory/deletedItems";
    let deleted = admin.list(&format!("{bin}/microsoft.graph.application")).await;
    assert_eq!((deleted.len(), &deleted[0]["appId"]), (1, &json!(CLI)));
    let restored = admin.call("POST", &format!("{bin}/{}/restore", text(&app, "id")), &Value::Null).await;
    assert_eq!(restored.status, 200, "{}", restored.body);
    // The service principal is another matter; consent brings it back.
    entra.code(&Authorize::base().user("alice")).await;
    admin.delete(&at("applications", &app)).await;
    admin.delete(&format!("{bin}/{}", text(&app, "id"))).await;
    admin
        .call("POST", &format!("{bin}/{}/restore", text(&app, "id")), &Value::Null)
        .await
        .graph_error(404, "Request_ResourceNotFound");
    // The directory is still one that loads.
    let text = entra.control().directory().to_toml();
    entragate_emulator::Directory::from_toml(&text).expect("it loads");
}

#[tokio::test]
async fn e110_what_an_app_owns_it_may_write() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let graph = admin.get(&format!("/servicePrincipals(appId='{GRAPH}')")).await;
    let dmn = admin.get("/servicePrincipals?$filter=displayName eq 'Contoso Nightly Job'").await["value"][0]
        .clone();
    let body = json!({
        "principalId": dmn["id"], "resourceId": graph["id"], "appRoleId": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    });
    admin.post(&format!("{}/appRoleAssignedTo", at("servicePrincipals", &graph)), body).await;
    let daemon = Caller::daemon(&entra, entragate_emulator::fixtures::DMN, "d3mon").await;
    let own = daemon.register("owned").await;
    daemon.patch(&at("applications", &own), json!({"notes": "mine"})).await;
    let foreign = format!("/applications(appId='{API}')");
    daemon
        .call("PATCH", &foreign, &json!({"notes": "mine"}))
        .await
        .graph_error(403, "Authorization_RequestDenied");
    daemon.call("DELETE", &foreign, &Value::Null).await.graph_error(403, "Authorization_RequestDenied");
}

#[tokio::test]
async fn e110_new_objects_replicate() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    entra.settings(json!({"graph_replication_reads": 2})).await;
    let app = admin.register("slow").await;
    let path = at("applications", &app);
    admin.call("GET", &path, &Value::Null).await.graph_error(404, "Request_ResourceNotFound");
    let error = admin.call("POST", "/servicePrincipals", &json!({"appId": app["appId"]})).await;
    let message = error.graph_error(400, "Request_BadRequest");
    assert!(message.ends_with("does not reference a valid application object."), "{message}");
    assert_eq!(error.json()["error"]["details"][0]["code"], "NoBackingApplicationObject");
    admin.get(&path).await;
    let sp = admin.post("/servicePrincipals", json!({"appId": app["appId"]})).await;
    let list = format!("{}/appRoleAssignedTo", at("servicePrincipals", &sp));
    admin.call("GET", &list, &Value::Null).await.graph_error(404, "Request_ResourceNotFound");
    let api = admin.get(&format!("/servicePrincipals(appId='{API}')")).await;
    let body =
        json!({"principalId": sp["id"], "resourceId": api["id"], "appRoleId": api["appRoles"][2]["id"]});
    let path = format!("{}/appRoleAssignedTo", at("servicePrincipals", &api));
    // The role is for applications, and this one is not seen yet.
    let message = admin.call("POST", &path, &body).await.graph_error(400, "Request_BadRequest");
    assert_eq!(message, "Not a valid reference update.");
    admin.post(&path, body).await;
}

#[tokio::test]
async fn e110_new_permissions_replicate() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.register("slow-permissions").await;
    let path = at("applications", &app);
    let sp = admin.post("/servicePrincipals", json!({"appId": app["appId"]})).await;
    entra.settings(json!({"graph_replication_reads": 1})).await;
    let (late_scope, late_role) =
        ("5c0be000-0000-4000-8000-000000000009", "501e0000-0000-4000-8000-000000000009");
    admin.patch(&path, json!({
        "api": {"oauth2PermissionScopes": [scope(SCOPE_ID, "use", true), scope(late_scope, "late", true)]},
        "appRoles": [role(ROLE_ID, "Writer", true), role(late_role, "Late", true)],
    })).await;
    let preauthorize = json!({"api": {"preAuthorizedApplications": [
        {"appId": CLI, "delegatedPermissionIds": [late_scope]},
    ]}});
    admin.call("PATCH", &path, &preauthorize).await.graph_error(400, "InvalidValue");
    admin.patch(&path, preauthorize).await;
    let list = format!("{}/appRoleAssignedTo", at("servicePrincipals", &sp));
    let body = json!({"principalId": oid("bob"), "resourceId": sp["id"], "appRoleId": late_role});
    let message = admin.call("POST", &list, &body).await.graph_error(400, "Request_BadRequest");
    assert_eq!(message, "Permission being assigned was not found on application");
    admin.post(&list, body).await;
}

#[tokio::test]
async fn e110_scopes_and_roles_have_rules() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.register("rules").await;
    let path = at("applications", &app);
    let other = "5c0be000-0000-4000-8000-000000000002";
    let both =
        |second: Value| json!({"api": {"oauth2PermissionScopes": [scope(SCOPE_ID, "use", true), second]}});
    for (body, code) in [
        (both(scope(SCOPE_ID, "other", true)), "Request_BadRequest"),
        (both(scope(other, "use", true)), "Request_BadRequest"),
        (both(scope(other, "two words", true)), "InvalidValue"),
        (both(scope(other, ".hidden", true)), "InvalidValue"),
        (both(scope("x", "other", true)), "Request_BadRequest"),
        (both(json!({"id": other})), "Request_BadRequest"),
        (
            json!({"appRoles": [role(ROLE_ID, "Writer", true), role(other, "Writer", true)]}),
            "Request_BadRequest",
        ),
        (
            json!({"appRoles": [role(ROLE_ID, "Writer", true), role(SCOPE_ID, "Reader", true)]}),
            "Request_BadRequest",
        ),
        (
            json!({"api": {"preAuthorizedApplications": [{"appId": CLI, "delegatedPermissionIds": [other]}]}}),
            "InvalidValue",
        ),
        (
            json!({"api": {"preAuthorizedApplications": [{"appId": CLI, "permissionIds": [SCOPE_ID]}]}}),
            "Request_BadRequest",
        ),
        (json!({"api": {"requestedAccessTokenVersion": 3}}), "InvalidValue"),
        (
            json!({"requiredResourceAccess": [{"resourceAppId": API, "resourceAccess": []}]}),
            "Request_BadRequest",
        ),
        (
            json!({"requiredResourceAccess": [{"resourceAppId": API, "resourceAccess": [{"id": other, "type": "Scope"}]}]}),
            "InvalidValue",
        ),
        (
            json!({"requiredResourceAccess": [{"resourceAppId": "x", "resourceAccess": [{"id": other, "type": "Scope"}]}]}),
            "Request_BadRequest",
        ),
        (json!({"displayName": ""}), "Request_BadRequest"),
        (json!({"displayName": 7}), "Request_BadRequest"),
        (json!({"displayNam": "x"}), "Request_BadRequest"),
        (json!({"appId": other}), "Request_BadRequest"),
        (json!({"signInAudience": "Everybody"}), "InvalidValue"),
        (json!({"groupMembershipClaims": "Some"}), "InvalidValue"),
    ] {
        admin.call("PATCH", &path, &body).await.graph_error(400, code);
    }
    let message =
        admin.call("PATCH", &path, &json!({"displayNam": "x"})).await.graph_error(400, "Request_BadRequest");
    assert_eq!(message, "Invalid property 'displayNam'.");
    // A permission of the same call is not seen yet.
    let together = json!({"api": {
        "oauth2PermissionScopes": [scope(SCOPE_ID, "use", true), scope(other, "other", true)],
        "preAuthorizedApplications": [{"appId": CLI, "delegatedPermissionIds": [other]}],
    }});
    admin.call("PATCH", &path, &together).await.graph_error(400, "InvalidValue");
    let read = admin.get(&path).await;
    assert_eq!(
        read["api"]["oauth2PermissionScopes"].as_array().map(Vec::len),
        Some(1),
        "a refusal changes nothing"
    );
    // Permissions of apps that the tenant does not have are kept.
    let foreign = json!([{"resourceAppId": other, "resourceAccess": [{"id": SCOPE_ID, "type": "Role"}]}]);
    admin.patch(&path, json!({"requiredResourceAccess": foreign})).await;
    assert_eq!(admin.get(&path).await["requiredResourceAccess"], foreign);
}

#[tokio::test]
async fn e110_identifier_uris_have_rules() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let v2 = admin.register("uris").await;
    let path = at("applications", &v2);
    let set = |uri: &str| json!({"identifierUris": [uri]});
    for (uri, code) in [
        ("https://uris.contoso.test/", "InvalidValue"),
        ("uris", "InvalidValue"),
        ("https://uris.evil.test/mcp", "HostNameNotOnVerifiedDomain"),
        ("https://notcontoso.test/mcp", "HostNameNotOnVerifiedDomain"),
        ("https://mcp.contoso.test/mcp", "ObjectConflict"),
        (&format!("api://{API}"), "ObjectConflict"),
    ] {
        admin.call("PATCH", &path, &set(uri)).await.graph_error(400, code);
    }
    let message = admin
        .call("PATCH", &path, &set("https://x.test"))
        .await
        .graph_error(400, "HostNameNotOnVerifiedDomain");
    assert_eq!(
        message,
        "Values of identifierUris property must use a verified domain of the organization or its subdomain: 'https://x.test'"
    );
    for uri in ["https://uris.contoso.test/mcp", "https://contoso.onmicrosoft.com/uris", "api://anything"] {
        admin.patch(&path, set(uri)).await;
    }
    // With a URI that the policy would refuse, there is no way back to version 1.
    let v1 = json!({"api": {"requestedAccessTokenVersion": 1}});
    let message = admin.call("PATCH", &path, &v1).await.graph_error(400, "Request_BadRequest");
    assert!(message.contains("https://aka.ms/identifier-uri-addition-error"), "{message}");

    let v1 = admin.post("/applications", json!({"displayName": "v1"})).await;
    let (path, id) = (at("applications", &v1), text(&v1, "appId").to_owned());
    admin.call("PATCH", &path, &set("api://custom")).await.graph_error(400, "Request_BadRequest");
    admin.patch(&path, set("https://v1-app.contoso.test")).await;
    admin.patch(&path, set(&format!("api://{TENANT}/x"))).await;
    entra.settings(json!({"identifier_uri_policy": "strict"})).await;
    admin
        .call("PATCH", &path, &set("https://v1-app.contoso.test"))
        .await
        .graph_error(400, "Request_BadRequest");
    admin.patch(&path, set(&format!("api://{id}"))).await;
    admin.patch(&path, set(&format!("api://{TENANT}/{id}"))).await;
    entra.settings(json!({"identifier_uri_policy": "off"})).await;
    admin.patch(&path, set("api://custom")).await;
}

#[tokio::test]
async fn e110_redirect_uris_have_rules() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.register("redirects").await;
    let path = at("applications", &app);
    for (platform, uri) in [
        ("web", "http://gw.contoso.test/callback"),
        ("web", "cursor://callback"),
        ("web", "urn:ietf:wg:oauth:2.0:oob"),
        ("spa", "cursor://callback"),
        ("publicClient", "http://[::1]/callback"),
        ("publicClient", "http://localhost/callback#x"),
        ("web", "not a uri"),
    ] {
        let body = json!({platform: {"redirectUris": [uri]}});
        admin.call("PATCH", &path, &body).await.graph_error(400, "InvalidValue");
    }
    let twice = json!({"web": {"redirectUris": ["https://a.test/", "https://a.test/"]}});
    admin.call("PATCH", &path, &twice).await.graph_error(400, "Request_BadRequest");
    admin.patch(&path, json!({
        "web": {"redirectUris": ["https://gw.contoso.test/callback"], "homePageUrl": "https://gw.contoso.test"},
        "spa": {"redirectUris": ["http://localhost:6274/oauth/callback"]},
        "publicClient": {
            "redirectUris": ["http://127.0.0.1/callback", "cursor://callback", "urn:ietf:wg:oauth:2.0:oob"],
        },
    })).await;
    let web = admin.get(&path).await["web"].clone();
    assert_eq!(
        (&web["redirectUris"][0], &web["homePageUrl"]),
        (&json!("https://gw.contoso.test/callback"), &json!("https://gw.contoso.test"))
    );
}

#[tokio::test]
async fn e110_names_and_principals_are_unique_409() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let app = admin.register("unique").await;
    let code = "Request_MultipleObjectsWithSameKeyValue";
    let again = json!({"displayName": "x", "uniqueName": "unique"});
    admin.call("POST", "/applications", &again).await.graph_error(409, code);
    let path = at("applications", &app);
    admin.call("PATCH", &path, &json!({"uniqueName": "other"})).await.graph_error(400, "Request_BadRequest");
    admin.post("/servicePrincipals", json!({"appId": app["appId"]})).await;
    let twice = admin.call("POST", "/servicePrincipals", &json!({"appId": app["appId"]})).await;
    let message = twice.graph_error(409, code);
    assert!(message.contains(text(&app, "appId")) && message.ends_with("is already in use."), "{message}");
    admin
        .call("POST", "/servicePrincipals", &json!({"appId": SCOPE_ID}))
        .await
        .graph_error(400, "Request_BadRequest");
    admin.call("POST", "/servicePrincipals", &json!({})).await.graph_error(400, "Request_BadRequest");
    let missing =
        admin.call("PATCH", "/applications(uniqueName='nobody')", &json!({"displayName": "x"})).await;
    missing.graph_error(404, "Request_ResourceNotFound");
    admin.call("POST", "/applications", &json!({})).await.graph_error(400, "Request_BadRequest");
    admin.call("POST", "/applications", &json!([])).await.graph_error(400, "Request_BadRequest");
}

#[tokio::test]
async fn e110_what_graph_wrote_loads_and_resets() {
    let entra = Entra::start().await;
    let before = entra.control().directory();
    let admin = Caller::admin(&entra).await;
    let app = admin.register("stored").await;
    let path = at("applications", &app);
    admin.patch(&path, json!({
        "info": {"supportUrl": "https://help.contoso.test"}, "tags": ["notes"], "groupMembershipClaims": "None",
        "optionalClaims": {"accessToken": [{"name": "idtyp"}, {"name": "aud", "additionalProperties": ["use_guid"]}]},
        "signInAudience": "AzureADandPersonalMicrosoftAccount",
    })).await;
    let read = admin.get(&path).await;
    assert_eq!(read["info"]["supportUrl"], "https://help.contoso.test");
    assert_eq!((&read["groupMembershipClaims"], &read["tags"]), (&json!("None"), &json!(["notes"])));
    assert_eq!(read["optionalClaims"]["accessToken"][1]["additionalProperties"], json!(["use_guid"]));
    let text = entra.control().directory().to_toml();
    let directory = entragate_emulator::Directory::from_toml(&text).expect("it loads");
    assert_eq!(directory, *entra.control().directory());
    entra.operate("POST", "/reset", &Value::Null).await.ok();
    assert_eq!(entra.control().directory(), before);
}
