//! What one message may ask of the gate: a caller who sends much keeps nobody else waiting.

use std::fmt::Write as _;

use entragate::{DecidedBy, Decision, Rule};
use entragate_emulator::MintRequest;
use serde_json::{Value, json};

use crate::layer_server::{Requests, recording};
use crate::world::{Reply, World, log};

async fn guarded() -> (World, Requests) {
    let (mcp, requests) = recording();
    let rules = [
        Rule::tools(["admin_*"]).and_resources(["file:///secret/*", "db://prod/*"]).roles(["Admin"]),
        Rule::tools(["*"]).and_resources(["*"]).and_prompts(["*"]).and_methods(["completion/complete"]),
    ];
    (World::builder().mcp(mcp).gate(|builder| builder.rules(rules)).start().await, requests)
}

async fn open() -> (World, Requests) {
    let (mcp, requests) = recording();
    (World::builder().mcp(mcp).start().await, requests)
}

fn bob(world: &World) -> String {
    world.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() })
}

async fn send(world: &World, body: String) -> Reply {
    let request = world.http.post(world.url("/mcp")).bearer_auth(bob(world));
    Reply::of(request.header("content-type", "application/json").body(body)).await
}

fn call(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

fn batch(calls: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", calls.into_iter().collect::<Vec<_>>().join(","))
}

/// A URI of so many bytes.
fn long(bytes: usize) -> String {
    format!("file:///{}", "a".repeat(bytes - 8))
}

fn listen(uris: &[String]) -> String {
    call("subscriptions/listen", &json!({ "notifications": { "resourceSubscriptions": uris } }))
}

#[track_caller]
fn is_too_much(reply: &Reply, requests: &mut Requests, words: &str) {
    assert_eq!(reply.status, 400, "{reply:?}");
    let answer: Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(-32_600)), "{answer}");
    let text = answer["error"]["message"].as_str().unwrap();
    assert!(text.contains(words), "{text}");
    assert!(requests.seen().is_empty(), "{text}");
}

#[track_caller]
fn goes_on(reply: &Reply, requests: &mut Requests) {
    assert_eq!((reply.status, requests.seen().len()), (200, 1), "{:.300}", reply.text);
}

#[tokio::test]
async fn a_uri_that_is_too_long_to_be_judged_is_refused_and_the_limit_told() {
    let (world, mut requests) = guarded().await;
    for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
        let body = call(method, &json!({ "uri": long(8 * 1024) }));
        goes_on(&send(&world, body).await, &mut requests);
        for bytes in [8 * 1024 + 1, 15_000_000] {
            let body = call(method, &json!({ "uri": long(bytes) }));
            let reply = send(&world, body).await;
            let answer: Value = serde_json::from_str(&reply.text).unwrap();
            assert_eq!(
                (reply.status, &answer["error"]["code"]),
                (200, &json!(-31_403)),
                "{:.300}",
                reply.text
            );
            let text = answer["error"]["message"].as_str().unwrap();
            assert!(text.contains("8192 bytes") && text.len() < 500, "{text}");
            assert!(requests.seen().is_empty(), "{bytes}");
        }
    }
    for body in [
        listen(&[long(8 * 1024 + 1)]),
        call("completion/complete", &json!({ "ref": { "type": "ref/resource", "uri": long(8 * 1024 + 1) } })),
    ] {
        let reply = send(&world, body).await;
        assert!(reply.status == 200 && reply.text.contains("8192 bytes"), "{:.300}", reply.text);
        assert!(requests.seen().is_empty());
    }
    let body = call("resources/read", &json!({ "uri": long(8 * 1024 + 1) }));
    let told = world.gate.rehearse(&world.gate.resources()[0], &entragate::Caller::user(), body.as_bytes());
    assert_eq!(told.calls[0].decided_by, DecidedBy::LongUri);
    assert!(matches!(told.decision, Decision::Refused { missing: "uri", .. }), "{:?}", told.decision);
    // Without rules nothing is judged, and what comes goes on.
    let (world, mut requests) = open().await;
    goes_on(&send(&world, call("resources/read", &json!({ "uri": long(100_000) }))).await, &mut requests);
}

#[tokio::test]
async fn the_uris_of_one_message_are_limited_in_number_and_length() {
    let short = |many: usize| -> Vec<String> { (0..many).map(|n| format!("file:///{n}")).collect() };
    for (world, mut requests) in [guarded().await, open().await] {
        // Itself is one.
        goes_on(&send(&world, listen(&short(999))).await, &mut requests);
        for many in [1_000, 900_000] {
            let reply = send(&world, listen(&short(many))).await;
            is_too_much(&reply, &mut requests, "more than 1000 calls and subscriptions");
        }
        goes_on(&send(&world, listen(&vec![long(8 * 1024); 16])).await, &mut requests);
        let reply = send(&world, listen(&vec![long(8 * 1024); 17])).await;
        is_too_much(&reply, &mut requests, "more than 131072 bytes");
        // No batch makes more of it.
        let reply = send(&world, batch([listen(&short(500)), listen(&short(498))])).await;
        goes_on(&reply, &mut requests);
        let reply = send(&world, batch(vec![listen(&short(500)); 2])).await;
        is_too_much(&reply, &mut requests, "more than 1000 calls and subscriptions");
        let read = call("resources/read", &json!({ "uri": long(8 * 1024) }));
        goes_on(&send(&world, batch(vec![read.clone(); 16])).await, &mut requests);
        let reply = send(&world, batch(vec![read; 17])).await;
        is_too_much(&reply, &mut requests, "more than 131072 bytes");
        let reference = json!({ "ref": { "type": "ref/resource", "uri": long(8 * 1024) } });
        let reply = send(&world, batch(vec![call("completion/complete", &reference); 17])).await;
        is_too_much(&reply, &mut requests, "more than 131072 bytes");
    }
}

#[tokio::test]
async fn the_calls_of_one_batch_are_limited_and_so_is_what_the_log_says_of_them() {
    for (world, mut requests) in [guarded().await, open().await] {
        let mut log = log::capture();
        goes_on(&send(&world, batch(vec![call("ping", &json!({})); 1_000])).await, &mut requests);
        assert_eq!(log.lines().iter().filter(|line| line.contains("ping")).count(), 1_000);
        for many in [1_001, 250_000] {
            let reply = send(&world, batch(vec![call("ping", &json!({})); many])).await;
            is_too_much(&reply, &mut requests, "more than 1000 calls and subscriptions");
            let lines = log.lines();
            let refused: Vec<_> = lines.iter().filter(|line| line.contains("entragate::policy")).collect();
            assert!(refused.len() == 1 && refused[0].contains("more than 1000 calls"), "{refused:?}");
            assert!(lines.len() < 10, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn unknown_members_of_one_message_are_limited_and_values_are_not() {
    let members = |many: usize| {
        let mut members = String::new();
        for n in 0..many {
            write!(members, r#""m{n}":0,"#).unwrap();
        }
        members
    };
    let in_params = |many| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{{}"cursor":0}}}}"#, members(many))
    };
    let around = |many| format!(r#"{{{}"jsonrpc":"2.0","id":1,"method":"ping"}}"#, members(many));
    let in_reference = |many| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{{"ref":{{{}"name":"p"}}}}}}"#,
            members(many)
        )
    };
    let in_notifications = |many| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{{}"resourceSubscriptions":[]}}}}}}"#,
            members(many)
        )
    };
    for (world, mut requests) in [guarded().await, open().await] {
        for of in [&in_params as &dyn Fn(usize) -> String, &around, &in_reference, &in_notifications] {
            goes_on(&send(&world, of(9_999)).await, &mut requests);
            for many in [10_001, 500_000] {
                let reply = send(&world, of(many)).await;
                is_too_much(&reply, &mut requests, "more than 10000 members");
            }
        }
        // No batch makes more of it.
        goes_on(&send(&world, batch(vec![in_params(99); 100])).await, &mut requests);
        let reply = send(&world, batch(vec![in_params(99); 101])).await;
        is_too_much(&reply, &mut requests, "more than 10000 members");
        let named = |bytes: usize| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","{}":0}}"#, "é".repeat(bytes / 2))
        };
        goes_on(&send(&world, named(130_000)).await, &mut requests);
        is_too_much(&send(&world, named(140_000)).await, &mut requests, "more than 131072 bytes");
        // What is not looked into may be as large as the body may be: arguments, results, `_meta`.
        for body in [
            call("tools/call", &json!({ "name": "x", "arguments": { "list": vec![0; 1_000_000] } })),
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","arguments":{{{}"last":0}}}}}}"#,
                members(500_000)
            ),
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{{}"last":0}}}}}}"#,
                members(500_000)
            ),
            call("tools/call", &json!({ "name": "x".repeat(100_000) })),
        ] {
            goes_on(&send(&world, body).await, &mut requests);
        }
    }
}

#[tokio::test]
async fn the_ways_to_read_the_uris_of_one_message_are_limited() {
    let hosts = |many: usize| (0..many).map(|n| format!("h{n}:27017")).collect::<Vec<_>>().join(",");
    let list = |many: usize, path: usize| format!("mongodb://{}/{}%20x", hosts(many), "x".repeat(path));
    let read = |uri: &str| call("resources/read", &json!({ "uri": uri }));
    let complete =
        |uri: &str| call("completion/complete", &json!({ "ref": { "type": "ref/resource", "uri": uri } }));
    for (world, mut requests) in [guarded().await, open().await] {
        goes_on(&send(&world, read(&list(30, 100))).await, &mut requests);
        goes_on(&send(&world, listen(&vec![list(3, 80); 400])).await, &mut requests);
        let ported = "https://user@example.com:8443/tickets/what%3F%23v2?of=x".to_owned();
        goes_on(&send(&world, listen(&vec![ported; 999])).await, &mut requests);
        for of in [&read as &dyn Fn(&str) -> String, &complete, &|uri| listen(&[uri.to_owned()])] {
            goes_on(&send(&world, batch(vec![of(&list(20, 1_000)); 5])).await, &mut requests);
            let reply = send(&world, batch(vec![of(&list(20, 1_000)); 20])).await;
            is_too_much(&reply, &mut requests, "read in very many ways");
        }
    }
    // One alone, where there is a guard to compare it with.
    let (world, mut requests) = guarded().await;
    for body in [read(&list(30, 7_000)), listen(&[list(30, 7_000)])] {
        let reply = send(&world, body).await;
        assert!(reply.status == 200 && reply.text.contains("with few hosts"), "{:.300}", reply.text);
        assert!(requests.seen().is_empty());
    }
}
