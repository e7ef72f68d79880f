//! What the rules refuse on the HTTP+SSE transport (2024-11-05) reaches the client in the stream that it reads (TR-15).

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use crate::legacy_fixture::{Legacy, opened, ruled, token};
use crate::routes_fixture::{Answer, Gateway};
use crate::upstream_failures::Log;

const WIPE: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"wipe"}}"#;
const READ: &str = r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"read"}}"#;
const WHY: &str = "Not allowed: no rule of this server lets anybody call tool `wipe`.";

/// Two servers, of which everybody may call the tool `read`.
async fn two(name: &str) -> (Gateway, Legacy, Legacy) {
    let (a, b) = (Legacy::start().await, Legacy::start().await);
    (Gateway::start(name, &(ruled("a", &a) + &ruled("b", &b))).await, a, b)
}

async fn post(gateway: &Gateway, path: &str, token: &str, body: &'static str) -> Answer {
    gateway.send(("POST", path), token, &[], body).await
}

/// The answer as it is where the caller's stream is not held here.
fn assert_is_in_the_answer(answer: &Answer) {
    assert_eq!((answer.status, &answer.body["id"]), (200, &json!(7)), "{answer:?}");
    assert_eq!(answer.body["result"]["content"][0]["text"], WHY);
}

#[tokio::test]
async fn tr_15_a_refused_call_is_answered_in_the_callers_stream() {
    let (gateway, server, _b) = two("legacy_refused").await;
    let alice = token(&gateway, "alice");
    let (mut stream, path) = opened(&gateway, "/a/sse", &alice).await;
    let (log, _guard) = Log::capture();
    let answer = post(&gateway, &path, &alice, WIPE).await;
    assert_eq!((answer.status, answer.body), (202, Value::Null));
    let told = stream.message().await;
    assert_eq!((&told["id"], &told["result"]["isError"]), (&json!(7), &json!(true)), "{told}");
    assert_eq!(told["result"]["content"][0]["text"], WHY);
    let text = log.text();
    assert_eq!(text.lines().filter(|line| line.contains("leg=\"denied\"")).count(), 1, "{text}");
    // What is no tool gets an error, under the very id of the request.
    let prompt = r#"{"jsonrpc":"2.0","id":"p\"1","method":"prompts/get","params":{"name":"x"}}"#;
    assert_eq!(post(&gateway, &path, &alice, prompt).await.status, 202);
    let told = stream.message().await;
    assert_eq!((&told["id"], &told["error"]["code"]), (&json!("p\"1"), &json!(-31403)), "{told}");
    assert_eq!(server.posted(), Vec::<String>::new(), "nothing reached the server");
    // The session goes on.
    assert_eq!(post(&gateway, &path, &alice, READ).await.status, 202);
    assert_eq!(stream.message().await["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn tr_15_of_a_refused_batch_each_request_is_answered_and_of_a_notification_nothing() {
    let (gateway, server, _b) = two("legacy_batch").await;
    let alice = token(&gateway, "alice");
    let (mut stream, path) = opened(&gateway, "/a/sse", &alice).await;
    for unanswered in [
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"wipe"}}"#,
        r#"[{"jsonrpc":"2.0","method":"tools/call","params":{"name":"wipe"}}]"#,
    ] {
        let answer = post(&gateway, &path, &alice, unanswered).await;
        assert_eq!((answer.status, answer.body), (202, Value::Null));
    }
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}},{"jsonrpc":"2.0","method":"tools/call","params":{"name":"wipe"}},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"wipe"}}]"#;
    assert_eq!(post(&gateway, &path, &alice, batch).await.status, 202);
    let told = [stream.message().await, stream.message().await];
    assert_eq!(told.each_ref().map(|answer| answer["id"].clone()), [json!(1), json!(2)]);
    let texts = told.each_ref().map(|answer| answer["result"]["content"][0]["text"].as_str().unwrap());
    assert_eq!(texts, ["Not executed: another call of the same batch is not allowed.", WHY]);
    server.say(0, "data: last\n\n");
    assert_eq!(stream.until("last\n\n").await, "data: last\n\n");
    assert_eq!(server.posted(), Vec::<String>::new());
}

#[tokio::test]
async fn tr_15_refusals_wait_for_the_end_of_the_servers_event_and_what_are_too_many_do_not_wait() {
    const MOST: usize = 8;
    let (gateway, server, _b) = two("legacy_pieces").await;
    let alice = token(&gateway, "alice");
    let (mut stream, path) = opened(&gateway, "/a/sse", &alice).await;
    let event = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"in pieces"}}"#;
    let (first, rest) = event.split_at(20);
    server.say(0, &format!(": has come\n\nevent: message\ndata: {first}"));
    assert_eq!(stream.until("come\n\n").await, ": has come\n\n");
    let mut posts: FuturesUnordered<_> = (0..=MOST).map(|_| post(&gateway, &path, &alice, WIPE)).collect();
    // All the others are waiting by then.
    assert_is_in_the_answer(&posts.next().await.unwrap());
    server.say(0, &format!("{rest}\r"));
    server.say(0, "\n\r\n");
    let answers: Vec<u16> = posts.map(|answer| answer.status).collect().await;
    assert_eq!(answers, [202; MOST]);
    assert_eq!(stream.until("\r\n\r\n").await, format!("event: message\ndata: {event}\r\n\r\n"));
    for _ in 0..MOST {
        assert_eq!(stream.message().await["id"], 7);
    }
}

#[tokio::test]
async fn tr_15_no_refusal_reaches_the_stream_of_somebody_else() {
    let (gateway, server, _b) = two("legacy_strangers").await;
    let (alice, bob) = (token(&gateway, "alice"), token(&gateway, "bob"));
    let (mut hers, path) = opened(&gateway, "/a/sse", &alice).await;
    let (mut his, his_path) = opened(&gateway, "/a/sse", &bob).await;
    let seal_of_his = his_path.rsplit_once('=').unwrap().1;
    for (who, path) in [
        (&bob, path.clone()),
        (&bob, "/a/messages?session_id=0".to_owned()),
        (&bob, format!("/a/messages?session_id=0&entragate_seal={seal_of_his}")),
        (&bob, path.replace("/a/", "/b/")),
        (&alice, path.replace("/a/", "/b/")),
        (&alice, path.replace("session_id=0", "session_id=1")),
        (&alice, format!("{path}&session_id=0")),
        (&alice, "/a/messages?session_id=0&entragate_seal=".to_owned()),
        (&alice, "/a/messages".to_owned()),
        (&alice, "/a/sse".to_owned()),
    ] {
        assert_is_in_the_answer(&post(&gateway, &path, who, WIPE).await);
    }
    // Nobody is told anything without a token, and a scope that is missing is asked for.
    let answer = post(&gateway, &path, "", WIPE).await;
    assert_eq!(answer.status, 401);
    let scoped = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"scoped"}}"#;
    let answer = post(&gateway, &path, &alice, scoped).await;
    assert_eq!(answer.status, 403);
    assert!(answer.challenge.contains("insufficient_scope"), "{}", answer.challenge);
    for (session, stream) in [(0, &mut hers), (1, &mut his)] {
        server.say(session, "data: last\n\n");
        assert_eq!(stream.until("last\n\n").await, "data: last\n\n");
    }
}

#[tokio::test]
async fn tr_15_a_refusal_is_in_the_answer_again_when_the_stream_has_ended() {
    let (gateway, server, _b) = two("legacy_ended").await;
    let alice = token(&gateway, "alice");
    let (mut stream, path) = opened(&gateway, "/a/sse", &alice).await;
    let (other, other_path) = opened(&gateway, "/a/sse", &alice).await;
    // The server ends the one, and the client leaves the other.
    server.end(0);
    stream.until("").await;
    stream.end().await;
    assert_is_in_the_answer(&post(&gateway, &path, &alice, WIPE).await);
    drop(other);
    loop {
        // Until the gateway has noticed.
        let answer = post(&gateway, &other_path, &alice, WIPE).await;
        if answer.status != 202 {
            break assert_is_in_the_answer(&answer);
        }
    }
}

#[tokio::test]
async fn tr_22_lists_are_filtered_in_a_stream_with_refusals() {
    const LIST: &str = r#"{"jsonrpc":"2.0","id":9,"method":"tools/list"}"#;
    let (gateway, _a, _b) = two("legacy_lists").await;
    let alice = token(&gateway, "alice");
    let (mut stream, path) = opened(&gateway, "/a/sse", &alice).await;
    for _ in 0..2 {
        assert_eq!(post(&gateway, &path, &alice, LIST).await.status, 202);
        assert_eq!(stream.message().await["result"]["tools"], json!([{ "name": "read" }]));
        assert_eq!(post(&gateway, &path, &alice, WIPE).await.status, 202);
        assert_eq!(stream.message().await["result"]["content"][0]["text"], WHY);
    }
}
