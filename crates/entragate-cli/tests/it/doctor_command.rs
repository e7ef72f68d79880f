//! `entragate doctor` as a user meets it: exit codes, streams, and the options that choose.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::process::{Command, Output, Stdio};

use entragate_cli::graph::Request;
use entragate_emulator::fixtures;
use serde_json::{Value, json};

use crate::config_fixture::directory;
use crate::doctor_fixture::{Mode, Started, World};
use crate::setup_fixture;

/// The binary in the environment of a deployment.
async fn doctor(world: &Started, arguments: &'static [&'static str]) -> Output {
    let value = |name: &str| world.environment.get(name).unwrap().to_owned();
    let environment: Vec<(String, String)> =
        world.environment.names().map(|name| (name.to_owned(), value(name))).collect();
    let run = move || {
        Command::new(env!("CARGO_BIN_EXE_entragate"))
            .arg("doctor")
            .args(arguments)
            .env_clear()
            .envs(environment)
            .current_dir(directory("doctor-command"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_wrong_is_0_findings_are_1_and_a_wrong_option_is_2() {
    let healthy = World::new(Mode::Relay).start().await;
    let output = doctor(&healthy, &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains('\u{1b}'), "colours without a terminal");

    let output = doctor(&healthy, &["--only", "nonsense"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no check `nonsense`"), "{}", text(&output.stderr));
    let output = doctor(&healthy, &["--clients", "nobody"]).await;
    assert_eq!(output.status.code(), Some(2));
    let output = doctor(&healthy, &["--graph", "secret"]).await;
    assert_eq!(output.status.code(), Some(2), "half of a way to Graph");

    let wrong = World::new(Mode::Relay).set("ENTRAGATE_UPSTREAM", "http://127.0.0.1:9/mcp").start().await;
    let output = doctor(&wrong, &["--json", "--only", "upstream", "--only", "clock"]).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["check"], "upstream");
    assert_eq!(report["checks"].as_array().unwrap().len(), 2);
    assert_eq!(report["clients"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_check_is_listed_with_what_it_looks_at() {
    let world = World::new(Mode::Relay).start().await;
    let output = doctor(&world, &["--list"]).await;
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repair_is_setups_command_for_this_deployment_and_changes_nothing() {
    let world = World::new(Mode::Relay)
        .set("ENTRAGATE_RULES", r#"[{ tools = ["admin_*"], roles = ["Admin"] }]"#)
        .directory(|directory| directory.apps.retain(|app| app.id != fixtures::MCP))
        .start()
        .await;
    let before = world.entra.control().directory();
    let output = doctor(&world, &["--fix", "--clients", "claude-code"]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let words = [
        "entragate setup --mode relay",
        fixtures::API,
        "--roles Admin",
        "--clients claude-code",
        "--scope access",
    ];
    for words in words {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert_eq!(*before, *world.entra.control().directory());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_repair_names_a_stdio_server_without_its_arguments() {
    let world = World::new(Mode::Relay)
        .set("PATH", "/usr/bin:/bin")
        .set("ENTRAGATE_UPSTREAM", "stdio: sh -c 'exit 3' --key hidden")
        .start()
        .await;
    let output = doctor(&world, &["--fix"]).await;
    let said = text(&output.stderr);
    assert!(said.contains("--upstream 'stdio: /usr/bin/sh ARGUMENTS'"), "{said}");
    assert!(!said.contains("hidden") && !said.contains("127.0.0.1:3000"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repair_is_planned_then_carried_out_and_leaves_the_gateways_files_alone() {
    let world = World::new(Mode::Broker)
        .set("GRAPH_CLIENT_SECRET", fixtures::ADM_SECRET)
        .directory(|directory| {
            let api = directory.apps.iter_mut().find(|app| app.id == fixtures::API).unwrap();
            api.scopes[0].disabled = true;
            api.token_version = 1;
        })
        .start()
        .await;
    let is_disabled = |world: &Started| {
        let directory = world.entra.control().directory();
        let api = directory.apps.iter().find(|app| app.id == fixtures::API).unwrap();
        assert_eq!(api.token_version, 1, "others rely on it");
        api.scopes[0].disabled
    };
    let output = doctor(&world, &["--graph", "secret", "--graph-client-id", fixtures::ADM, "--fix"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("- access (disabled)"), "{said}{}", text(&output.stderr));
    assert!(said.contains("version 1, which stays") && said.contains("--v2-tokens"), "{said}");
    assert!(is_disabled(&world), "a plan changes nothing");

    let output =
        doctor(&world, &["--graph", "secret", "--graph-client-id", fixtures::ADM, "--fix", "--apply"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(!is_disabled(&world), "{}{}", text(&output.stdout), text(&output.stderr));
    let here = directory("doctor-command");
    assert!(!here.join(".env").exists() && !here.join("entragate.toml").exists());

    let output = doctor(&world, &["--graph", "secret", "--graph-client-id", fixtures::ADM]).await;
    assert!(!text(&output.stdout).contains("is disabled"), "{}", text(&output.stdout));
}

/// A deployment that setup made, and a doctor with something to find that no registration can help.
#[tokio::test(flavor = "multi_thread")]
async fn the_repair_of_what_setup_made_is_what_is_broken_and_nothing_else() {
    for (name, options, api) in [
        ("doctor_fix_broker", "--clients chatgpt", "contoso"),
        ("doctor_fix_relay", "--mode relay --clients chatgpt", "contoso-api"),
        ("doctor_fix_own_app", "--clients chatgpt --adopt-client ", "contoso"),
    ] {
        let world = setup_fixture::World::start(name).await;
        let mut options = options.to_owned();
        if options.ends_with("--adopt-client ") {
            options += &world.by_hand("Sign-in").await;
        }
        let options = format!("{options} --scope access,tools --assign alice@contoso.test=Admin --apply");
        world.setup(&options).await.ended_with(0);
        let doctor = |options: &str| {
            let graph = format!("--graph secret --graph-client-id {}", fixtures::ADM);
            let mut command = world.command(&format!("doctor {graph} --fix {options}"));
            command.envs(world.environment()).env("ENTRAGATE_UPSTREAM", "http://127.0.0.1:9/mcp");
            setup_fixture::Printed::by(command)
        };
        let made = world.application(api).await.unwrap();
        world.emulator.control().clear_requests();
        let printed = doctor("").await.ended_with(1);
        let all = printed.all();
        assert!(all.contains("as they should be.") && !all.contains("Nothing was written"), "{all}");
        assert!(all.contains("--scope access,tools"), "{all}");
        doctor("--apply").await.ended_with(1);
        assert_eq!(world.writes(), [""; 0], "{name}");

        let mut scopes = made["api"]["oauth2PermissionScopes"].clone();
        scopes[1]["isEnabled"] = json!(false);
        let path = format!("/applications/{}", made["id"].as_str().unwrap());
        let body = json!({ "api": { "oauth2PermissionScopes": scopes } });
        world.graph().await.send(&Request::patch(&path, body)).await.unwrap();
        doctor("--apply").await.ended_with(1);
        assert_eq!(world.application(api).await.unwrap(), made, "{name}");
    }
}

/// A scope that a rule demands and the setting for scopes does not name.
#[tokio::test(flavor = "multi_thread")]
async fn the_repair_covers_scopes_that_only_rules_name() {
    let world = setup_fixture::World::start("doctor_fix_rules").await;
    world.setup("--assign alice@contoso.test=Admin --apply").await.ended_with(0);
    let rules =
        r#"[{ tools = ["admin_*"], roles = ["Admin"], scopes = ["admin.write"] }, { tools = ["*"] }]"#;
    let doctor = |options: &str| {
        let graph = format!("--graph secret --graph-client-id {}", fixtures::ADM);
        let mut command = world.command(&format!("doctor {graph} {options}"));
        command.envs(world.environment()).env("ENTRAGATE_RULES", rules);
        setup_fixture::Printed::by(command)
    };
    let finding = "a rule demands the scope admin.write";
    let printed = doctor("--fix").await.ended_with(1);
    assert!(printed.stdout.contains(finding), "{}", printed.all());
    assert!(printed.stderr.contains("--scope access,admin.write"), "{}", printed.all());
    doctor("--fix --apply").await.ended_with(1);
    let api = world.application("contoso").await.unwrap();
    let scopes = api["api"]["oauth2PermissionScopes"].as_array().unwrap();
    assert!(scopes.iter().any(|scope| scope["value"] == "admin.write"), "{api}");
    let printed = doctor("").await;
    assert!(!printed.stdout.contains(finding), "{}", printed.all());
    let grants: Value = world.graph().await.get("/oauth2PermissionGrants").await.unwrap();
    assert!(grants.to_string().contains("access admin.write"), "{grants}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_is_not_carried_out_without_somebody_who_may() {
    let world = World::new(Mode::Broker).start().await;
    let output = doctor(&world, &["--fix", "--apply"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--graph"), "{}", text(&output.stderr));
}
