//! Microsoft Graph, reading: who may, what is there, how it is selected and paged.

use entragate_emulator::fixtures::{
    ADM, API, CLI, DMN, GRAPH, GRAPH_CLI, IDENTITY, IDENTITY_OID, READER, TENANT, TENANT2, WEB,
};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, GRAPH_URI, Jwt, Token, oid, scope};
use crate::graph::{ALL_SCOPES, Caller, at, text};

async fn raw(entra: &Entra, path: &str, authorization: Option<&str>) -> crate::reply::Reply {
    let request = entra.request("GET", path);
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    entra.send(request).await
}

#[tokio::test]
async fn e109_discovery_leads_to_graph() {
    let entra = Entra::start().await;
    let document = entra.get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).await.ok();
    let host = text(&document, "msgraph_host");
    assert_eq!(format!("http://{host}"), entra.b());
    let application = Caller::reader(&entra).await.get(&format!("/applications(appId='{API}')")).await;
    assert_eq!(application["@odata.context"], format!("{}/v1.0/$metadata#applications/$entity", entra.b()));
}

#[tokio::test]
async fn e109_without_a_good_token_401() {
    let entra = Entra::start().await;
    let path = format!("/v1.0/applications(appId='{API}')");
    let other = entra.tokens(&Authorize::base().user("alice")).await;
    let other = format!("Bearer {}", text(&other, "access_token"));
    let graph = Caller::reader(&entra).await;
    graph.get("/applications").await;
    let request = Token::client_credentials(READER, "reader-s3cret", &format!("{GRAPH_URI}/.default"));
    let good = text(&entra.redeem(&request).await, "access_token").to_owned();
    let (input, _) = good.rsplit_once('.').expect("three parts");
    let mut header = Jwt::parse(&good).header;
    header["nonce"] = "another".into();
    let renonced = format!(
        "{}.{}",
        crate::fixture::base64url(header.to_string().as_bytes()),
        good.split_once('.').expect("parts").1
    );
    for (authorization, says) in [
        (None, "Access token is empty."),
        (Some("Basic eA==".to_owned()), "Access token is empty."),
        (Some("Bearer x".to_owned()), "CompactToken parsing failed"),
        (Some(other), "Invalid audience."),
        (Some(format!("Bearer {input}.AAAA")), "Invalid signature."),
        (Some(format!("Bearer {renonced}")), "Invalid signature."),
    ] {
        let reply = raw(&entra, &path, authorization.as_deref()).await;
        let message = reply.graph_error(401, "InvalidAuthenticationToken");
        assert!(message.contains(says), "{message}");
        assert!(reply.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer ")));
    }
    entra.advance(3 * 3600);
    let expired = raw(&entra, &path, Some(&format!("Bearer {good}"))).await;
    assert!(expired.graph_error(401, "InvalidAuthenticationToken").contains("expired"));
}

#[tokio::test]
async fn e109_hostile_tokens_are_refused() {
    let entra = Entra::start().await;
    let path = format!("/v1.0/applications(appId='{API}')");
    let good = entra.mint(json!({"app": "GRAPH", "client": "READER", "user": null})).await;
    assert_eq!(raw(&entra, &path, Some(&format!("Bearer {good}"))).await.status, 200);
    for defect in [
        "alg_none",
        "alg_hs256",
        "kid_unknown",
        "bad_signature",
        "expired",
        "not_yet_valid",
        "no_exp",
        "wrong_tid",
    ] {
        let body = json!({"app": "GRAPH", "client": "READER", "user": null, "defect": defect});
        let token = entra.mint(body).await;
        let reply = raw(&entra, &path, Some(&format!("Bearer {token}"))).await;
        reply.graph_error(401, "InvalidAuthenticationToken");
    }
}

#[tokio::test]
async fn e109_permission_decides_403() {
    let entra = Entra::start().await;
    let reader = Caller::reader(&entra).await;
    reader.get(&format!("/servicePrincipals(appId='{API}')")).await;
    for path in ["/domains", "/users", "/groups", "/oauth2PermissionGrants", "/policies/authorizationPolicy"]
    {
        let message =
            reader.call("GET", path, &Value::Null).await.graph_error(403, "Authorization_RequestDenied");
        assert_eq!(message, "Insufficient privileges to complete the operation.", "{path}");
    }
    reader
        .call("POST", "/applications", &json!({"displayName": "x"}))
        .await
        .graph_error(403, "Authorization_RequestDenied");
    let daemon = Caller::daemon(&entra, DMN, "d3mon").await;
    daemon.call("GET", "/applications", &Value::Null).await.graph_error(403, "Authorization_RequestDenied");
}

#[tokio::test]
async fn e109_members_read_guests_do_not_and_only_admins_consent() {
    let entra = Entra::start().await;
    let request = Authorize::base()
        .with("client_id", GRAPH_CLI)
        .with("redirect_uri", "http://localhost:50123/")
        .scope(&format!("{GRAPH}/Application.ReadWrite.All"))
        .user("bob");
    entra.authorize(&request).await.page(90094);
    let alice = Caller::user(&entra, "alice", ALL_SCOPES).await;
    let cli = alice.get(&format!("/servicePrincipals(appId='{GRAPH_CLI}')")).await;
    let graph = alice.get(&format!("/servicePrincipals(appId='{GRAPH}')")).await;
    let grant = json!({
        "clientId": cli["id"], "resourceId": graph["id"], "consentType": "AllPrincipals",
        "scope": ALL_SCOPES,
    });
    alice.post("/oauth2PermissionGrants", grant).await;
    // From the next sign-in on, nobody is asked.
    let bob = Caller::user(&entra, "bob", ALL_SCOPES).await;
    let path = format!("/applications(appId='{WEB}')");
    bob.get(&path).await;
    bob.call("PATCH", &path, &json!({"displayName": "Bob's"}))
        .await
        .graph_error(403, "Authorization_RequestDenied");
    bob.call("DELETE", &format!("/servicePrincipals(appId='{WEB}')"), &Value::Null)
        .await
        .graph_error(403, "Authorization_RequestDenied");
    let eve = Caller::user(&entra, "eve", ALL_SCOPES).await;
    eve.call("GET", &path, &Value::Null).await.graph_error(403, "Authorization_RequestDenied");
    // What a member registers is the member's.
    let own = bob.post("/applications", json!({"displayName": "Bob's"})).await;
    bob.patch(&at("applications", &own), json!({"displayName": "Bob's own"})).await;
    assert_eq!(bob.list(&format!("{}/owners", at("applications", &own))).await[0]["id"], oid("bob"));
    entra.settings(json!({"users_may_register_apps": false})).await;
    bob.call("POST", "/applications", &json!({"displayName": "x"}))
        .await
        .graph_error(403, "Authorization_RequestDenied");
    alice.post("/applications", json!({"displayName": "x"})).await;
}

#[tokio::test]
async fn e109_the_fixtures_are_there() {
    let entra = Entra::start().await;
    let reader = Caller::reader(&entra).await;
    let api = reader.get(&format!("/applications(appId='{API}')")).await;
    assert_eq!(api["identifierUris"], json!([format!("api://{API}"), "https://mcp.contoso.test/mcp"]));
    assert_eq!(api["api"]["requestedAccessTokenVersion"], 2);
    let scopes = api["api"]["oauth2PermissionScopes"].as_array().expect("an array");
    assert_eq!(
        (&scopes[0]["value"], &scopes[0]["type"], &scopes[0]["isEnabled"]),
        (&json!("access"), &json!("User"), &json!(true))
    );
    assert_eq!(scopes[1]["type"], "Admin");
    assert_eq!(api["appRoles"][2]["allowedMemberTypes"], json!(["Application"]));
    assert_eq!(api["passwordCredentials"][0]["secretText"], Value::Null);
    assert_eq!(api["keyCredentials"][0]["displayName"], "CN=entragate test client");
    let same = reader.get(&at("applications", &api)).await;
    assert_eq!(same, api);

    let cli = reader.get(&format!("/applications(appId='{CLI}')")).await;
    assert_eq!(cli["isFallbackPublicClient"], true);
    let required = &cli["requiredResourceAccess"][0];
    assert_eq!(
        (&required["resourceAppId"], &required["resourceAccess"][0]["id"]),
        (&json!(API), &scopes[0]["id"])
    );
    let v1 = reader.get(&format!("/applications(appId='{DMN}')?$select=api,displayName")).await;
    assert_eq!(v1["api"]["requestedAccessTokenVersion"], Value::Null);
    assert_eq!(
        v1["@odata.context"],
        format!("{}/v1.0/$metadata#applications(api,displayName)/$entity", entra.b())
    );
    assert_eq!(v1.as_object().expect("an object").len(), 3);

    let graph = reader.get(&format!("/servicePrincipals(appId='{GRAPH}')")).await;
    assert_eq!(graph["appOwnerOrganizationId"], "f8cdef31-a31e-4b4a-93e4-5f571e91255a");
    let read = graph["oauth2PermissionScopes"]
        .as_array()
        .expect("an array")
        .iter()
        .find(|scope| scope["value"] == "User.Read");
    assert_eq!(read.expect("User.Read")["id"], "e1fe6dd8-ba31-4d61-89e7-88639da4683d");
    // Microsoft's apps have no registration here.
    let path = format!("/applications(appId='{GRAPH}')");
    reader.call("GET", &path, &Value::Null).await.graph_error(404, "Request_ResourceNotFound");
    let identity = reader.get(&format!("/servicePrincipals(appId='{IDENTITY}')")).await;
    assert_eq!(
        (&identity["id"], &identity["servicePrincipalType"]),
        (&json!(IDENTITY_OID), &json!("ManagedIdentity"))
    );
    let federated = reader.list(&format!("/applications(appId='{WEB}')/federatedIdentityCredentials")).await;
    assert_eq!(federated[0]["issuer"], format!("{}/{TENANT}/v2.0", entra.b()));
    assert_eq!(federated[0]["subject"], IDENTITY_OID);
}

#[tokio::test]
async fn e109_filters_find() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    for (filter, name) in [
        (format!("appId eq '{API}'"), "Contoso MCP API"),
        ("displayName eq 'contoso mcp api'".to_owned(), "Contoso MCP API"),
        ("identifierUris/any(x:x eq 'https://mcp.contoso.test/mcp')".to_owned(), "Contoso MCP API"),
        (
            "startswith(displayName,'Contoso Gate') and displayName ne 'Contoso Gated API'".to_owned(),
            "Contoso Gateway",
        ),
    ] {
        let found = admin.list(&format!("/applications?$filter={filter}")).await;
        let names: Vec<&str> = found.iter().map(|app| text(app, "displayName")).collect();
        assert_eq!(names, [name], "{filter}");
    }
    let found = admin
        .list("/servicePrincipals?$filter=servicePrincipalNames/any(n:n eq 'https://graph.microsoft.com')")
        .await;
    assert_eq!(found[0]["appId"], GRAPH);
    let user = admin.list("/users?$filter=userPrincipalName eq 'alice@contoso.test'").await;
    assert_eq!(user[0]["id"], oid("alice"));
    assert_eq!(admin.list("/groups?$filter=displayName eq 'MCP Users'").await.len(), 1);
    assert_eq!(admin.list("/applications?$filter=uniqueName eq 'x'").await, Vec::<Value>::new());
    for (filter, code) in [
        ("notes eq 'x'", "Request_UnsupportedQuery"),
        ("displayName", "BadRequest"),
        ("displayName like 'x'", "BadRequest"),
    ] {
        let path = format!("/applications?$filter={filter}");
        admin.call("GET", &path, &Value::Null).await.graph_error(400, code);
    }
    admin
        .call("GET", "/applications?$expand=owners", &Value::Null)
        .await
        .graph_error(400, "Request_UnsupportedQuery");
    admin.call("GET", "/applications?$select=nope", &Value::Null).await.graph_error(400, "BadRequest");
    admin
        .call("GET", "/applications?$top=1000", &Value::Null)
        .await
        .graph_error(400, "Request_UnsupportedQuery");
}

#[tokio::test]
async fn e109_pages_lead_to_the_next_one() {
    let entra = Entra::start().await;
    let reader = Caller::reader(&entra).await;
    let whole = reader.list("/applications?$select=appId").await;
    assert!(whole.len() > 10);
    entra.settings(json!({"graph_page_size": 4})).await;
    let mut path = "/applications?$select=appId&$filter=startswith(displayName,'contoso')".to_owned();
    let mut all = Vec::new();
    let mut pages = 0;
    loop {
        let page = reader.get(&path).await;
        let items = page["value"].as_array().expect("an array");
        assert!((1..=4).contains(&items.len()));
        all.extend(items.iter().cloned());
        pages += 1;
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        path = next.strip_prefix(&format!("{}/v1.0", entra.b())).expect("the link stays at Graph").to_owned();
    }
    assert_eq!((&all, pages), (&whole, whole.len().div_ceil(4)));
    let path = "/applications?$count=true&$top=2";
    let counted = reader.call_with("GET", path, &Value::Null, &[("consistencylevel", "eventual")]).await.ok();
    assert_eq!(
        (counted["@odata.count"].as_u64(), counted["value"].as_array().map(Vec::len)),
        (Some(whole.len() as u64), Some(2))
    );
    reader
        .call("GET", "/applications?$skiptoken=x", &Value::Null)
        .await
        .graph_error(400, "Request_BadRequest");
}

#[tokio::test]
async fn e109_what_does_not_exist_404_and_what_is_no_id_400() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let nobody = "99999999-0000-4000-8000-000000000009";
    for path in [
        format!("/applications/{nobody}"),
        format!("/applications(appId='{nobody}')"),
        "/applications(uniqueName='nothing')".to_owned(),
        format!("/servicePrincipals(appId='{nobody}')"),
        format!("/users/{nobody}"),
        format!("/groups/{nobody}"),
        "/oauth2PermissionGrants/x".to_owned(),
        "/domains/evil.test".to_owned(),
    ] {
        let message =
            admin.call("GET", &path, &Value::Null).await.graph_error(404, "Request_ResourceNotFound");
        assert!(
            message.ends_with(
                "does not exist or one of its queried reference-property objects are not present."
            )
        );
    }
    let message =
        admin.call("GET", "/applications/x", &Value::Null).await.graph_error(400, "Request_BadRequest");
    assert_eq!(message, "Invalid object identifier 'x'.");
    admin.call("GET", "/drives", &Value::Null).await.graph_error(400, "BadRequest");
    admin.call("PUT", "/applications", &Value::Null).await.graph_error(405, "Request_BadRequest");
    // Another tenant's registrations are not there.
    let other = Token::client_credentials(ADM, "adm-s3cret", &format!("{GRAPH}/.default")).tenant(TENANT2);
    entra.token(&other).await.refusal(400, "unauthorized_client", 700_016);
}

#[tokio::test]
async fn e109_assignments_and_grants_are_those_of_the_directory() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let api = admin.get(&format!("/servicePrincipals(appId='{API}')")).await;
    let held = admin.list(&format!("{}/appRoleAssignedTo?$top=999", at("servicePrincipals", &api))).await;
    let of = |kind: &str| held.iter().filter(|item| item["principalType"] == kind).count();
    assert_eq!((held.len(), of("User"), of("Group"), of("ServicePrincipal")), (4, 2, 1, 1));
    assert_eq!(held[0]["principalId"], oid("alice"));
    assert_eq!(held[0]["appRoleId"], api["appRoles"][0]["id"]);
    let alice = admin.list(&format!("/users/{}/appRoleAssignments", oid("alice"))).await;
    assert!(alice.contains(&held[0]));
    let adm = admin.get(&format!("/servicePrincipals(appId='{ADM}')")).await;
    assert_eq!(admin.list(&format!("{}/appRoleAssignments", at("servicePrincipals", &adm))).await.len(), 8);

    let cli = admin.get(&format!("/servicePrincipals(appId='{CLI}')")).await;
    let filter = format!("clientId eq '{}' and resourceId eq '{}'", text(&cli, "id"), text(&api, "id"));
    let grants = admin.list(&format!("/oauth2PermissionGrants?$filter={filter}")).await;
    assert_eq!(grants.len(), 1);
    assert_eq!((&grants[0]["consentType"], &grants[0]["scope"]), (&json!("AllPrincipals"), &json!("access")));
    assert_eq!(
        admin.get(&format!("/oauth2PermissionGrants/{}", text(&grants[0], "id"))).await["id"],
        grants[0]["id"]
    );
    // A user's own consent is a grant as well.
    let before = admin.list("/oauth2PermissionGrants").await.len();
    entra.tokens(&Authorize::base().with("client_id", entragate_emulator::fixtures::CLI2).user("bob")).await;
    let after = admin.list("/oauth2PermissionGrants").await;
    assert_eq!(after.len(), before + 1);
    assert_eq!(after.last().map(|grant| &grant["principalId"]), Some(&json!(oid("bob"))));
}

#[tokio::test]
async fn e109_the_caller_and_the_overage() {
    let entra = Entra::start().await;
    let gina = Caller::user(&entra, "gina", "User.Read").await;
    assert_eq!(gina.get("/me").await["userPrincipalName"], "gina@contoso.test");
    let body = json!({"securityEnabledOnly": true});
    let own = gina.call("POST", "/me/getMemberObjects", &body).await.ok();
    assert_eq!(own["value"].as_array().map(Vec::len), Some(201));
    let path = format!("/users/{}/getMemberObjects", oid("gina"));
    assert_eq!(gina.call("POST", &path, &body).await.ok()["value"], own["value"]);
    let others = format!("/users/{}/getMemberObjects", oid("alice"));
    gina.call("POST", &others, &body).await.graph_error(403, "Authorization_RequestDenied");
    let admin = Caller::admin(&entra).await;
    assert_eq!(admin.call("POST", &path, &body).await.ok()["value"], own["value"]);
    admin.call("POST", &path, &json!({})).await.graph_error(400, "Request_BadRequest");
    admin.call("GET", "/me", &Value::Null).await.graph_error(400, "BadRequest");
    // Nested memberships count.
    let nina = format!("/users/{}", oid("nina"));
    let ids = admin.call("POST", &format!("{nina}/getMemberObjects"), &body).await.ok();
    assert_eq!(ids["value"].as_array().map(Vec::len), Some(2));
    assert_eq!(admin.list(&format!("{nina}/memberOf")).await.len(), 1);
    assert_eq!(admin.list(&format!("{nina}/transitiveMemberOf")).await.len(), 2);
    let reply = entra.send(entra.request("GET", "/oidc/userinfo")).await;
    reply.graph_error(401, "InvalidAuthenticationToken");
    let body = json!({"app": "GRAPH", "client": "GRAPH_CLI", "user": "gina", "scp": "openid"});
    let token = format!("Bearer {}", entra.mint(body).await);
    assert_eq!(raw(&entra, "/oidc/userinfo", Some(&token)).await.ok()["name"], "Gina Greco");
    let app = entra.mint(json!({"app": "GRAPH", "client": "ADM", "user": null})).await;
    raw(&entra, "/oidc/userinfo", Some(&format!("Bearer {app}")))
        .await
        .graph_error(403, "Authorization_RequestDenied");
}

#[tokio::test]
async fn e109_default_means_what_was_consented_to() {
    let entra = Entra::start().await;
    let default = Authorize::base()
        .with("client_id", GRAPH_CLI)
        .with("redirect_uri", "http://localhost:50123/")
        .scope(&format!("{GRAPH_URI}/.default"))
        .user("alice");
    Caller::user(&entra, "alice", "Application.Read.All User.Read").await;
    let claims = Jwt::access(&entra.tokens(&default).await).claims;
    assert_eq!(claims["scp"], "User.Read Application.Read.All");
}

#[tokio::test]
async fn e109_the_tenant_and_its_policies() {
    let entra = Entra::start().await;
    let admin = Caller::admin(&entra).await;
    let domains = admin.list("/domains?$select=id,isVerified").await;
    assert_eq!(domains[0], json!({"id": "contoso.test", "isVerified": true}));
    assert_eq!(admin.list("/organization").await[0]["id"], TENANT);
    let consent = "defaultUserRolePermissions";
    let path = format!("/policies/authorizationPolicy?$select={consent}");
    let policies = admin.get(&path).await[consent]["permissionGrantPoliciesAssigned"].clone();
    assert_eq!(policies.as_array().map(Vec::len), Some(1));
    entra.settings(json!({"restrict_user_consent": true, "identifier_uri_policy": "strict"})).await;
    assert_eq!(admin.get(&path).await[consent]["permissionGrantPoliciesAssigned"], json!([]));
    let management = admin.get("/policies/defaultAppManagementPolicy").await;
    let uris = &management["applicationRestrictions"]["identifierUris"];
    assert_eq!(uris["nonDefaultUriAddition"]["state"], "enabled");
    let access = admin.list("/identity/conditionalAccess/policies").await;
    assert_eq!(access[0]["conditions"]["users"]["includeUsers"], json!([oid("mia")]));
    assert_eq!(access[1]["grantControls"]["builtInControls"], json!(["block"]));
}

#[tokio::test]
async fn e109_a_managed_identity_reads_with_its_roles() {
    let entra = Entra::start().await;
    let path = format!("/metadata/identity/oauth2/token?api-version=2018-02-01&resource={GRAPH_URI}");
    let reply = entra.send(entra.request("GET", &path).header("metadata", "true")).await.ok();
    let token = text(&reply, "access_token");
    assert_eq!(Jwt::parse(token).claims["roles"], json!(["Application.Read.All"]));
    Caller::with(&entra, token).get(&format!("/applications(appId='{API}')")).await;
}

#[tokio::test]
async fn e109_faults_speak_graph() {
    let entra = Entra::start().await;
    let reader = Caller::reader(&entra).await;
    let throttle = json!({"endpoint": "graph", "kind": {"throttle": {"retry_after_seconds": 7}}, "times": 1});
    entra.operate("POST", "/faults", &throttle).await.ok();
    let reply = reader.call("GET", "/applications", &Value::Null).await;
    reply.graph_error(429, "TooManyRequests");
    assert_eq!(reply.header("retry-after"), Some("7"));
    let outage = json!({"endpoint": "graph", "kind": "unavailable", "times": 1});
    entra.operate("POST", "/faults", &outage).await.ok();
    reader.call("GET", "/applications", &Value::Null).await.graph_error(503, "ServiceUnavailable");
    reader.list("/applications").await;
    entra.tokens(&Authorize::base().scope(&scope(API, "access")).user("alice")).await;
}
