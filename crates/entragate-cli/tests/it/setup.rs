//! `entragate setup` at the wire: the binary against the emulator's Graph, and a person who signs in through what came of
//! it.

use std::fs;

use entragate_cli::graph::Request;
use entragate_emulator::fixtures::{ADM, API, GRAPH_CLI, READER, READER_SECRET, TENANT, user_oid};
use entragate_emulator::{Endpoint, Fault, FaultKind, IdentifierUriPolicy, V1Audience};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;

use crate::setup_fixture::{Printed, World};

const NOTHING: [&str; 0] = [];

#[tokio::test]
async fn without_apply_nothing_is_written_anywhere() {
    let world = World::start("setup_plan_only").await;
    for options in ["", "--json", "--emit graph", "--mode relay", "--teardown"] {
        let printed = world.setup(options).await;
        let left = i32::from(options != "--teardown");
        assert_eq!(printed.code, Some(left), "{}", printed.all());
    }
    assert_eq!(world.writes(), NOTHING);
    assert_eq!(fs::read_dir(&world.directory).expect("a directory").count(), 0);
    let plan: Value = serde_json::from_str(&world.setup("--json").await.stdout).expect("JSON");
    assert_eq!(plan["steps"][0]["action"], "create");
    assert_eq!(plan["steps"][0]["request"]["method"], "PATCH");
}

#[tokio::test]
async fn broker_mode_from_nothing_to_a_tool_call() {
    let world = World::start("setup_broker").await;
    let printed = world.setup("--apply --assign alice@contoso.test=Admin").await.ended_with(0);
    let secret = world.environment()["AZURE_CLIENT_SECRET"].clone();
    assert!(!printed.all().contains(&secret), "the secret was printed");
    assert!(
        !world.file("entragate.toml").contains(&secret)
            && !world.file("entragate.setup.json").contains(&secret)
    );
    world.check().await.ended_with(0);

    // The second run finds everything.
    let control = world.emulator.control();
    control.clear_requests();
    let again = world.setup("--apply --assign alice@contoso.test=Admin").await.ended_with(0);
    assert_eq!(world.writes(), NOTHING, "{}", again.all());
    assert_eq!(world.environment()["AZURE_CLIENT_SECRET"], secret);

    world.serve().await;
    let token = world.sign_in("alice").await;
    let said = world.call(&token, "whoami").await;
    assert!(said.contains("alice"), "{said}");
    let said = world.call(&token, "admin_reset").await;
    assert!(!said.contains("isError\":true"), "{said}");
}

#[tokio::test]
async fn relay_mode_from_nothing_to_a_tool_call() {
    let world = World::start("setup_relay").await;
    let options = "--mode relay --apply --assign alice@contoso.test=Admin --assign bob@contoso.test=User";
    world.setup(options).await.ended_with(0);
    world.check().await.ended_with(0);
    let environment = world.environment();
    assert!(
        environment.contains_key("AZURE_MCP_CLIENT_ID") && !environment.contains_key("AZURE_CLIENT_SECRET")
    );

    world.emulator.control().clear_requests();
    world.setup(options).await.ended_with(0);
    assert_eq!(world.writes(), NOTHING);

    world.serve().await;
    let said = world.call(&world.sign_in("alice").await, "whoami").await;
    assert!(said.contains("alice"), "{said}");
    // A role that bob does not have hides the tool and refuses the call.
    let said = world.call(&world.sign_in("bob").await, "admin_reset").await;
    assert!(said.contains("isError\":true"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_secret_is_for_the_owner_alone_and_files_of_others_stay() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::start("setup_files").await;
    fs::write(world.directory.join("entragate.toml"), "mode = \"relay\"\n").expect("a file");
    fs::write(world.directory.join(".env"), "OTHER=1\nAZURE_CLIENT_SECRET=older\n").expect("a file");
    let printed = world.setup("--apply").await.ended_with(0);
    assert_eq!(world.file("entragate.toml"), "mode = \"relay\"\n");
    assert_eq!(world.file(".env"), "OTHER=1\nAZURE_CLIENT_SECRET=older\n");
    assert!(
        printed.stdout.contains("--force replaces it") && printed.stdout.contains("- OTHER="),
        "{}",
        printed.all()
    );
    assert!(!printed.stdout.contains("older"), "{}", printed.all());
    let mode =
        |name: &str| fs::metadata(world.directory.join(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(".env.new"), 0o600);

    // The secret beside counts: no second one is made.
    world.emulator.control().clear_requests();
    world.setup("--apply --force").await.ended_with(0);
    assert_eq!(world.writes(), NOTHING);
    assert_eq!(mode(".env"), 0o600);
    assert!(world.environment()["AZURE_CLIENT_SECRET"] != "older");
    world.check().await.ended_with(0);
}

/// Entra tells a secret by its first three characters.
#[tokio::test]
async fn a_secret_that_entra_does_not_take_is_none() {
    let world = World::start("setup_dead_secret").await;
    world.setup("--apply").await.ended_with(0);
    let graph = world.graph().await;
    let app = world.application("contoso").await.expect("the app");
    let path = format!("/applications/{}", app["id"].as_str().expect("an id"));
    let body = json!({ "keyId": app["passwordCredentials"][0]["keyId"] });
    graph.send(&Request::post(format!("{path}/removePassword"), body)).await.expect("removed");
    // One of the same name that nobody here knows.
    let body = json!({ "passwordCredential": { "displayName": "entragate-setup" } });
    graph.send(&Request::post(format!("{path}/addPassword"), body)).await.expect("added");
    let dead = world.environment()["AZURE_CLIENT_SECRET"].clone();
    let plan = world.setup("").await.ended_with(1).stdout;
    assert!(plan.contains("another one, until"), "{plan}");
    world.setup("--apply").await.ended_with(0);
    // The good one is in the file beside, however often setup runs.
    world.emulator.control().clear_requests();
    let beside = world.file(".env.new");
    let printed = world.setup("--apply").await.ended_with(0);
    assert!(!printed.stdout.contains("/.env is as it should be"), "{}", printed.all());
    assert!(printed.stdout.contains("AZURE_CLIENT_SECRET=… (another value)"), "{}", printed.all());
    assert!(printed.stdout.contains("merge ./.env.new into ./.env first"), "{}", printed.all());
    assert_eq!((world.writes().len(), world.file(".env.new")), (0, beside));
    world.setup("--apply --force").await.ended_with(0);
    assert_ne!(world.environment()["AZURE_CLIENT_SECRET"], dead);
    assert_eq!(world.writes(), NOTHING);
}

#[tokio::test]
async fn what_differs_in_a_file_that_stays_is_shown_and_not_called_ready() {
    let world = World::start("setup_stale_files").await;
    world.setup("--apply").await.ended_with(0);
    let first = world.environment();
    world.setup("--teardown --apply").await.ended_with(0);
    let printed = world.setup("--base-url http://localhost:1 --apply").await.ended_with(0);
    for line in [
        format!("- AZURE_CLIENT_ID={}", first["AZURE_CLIENT_ID"]),
        format!("- BASE_URL={}", first["BASE_URL"]),
        "+ BASE_URL=http://localhost:1".to_owned(),
        "+ AZURE_CLIENT_SECRET=… (another value)".to_owned(),
        "merge ./.env.new into ./.env first".to_owned(),
    ] {
        assert!(printed.stdout.contains(&line), "{line}: {}", printed.all());
    }
    assert!(!printed.all().contains(&first["AZURE_CLIENT_SECRET"]));
}

/// The gateway takes one credential, and refuses to start with two.
#[tokio::test]
async fn another_credential_takes_the_place_of_the_secret() {
    let world = World::start("setup_other_credential").await;
    world.setup("--apply").await.ended_with(0);
    let pem = entragate_emulator::fixtures::CLIENT_CERTIFICATE.to_owned()
        + entragate_emulator::fixtures::CLIENT_KEY;
    fs::write(world.directory.join("gateway.pem"), pem).expect("a file");
    world.setup("--credential certificate --certificate gateway.pem --force --apply").await.ended_with(0);
    assert!(!world.environment().contains_key("AZURE_CLIENT_SECRET"));
    world.check().await.ended_with(0);
}

#[tokio::test]
async fn drift_is_repaired_and_what_others_added_stays() {
    let world = World::start("setup_drift").await;
    world.setup("--apply").await.ended_with(0);
    let graph = world.graph().await;
    let app = world.application("contoso").await.expect("the app");
    let mut scopes = app["api"]["oauth2PermissionScopes"].clone();
    scopes[0]["isEnabled"] = json!(false);
    let drift = json!({
        "api": { "requestedAccessTokenVersion": null, "oauth2PermissionScopes": scopes },
        "web": { "redirectUris": ["https://elsewhere.contoso.test/cb"] },
    });
    let path = format!("/applications/{}", app["id"].as_str().expect("an id"));
    graph.send(&Request::patch(&path, drift)).await.expect("drift");

    let plan = world.setup("").await.ended_with(1);
    let shown = plan.stdout.split_once("\n\n").expect("a head").1;
    insta::assert_snapshot!(
        "setup_drift",
        shown.replace(app["id"].as_str().expect("an id"), "[id]").replace(&world.base_url, "[base]")
    );
    world.setup("--apply").await.ended_with(0);
    let app = world.application("contoso").await.expect("the app");
    assert_eq!(app["api"]["requestedAccessTokenVersion"], 2);
    assert_eq!(app["api"]["oauth2PermissionScopes"][0]["isEnabled"], true);
    let uris = json!(["https://elsewhere.contoso.test/cb", format!("{}/auth/callback", world.base_url)]);
    assert_eq!(app["web"]["redirectUris"], uris);
    world.setup("").await.ended_with(0);
}

#[tokio::test]
async fn replication_delay_and_throttling_are_waited_for() {
    let world = World::start("setup_patience").await;
    let control = world.emulator.control();
    control.set(|settings| settings.graph_replication_reads = 2);
    let kind = FaultKind::Throttle { retry_after_seconds: 0 };
    control.inject(Fault { endpoint: Endpoint::Graph, kind, times: Some(2) });
    world.setup("--mode relay --apply --assign alice@contoso.test=Admin").await.ended_with(0);
    control.set(|settings| settings.graph_replication_reads = 0);
    world.setup("--mode relay --assign alice@contoso.test=Admin").await.ended_with(0);
}

#[tokio::test]
async fn who_may_only_read_is_told_what_to_ask_for() {
    let world = World::start("setup_reader").await;
    let mut command =
        world.command(&format!("setup --name Contoso --apply --graph-as secret --graph-client-id {READER}"));
    let output = command.env("GRAPH_CLIENT_SECRET", READER_SECRET).output().await.expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("Application Developer") && said.contains("more step(s) wait"), "{said}");
    assert!(
        said.contains("PATCH /applications(uniqueName='contoso')\n        Prefer: create-if-missing"),
        "{said}"
    );
    assert!(!world.directory.join(".env").exists());
    // A registration that is there is called as the administrator sees it.
    let api: Value = world.graph().await.get(&format!("/applications(appId='{API}')")).await.expect("there");
    let mut command = world.command(&format!(
        "setup --name Contoso --adopt {API} --apply --graph-as secret --graph-client-id {READER}"
    ));
    let output = command.env("GRAPH_CLIENT_SECRET", READER_SECRET).output().await.expect("it runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains(&format!("Please let {} sign people in", api["displayName"])), "{said}");
    fs::remove_file(world.directory.join("entragate.setup.json")).expect("a record");
    // Somebody who may do it finds nothing in the way.
    world.setup("--apply").await.ended_with(0);
}

/// A person who is no administrator signs in with a device code.
async fn as_bob(world: &World, options: &str) -> (Option<i32>, String) {
    let mut command = world.command(&format!("setup --name Contoso --graph-as device-code {options}"));
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let invitation = lines.next_line().await.expect("text").expect("an invitation");
    let code = invitation.rsplit(' ').next().expect("a code");
    let page = invitation.split_whitespace().find(|word| word.starts_with("http")).expect("a page");
    let http = entragate_cli::graph::Http::new().expect("a client");
    let form = [("user_code", code), ("__emulator_user", "bob"), ("__emulator_device", "approve")];
    let answer = http.post_form(page, &form).await.expect("a page");
    assert!(String::from_utf8_lossy(&answer.body).contains("Signed in"), "{:?}", answer.body);
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.expect("text") {
        said += &line;
        said.push('\n');
    }
    (child.wait().await.expect("it ends").code(), said)
}

#[tokio::test]
async fn a_person_who_is_no_administrator_gets_as_far_as_possible() {
    let world = World::start("setup_bob").await;
    // An administrator has let everybody use the command-line tools.
    let graph = world.graph().await;
    let id = |app: &str| format!("/servicePrincipals(appId='{app}')?$select=id");
    let cli: Value = graph.get(&id(GRAPH_CLI)).await.expect("there");
    let graph_app: Value = graph.get(&id("00000003-0000-0000-c000-000000000000")).await.expect("there");
    let scope = "Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All AppRoleAssignment.ReadWrite.All \
                 User.ReadBasic.All GroupMember.Read.All";
    let grant = json!({ "clientId": cli["id"], "consentType": "AllPrincipals", "resourceId": graph_app["id"], "scope": scope });
    graph.send(&Request::post("/oauth2PermissionGrants", grant)).await.expect("granted");

    let (code, said) = as_bob(&world, "--apply").await;
    assert_eq!(code, Some(1), "{said}");
    let app_id = world.environment()["AZURE_CLIENT_ID"].clone();
    let link = format!("{}/{TENANT}/adminconsent?client_id={app_id}", world.emulator.url());
    assert!(said.contains(&link), "{said}");
    let message = said.split_once("Send this").expect("a message").1;
    insta::assert_snapshot!(
        "setup_message",
        message.replace(&link, "[link]").replace(TENANT, "[tenant]").replace(&app_id, "[app]")
    );
    world.check().await.ended_with(0);
    // The administrator's run does what is left, and no more.
    world.emulator.control().clear_requests();
    world.setup("--apply").await.ended_with(0);
    assert_eq!(world.writes(), ["POST /v1.0/oauth2PermissionGrants", "POST /v1.0/oauth2PermissionGrants"]);
}

#[tokio::test]
async fn a_registration_of_somebody_else_is_adopted_only_when_it_is_named() {
    let world = World::start("setup_adopt").await;
    let graph = world.graph().await;
    let by_hand =
        json!({ "displayName": "Contoso", "web": { "redirectUris": ["https://elsewhere.contoso.test/cb"] } });
    let by_hand = graph.send(&Request::post("/applications", by_hand)).await.expect("made");
    let app_id = by_hand["appId"].as_str().expect("an id");
    let refused = world.setup("--apply").await.ended_with(2);
    assert!(refused.stderr.contains(&format!("--adopt {app_id}")), "{}", refused.all());

    // Others rely on the version of its tokens, and the gateway takes both.
    let adopt = format!("--apply --adopt {app_id} --assign alice@contoso.test=Admin");
    let printed = world.setup(&adopt).await.ended_with(0);
    assert!(printed.all().contains("version 1, which stays"), "{}", printed.all());
    // The record knows it from now on.
    world.setup("").await.ended_with(0);
    world.check().await.ended_with(0);
    world.serve().await;
    let token = world.sign_in("alice").await;
    assert!(world.call(&token, "whoami").await.contains("alice"));
    let version = async || {
        let app: Value = graph.get(&format!("/applications(appId='{app_id}')")).await.expect("the app");
        app["api"]["requestedAccessTokenVersion"].clone()
    };
    assert_ne!(version().await, 2);
    let plan = world.setup("--v2-tokens").await.ended_with(1).stdout;
    assert!(
        plan.contains("api.requestedAccessTokenVersion: 1 → 2") && plan.contains("iss and aud"),
        "{plan}"
    );
    world.setup("--v2-tokens --apply").await.ended_with(0);
    assert_eq!(version().await, 2);
    world.setup("").await.ended_with(0);

    let plan = world.setup("--teardown --apply").await.ended_with(0);
    assert!(plan.stdout.contains("was there before and stays"), "{}", plan.all());
    let path = format!("/applications(appId='{app_id}')");
    let left: Value = graph.get(&path).await.expect("it is still there");
    assert_eq!(left["passwordCredentials"], json!([]), "the secret is gone");
    assert_eq!(left["web"]["redirectUris"][0], "https://elsewhere.contoso.test/cb");
}

#[tokio::test]
async fn broker_mode_with_an_app_of_its_own_for_signing_in() {
    let world = World::start("setup_own_app").await;
    let own = world.by_hand("Sign-in").await;
    let options = "--assign alice@contoso.test=Admin";
    world.setup(&format!("{options} --adopt-client {own} --apply")).await.ended_with(0);
    let environment = world.environment();
    assert_eq!(environment["ENTRAGATE_BROKER_CLIENT_ID"], own);
    assert!(!environment.contains_key("AZURE_MCP_CLIENT_ID"), "that is relay mode's");
    world.check().await.ended_with(0);
    let api = world.application("contoso").await.expect("the API app");
    assert_eq!(api["passwordCredentials"], json!([]), "it signs nobody in");
    assert_eq!(api["web"]["redirectUris"], json!([]));
    // The record knows that there is one.
    world.emulator.control().clear_requests();
    world.setup(&format!("{options} --apply")).await.ended_with(0);
    assert_eq!(world.writes(), NOTHING);
    world.serve().await;
    let said = world.call(&world.sign_in("alice").await, "whoami").await;
    assert!(said.contains("alice"), "{said}");

    world.setup("--teardown --apply").await.ended_with(0);
    assert!(world.application("contoso").await.is_none());
    let path = format!("/applications(appId='{own}')");
    let left: Value = world.graph().await.get(&path).await.expect("it was there before");
    assert_eq!(left["passwordCredentials"], json!([]), "the secret is gone");
}

#[tokio::test]
async fn a_domain_that_is_not_the_tenants_is_refused_before_anything_is_made() {
    let world = World::start("setup_domain").await;
    for uri in ["https://mcp.evil.test/mcp", "https://notcontoso.test", "api://mcp.evil.test/x"] {
        for more in ["", "--apply", "--mode relay --apply", "--emit az"] {
            let refused = world.setup(&format!("--identifier-uri {uri} {more}")).await.ended_with(2);
            let expected = format!("{uri} is not below a verified domain of the tenant (contoso.test");
            assert!(refused.stderr.contains(&expected), "{}", refused.all());
            assert!(refused.stderr.contains("hint: verify the domain"), "{}", refused.all());
        }
    }
    assert_eq!(world.writes(), NOTHING);
    // Whoever may not read the domains is told that nobody looked.
    let line =
        format!("setup --graph-as secret --graph-client-id {READER} --identifier-uri https://mcp.evil.test");
    let mut command = world.command(&line);
    command.env("GRAPH_CLIENT_SECRET", READER_SECRET);
    let plan = Printed::by(command).await.ended_with(1);
    assert!(
        plan.stdout.contains("Nobody has checked that the domain of https://mcp.evil.test"),
        "{}",
        plan.all()
    );
    assert!(plan.stdout.contains("Organization.Read.All"), "{}", plan.all());

    let fine = "--identifier-uri https://tools.contoso.test/mcp --identifier-uri api://tools.contoso.test/x";
    let plan = world.setup(&format!("{fine} --apply")).await.ended_with(0);
    assert!(!plan.stdout.contains("Nobody has checked"), "{}", plan.all());
    // What is registered is nobody's business, and can be taken back.
    world.setup("--identifier-uri https://mcp.evil.test --teardown --apply").await.ended_with(0);
}

/// Version 1 tokens may name the API by any of its URIs, and the gateway takes them all: nothing to refuse.
#[tokio::test]
async fn an_https_identifier_uri_works_with_version_1_tokens() {
    let uri = "https://mcp.contoso.test/tools";
    for (name, mode) in [("setup_v1_broker", ""), ("setup_v1_relay", "--mode relay")] {
        let world = World::start(name).await;
        let app_id = world.by_hand("By hand").await;
        let options = format!(
            "{mode} --adopt {app_id} --identifier-uri {uri} --assign alice@contoso.test=Admin --apply"
        );
        let printed = world.setup(&options).await.ended_with(0);
        assert!(printed.stdout.contains(&format!("Entra may write {uri} into aud")), "{}", printed.all());
        world.check().await.ended_with(0);
        world.serve().await;
        for audience in
            [V1Audience::RequestedUri, V1Audience::AnyUri, V1Audience::WithSlash, V1Audience::Guid]
        {
            world.emulator.control().set(|settings| settings.v1_audience = audience);
            let said = world.call(&world.sign_in("alice").await, "whoami").await;
            assert!(said.contains("alice"), "{name} {audience:?}: {said}");
        }
    }
    // A tenant may demand version 2 for it: then Graph says so, and the option does it.
    let world = World::start("setup_v1_strict").await;
    world.emulator.control().set(|settings| settings.identifier_uri_policy = IdentifierUriPolicy::Strict);
    let app_id = world.by_hand("By hand").await;
    let options = format!("--adopt {app_id} --identifier-uri {uri} --apply");
    let printed = world.setup(&options).await.ended_with(1);
    assert!(printed.stdout.contains("requestedAccessTokenVersion"), "{}", printed.all());
    world.setup(&format!("{options} --v2-tokens")).await.ended_with(0);
}

#[tokio::test]
async fn what_is_there_is_renamed_only_if_somebody_names_it() {
    let world = World::start("setup_name").await;
    world.setup("--mode relay --apply").await.ended_with(0);
    let environment = world.environment();
    let setup = format!(
        "setup --mode relay --graph-as secret --graph-client-id {ADM} --adopt {} --adopt-client {}",
        environment["AZURE_CLIENT_ID"], environment["AZURE_MCP_CLIENT_ID"]
    );
    world.emulator.control().clear_requests();
    world.run(&format!("{setup} --apply")).await.ended_with(0);
    assert_eq!(world.writes(), NOTHING);
    let plan = world.run(&format!("{setup} --name Fabrikam")).await.ended_with(1).stdout;
    assert!(plan.contains("displayName: Contoso API → Fabrikam API"), "{plan}");
    assert!(plan.contains("displayName: Contoso clients → Fabrikam clients"), "{plan}");
}

#[tokio::test]
async fn teardown_removes_what_setup_made_and_nothing_that_others_rely_on() {
    let world = World::start("setup_teardown").await;
    let options = "--mode relay --assign alice@contoso.test=Admin";
    world.setup(&format!("{options} --apply")).await.ended_with(0);
    let before = world.emulator.control().directory().apps.len();
    let graph = world.graph().await;
    let api = world.application("contoso-api").await.expect("the app");
    let principal: Value = graph
        .get(&format!("/servicePrincipals(appId='{}')", api["appId"].as_str().expect("an id")))
        .await
        .expect("there");
    let id = principal["id"].as_str().expect("an id");
    // Somebody else assigns bob.
    let path = format!("/servicePrincipals/{id}/appRoleAssignedTo");
    let body =
        json!({ "principalId": user_oid("bob"), "resourceId": id, "appRoleId": api["appRoles"][1]["id"] });
    let bobs = graph.send(&Request::post(&path, body)).await.expect("assigned");

    let plan = world.setup(&format!("{options} --teardown")).await.ended_with(1);
    assert!(plan.stdout.contains("stays, because"), "{}", plan.all());
    assert_eq!(world.emulator.control().directory().apps.len(), before, "a plan removes nothing");
    world.setup(&format!("{options} --teardown --apply")).await.ended_with(1);
    assert!(
        world.application("contoso-api").await.is_some()
            && world.application("contoso-client").await.is_none()
    );
    let left: Value = graph.get(&path).await.expect("assignments");
    let left: Vec<&Value> = left["value"].as_array().expect("a list").iter().map(|one| &one["id"]).collect();
    assert_eq!(left, [&bobs["id"]], "alice's was setup's, bob's was not");

    let own = format!("{path}/{}", bobs["id"].as_str().expect("an id"));
    graph.send_once(&Request::delete(own)).await.expect("removed");
    world.setup(&format!("{options} --teardown --apply")).await.ended_with(0);
    assert!(world.application("contoso-api").await.is_none());
    assert_eq!(world.emulator.control().directory().apps.len(), before - 2, "no other app is gone");
    world.setup(&format!("{options} --teardown")).await.ended_with(0);
}

#[tokio::test]
async fn credentials_without_a_secret() {
    let world = World::start("setup_credentials").await;
    let pem = entragate_emulator::fixtures::CLIENT_CERTIFICATE.to_owned()
        + entragate_emulator::fixtures::CLIENT_KEY;
    fs::write(world.directory.join("gateway.pem"), pem).expect("a file");
    let options = "--credential certificate --certificate gateway.pem --assign alice@contoso.test=Admin";
    world.setup(&format!("{options} --apply")).await.ended_with(0);
    world.setup(options).await.ended_with(0);
    world.check().await.ended_with(0);
    world.serve().await;
    let said = world.call(&world.sign_in("alice").await, "whoami").await;
    assert!(said.contains("alice"), "{said}");

    let subject = "--credential federated --federated-issuer https://oidc.contoso.test --federated-subject";
    world.setup(&format!("{subject} system:serviceaccount:mcp:a --apply")).await.ended_with(0);
    world.setup(&format!("{subject} system:serviceaccount:mcp:a")).await.ended_with(0);
    // Another subject takes the place of the first.
    world.setup(&format!("{subject} system:serviceaccount:mcp:b --apply")).await.ended_with(0);
    world.setup(&format!("{subject} system:serviceaccount:mcp:b")).await.ended_with(0);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_what_to_do() {
    let world = World::start("setup_refused").await;
    for (options, expected) in [
        ("--assign nobody@contoso.test=Admin", "there is no user"),
        ("--assign group:00000000-0000-4000-8000-000000000000=Admin", "there is no group"),
        ("--adopt 00000000-0000-4000-8000-000000000000", "there is no app registration"),
        ("--tenant 00000000-0000-4000-8000-000000000000", "AADSTS90002"),
        ("--graph-url http://graph.contoso.test", "--graph-url"),
        ("--graph-file nowhere", "cannot read nowhere"),
    ] {
        let printed = world.setup(options).await.ended_with(2);
        assert!(printed.stderr.contains(expected), "{options}: {}", printed.all());
    }
    fs::write(world.directory.join("entragate.setup.json"), "{}").expect("a file");
    let printed = world.setup("").await.ended_with(2);
    assert!(printed.stderr.contains("one directory for each tenant"), "{}", printed.all());
    assert_eq!(world.writes(), NOTHING);
}

#[tokio::test]
async fn the_script_makes_what_apply_makes() {
    let world = World::start("setup_script").await;
    let script = world.setup("--mode relay --emit graph").await.ended_with(1).stdout;
    fs::write(world.directory.join("setup.sh"), script).expect("a file");
    let mut command = tokio::process::Command::new("bash");
    command.arg("setup.sh").current_dir(&world.directory).env("GRAPH_TOKEN", world.token().await);
    let output = command.output().await.expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Nothing is left to do but the files, which are none of the script's business.
    world.setup("--mode relay").await.ended_with(0);
}

/// What a person makes with `set -a; . ./.env; set +a` must not be a command.
#[tokio::test]
async fn what_a_shell_would_act_on_is_refused_before_anybody_is_asked() {
    let world = World::start("setup_shell").await;
    let refused = |printed: &Printed, option: &str| {
        let expected = format!("{option}: has a character that a shell would act on when it reads .env");
        assert!(printed.code == Some(2) && printed.stderr.contains(&expected), "{}", printed.all());
        assert!(printed.stderr.contains("hint: write ASCII letters"), "{}", printed.all());
    };
    for path in ["a&lsid", "$(id)", "a|id", "a;id", "(a)", "a!b", "a*", "a:~root"] {
        for more in ["--apply", "--emit az --offline", "--mode relay"] {
            let printed = world.setup(&format!("--base-url https://x.test/{path} {more}")).await;
            refused(&printed, "--base-url");
        }
    }
    for (variable, value) in
        [("BASE_URL", "https://x.test/a&lsid"), ("AZURE_AUTHORITY_HOST", "https://$(id).test")]
    {
        let mut command = world.command("setup --apply");
        command.env(variable, value);
        refused(&Printed::by(command).await, variable);
    }
    assert!(world.emulator.control().requests().is_empty(), "somebody was asked");
    assert_eq!(fs::read_dir(&world.directory).expect("a directory").count(), 0);
}

/// The script's `PATCH` replaces lists, and knows nothing of what is there.
#[tokio::test]
async fn the_script_overwrites_nothing_that_is_there() {
    let world = World::start("setup_script_there").await;
    world.setup("--apply").await.ended_with(0);
    let graph = world.graph().await;
    let victim = Request {
        prefer: Some("create-if-missing"),
        ..Request::patch(
            "/applications(uniqueName='victim')",
            json!({ "displayName": "Victim", "web": { "redirectUris": ["https://victim.contoso.test/cb"] } }),
        )
    };
    graph.send(&victim).await.expect("made");
    let run = async |script: String, token: &str| {
        fs::write(world.directory.join("setup.sh"), script).expect("a file");
        let mut command = tokio::process::Command::new("bash");
        command.arg("setup.sh").current_dir(&world.directory).env("GRAPH_TOKEN", token);
        let url = format!("{}/v1.0", world.emulator.url());
        command.env("GRAPH_URL", url).env("SECRET_FILE", "script.env");
        let output = command.output().await.expect("bash runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let token = world.token().await;
    world.emulator.control().clear_requests();
    for name in ["Contoso", "Victim"] {
        let script = world.run(&format!("setup --name {name} --offline --emit graph")).await.stdout;
        let (code, said) = run(script, &token).await;
        assert!(code == Some(2) && said.contains("is there already, and nothing was changed"), "{said}");
    }
    // The token of another tenant is for another tenant.
    let elsewhere = "--tenant 22222222-2222-2222-2222-222222222222 --name New --offline --emit graph";
    let script = world.run(&format!("setup {elsewhere}")).await.stdout;
    for token in [token.as_str(), "opaque"] {
        let (code, said) = run(script.clone(), token).await;
        assert!(code == Some(2) && said.contains("GRAPH_TOKEN is not for the tenant 22222222"), "{said}");
    }
    assert_eq!(world.writes(), NOTHING);
}

/// Runs a printed script in the world's directory.
async fn bash(world: &World, script: &str, secret_file: &str) {
    fs::write(world.directory.join("setup.sh"), script).expect("a file");
    let mut command = tokio::process::Command::new("bash");
    command.arg("setup.sh").current_dir(&world.directory).env("GRAPH_TOKEN", world.token().await);
    let output = command.env("SECRET_FILE", secret_file).output().await.expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[tokio::test]
async fn the_script_keeps_the_secret_from_others_and_makes_no_second_one() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::start("setup_script_secret").await;
    let path = world.directory.join("gateway.env");
    fs::write(&path, "OTHER=1\n").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("for everybody");
    let script = world.setup("--emit graph").await.ended_with(1).stdout;
    bash(&world, &script, "gateway.env").await;
    let first = world.file("gateway.env");
    let secret =
        first.strip_prefix("OTHER=1\nAZURE_CLIENT_SECRET=").expect("the secret, below what was there");
    assert!(secret.trim_end().len() > 10 && secret.lines().count() == 1, "{first}");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(!world.directory.join(".env").exists(), "SECRET_FILE was ignored");

    // Setup does not know that file and would make another secret; the script sees that there is one.
    let script = world.setup("--emit graph").await.ended_with(1).stdout;
    assert!(script.contains("addPassword"), "{script}");
    world.emulator.control().clear_requests();
    bash(&world, &script, "gateway.env").await;
    assert_eq!(world.file("gateway.env"), first);
    let writes = world.writes();
    assert!(!writes.iter().any(|line| line.contains("addPassword")), "{writes:?}");
}

#[tokio::test]
async fn the_proxy_is_for_other_machines_whatever_the_login_host_is() {
    let world = World::start("setup_proxy").await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", proxy.local_addr().expect("an address"));
    let options = "--graph-as secret --graph-url https://graph.contoso.test";
    let mut command = world.command(&format!("setup {options} --graph-client-id {ADM}"));
    let mut child = command.env("HTTP_PROXY", &url).env("HTTPS_PROXY", &url).spawn().expect("it runs");
    let asked = async {
        let (stream, _) = proxy.accept().await.expect("a connection");
        BufReader::new(stream).lines().next_line().await.expect("text").unwrap_or_default()
    };
    // The emulator, on this machine, was asked for the token without it: the first request is the one to Graph.
    tokio::select! {
        line = asked => assert_eq!(line, "CONNECT graph.contoso.test:443 HTTP/1.1"),
        ended = child.wait() => panic!("it ended without the proxy: {ended:?}"),
    }
}
