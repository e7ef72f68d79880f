//! Conditions on arguments, on the wire: judged byte for byte as forwarded, and what is not clearly allowed is refused.

use entragate::{Condition, Gate, GateError, Rule};
use entragate_emulator::MintRequest;
use serde_json::{Value, json};

use crate::layer_server::{Requests, answering, recording, typed};
use crate::world::{McpServer, Reply, World};

fn when(expression: &str) -> Condition {
    Condition::parse(expression).unwrap()
}

fn rules() -> Vec<Rule> {
    vec![
        Rule::tools(["transfer"]).when(when("args.amount < 1000 || 'Admin' in caller.roles")),
        Rule::tools(["write"]).when(when("args.path.startsWith('/public/')")).scopes(["admin"]),
        Rule::tools(["hidden"]).when(when("args.x == 1 && 'Admin' in caller.roles")),
        Rule::tools(["programs"]).when(when("caller.kind == 'app'")),
        Rule::prompts(["p"]).when(when("args.language in ['de', 'fr']")),
        Rule::tools(["*"]),
    ]
}

async fn world(mcp: McpServer) -> World {
    World::builder().mcp(mcp).gate(|builder| builder.rules(rules())).start().await
}

fn token(world: &World, user: &str) -> String {
    world.control().mint(&MintRequest { user: Some(user.into()), ..MintRequest::default() })
}

async fn send(world: &World, token: &str, body: String) -> Reply {
    let request = world.http.post(world.url("/mcp")).bearer_auth(token);
    let request = request.header("content-type", "application/json").body(body);
    Reply::read(request.send().await.unwrap()).await
}

fn call(tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

#[track_caller]
fn refusal(reply: &Reply) -> String {
    assert_eq!(
        (reply.status, reply.header("www-authenticate")),
        (200, ""),
        "no sign-in would help: {reply:?}"
    );
    let answer: Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_goes_on_byte_for_byte_when_its_arguments_are_as_the_rule_says_and_not_otherwise() {
    let (mcp, mut requests): (_, Requests) = recording();
    let world = world(mcp).await;
    let (alice, bob) = (token(&world, "alice"), token(&world, "bob"));
    for (who, body) in [
        (&bob, call("transfer", r#"{ "amount" : 999 , "to":"x" }"#)),
        (&bob, call("transfer", r#"{"amount":9.99e2,"note":{"a":1,"a":2}}"#)),
        (&bob, call("transfer", r#"{"amount":0.30000000000000004,"note":[0.10000000000000001]}"#)),
        (&alice, call("transfer", r#"{"amount":5000}"#)),
        (&bob, call("else", r#"{"amount":1,"amount":2}"#)),
        (&bob, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","param\u0073":{"name":"transfer","\u0061rguments":{"amount":1}}}"#.to_owned()),
        (&bob, r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p","arguments":{"language":"de"}}}"#.to_owned()),
    ] {
        let reply = send(&world, who, body.clone()).await;
        assert_eq!(requests.only().body, body.as_bytes(), "{reply:?}");
    }
    let condition = "only when this is true: args.amount < 1000 || 'Admin' in caller.roles";
    for (arguments, why) in [
        (r#"{"amount":1000}"#, condition),
        ("{}", "Here: there is no `amount`."),
        ("null", "Here: there is no `amount`."),
        (r#"{"amount":"1"}"#, "Here: found no matching overload"),
        (r#"{"amount":1,"amount":5000}"#, "Here: `amount` is there twice"),
        (r#"{"amount":1,"Amount":5000}"#, "Here: `Amount` must be written `amount`"),
        ("[1]", "an object of arguments"),
        (r#"{"amount":12345678901234567890}"#, "same to every parser"),
        (r#"{"amount":999.99999999999999999}"#, "more digits than every parser keeps"),
        (r#"{"amount":1.00000000000000001e2}"#, "more digits than every parser keeps"),
    ] {
        let reply = send(&world, &bob, call("transfer", arguments)).await;
        let text = refusal(&reply);
        assert!(text.contains("tool `transfer`") && text.contains(why), "{arguments}: {text}");
        assert!(requests.seen().is_empty(), "{arguments}");
    }
    // An administrator's arguments have to be readable as well.
    refusal(&send(&world, &alice, call("transfer", r#"{"amount":1,"amount":5000}"#)).await);
    // Another spelling of the member itself is no message.
    let spelt = call("transfer", "{}").replace("arguments", "Arguments");
    assert_eq!(send(&world, &bob, spelt).await.status, 400);
    let prompt = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p"}}"#;
    let reply = send(&world, &bob, prompt.to_owned()).await;
    assert_eq!((reply.status, reply.json()["error"]["code"].as_i64()), (200, Some(-31_403)));
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn a_text_that_could_end_earlier_is_refused_where_it_is_looked_at() {
    let (mcp, mut requests) = recording();
    let rules = [Rule::tools(["open"]).when(when("args.file.endsWith('.txt')"))];
    let world = World::builder().mcp(mcp).gate(|builder| builder.rules(rules)).start().await;
    let bob = token(&world, "bob");
    for arguments in [
        r#"{"file":"/etc/passwd\u0000.txt"}"#,
        r#"{"file":"a.txt\u0000"}"#,
        r#"{"file":"a.txt","file\u0000x":"/etc/passwd"}"#,
        r#"{"file\u0000x":"/etc/passwd","file":"a.txt"}"#,
    ] {
        let text = refusal(&send(&world, &bob, call("open", arguments)).await);
        assert!(text.contains("U+0000"), "{arguments}: {text}");
        assert!(requests.seen().is_empty(), "{arguments}");
    }
    // What is not looked at is the MCP server's affair.
    send(&world, &bob, call("open", r#"{"file":"a.txt","data":"\u0000"}"#)).await;
    assert_eq!(requests.seen().len(), 1);
}

#[tokio::test]
async fn nobody_is_sent_to_sign_in_for_a_call_whose_arguments_would_be_refused() {
    let (mcp, _requests) = recording();
    let world = world(mcp).await;
    let bob = token(&world, "bob");
    refusal(&send(&world, &bob, call("write", r#"{"path":"/etc/passwd"}"#)).await);
    let reply = send(&world, &bob, call("write", r#"{"path":"/public/x"}"#)).await;
    assert_eq!(reply.status, 403, "{reply:?}");
    assert!(reply.header("www-authenticate").contains("insufficient_scope"));
}

#[tokio::test]
async fn very_many_names_of_arguments_are_not_looked_at_and_large_values_that_nobody_reads_pass() {
    let (mcp, mut requests): (_, Requests) = recording();
    let world = world(mcp).await;
    let bob = token(&world, "bob");
    let named = |many: usize| {
        let names: Vec<String> = (0..many).map(|n| format!(r#""m{n}":0"#)).collect();
        call("transfer", &format!(r#"{{"amount":1,{}}}"#, names.join(",")))
    };
    let large = json!({ "amount": 1, "text": "x".repeat(1_000_000), "list": vec![1.5; 100_000] }).to_string();
    for body in [named(990), call("transfer", &large)] {
        let reply = send(&world, &bob, body).await;
        assert_eq!((reply.status, requests.seen().len()), (200, 1), "{reply:?}");
    }
    for many in [1_000, 500_000] {
        let text = refusal(&send(&world, &bob, named(many)).await);
        assert!(text.contains("more than 1000 values and names"), "{text}");
        assert!(requests.seen().is_empty());
    }
}

#[tokio::test]
async fn a_batch_is_judged_call_by_call_and_no_longer_one_than_is_looked_at() {
    let (mcp, mut requests) = recording();
    let world = world(mcp).await;
    let bob = token(&world, "bob");
    let batch = |calls: Vec<String>| format!("[{}]", calls.join(","));
    let small = || call("transfer", r#"{"amount":1}"#);
    for (calls, passes) in [
        (vec![call("else", "{}"), small(), small()], true),
        (vec![small(), call("transfer", r#"{"amount":1000}"#)], false),
        (std::iter::repeat_with(small).take(100).collect(), true),
        (std::iter::repeat_with(small).take(101).collect(), false),
    ] {
        let reply = send(&world, &bob, batch(calls)).await;
        assert_eq!(requests.seen().len(), usize::from(passes), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_tool_is_listed_when_some_arguments_would_be_allowed() {
    let names = ["transfer", "write", "hidden", "programs", "other"];
    let tools: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    let list = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": tools } }).to_string();
    let (mcp, _requests) = answering(move |_| typed("application/json", &list));
    let world = world(mcp).await;
    for (user, expected) in
        [("alice", vec!["transfer", "write", "hidden", "other"]), ("bob", vec!["transfer", "write", "other"])]
    {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned();
        let reply = send(&world, &token(&world, user), body).await;
        let listed = reply.json()["result"]["tools"].clone();
        let listed: Vec<&str> =
            listed.as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str()).collect();
        assert_eq!(listed, expected, "{user}");
    }
}

#[test]
fn a_condition_on_arguments_of_calls_that_have_none_does_not_build() {
    let built = |rule: Rule| {
        let base = entragate::BaseUrl::parse("http://localhost:3002").unwrap();
        Gate::development(base).rules([Rule::tools(["a"]), rule]).build().map(drop)
    };
    for rule in [
        Rule::resources(["file:*"]).when(when("args.x == 1")),
        Rule::tools(["x"]).and_methods(["completion/complete"]).when(when("args.x == 1")),
    ] {
        assert!(matches!(built(rule), Err(GateError::ConditionWithoutArguments(2, _))));
    }
    for rule in [
        Rule::resources(["file:*"]).when(when("caller.kind == 'user'")),
        Rule::methods(["tools/call", "*"]).when(when("args.x == 1")),
    ] {
        assert!(built(rule).is_ok());
    }
}
