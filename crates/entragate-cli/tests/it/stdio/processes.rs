//! Whose process it is, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::{Gateway, PATIENCE, Process, call};

#[tokio::test]
async fn each_session_has_a_process_of_its_own_and_ends_with_delete() {
    let gateway = Gateway::start(&[]).await;
    let (one, other) = (gateway.open("").await, gateway.open("").await);
    assert_eq!(one.call("count", &json!({})).await, "1");
    assert_eq!(one.call("count", &json!({})).await, "2");
    assert_eq!(other.call("count", &json!({})).await, "1");
    let (first, second) = (one.process().await, other.process().await);
    assert_ne!(first, second);
    assert_eq!(one.delete().await.status(), 204);
    assert_eq!(one.post(&call(1, "count", &json!({}))).await.status(), 404);
    first.ended().await;
    assert!(second.runs());
}

#[tokio::test]
async fn two_users_never_share_a_process_or_a_session() {
    let gateway = Gateway::signed_in(&[]).await;
    let (alice, bob) = (gateway.token("alice", "MCP", &[]), gateway.token("bob", "MCP", &[]));
    let (hers, his) = (gateway.open(&alice).await, gateway.open(&bob).await);
    assert_ne!(hers.process().await, his.process().await);
    for method in ["POST", "GET", "DELETE"] {
        let request = gateway.request(method, &bob).header("mcp-session-id", &hers.id);
        let request = if method == "POST" { request.json(&call(1, "count", &json!({}))) } else { request };
        assert_eq!(request.send().await.unwrap().status(), 404, "{method}");
    }
    assert_eq!(hers.call("count", &json!({})).await, "1");
}

#[tokio::test]
async fn session_whose_caller_has_other_roles_or_another_client_is_over() {
    let gateway = Gateway::signed_in(&[]).await;
    for changed in [gateway.token("alice", "MCP", &[]), gateway.token("alice", "CLI", &["Admin"])] {
        let session = gateway.open(&gateway.token("alice", "MCP", &["Admin"])).await;
        let process = session.process().await;
        let request = gateway.request("POST", &changed).header("mcp-session-id", &session.id);
        let answer = request.json(&call(1, "count", &json!({}))).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        process.ended().await;
    }
}

#[tokio::test]
async fn crash_is_an_error_with_the_exit_status_and_ends_the_session() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let answer = session.post(&call(8, "exit", &json!({ "count": 7 }))).await;
    assert_eq!(answer.status(), 502);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(8), &json!(-31502)));
    let text = "the MCP server ended (exit status: 7), and the session with it";
    assert_eq!(answer["error"]["message"], text);
    assert_eq!(session.post(&call(9, "count", &json!({}))).await.status(), 404);
    assert_eq!(gateway.open("").await.call("count", &json!({})).await, "1");
}

#[tokio::test]
async fn calls_in_flight_and_open_streams_learn_of_a_crash() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let mut listening = session.listen().await;
    let mut asking = session.stream(1, "ask", &json!({})).await;
    // With a stream open it goes where it is sure to be read.
    assert_eq!(asking.next().await.unwrap()["id"], "q1");
    assert_eq!(session.post(&call(2, "exit", &json!({ "count": 3 }))).await.status(), 502);
    let last = asking.next().await.unwrap();
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!(1), &json!(-31502)));
    assert_eq!((asking.next().await, listening.next().await), (None, None));
}

#[tokio::test]
async fn server_that_ends_at_once_is_an_error_and_later_left_alone_for_a_while() {
    let gateway =
        Gateway::start(&[("ENTRAGATE_UPSTREAM", "stdio: sh -c 'echo no such module >&2; exit 9'")]).await;
    for _ in 0..3 {
        let answer = gateway.initialize("").await;
        assert_eq!(answer.status(), 502);
        assert!(answer.text().await.unwrap().contains("exit status: 9"));
    }
    let answer = gateway.initialize("").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    let ready = gateway.http.get(format!("http://{}/readyz", gateway.admin)).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("ends as soon as it is started"));
}

#[tokio::test]
async fn whoever_crashes_sessions_keeps_nobody_else_out() {
    let gateway = Gateway::signed_in(&[]).await;
    let (alice, bob) = (gateway.token("alice", "MCP", &[]), gateway.token("bob", "MCP", &[]));
    // A session that worked is nobody's reason to wait, however soon it ends.
    for _ in 0..4 {
        let session = gateway.open(&alice).await;
        assert_eq!(session.post(&call(1, "exit", &json!({ "count": 7 }))).await.status(), 502);
    }
    assert_eq!(gateway.open(&bob).await.call("count", &json!({})).await, "1");
    // Nor is what one caller alone does to a server before it answers.
    let fragile = r#"stdio: sh -c 'read line; case "$line" in *poison*) exit 9;; esac; echo "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}"; cat'"#;
    let gateway = Gateway::signed_in(&[("ENTRAGATE_UPSTREAM", fragile)]).await;
    let (alice, bob) = (gateway.token("alice", "MCP", &[]), gateway.token("bob", "MCP", &[]));
    let poison = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": { "poison": true } });
    for expected in [502, 502, 502, 503] {
        assert_eq!(gateway.request("POST", &alice).json(&poison).send().await.unwrap().status(), expected);
    }
    let ready = gateway.http.get(format!("http://{}/readyz", gateway.admin)).send().await.unwrap();
    assert_eq!(ready.status(), 200, "{}", ready.text().await.unwrap());
    assert_eq!(gateway.initialize(&bob).await.status(), 200);
}

#[tokio::test]
async fn refused_initialize_is_passed_on_and_opens_no_session() {
    let server = r#"stdio: sh -c 'read line; echo "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32602,\"message\":\"no\"}}"; cat'"#;
    let gateway = Gateway::start(&[("ENTRAGATE_UPSTREAM", server)]).await;
    let answer = gateway.initialize("").await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("mcp-session-id")), (200, None));
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], -32602);
}

/// A server that answers `initialize` with its process id and minds neither the end of its input nor SIGTERM.
pub(super) const STUBBORN: &str = r#"stdio: sh -c 'trap "" TERM; read line; echo "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"pid\":\"$$\"}}"; while :; do sleep 600; done'"#;

#[tokio::test]
async fn stopped_gateway_leaves_no_process_however_stubborn() {
    let gateway = Gateway::start(&[("ENTRAGATE_UPSTREAM", STUBBORN)]).await;
    let answer: Value = gateway.initialize("").await.json().await.unwrap();
    let stubborn = Process::of(answer["result"]["pid"].as_str().unwrap());
    assert!(stubborn.runs());
    gateway.stop().await;
    assert!(!stubborn.runs());
}

#[tokio::test]
async fn call_that_has_had_its_time_when_the_gateway_stops_is_an_error() {
    let gateway = Gateway::start(&[("ENTRAGATE_DRAIN_SECONDS", "1")]).await;
    let session = gateway.open("").await;
    let mut stream = session.stream(5, "ask", &json!({})).await;
    assert_eq!(stream.next().await.unwrap()["id"], "q1");
    let process = session.process().await;
    // Ten seconds would be the default.
    tokio::time::timeout(Duration::from_secs(8), gateway.stop()).await.expect("it stops");
    let last = stream.next().await.expect("the call has an end");
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!(5), &json!(-31502)), "{last}");
    assert_eq!(last["error"]["message"], "the gateway stopped, and the session with it");
    assert_eq!(stream.next().await, None);
    assert!(!process.runs());
}

#[tokio::test]
async fn what_a_server_has_started_ends_with_its_session() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let grandchild = Process::of(&session.call("spawn", &json!({})).await);
    assert!(grandchild.runs());
    assert_eq!(session.delete().await.status(), 204);
    grandchild.ended().await;
    // Also with a server that ends by itself.
    let session = gateway.open("").await;
    let grandchild = Process::of(&session.call("spawn", &json!({})).await);
    assert_eq!(session.post(&call(1, "exit", &json!({ "count": 0 }))).await.status(), 502);
    grandchild.ended().await;
}

#[tokio::test]
async fn client_that_leaves_before_the_server_has_started_leaves_no_process() {
    let directory = crate::config_fixture::directory("stdio_client_leaves");
    let file = directory.join("pid");
    drop(std::fs::remove_file(&file));
    let server = format!("stdio: sh -c 'echo $$ > {}; sleep 600'", file.display());
    let gateway = Gateway::start(&[("ENTRAGATE_UPSTREAM", server.as_str())]).await;
    let started = async {
        loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if text.ends_with('\n') {
                return Process::of(text.trim());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let process = tokio::select! {
        _ = gateway.initialize("") => panic!("there is no answer"),
        process = tokio::time::timeout(PATIENCE, started) => process.unwrap(),
    };
    process.ended().await;
}
