//! Which message goes where.

use serde_json::{Value, json};

use super::fixture::{Gateway, call};

#[tokio::test]
async fn call_is_answered_with_json_and_a_notification_with_202() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let initialized = session.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    assert_eq!((initialized.status().as_u16(), initialized.text().await.unwrap().as_str()), (202, ""));
    let answer = session.post(&call(7, "echo", &json!({ "a": [1, 2.50, "ü\n\u{2028}"] }))).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["result"]["content"][0]["text"], r#"{"a":[1,2.5,"ü\n "]}"#.replace(' ', "\u{2028}"));
}

#[tokio::test]
async fn message_over_several_lines_reaches_the_server_as_one() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let pretty = serde_json::to_string_pretty(&call(1, "echo", &json!({ "a": "b" }))).unwrap();
    let request = gateway.request("POST", "").header("mcp-session-id", &session.id);
    let answer = request
        .header("content-type", "application/json")
        .body(pretty.replace('\n', "\r\n"))
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], r#"{"a":"b"}"#);
}

#[tokio::test]
async fn progress_goes_to_the_call_that_it_belongs_to() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let (few, many) = (json!({ "count": 2 }), json!({ "count": 30 }));
    let (few, many) = tokio::join!(session.stream(1, "progress", &few), session.stream(2, "progress", &many));
    for (mut stream, token, count) in [(few, "p1", 2), (many, "p2", 30)] {
        for number in 1..=count {
            let message = stream.next().await.unwrap();
            assert_eq!(message["params"], json!({ "progressToken": token, "progress": number }));
        }
        assert_eq!(stream.answer().await, ("done".to_owned(), 0));
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test]
async fn question_of_the_server_reaches_the_client_and_its_answer_comes_back() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let mut stream = session.stream(5, "ask", &json!({})).await;
    let question = stream.next().await.unwrap();
    assert_eq!((&question["method"], &question["id"]), (&json!("sampling/createMessage"), &json!("q1")));
    let reply = json!({ "jsonrpc": "2.0", "id": "q1", "result": { "text": "42" } });
    assert_eq!(session.post(&reply).await.status(), 202);
    assert_eq!(stream.answer().await.0, "\"42\"");
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn news_wait_for_the_get_stream_and_then_come_on_it() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    assert_eq!(session.call("changed", &json!({})).await, "done");
    let mut first = session.listen().await;
    assert_eq!(first.next().await.unwrap()["method"], "notifications/tools/list_changed");
    // Whoever opens another stream has lost the first.
    let mut second = session.listen().await;
    assert_eq!(first.next().await, None);
    assert_eq!(session.call("changed", &json!({})).await, "done");
    assert_eq!(second.next().await.unwrap()["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn cancelled_call_ends_and_the_server_is_told() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let never = call(9, "never", &json!({}));
    let never = session.post(&never);
    let cancel = async {
        // The call is in flight once the server has answered a later one.
        assert_eq!(session.call("count", &json!({})).await, "1");
        let cancelled =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 9 } });
        assert_eq!(session.post(&cancelled).await.status(), 202);
    };
    let (never, ()) = tokio::join!(never, cancel);
    assert_eq!((never.status().as_u16(), never.text().await.unwrap().as_str()), (200, ""));
    assert_eq!(session.call("cancelled", &json!({})).await, "[9]");
}

#[tokio::test]
async fn client_that_goes_away_cancels_nothing() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let stream = session.stream(3, "ask", &json!({})).await;
    drop(stream);
    let reply = json!({ "jsonrpc": "2.0", "id": "q1", "result": { "text": "late" } });
    assert_eq!(session.post(&reply).await.status(), 202);
    assert_eq!(session.call("cancelled", &json!({})).await, "[]");
}

#[tokio::test]
async fn batch_of_2025_03_26_is_answered_call_by_call() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let batch = json!([
        call(1, "count", &json!({})),
        { "jsonrpc": "2.0", "method": "notifications/x" },
        call(2, "count", &json!({})),
    ]);
    let url = format!("http://localhost:{}/mcp", gateway.address.port());
    let json_only =
        gateway.http.post(url).header("accept", "application/json").header("mcp-session-id", &session.id);
    let answers: Value = json_only.json(&batch).send().await.unwrap().json().await.unwrap();
    assert_eq!(answers.as_array().map(Vec::len), Some(2), "{answers}");
    let stream = session.post(&batch).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.text().await.unwrap().matches("event: message").count(), 2);
}

#[tokio::test]
async fn client_that_takes_json_only_gets_the_answer_without_what_comes_before_it() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let url = format!("http://localhost:{}/mcp", gateway.address.port());
    let request =
        || gateway.http.post(&url).header("mcp-session-id", &session.id).json(&call(1, "log", &json!({})));
    let answer = request().header("accept", "application/json").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.json::<Value>().await.unwrap()["result"]["content"][0]["text"], "done");
    let answer = request().header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(request().header("accept", "text/html").send().await.unwrap().status(), 406);
}

#[tokio::test]
async fn answers_that_are_null_and_errors_about_nothing_reach_the_other_side() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let mut stream = session.stream(5, "ask", &json!({})).await;
    assert_eq!(stream.next().await.unwrap()["id"], "q1");
    let reply = json!({ "jsonrpc": "2.0", "id": "q1", "result": null });
    assert_eq!(session.post(&reply).await.status(), 202);
    assert_eq!(stream.answer().await.0, "null");
    let answer: Value = session.post(&call(6, "null", &json!({}))).await.json().await.unwrap();
    assert_eq!((&answer["id"], answer.get("result")), (&json!(6), Some(&Value::Null)));
    let unread = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32700, "message": "no JSON" } });
    assert_eq!(session.post(&unread).await.status(), 202);
    assert_eq!(session.call("unread", &json!({})).await, "1");
}

#[tokio::test]
async fn request_that_nobody_could_answer_is_400() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let answer = session.post(&json!({ "jsonrpc": "2.0", "id": null, "method": "ping" })).await;
    assert_eq!(answer.status(), 400, "{}", answer.text().await.unwrap());
    assert_eq!(session.call("count", &json!({})).await, "1");
}

#[tokio::test]
async fn initialize_that_is_no_request_of_its_own_is_400_and_ends_no_session() {
    let gateway = Gateway::start(&[("ENTRAGATE_UPSTREAM_MAX_PROCESSES_PER_USER", "1")]).await;
    let session = gateway.open("").await;
    let hello = |id: Option<i64>| {
        let mut hello = json!({ "jsonrpc": "2.0", "method": "initialize", "params": { "protocolVersion": "2025-03-26" } });
        if let Some(id) = id {
            hello["id"] = id.into();
        }
        hello
    };
    for message in
        [hello(None), json!([hello(Some(1))]), json!([hello(Some(1)), call(2, "count", &json!({}))])]
    {
        let answer = gateway.request("POST", "").json(&message).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{message}");
        let answer: Value = answer.json().await.unwrap();
        assert!(answer.to_string().contains("not part of a batch"), "{answer}");
        assert_eq!(answer.is_array(), message.is_array(), "{answer}");
    }
    assert_eq!(session.call("count", &json!({})).await, "1");
}

#[tokio::test]
async fn version_that_no_session_can_have_is_400() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    let with = |method: &str, version: &str| {
        let request = gateway.request(method, "").header("mcp-session-id", &session.id);
        let request = request.header("mcp-protocol-version", version);
        if method == "POST" { request.json(&call(1, "count", &json!({}))) } else { request }
    };
    for version in ["1900-01-01", "2025-11-26", "latest", "", "2025-11-25, 2025-06-18"] {
        for method in ["POST", "GET", "DELETE"] {
            let answer = with(method, version).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{method} {version}");
            assert!(answer.text().await.unwrap().contains("MCP-Protocol-Version"), "{method} {version}");
        }
    }
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(with("POST", version).send().await.unwrap().status(), 200, "{version}");
    }
    assert_eq!(with("DELETE", "2025-11-25").send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn what_is_no_message_on_the_servers_output_is_passed_over() {
    let gateway = Gateway::start(&[]).await;
    let session = gateway.open("").await;
    assert_eq!(session.call("litter", &json!({})).await, "done");
    assert_eq!(session.call("count", &json!({})).await, "1");
}

#[tokio::test]
async fn requests_without_a_session_are_told_to_begin_with_initialize() {
    let gateway = Gateway::start(&[]).await;
    for method in ["POST", "GET", "DELETE"] {
        let request = gateway.request(method, "");
        let request = if method == "POST" { request.json(&call(1, "count", &json!({}))) } else { request };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{method}");
        assert!(answer.text().await.unwrap().contains("begin with initialize"), "{method}");
    }
    let unknown = gateway.request("POST", "").header("mcp-session-id", "AAAAAAAAAAAAAAAAAAAAAA");
    let answer = unknown.json(&call(4, "count", &json!({}))).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.json::<Value>().await.unwrap()["id"], 4);
    let answer = gateway.request("PUT", "").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["allow"]),
        (405, &"GET, HEAD, POST, DELETE, OPTIONS".parse().unwrap())
    );
}

#[tokio::test]
async fn requests_of_the_revision_without_sessions_fall_back_to_initialize() {
    let gateway = Gateway::start(&[]).await;
    let discover = json!({ "jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" },
    } });
    let request = gateway.request("POST", "").header("mcp-protocol-version", "2026-07-28");
    let answer = request.header("mcp-method", "server/discover").json(&discover).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let answer: Value = answer.json().await.unwrap();
    // Not an error of that revision (-32020 to -32022), on which clients would stay with it.
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-31400)));
    for method in ["GET", "DELETE"] {
        let request = gateway.request(method, "").header("mcp-protocol-version", "2026-07-28");
        assert_eq!(request.send().await.unwrap().status(), 405, "{method}");
    }
}
