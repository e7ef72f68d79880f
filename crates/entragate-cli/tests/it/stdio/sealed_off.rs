//! What a process gets to know, and what not.

use serde_json::{Value, json};

use super::fixture::Gateway;

#[tokio::test]
async fn gateways_secrets_are_not_in_the_environment_of_a_process() {
    let settings = [
        ("AZURE_CLIENT_SECRET", "hunter2-entra"),
        ("ENTRAGATE_SESSION_KEY", "hunter2-hunter2-hunter2-hunter2-x"),
        ("SOMETHING_ELSE", "hunter2-else"),
        ("HTTPS_PROXY", "http://user:hunter2@proxy"),
        ("TEAM_TOKEN", "team-token-value"),
        ("HOME", "/nonexistent/home"),
        ("ENTRAGATE_UPSTREAM_ENVIRONMENT", "TOOL_TOKEN=$TEAM_TOKEN,LEVEL=debug"),
    ];
    let gateway = Gateway::signed_in(&settings).await;
    let session = gateway.open(&gateway.token("alice", "MCP", &["Admin", "a,b"])).await;
    let text = session.call("environment", &json!({})).await;
    assert!(!text.contains("hunter2"), "{text}");
    let all: Value = serde_json::from_str(&text).unwrap();
    let mut names: Vec<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    // What the harness of the test server sets itself.
    names.retain(|name| !["RUST_BACKTRACE", "__CF_USER_TEXT_ENCODING"].contains(name));
    assert_eq!(
        names,
        [
            "ENTRAGATE_CALLER_CLIENT_ID",
            "ENTRAGATE_CALLER_OBJECT_ID",
            "ENTRAGATE_CALLER_ROLES",
            "ENTRAGATE_CALLER_TENANT_ID",
            "ENTRAGATE_CALLER_USERNAME",
            "HOME",
            "LEVEL",
            "PATH",
            "TOOL_TOKEN",
        ]
    );
    assert_eq!((&all["TOOL_TOKEN"], &all["LEVEL"]), (&json!("team-token-value"), &json!("debug")));
    assert_eq!(all["ENTRAGATE_CALLER_USERNAME"], "alice@contoso.test");
    assert_eq!(all["ENTRAGATE_CALLER_ROLES"], "Admin,a%2Cb");
}

#[tokio::test]
async fn server_can_be_told_nothing_of_its_caller() {
    let gateway = Gateway::signed_in(&[("ENTRAGATE_UPSTREAM_IDENTITY", "none")]).await;
    let session = gateway.open(&gateway.token("alice", "MCP", &["Admin"])).await;
    assert!(!session.call("environment", &json!({})).await.contains("ENTRAGATE_"));
    // Then nothing it was told can become untrue.
    let other = gateway.token("alice", "MCP", &[]);
    let request = gateway.request("POST", &other).header("mcp-session-id", &session.id);
    let answer = request.json(&super::fixture::call(1, "count", &json!({}))).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn server_works_in_the_directory_that_is_named() {
    let directory = crate::config_fixture::directory("stdio_directory");
    let gateway = Gateway::start(&[("ENTRAGATE_UPSTREAM_DIRECTORY", directory.to_str().unwrap())]).await;
    let session = gateway.open("").await;
    assert_eq!(
        session.call("directory", &json!({})).await,
        directory.canonicalize().unwrap().to_str().unwrap()
    );
}

#[tokio::test]
async fn rules_hold_for_a_stdio_server_too() {
    let rules = [("ENTRAGATE_RULES", r#"[{ tools = ["admin_*"], roles = ["Admin"] }, { tools = ["*"] }]"#)];
    let gateway = Gateway::signed_in(&rules).await;
    let session = gateway.open(&gateway.token("bob", "MCP", &["User"])).await;
    let list = session.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).await;
    let list: Value = list.json().await.unwrap();
    let names: Vec<&Value> =
        list["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, [&json!("read")]);
    let refused: Value =
        session.post(&super::fixture::call(1, "admin_x", &json!({}))).await.json().await.unwrap();
    assert_eq!(refused["result"]["isError"], true);
    assert!(refused.to_string().contains("Admin"), "{refused}");
}
