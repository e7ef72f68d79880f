//! What `entragate setup` keeps while it works, and what it takes back: the record outlives a run that is stopped, and
//! nothing goes that others rely on.

use std::fs;
use std::process::Stdio;

use entragate_cli::graph::Request;
use entragate_emulator::fixtures::{ADM, API};
use entragate_emulator::{Endpoint, Fault, FaultKind};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::setup_fixture::{Printed, World};

const NOTHING: [&str; 0] = [];
const RECEIPT: &str = "entragate.setup.json";

fn receipt(world: &World) -> Value {
    serde_json::from_str(&world.file(RECEIPT)).expect("JSON")
}

/// Runs setup until it says that a step is done, and kills it there.
async fn killed_after(world: &World, options: &str, said: &str) {
    let line = format!("setup --name Contoso --graph-as secret --graph-client-id {ADM} {options}");
    let mut child =
        world.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    while let Some(line) = lines.next_line().await.expect("text") {
        if line.contains(said) {
            child.kill().await.expect("killed");
            return;
        }
    }
    panic!("it never said `{said}`");
}

#[tokio::test]
async fn a_run_that_is_killed_loses_neither_the_record_nor_the_secret() {
    let world = World::start("setup_killed").await;
    let options = "--assign alice@contoso.test=Admin";
    killed_after(&world, &format!("{options} --apply"), "consent for everybody: signing in").await;
    let record = receipt(&world);
    assert!(record["api"].is_string(), "{record}");
    assert_eq!(record["mode"], "broker");
    assert_eq!(record["grants"].as_array().map(Vec::len), Some(2), "{record}");

    killed_after(&world, &format!("{options} --apply"), "client secret").await;
    let record = receipt(&world);
    assert_eq!(record["assignments"].as_array().map(Vec::len), Some(1), "{record}");
    assert_eq!(record["secrets"].as_array().map(Vec::len), Some(1), "{record}");
    let secret = world.environment()["AZURE_CLIENT_SECRET"].clone();

    // The next run makes no second one, and teardown knows everything for setup's own.
    world.emulator.control().clear_requests();
    world.setup(&format!("{options} --apply")).await.ended_with(0);
    assert_eq!(world.writes(), NOTHING);
    assert_eq!(world.environment()["AZURE_CLIENT_SECRET"], secret);
    world.check().await.ended_with(0);
    world.setup("--teardown --apply").await.ended_with(0);
    assert!(world.application("contoso").await.is_none());
    assert!(!world.directory.join(RECEIPT).exists());
}

/// How many secrets a registration has.
fn secrets(world: &World, app_id: &str) -> usize {
    let directory = world.emulator.control().directory();
    directory.apps.iter().find(|app| app.id == app_id).expect("the app").secrets.len()
}

/// On an adopted registration only the record tells what is setup's.
#[tokio::test]
async fn an_answer_that_is_lost_loses_no_id() {
    let world = World::start("setup_lost_answer").await;
    let own = world.by_hand("By hand").await;
    let options = format!("--adopt {own} --assign alice@contoso.test=Admin --apply");
    let control = world.emulator.control();
    for to in
        ["POST /v1.0/oauth2PermissionGrants", "POST /v1.0/servicePrincipals/", "POST /v1.0/applications/"]
    {
        let kind = FaultKind::LoseAnswer { to: to.to_owned() };
        control.inject(Fault { endpoint: Endpoint::Graph, kind, times: Some(1) });
    }
    // Killed after the last of them, with nothing but the record left.
    killed_after(&world, &options, "client secret").await;
    assert_eq!(secrets(&world, &own), 1, "Graph made it");
    let record = receipt(&world);
    let kinds: Vec<&Value> =
        record["pending"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["consent", "assignment", "secret"], "{record}");

    let of = async |path: &str| -> Vec<Value> {
        let list: Value = world.graph().await.get(path).await.expect("a list");
        list["value"].as_array().expect("a list").clone()
    };
    let principal: Value =
        world.graph().await.get(&format!("/servicePrincipals(appId='{own}')")).await.expect("there");
    let id = principal["id"].as_str().expect("an id");
    let grants = format!("/oauth2PermissionGrants?$filter=clientId%20eq%20'{id}'");
    let assignments = format!("/servicePrincipals/{id}/appRoleAssignedTo");
    world.setup(&options).await.ended_with(0);
    let record = receipt(&world);
    assert_eq!(record["pending"], Value::Null, "{record}");
    let ids = |list: Vec<Value>| -> Vec<Value> { list.into_iter().map(|one| one["id"].clone()).collect() };
    let (mut made, mut known) =
        (ids(of(&grants).await), record["grants"].as_array().expect("a list").clone());
    made.sort_by_key(Value::to_string);
    known.sort_by_key(Value::to_string);
    assert_eq!((made.len(), made), (2, known));
    assert_eq!(json!(ids(of(&assignments).await)), record["assignments"]);
    // Nobody was told the text of the first secret, so there is another one; both are setup's.
    assert_eq!(record["secrets"].as_array().map(Vec::len), Some(2), "{record}");

    world.setup("--teardown --apply").await.ended_with(0);
    assert_eq!((of(&grants).await.len(), of(&assignments).await.len()), (0, 0));
    assert_eq!(secrets(&world, &own), 0);
}

#[tokio::test]
async fn a_registration_without_an_answer_is_found_by_the_next_run_whatever_it_is_called() {
    let world = World::start("setup_lost_app").await;
    let control = world.emulator.control();
    let kind = FaultKind::LoseAnswer { to: "PATCH /v1.0/applications(".to_owned() };
    control.inject(Fault { endpoint: Endpoint::Graph, kind, times: None });
    let before = control.directory().apps.len();
    let mut child = world
        .command(&format!("setup --name Contoso --graph-as secret --graph-client-id {ADM} --apply"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    while control.directory().apps.len() == before {
        tokio::task::yield_now().await;
    }
    child.kill().await.expect("killed");
    control.clear_faults();
    let record = receipt(&world);
    assert_eq!(record["pending"][0]["kind"], "application", "{record}");
    world
        .run(&format!("setup --name Fabrikam --graph-as secret --graph-client-id {ADM} --apply"))
        .await
        .ended_with(0);
    assert_eq!(control.directory().apps.len(), before + 1);
    world.setup("--teardown --apply").await.ended_with(0);
    assert_eq!(control.directory().apps.len(), before);
}

#[tokio::test]
async fn nothing_is_made_that_cannot_be_written() {
    for name in [".env", ".env.new", "entragate.toml"] {
        let world = World::start("setup_unwritable").await;
        fs::create_dir(world.directory.join(name)).expect("a directory");
        let printed = world.setup("--apply").await.ended_with(2);
        assert!(printed.stderr.contains(name) && printed.stderr.contains("--dir"), "{}", printed.all());
        assert_eq!(world.writes(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn what_others_rely_on_makes_a_registration_stay() {
    let world = World::start("setup_relied_on").await;
    world.setup("--apply").await.ended_with(0);
    let graph = world.graph().await;
    let app = world.application("contoso").await.expect("the app");
    let path = format!("/applications/{}", app["id"].as_str().expect("an id"));
    let principal = async |app_id: &str| -> String {
        let path = format!("/servicePrincipals(appId='{app_id}')?$select=id");
        let found: Value = graph.get(&path).await.expect("there");
        found["id"].as_str().expect("an id").to_owned()
    };
    let own = principal(app["appId"].as_str().expect("an id")).await;
    let theirs: Value = graph.get(&format!("/servicePrincipals(appId='{API}')")).await.expect("there");
    let tools =
        theirs["appRoles"].as_array().expect("roles").iter().find(|role| role["value"] == "Tools.All");
    let tools = tools.expect("a role for applications");
    let stays = async |expected: &str| {
        let plan = world.setup("--teardown").await.ended_with(1);
        assert!(plan.stdout.contains("stays, because") && plan.stdout.contains(expected), "{}", plan.all());
        assert!(!plan.stdout.contains("30 days"), "nothing is removed: {}", plan.all());
    };

    let api = &app["api"];
    let mut entries = api["preAuthorizedApplications"].as_array().cloned().unwrap_or_default();
    entries.push(json!({ "appId": ADM, "delegatedPermissionIds": [api["oauth2PermissionScopes"][0]["id"]] }));
    let mut scopes = api["oauth2PermissionScopes"].as_array().cloned().expect("scopes");
    let mut scope = scopes[0].clone();
    scope["id"] = json!("aaaaaaaa-0000-4000-8000-000000000001");
    scope["value"] = json!("files.read");
    scopes.push(scope);
    let mut roles = app["appRoles"].as_array().cloned().expect("roles");
    let mut role = roles[0].clone();
    role["id"] = json!("aaaaaaaa-0000-4000-8000-000000000002");
    role["value"] = json!("Auditor");
    role["displayName"] = json!("Auditor");
    roles.push(role);
    let mut uris = app["web"]["redirectUris"].as_array().cloned().expect("URIs");
    uris.push(json!("https://elsewhere.contoso.test/cb"));
    // Each alone, and taken back again.
    for (theirs, before, expected) in [
        (
            json!({ "api": { "preAuthorizedApplications": entries } }),
            json!({ "api": { "preAuthorizedApplications": api["preAuthorizedApplications"] } }),
            format!("the preauthorised client {ADM}"),
        ),
        (
            json!({ "web": { "redirectUris": uris } }),
            json!({ "web": { "redirectUris": app["web"]["redirectUris"] } }),
            "the redirect URI https://elsewhere.contoso.test/cb".to_owned(),
        ),
    ] {
        graph.send(&Request::patch(&path, theirs)).await.expect("changed");
        stays(&expected).await;
        graph.send(&Request::patch(&path, before)).await.expect("changed back");
    }
    let grant = json!({
        "clientId": own, "consentType": "AllPrincipals", "resourceId": theirs["id"], "scope": "access",
    });
    let held = json!({ "principalId": own, "resourceId": theirs["id"], "appRoleId": tools["id"] });
    for (made_at, body, expected) in [
        ("/oauth2PermissionGrants".to_owned(), grant, "its consent to access"),
        (format!("/servicePrincipals/{own}/appRoleAssignments"), held, "1 application permission(s)"),
    ] {
        let made = graph.send(&Request::post(&made_at, body)).await.expect("made");
        stays(expected).await;
        let path = format!("{made_at}/{}", made["id"].as_str().expect("an id"));
        graph.send_once(&Request::delete(path)).await.expect("removed");
    }
    // With nothing of theirs left it would go.
    let plan = world.setup("--teardown").await.ended_with(1);
    assert!(plan.stdout.contains("30 days") && !plan.stdout.contains("stays, because"), "{}", plan.all());
    let theirs = json!({ "api": { "oauth2PermissionScopes": scopes }, "appRoles": roles });
    graph.send(&Request::patch(&path, theirs)).await.expect("changed");
    stays("the scope files.read, the role Auditor").await;
    world.setup("--teardown --apply").await.ended_with(1);
    assert!(world.application("contoso").await.is_some());
    assert_eq!(receipt(&world)["api"], app["appId"], "the record is still there");
}

#[tokio::test]
async fn the_record_knows_the_mode() {
    let world = World::start("setup_mode").await;
    world.setup("--mode relay --apply").await.ended_with(0);
    // Without the option the record says it.
    world.setup("").await.ended_with(0);
    for options in ["--mode broker", "--mode broker --teardown --apply"] {
        let refused = world.setup(options).await.ended_with(2);
        assert!(
            refused.stderr.contains("--mode") && refused.stderr.contains("leave --mode out"),
            "{}",
            refused.all()
        );
    }
    // A record of an earlier version has less in it.
    let mut record = receipt(&world);
    for member in ["mode", "certificates", "redirectUris"] {
        record.as_object_mut().expect("an object").remove(member).expect("it was there");
    }
    fs::write(world.directory.join(RECEIPT), record.to_string()).expect("a file");
    world.setup("--teardown --apply").await.ended_with(0);
    assert!(
        world.application("contoso-api").await.is_none()
            && world.application("contoso-client").await.is_none()
    );
}

#[tokio::test]
async fn a_certificate_is_taken_back() {
    let world = World::start("setup_certificate").await;
    let pem = entragate_emulator::fixtures::CLIENT_CERTIFICATE.to_owned()
        + entragate_emulator::fixtures::CLIENT_KEY;
    fs::write(world.directory.join("gateway.pem"), pem).expect("a file");
    let options = "--credential certificate --certificate gateway.pem";
    world.setup(&format!("{options} --apply")).await.ended_with(0);
    let app = world.application("contoso").await.expect("the app");
    assert_eq!(app["keyCredentials"][0]["displayName"], "entragate-setup", "people see where it comes from");
    world.setup("--teardown --apply").await.ended_with(0);
    assert!(world.application("contoso").await.is_none());

    // An adopted registration stays, without it.
    let graph = world.graph().await;
    let by_hand = Request::post("/applications", json!({ "displayName": "By hand" }));
    let by_hand = graph.send(&by_hand).await.expect("made");
    let app_id = by_hand["appId"].as_str().expect("an id");
    world.setup(&format!("{options} --adopt {app_id} --apply --force")).await.ended_with(0);
    world.setup("--teardown --apply").await.ended_with(0);
    let left: Value = graph.get(&format!("/applications(appId='{app_id}')")).await.expect("there");
    assert_eq!(left["keyCredentials"], json!([]));
}

/// Two people with the same options get the same registration: it is the first one's.
#[tokio::test]
async fn what_was_made_from_another_directory_stays() {
    let world = World::start("setup_two_directories").await;
    for directory in ["b", "c"] {
        fs::create_dir(world.directory.join(directory)).expect("a directory");
    }
    world.setup("--apply").await.ended_with(0);
    let app = world.application("contoso").await.expect("the app");
    let app_id = app["appId"].as_str().expect("an id");
    assert_eq!(receipt(&world)["created"], json!([app_id]));
    world.setup("--dir b --apply").await.ended_with(0);
    assert_eq!(secrets(&world, app_id), 2);
    // Without a record nobody knows, and without the other's secret neither does the first.
    let plan = world.setup("--dir c --teardown --apply").await.ended_with(1);
    assert!(plan.stdout.contains("no entragate.setup.json in this directory says"), "{}", plan.all());
    let plan = world.setup("--teardown").await.ended_with(1);
    assert!(
        plan.stdout.contains("stays, because") && plan.stdout.contains("client secret"),
        "{}",
        plan.all()
    );
    assert_eq!(secrets(&world, app_id), 2);

    let plan = world.setup("--dir b --teardown --apply").await.ended_with(0);
    assert!(plan.stdout.contains("does not say that it was made from here"), "{}", plan.all());
    let app = world.application("contoso").await.expect("it is the first one's");
    let left: Vec<&Value> =
        app["passwordCredentials"].as_array().expect("a list").iter().map(|one| &one["keyId"]).collect();
    assert_eq!(left, [&receipt(&world)["secrets"][0]]);
    world.setup("--teardown --apply").await.ended_with(0);
    assert!(world.application("contoso").await.is_none());
}

/// Else the first registration would stay in the tenant, and nobody would know of it.
#[tokio::test]
async fn a_record_is_about_one_registration() {
    let world = World::start("setup_other_app").await;
    world.setup("--apply").await.ended_with(0);
    let record = world.file(RECEIPT);
    let other = world.by_hand("Other").await;
    for options in ["--apply", "--teardown --apply"] {
        let refused = world.setup(&format!("--adopt {other} {options}")).await.ended_with(2);
        assert!(
            refused.stderr.contains("--adopt: ") && refused.stderr.contains("--dir"),
            "{}",
            refused.all()
        );
        assert_eq!(world.file(RECEIPT), record);
    }

    // A repair of another deployment is none of this directory's business.
    fs::create_dir(world.directory.join("two")).expect("a directory");
    let graph_as = format!("--graph-as secret --graph-client-id {ADM}");
    world.run(&format!("setup --name Two --dir two {graph_as} --apply")).await.ended_with(0);
    let two = world.application("two").await.expect("the app");
    let path = format!("/applications/{}", two["id"].as_str().expect("an id"));
    let nothing = json!({ "web": { "redirectUris": [] } });
    world.graph().await.send(&Request::patch(&path, nothing)).await.expect("broken");
    let mut command = world.command(&format!("doctor --graph secret --graph-client-id {ADM} --fix --apply"));
    let text = world.file("two/.env");
    command.envs(text.lines().filter_map(|line| line.split_once('=')));
    let printed = Printed::by(command).await;
    let repaired = world.application("two").await.expect("the app");
    assert_eq!(repaired["web"]["redirectUris"], two["web"]["redirectUris"], "{}", printed.all());
    assert_eq!(world.file(RECEIPT), record);
}

#[tokio::test]
async fn a_client_that_goes_is_let_in_by_no_api_that_stays() {
    let world = World::start("setup_preauthorized").await;
    let own = world.by_hand("By hand").await;
    let options = format!("--mode relay --adopt {own}");
    world.setup(&format!("{options} --apply")).await.ended_with(0);
    let path = format!("/applications(appId='{own}')");
    let entries = async || {
        let app: Value = world.graph().await.get(&path).await.expect("the app");
        app["api"]["preAuthorizedApplications"].as_array().expect("a list").len()
    };
    assert_eq!(entries().await, 1);
    let printed = world.setup("--teardown --apply").await.ended_with(0);
    assert_eq!(entries().await, 0, "{}", printed.all());
    for word in ["scopes", "permissions", "optional claims", "preauthorised"] {
        assert!(printed.stdout.contains(word), "{word}: {}", printed.all());
    }
}
