//! What the log says of a call that does not go on: who, what, which rule, what is missing; and no value that was sent.

use entragate::{Condition, Rule};
use entragate_emulator::{MintRequest, fixtures};
use serde_json::{Value, json};

use crate::layer_server::{Requests, recording};
use crate::world::{Reply, World, log};

async fn world(rules: Vec<Rule>) -> (World, Requests) {
    let (mcp, requests) = recording();
    (World::builder().mcp(mcp).gate(|builder| builder.rules(rules)).start().await, requests)
}

async fn send(world: &World, headers: &[(&str, &str)], body: &str) -> Reply {
    let token = world.control().mint(&MintRequest { client: Some("MCP".into()), ..MintRequest::default() });
    let request = world.http.post(world.url("/mcp")).bearer_auth(token).body(body.to_owned());
    Reply::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn call(name: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name } }).to_string()
}

#[track_caller]
fn only(lines: &[String], with: &str) -> String {
    let found: Vec<String> = lines.iter().filter(|line| line.contains(with)).cloned().collect();
    assert_eq!(found.len(), 1, "{with}: {lines:?}");
    found.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_denied_call_is_recorded_with_who_what_and_which_rule() {
    let rules = vec![
        Rule::tools(["open"]),
        Rule::tools(["admin_*"]).roles(["Nobody"]),
        Rule::tools(["write"]).scopes(["admin"]),
    ];
    let (world, mut requests) = world(rules).await;
    let mut log = log::capture();
    for (name, has) in [
        ("admin_reset", vec!["missing=role", "target_name=admin_reset", "rule=2"]),
        (
            "write",
            vec!["missing=scope", "target_name=write", "rule=3", "scopes=admin", "wanted=access admin"],
        ),
        ("unnamed", vec!["missing=rule", "target_name=unnamed"]),
    ] {
        send(&world, &[JSON], &call(name)).await;
        let line = only(&log.lines(), "leg=denied");
        let who = [
            format!("client_id={}", fixtures::MCP),
            format!("tenant_id={}", fixtures::TENANT),
            format!("object_id={}", fixtures::user_oid("alice")),
        ];
        for part in has
            .into_iter()
            .map(str::to_owned)
            .chain(who)
            .chain(["method=tools/call".to_owned(), "token_id=".to_owned()])
        {
            assert!(line.contains(&part), "{line}\n does not say {part}");
        }
    }
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn what_is_no_message_is_recorded_too() {
    let (world, mut requests) = world(Vec::new()).await;
    let mut log = log::capture();
    for (headers, body, has) in [
        (vec![("content-type", "text/plain")], call("x"), vec!["status=415", "Content-Type"]),
        (vec![JSON, ("content-encoding", "gzip")], call("x"), vec!["status=415", "compressed"]),
        (vec![JSON], "{".to_owned(), vec!["status=400", "EOF"]),
        (
            vec![JSON, ("mcp-protocol-version", "2026-07-28")],
            call("x"),
            vec!["status=400", "Mcp-Method", "method=tools/call", "target_name=x"],
        ),
    ] {
        let status = send(&world, &headers, &body).await.status;
        let line = only(&log.lines(), "message refused");
        let who = format!("object_id={}", fixtures::user_oid("alice"));
        for part in has.into_iter().chain(["client_id=", "tenant_id=", "token_id=", who.as_str()]) {
            assert!(line.contains(part), "{line}\n does not say {part}");
        }
        assert!(line.contains(&format!("status={status}")), "{status}: {line}");
    }
    let request = world.http.request(http::Method::TRACE, world.url("/mcp"));
    assert_eq!(Reply::of(request).await.status, 405);
    let line = only(&log.lines(), "request refused");
    assert!(line.contains("status=405") && line.contains("http_method=TRACE"), "{line}");
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn no_value_of_arguments_or_params_reaches_the_log() {
    let when = Condition::parse("args.amount < 1000").unwrap();
    let (world, mut requests) = world(vec![Rule::tools(["transfer"]).when(when), Rule::tools(["*"])]).await;
    let mut log = log::capture();
    let with =
        |params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    for body in [
        with(r#"{"name":"transfer","arguments":"hunter2-secret"}"#),
        with(r#"{"name":"transfer","arguments":"hunter2, expected hunter2"}"#),
        with(r#"{"name":"transfer","arguments":{"amount":"hunter2"}}"#),
        with(r#"{"name":"transfer","arguments":["hunter2"]}"#),
        with(r#""hunter2""#),
        with(r#"{"name":["hunter2"]}"#),
        with(r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":["hunter2"]}}"#),
        with(r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":{"hunter2":1}}}"#),
        r#"{"jsonrpc":"2.0","id":1,"method":["hunter2"]}"#.to_owned(),
        r#"{"jsonrpc":["hunter2"],"id":1,"method":"ping"}"#.to_owned(),
        r#""hunter2""#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":"hunter2"}}"#
            .to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":"hunter2"}}"#.to_owned(),
    ] {
        let reply = send(&world, &[JSON], &body).await;
        let lines = log.lines();
        assert!(!lines.is_empty(), "{body}");
        assert!(!format!("{lines:?}").contains("hunter2"), "{body}: {lines:?}");
        assert!(!reply.text.contains("hunter2"), "{body}: {reply:?}");
        assert!(requests.seen().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn a_refusal_without_a_call_names_the_scopes() {
    let (world, _requests) = world(vec![Rule::tools(["*"])]).await;
    let token = world.control().mint(&MintRequest { scp: Some("other".into()), ..MintRequest::default() });
    let mut log = log::capture();
    assert_eq!(Reply::of(world.http.get(world.url("/mcp")).bearer_auth(token)).await.status, 403);
    let line = only(&log.lines(), "leg=denied");
    assert!(line.contains("scopes=access") && !line.contains("target_name="), "{line}");
}

#[tokio::test]
async fn of_a_batch_the_call_is_named_that_lacks_the_scope() {
    let rules = vec![Rule::tools(["write"]).scopes(["admin"]), Rule::tools(["*"])];
    let (world, _requests) = world(rules).await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "read" } },
        { "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "write" } },
    ]);
    let person = || {
        let claims = json!({ "oid": "00000000-cccc-4000-8000-000000000002" }).as_object().cloned().unwrap();
        world.control().mint(&MintRequest { claims, ..MintRequest::default() })
    };
    let ask = async |token: &str| Reply::read(world.post(Some(token), &batch).await).await;
    assert_eq!(ask(&person()).await.status, 403);
    let answers: Vec<Value> = serde_json::from_str(&ask(&person()).await.text).unwrap();
    let text = |at: usize| answers[at]["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(
        text(0).contains("Not executed")
            && text(1).contains("`write`")
            && text(1).contains("did not bring it"),
        "{answers:?}"
    );
}
