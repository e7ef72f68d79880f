//! Who may call what, on the wire: rules in order, refusals that a person can read, and nothing forwarded
//! that was not permitted.

use std::sync::atomic::{AtomicU64, Ordering};

use entragate::{ApiApp, ClientId, Rule};
use entragate_emulator::{MintRequest, fixtures};
use serde_json::{Value, json};

use crate::layer_server::{Requests, recording};
use crate::world::{Reply, World, log};

fn admin_guard() -> Vec<Rule> {
    vec![Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])]
}

async fn world(rules: Vec<Rule>) -> (World, Requests) {
    let (mcp, requests) = recording();
    (World::builder().mcp(mcp).gate(move |builder| builder.rules(rules)).start().await, requests)
}

fn token(world: &World, user: &str) -> String {
    world.control().mint(&MintRequest { user: Some(user.into()), ..MintRequest::default() })
}

/// A token of somebody who was never asked for more.
fn with_scope(world: &World, scp: &str) -> String {
    static PEOPLE: AtomicU64 = AtomicU64::new(1);
    let oid = format!("00000000-0000-4000-8000-{:012}", PEOPLE.fetch_add(1, Ordering::Relaxed));
    of_person(world, &oid, scp)
}

fn of_person(world: &World, oid: &str, scp: &str) -> String {
    let claims = json!({ "oid": oid }).as_object().cloned().unwrap_or_default();
    world.control().mint(&MintRequest { scp: Some(scp.into()), claims, ..MintRequest::default() })
}

fn program(world: &World) -> String {
    world.control().mint(&MintRequest { client: Some("DMN".into()), user: None, ..MintRequest::default() })
}

fn tool(name: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name, "arguments": {} } })
}

fn method(name: &str, params: impl serde::Serialize) -> Value {
    json!({ "jsonrpc": "2.0", "id": "a-1", "method": name, "params": params })
}

async fn ask(world: &World, token: &str, message: &Value) -> Reply {
    Reply::read(world.post(Some(token), message).await).await
}

/// The text of a tool error that reaches the model and through it the person.
#[track_caller]
fn tool_error(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "K50: clients drop the connection on a 403: {reply:?}");
    assert_eq!(reply.header("www-authenticate"), "", "RS-28: signing in again would not help");
    let answer: Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(answer["jsonrpc"], "2.0");
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert_eq!(answer["result"]["content"][0]["type"], "text");
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

#[track_caller]
fn rpc_error(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer: Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(answer["id"], "a-1");
    let code = answer["error"]["code"].as_i64().unwrap();
    assert!(!(-32_768..=-32_000).contains(&code), "TR-11: {code} is reserved");
    answer["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_rule_that_names_the_call_decides() {
    let (world, mut requests) = world(admin_guard()).await;
    let (alice, bob, carol) = (token(&world, "alice"), token(&world, "bob"), token(&world, "carol"));
    for (who, name, allowed) in [
        (&alice, "admin_reset", true),
        (&alice, "whoami", true),
        (&bob, "admin_reset", false),
        (&bob, "admin_", false),
        (&bob, "whoami", true),
        (&bob, "Admin_reset", true),
        (&bob, "my_admin_reset", true),
        (&carol, "admin_reset", false),
        (&carol, "whoami", true),
    ] {
        let reply = ask(&world, who, &tool(name)).await;
        if !allowed {
            let text = tool_error(&reply);
            assert!(text.contains("`Admin`") && text.contains(&format!("`{name}`")), "{text}");
        }
        assert_eq!(requests.seen().len(), usize::from(allowed), "{name}");
    }
    // The other way round, the wide rule decides everything.
    let (world, mut requests) = self::world(admin_guard().into_iter().rev().collect()).await;
    ask(&world, &token(&world, "bob"), &tool("admin_reset")).await;
    assert_eq!(requests.seen().len(), 1);
}

#[tokio::test]
async fn a_permitted_call_comes_back_with_the_servers_own_answer() {
    let world = World::builder().gate(|builder| builder.rules(admin_guard())).start().await;
    for (user, name) in [("alice", "admin_reset"), ("alice", "whoami"), ("bob", "whoami")] {
        let answer = world.call_tool(&token(&world, user), name).await;
        assert_eq!(answer["result"]["content"][0]["text"], name);
        assert_eq!(answer["result"]["isError"], false);
    }
}

#[tokio::test]
async fn names_are_matched_as_a_whole_with_stars_only() {
    let rules = vec![Rule::tools(["get_*_of_*", "exact", "*_end", "[a-z].+", "a?c"])];
    let (world, mut requests) = world(rules).await;
    let token = token(&world, "bob");
    for (name, allowed) in [
        ("get_name_of_user", true),
        ("get__of_", true),
        ("get_name_of", false),
        ("xget_name_of_user", false),
        ("exact", true),
        ("exact ", false),
        ("exact\n", false),
        ("Exact", false),
        ("x_end", true),
        ("_end", true),
        ("_end_", false),
        ("[a-z].+", true),
        ("b", false),
        ("abc", false),
        ("", false),
    ] {
        ask(&world, &token, &tool(name)).await;
        assert_eq!(requests.seen().len(), usize::from(allowed), "{name:?}");
    }
}

#[tokio::test]
async fn once_there_is_a_rule_what_no_rule_names_is_refused() {
    let (world, mut requests) = world(vec![Rule::tools(["whoami"])]).await;
    let token = token(&world, "alice");
    let text = tool_error(&ask(&world, &token, &tool("other")).await);
    assert!(text.contains("no rule") && text.contains("`other`"), "{text}");
    for refused in [
        method("prompts/get", json!({ "name": "p" })),
        method("resources/read", json!({ "uri": "file:///x" })),
        method("resources/subscribe", json!({ "uri": "file:///x" })),
        method("completion/complete", json!({})),
        method("x/new", json!({})),
        method("Tools/Call", json!({ "name": "whoami" })),
        method("tools/call ", json!({ "name": "whoami" })),
    ] {
        rpc_error(&ask(&world, &token, &refused).await);
    }
    // A tool without a name is none.
    for params in [json!({}), json!({ "Toolname": "whoami" }), Value::Null] {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        tool_error(&ask(&world, &token, &call).await);
    }
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn tr_26_what_sets_up_lists_and_ends_is_not_blocked_by_accident() {
    let (world, mut requests) = world(vec![Rule::tools(["nothing"]).roles(["Nobody"])]).await;
    let token = token(&world, "carol");
    for name in [
        "initialize",
        "ping",
        "server/discover",
        "logging/setLevel",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "subscriptions/listen",
        "tasks/get",
        "tasks/cancel",
    ] {
        assert_eq!(ask(&world, &token, &method(name, json!({}))).await.status, 200);
        assert_eq!(requests.seen().len(), 1, "{name}");
    }
    for message in [
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1, "message": "x" } }),
    ] {
        ask(&world, &token, &message).await;
        assert_eq!(requests.seen().len(), 1, "{message}");
    }
    for request in [world.http.get(world.url("/mcp")), world.http.delete(world.url("/mcp"))] {
        assert_eq!(request.bearer_auth(&token).send().await.unwrap().status(), 200);
        assert_eq!(requests.seen().len(), 1);
    }
}

#[tokio::test]
async fn without_rules_everybody_signed_in_may_call_everything() {
    let (world, mut requests) = world(Vec::new()).await;
    for message in [
        tool("admin_reset"),
        method("x/new", json!({})),
        method("resources/read", json!({ "uri": "file:///../x" })),
    ] {
        assert_eq!(ask(&world, &token(&world, "carol"), &message).await.status, 200);
        assert_eq!(requests.seen().len(), 1, "{message}");
    }
}

#[tokio::test]
async fn prompts_resources_and_methods_have_rules_of_their_own() {
    let rules = vec![
        Rule::prompts(["secret_*"]).and_resources(["file:///secret/*"]).roles(["Admin", "Auditor"]),
        Rule::prompts(["*"]).and_resources(["file:///*"]).and_methods(["completion/complete"]),
        Rule::methods(["logging/setLevel"]).roles(["Admin"]),
    ];
    let (world, mut requests) = world(rules).await;
    let (alice, bob) = (token(&world, "alice"), token(&world, "bob"));
    for (message, for_bob) in [
        (method("prompts/get", json!({ "name": "secret_plan" })), false),
        (method("prompts/get", json!({ "name": "greeting" })), true),
        (method("resources/read", json!({ "uri": "file:///secret/x" })), false),
        (method("resources/subscribe", json!({ "uri": "file:///secret/x" })), false),
        (method("resources/unsubscribe", json!({ "uri": "file:///secret/x" })), false),
        (method("resources/read", json!({ "uri": "file:///public/x" })), true),
        (method("completion/complete", json!({})), true),
        (method("logging/setLevel", json!({ "level": "debug" })), false),
    ] {
        assert_eq!(ask(&world, &alice, &message).await.status, 200);
        assert_eq!(requests.seen().len(), 1, "alice: {message}");
        let reply = ask(&world, &bob, &message).await;
        assert_eq!(requests.seen().len(), usize::from(for_bob), "bob: {message}");
        if !for_bob {
            assert!(rpc_error(&reply).contains("`Admin`"), "{reply:?}");
        }
    }
    // A prompt's name is not a tool's.
    let reply = ask(&world, &alice, &tool("greeting")).await;
    assert!(tool_error(&reply).contains("no rule"));
}

#[tokio::test]
async fn a_resource_outside_a_pattern_cannot_be_reached_through_dot_segments() {
    let rules = vec![Rule::resources(["file:///secret/*"]).roles(["Nobody"]), Rule::resources(["file:///*"])];
    let (world, mut requests) = world(rules).await;
    let token = token(&world, "alice");
    for uri in [
        "file:///public/../secret/x",
        "file:///./secret/x",
        "file:///public/%2e%2e/secret/x",
        "file:///public/.%2E/secret/x",
        "file:///public%2f..%2fsecret/x",
        "file:///public\\..\\secret/x",
        "file:///public/%2e%2e%5csecret/x",
        "file:///public/..",
    ] {
        rpc_error(&ask(&world, &token, &method("resources/read", json!({ "uri": uri }))).await);
        assert!(requests.seen().is_empty(), "{uri}");
    }
    for uri in ["file:///public/a..b", "file:///.hidden", "file:///x/...", "file:///a.b/c"] {
        ask(&world, &token, &method("resources/read", json!({ "uri": uri }))).await;
        assert_eq!(requests.seen().len(), 1, "{uri}");
    }
}

#[tokio::test]
async fn a_refused_notification_is_accepted_and_goes_nowhere() {
    let (world, mut requests) = world(admin_guard()).await;
    let call = json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "admin_reset" } });
    let reply = ask(&world, &token(&world, "bob"), &call).await;
    assert_eq!((reply.status, reply.text.as_str()), (202, ""));
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn tr_16_one_forbidden_call_refuses_the_whole_batch_and_every_id_is_answered() {
    let (world, mut requests) = world(admin_guard()).await;
    let bob = token(&world, "bob");
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami" } },
        { "jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": { "name": "admin_reset" } },
        { "jsonrpc": "2.0", "method": "notifications/progress" },
        { "jsonrpc": "2.0", "id": 3, "method": "ping" },
        { "jsonrpc": "2.0", "id": 4, "result": {} },
    ]);
    let reply = ask(&world, &bob, &batch).await;
    assert_eq!(reply.status, 200);
    assert!(requests.seen().is_empty(), "nothing of it goes on");
    let answers: Vec<Value> = serde_json::from_str(&reply.text).unwrap();
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!("two"), &json!(3)]);
    assert!(
        answers.iter().all(|answer| answer["result"]["isError"] == true || answer["error"]["code"].is_i64())
    );
    assert!(answers[1]["result"]["content"][0]["text"].as_str().unwrap().contains("`Admin`"));
    assert!(answers[0]["result"]["content"][0]["text"].as_str().unwrap().contains("Not executed"));

    let notifications =
        json!([{ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "admin_reset" } }]);
    assert_eq!(ask(&world, &bob, &notifications).await.status, 202);
    assert!(requests.seen().is_empty());
    // The same batch from somebody who may: once, and whole.
    assert_eq!(ask(&world, &token(&world, "alice"), &batch).await.status, 200);
    assert_eq!(requests.only().body, serde_json::to_vec(&batch).unwrap());
}

#[tokio::test]
async fn rs_05_a_missing_scope_is_403_with_every_scope_and_the_metadata() {
    let rules = vec![Rule::tools(["write_*"]).scopes(["admin", "audit"]), Rule::tools(["*"])];
    let (world, mut requests) = world(rules).await;
    let qualified = |names: &[&str]| {
        let all: Vec<String> = names.iter().map(|name| format!("api://{}/{name}", fixtures::API)).collect();
        all.join(" ")
    };
    for (scp, message, wanted) in [
        // RS-06: all at once. K50: what was granted before stays, or the next token would lack it.
        ("access", tool("write_x"), qualified(&["access", "admin", "audit"])),
        ("access admin", tool("write_x"), qualified(&["access", "admin", "audit"])),
        ("access other", tool("write_x"), qualified(&["access", "other", "admin", "audit"])),
        ("other", tool("read_x"), qualified(&["access", "other"])),
        ("access", json!([tool("read_x"), tool("write_x")]), qualified(&["access", "admin", "audit"])),
    ] {
        let reply = ask(&world, &with_scope(&world, scp), &message).await;
        assert_eq!(reply.status, 403, "{scp}: {reply:?}");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.contains(&format!(r#"scope="{wanted}""#)), "{challenge} without {wanted}");
        let metadata = world.url("/.well-known/oauth-protected-resource/mcp");
        assert!(challenge.contains(&format!(r#"resource_metadata="{metadata}""#)), "{challenge}");
        assert_eq!(reply.json()["error"], "insufficient_scope");
        assert!(requests.seen().is_empty());
    }
    // Neither does a GET get by without the scope that everybody needs.
    let get = world.http.get(world.url("/mcp")).bearer_auth(with_scope(&world, "other"));
    assert_eq!(get.send().await.unwrap().status(), 403);
    assert!(requests.seen().is_empty());
    for (scp, message) in [("access admin audit", tool("write_x")), ("access", tool("read_x"))] {
        assert_eq!(ask(&world, &with_scope(&world, scp), &message).await.status, 200);
        assert_eq!(requests.seen().len(), 1);
    }
}

#[tokio::test]
async fn k51_a_step_up_that_brought_nothing_ends_in_a_tool_error_not_in_a_loop() {
    let rules = vec![Rule::tools(["write_*"]).scopes(["admin"]), Rule::tools(["*"])];
    let (world, mut requests) = world(rules).await;
    let person = |scp: &str| of_person(&world, "00000000-cccc-4000-8000-000000000001", scp);
    let first = person("access");
    // The same token again is a client that has not signed in yet: it is still told how to.
    for _ in 0..3 {
        assert_eq!(ask(&world, &first, &tool("write_x")).await.status, 403);
    }
    let second = person("access");
    let text = tool_error(&ask(&world, &second, &tool("write_x")).await);
    assert!(text.contains("`admin`") && text.contains("administrator"), "{text}");
    assert_eq!(ask(&world, &second, &tool("read_x")).await.status, 200, "the connection stays usable");
    assert_eq!(requests.seen().len(), 1);
    // Somebody else is a different story, and so is the same person after a while.
    assert_eq!(ask(&world, &with_scope(&world, "access"), &tool("write_x")).await.status, 403);
    world.control().advance(std::time::Duration::from_secs(11 * 60));
    assert_eq!(ask(&world, &person("access"), &tool("write_x")).await.status, 403);
    assert_eq!(ask(&world, &person("access admin"), &tool("write_x")).await.status, 200);
}

#[tokio::test]
async fn k51_a_step_up_that_brought_nothing_ends_for_a_request_without_a_message_too() {
    let (mcp, mut requests) = recording();
    let api = ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access", "admin"]).unwrap();
    let world = World::builder().mcp(mcp).api(api).start().await;
    let person = || of_person(&world, "00000000-cccc-4000-8000-000000000005", "access");
    let get = async |token: &str| Reply::of(world.http.get(world.url("/mcp")).bearer_auth(token)).await;
    let first = person();
    for _ in 0..2 {
        let reply = get(&first).await;
        assert!(
            reply.status == 403 && reply.header("www-authenticate").contains("insufficient_scope"),
            "{reply:?}"
        );
    }
    let mut log = log::capture();
    for _ in 0..3 {
        let reply = get(&person()).await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (403, ""), "{reply:?}");
        let text = reply.json()["error_description"].as_str().unwrap().to_owned();
        assert!(text.contains("every request needs the permission `admin`"), "{text}");
    }
    assert!(log.lines().iter().all(|line| !line.contains("wanted")));
    let end = world.http.delete(world.url("/mcp")).bearer_auth(person());
    assert_eq!(Reply::of(end).await.header("www-authenticate"), "");
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn k51_a_token_from_before_the_challenge_is_sent_to_sign_in_too() {
    let rules = vec![Rule::tools(["write_*"]).scopes(["admin"]), Rule::tools(["*"])];
    let (world, mut requests) = world(rules).await;
    let person = || of_person(&world, "00000000-cccc-4000-8000-000000000003", "access");
    // Two windows of one client, each with a token of its own.
    let (one, other) = (person(), person());
    world.control().advance(std::time::Duration::from_secs(5));
    assert_eq!(ask(&world, &one, &tool("write_x")).await.status, 403);
    assert_eq!(ask(&world, &other, &tool("write_x")).await.status, 403, "nobody has signed in again");
    let newer = person();
    for _ in 0..2 {
        assert!(tool_error(&ask(&world, &newer, &tool("write_x")).await).contains("did not bring it"));
    }
    assert_eq!(ask(&world, &other, &tool("write_x")).await.status, 403);
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn rs_07_a_wider_scope_is_enough_over_as_many_steps_as_it_takes() {
    let (mcp, mut requests) = recording();
    let configure = |builder: entragate::GateBuilder| {
        builder
            .rules([Rule::tools(["read_*"]).scopes(["read"]), Rule::tools(["*"]).scopes(["write"])])
            .scope_implies("admin", ["write"])
            .scope_implies("write", ["read", "access"])
            // Whoever goes round in circles arrives all the same.
            .scope_implies("read", ["write_nothing", "read"])
            .scope_implies("write_nothing", ["read"])
    };
    let world = World::builder().mcp(mcp).gate(configure).start().await;
    for (scp, name, status) in [
        ("admin", "read_x", 200),
        ("admin", "write_x", 200),
        ("write", "read_x", 200),
        ("access read", "read_x", 200),
        ("access read", "write_x", 403),
        ("read", "read_x", 403),
        ("access", "read_x", 403),
    ] {
        let reply = ask(&world, &with_scope(&world, scp), &tool(name)).await;
        assert_eq!(reply.status, status, "{scp} {name}");
        assert_eq!(requests.seen().len(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn a_missing_role_is_told_before_a_missing_scope_because_signing_in_cannot_repair_it() {
    let rules = vec![Rule::tools(["*"]).roles(["Auditor"]).scopes(["admin"])];
    let (world, mut requests) = world(rules).await;
    let text = tool_error(&ask(&world, &token(&world, "alice"), &tool("x")).await);
    assert!(text.contains("`Auditor`"), "{text}");
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn rs_24_a_program_is_judged_by_its_roles_and_never_sent_to_sign_in() {
    let rules = vec![
        Rule::tools(["scoped_*"]).scopes(["admin"]),
        Rule::tools(["batch_*"]).roles(["Tools.All"]),
        Rule::tools(["admin_*"]).roles(["Admin"]),
        Rule::tools(["*"]),
    ];
    let (world, mut requests) = world(rules).await;
    let program = program(&world);
    for allowed in ["batch_run", "whoami"] {
        assert_eq!(ask(&world, &program, &tool(allowed)).await.status, 200);
        assert_eq!(requests.seen().len(), 1);
    }
    assert!(tool_error(&ask(&world, &program, &tool("admin_reset")).await).contains("`Admin`"));
    let text = tool_error(&ask(&world, &program, &tool("scoped_x")).await);
    assert!(text.contains("signed-in user"), "{text}");
    assert!(tool_error(&ask(&world, &token(&world, "bob"), &tool("batch_run")).await).contains("Tools.All"));
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn tr_21_what_a_client_says_about_itself_decides_nothing() {
    let (world, mut requests) = world(admin_guard()).await;
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "roles": ["Admin"],
        "params": { "name": "admin_reset", "arguments": { "roles": ["Admin"] }, "roles": ["Admin"],
            "_meta": { "clientInfo": { "name": "admin" }, "roles": ["Admin"], "io.modelcontextprotocol/clientInfo": {} } },
    });
    tool_error(&ask(&world, &token(&world, "bob"), &call).await);
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn a_refusal_is_logged_with_what_is_missing() {
    let rules = vec![
        Rule::tools(["by_role"]).roles(["Nobody"]),
        Rule::tools(["by_group"]).groups(["9a000000-0000-4000-8000-000000000003"]),
        Rule::tools(["by_user", "by_scope"]).scopes(["write"]),
    ];
    let (world, mut requests) = world(rules).await;
    let (alice, program) = (token(&world, "alice"), program(&world));
    let overage = json!({ "hasgroups": true }).as_object().cloned().unwrap();
    let overage = world.control().mint(&MintRequest { claims: overage, ..MintRequest::default() });
    let mut log = log::capture();
    for (who, name, missing) in [
        (&alice, "by_role", "role"),
        (&alice, "by_group", "group"),
        (&overage, "by_group", "group"),
        (&program, "by_user", "user"),
        (&alice, "by_scope", "scope"),
        (&alice, "unnamed", "rule"),
    ] {
        ask(&world, who, &tool(name)).await;
        let lines = log.lines();
        let denied: Vec<&String> = lines.iter().filter(|line| line.contains("leg=denied")).collect();
        assert!(
            denied.len() == 1 && denied[0].contains(&format!(" missing={missing} ")),
            "{name}: {lines:?}"
        );
    }
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn names_of_the_callers_making_read_in_the_log_and_the_answer_as_they_are() {
    let (world, _requests) = world(admin_guard()).await;
    let bob = token(&world, "bob");
    let mut log = log::capture();
    let marks = "\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{61c}\u{2028}\u{ad}\u{e0041}";
    for name in [format!("admin_{marks}reset"), format!("who{marks}ami")] {
        let text = ask(&world, &bob, &tool(&name)).await.text;
        let lines = log.lines().join("|");
        assert!(lines.contains("admin_reset") || lines.contains("whoami"), "{lines}");
        assert!(!lines.contains(|c| marks.contains(c)), "{lines:?}");
        assert!(!text.contains(|c| marks.contains(c)), "{text:?}");
    }
}
