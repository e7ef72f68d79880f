//! Each limit refuses.

use serde_json::{Value, json};

use super::fixture::{Gateway, call};

#[tokio::test]
async fn all_processes_in_use_is_503_with_retry_after() {
    let limits = [("ENTRAGATE_UPSTREAM_MAX_PROCESSES", "2")];
    let gateway = Gateway::signed_in(&limits).await;
    let tokens = ["alice", "bob", "frank"].map(|user| gateway.token(user, "MCP", &[]));
    let (first, _second) = (gateway.open(&tokens[0]).await, gateway.open(&tokens[1]).await);
    let answer = gateway.initialize(&tokens[2]).await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()),
        (503, b"5".as_slice())
    );
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(0), &json!(-31503)));
    let process = first.process().await;
    first.delete().await;
    process.ended().await;
    // Given back a moment after it has ended.
    while gateway.initialize(&tokens[2]).await.status() != 200 {}
}

#[tokio::test]
async fn further_session_of_a_user_ends_the_longest_unused_one_and_no_other_users() {
    let gateway = Gateway::signed_in(&[("ENTRAGATE_UPSTREAM_MAX_PROCESSES_PER_USER", "2")]).await;
    let (alice, bob) = (gateway.token("alice", "MCP", &[]), gateway.token("bob", "MCP", &[]));
    let his = gateway.open(&bob).await;
    let (first, second) = (gateway.open(&alice).await, gateway.open(&alice).await);
    assert_eq!(first.call("count", &json!({})).await, "1");
    let third = gateway.open(&alice).await;
    assert_eq!(second.post(&call(1, "count", &json!({}))).await.status(), 404);
    for session in [&first, &third, &his] {
        assert_eq!(session.post(&call(1, "count", &json!({}))).await.status(), 200);
    }
}

#[tokio::test]
async fn user_whose_sessions_are_all_in_use_gets_no_further_one() {
    let gateway = Gateway::signed_in(&[("ENTRAGATE_UPSTREAM_MAX_PROCESSES_PER_USER", "1")]).await;
    let alice = gateway.token("alice", "MCP", &[]);
    let session = gateway.open(&alice).await;
    let _listening = session.listen().await;
    let answer = gateway.initialize(&alice).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().contains("all your sessions"));
}

#[tokio::test]
async fn unused_session_ends_and_one_that_listens_does_not() {
    let gateway = Gateway::start(&[("ENTRAGATE_UPSTREAM_IDLE_TIMEOUT_SECONDS", "1")]).await;
    let (unused, listening) = (gateway.open("").await, gateway.open("").await);
    let _stream = listening.listen().await;
    unused.process().await.ended().await;
    assert_eq!(unused.post(&call(1, "count", &json!({}))).await.status(), 404);
    assert_eq!(listening.call("count", &json!({})).await, "1");
}

#[tokio::test]
async fn server_that_does_not_answer_initialize_in_time_is_504_and_gone() {
    let server = [("ENTRAGATE_UPSTREAM", "stdio: cat"), ("ENTRAGATE_UPSTREAM_START_TIMEOUT_SECONDS", "1")];
    let gateway = Gateway::start(&server).await;
    // `cat` says back what it hears, which is a request and no answer.
    let answer = gateway.initialize("").await;
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], -31504);
    gateway.stop().await;
}

#[tokio::test]
async fn id_that_is_in_flight_is_refused_and_so_is_the_call_too_many() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let mut waiting = Vec::new();
    for id in 1..=64 {
        waiting.push(session.stream(id, "ask", &json!({})).await);
    }
    let twice = session.post(&call(64, "count", &json!({}))).await;
    assert_eq!(twice.status(), 503, "there are too many already");
    assert_eq!(twice.headers()["retry-after"], "5");
    // Whoever has gone makes room.
    waiting.pop();
    let mut answer = session.post(&call(63, "count", &json!({}))).await;
    while answer.status() == 503 {
        answer = session.post(&call(63, "count", &json!({}))).await;
    }
    assert_eq!(answer.status(), 409);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], -31409);
    let session = gateway.open("").await;
    let batch = json!([call(100, "count", &json!({})), call(100, "count", &json!({}))]);
    assert_eq!(session.post(&batch).await.status(), 409);
}

#[tokio::test]
async fn message_of_the_server_that_is_too_long_ends_the_session_with_the_reason() {
    let gateway = Gateway::start(&[("ENTRAGATE_MAX_BODY_BYTES", "100000")]).await;
    let session = gateway.open("").await;
    assert_eq!(session.call("long", &json!({ "count": 99_000 })).await.len(), 99_000);
    let answer = session.post(&call(1, "long", &json!({ "count": 200_000 }))).await;
    assert_eq!(answer.status(), 502);
    assert!(answer.text().await.unwrap().contains("more than 100000 bytes"));
    assert_eq!(session.post(&call(1, "count", &json!({}))).await.status(), 404);
}

#[tokio::test]
async fn message_of_the_client_that_is_too_long_does_not_reach_the_server() {
    let gateway = Gateway::start(&[("ENTRAGATE_MAX_BODY_BYTES", "2000")]).await;
    let session = gateway.open("").await;
    let answer = session.post(&call(1, "echo", &json!({ "a": "x".repeat(2000) }))).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(session.call("count", &json!({})).await, "1");
}

#[tokio::test]
async fn flood_for_a_client_that_does_not_read_waits_in_the_pipe_and_not_in_memory() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let before = resident();
    // 100 MB are on offer, and nobody takes them.
    let _flood = session.stream(5, "flood", &json!({ "count": 10_000 })).await;
    let mut most = 0;
    for _ in 0..50 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await; // gives a leak the time to show
        most = most.max(resident());
    }
    assert!(most < before + 40_000_000, "from {before} to {most}");
    // A process that waits to be read ends all the same.
    assert_eq!(session.delete().await.status(), 204);
    gateway.stop().await;
}

#[tokio::test]
async fn news_that_nobody_listens_for_are_kept_within_bounds() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    assert_eq!(session.call("changes", &json!({ "count": 300 })).await, "done");
    let mut listening = session.listen().await;
    let oldest = listening.next().await.unwrap()["params"]["uri"].as_u64().unwrap();
    assert!((270..290).contains(&oldest), "{oldest}");
}

/// How much memory this process has, in which the gateway runs.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * 4096
}
