//! Lists without what the caller could not use, in every form in which they travel (TR-22).

use axum::response::Response;
use entragate::Rule;
use entragate_emulator::MintRequest;
use http::Method;
use serde_json::{Value, json};

use crate::layer_server::{Requests, Seen, answering, streamed, typed};
use crate::world::{Reply, World, log};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"admin_reset","description":"Resets"},{"name":"whoami","inputSchema":{"type":"object","max":18446744073709551616,"x":1.0}},{"name":"admin_delete"},{"title":"no name"},{"name":"time"}],"nextCursor":"p2","ttlMs":5000,"cacheScope":"public"}}"#;
const FOR_BOB: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"whoami","inputSchema":{"type":"object","max":18446744073709551616,"x":1.0}},{"name":"time"}],"nextCursor":"p2","ttlMs":5000,"cacheScope":"private"}}"#;

fn rules() -> Vec<Rule> {
    vec![
        Rule::tools(["admin_*"])
            .and_prompts(["admin_*"])
            .and_resources(["file:///secret/*"])
            .roles(["Admin"]),
        Rule::tools(["*"]).and_prompts(["*"]).and_resources(["file:///*"]),
    ]
}

async fn world(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> (World, Requests) {
    let (mcp, requests) = answering(answer);
    (World::builder().mcp(mcp).gate(|builder| builder.rules(rules())).start().await, requests)
}

fn token(world: &World, user: &str) -> String {
    world.control().mint(&MintRequest { user: Some(user.into()), ..MintRequest::default() })
}

async fn list(world: &World, user: &str, method: &str) -> Reply {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
    Reply::read(world.post(Some(&token(world, user)), &message).await).await
}

/// What the client gets, and whether the answer ends as it should.
async fn read(mut response: reqwest::Response) -> (String, bool) {
    let mut text = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            ended => return (String::from_utf8(text).unwrap(), ended.is_ok()),
        }
    }
}

#[tokio::test]
async fn k50_tr_22_tools_that_would_be_refused_are_not_listed_and_the_rest_keeps_its_bytes() {
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let (world, _requests) = world(move |_| typed(content_type, LIST)).await;
        let bob = list(&world, "bob", "tools/list").await;
        assert_eq!((bob.status, bob.text.as_str()), (200, FOR_BOB));
        assert_eq!(bob.header("content-length"), FOR_BOB.len().to_string());
        // Alice is an administrator, and a list filtered for her is still hers alone.
        let alice: Value = serde_json::from_str(&list(&world, "alice", "tools/list").await.text).unwrap();
        let names: Vec<&Value> =
            alice["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, ["admin_reset", "whoami", "admin_delete", "time"]);
        assert_eq!(alice["result"]["cacheScope"], "private");
    }
}

#[tokio::test]
async fn prompts_resources_and_templates_are_filtered_alike() {
    for (method, answer, kept, hidden) in [
        (
            "prompts/list",
            json!({ "prompts": [{ "name": "admin_plan" }, { "name": "greeting" }] }),
            "greeting",
            "admin_plan",
        ),
        (
            "resources/list",
            json!({ "resources": [{ "uri": "file:///secret/x", "name": "s" }, { "uri": "file:///public/x" }, { "uri": "file:///public/../secret/y" }] }),
            "file:///public/x",
            "secret",
        ),
        (
            "resources/templates/list",
            json!({ "resourceTemplates": [{ "uriTemplate": "file:///secret/{id}" }, { "uriTemplate": "file:///public/{id}" }] }),
            "file:///public/{id}",
            "secret",
        ),
    ] {
        let text = json!({ "jsonrpc": "2.0", "id": 1, "result": answer }).to_string();
        let (world, _requests) = world(move |_| typed("application/json", &text)).await;
        let reply = list(&world, "bob", method).await;
        assert!(reply.text.contains(kept) && !reply.text.contains(hidden), "{method}: {}", reply.text);
        let reply = list(&world, "alice", method).await;
        assert!(reply.text.contains(kept) && reply.text.contains(hidden), "{method}: {}", reply.text);
    }
}

#[tokio::test]
async fn lists_in_a_batch_and_lists_with_escapes_are_filtered_too() {
    let batch = format!(r#"[{LIST},{{"jsonrpc":"2.0","id":2,"result":{{}}}}]"#);
    let escaped = LIST
        .replace("tools", "t\\u006fols")
        .replace("admin_", "\\u0061dmin_")
        .replace("result", "r\\u0065sult");
    for (answer, message) in [
        (
            batch,
            json!([{ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }, { "jsonrpc": "2.0", "id": 2, "method": "ping" }]),
        ),
        (escaped, json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })),
    ] {
        let (world, _requests) = world(move |_| typed("application/json", &answer)).await;
        let reply = Reply::read(world.post(Some(&token(&world, "bob")), &message).await).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.text.contains("dmin_") && reply.text.contains("whoami"), "{}", reply.text);
    }
}

#[tokio::test]
async fn event_streams_are_filtered_event_by_event_whatever_the_pieces_they_come_in() {
    for end in ["\n", "\r\n", "\r"] {
        for size in [1, 3, 64, 1 << 20] {
            let stream = format!(
                ": hello{end}{end}event: message{end}id: 7{end}retry: 10{end}data: {LIST}{end}{end}\
                 data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}}{end}{end}"
            );
            let (world, _requests) = world(move |_| {
                let pieces: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
                streamed("text/event-stream", &pieces)
            })
            .await;
            let reply = list(&world, "bob", "tools/list").await;
            assert_eq!((reply.status, reply.header("content-type")), (200, "text/event-stream"));
            assert!(!reply.text.contains("admin_"), "{end:?} {size}: {}", reply.text);
            assert!(reply.text.contains(&format!("data: {FOR_BOB}\n\n")), "{end:?} {size}: {}", reply.text);
            for kept in [": hello", "event: message", "id: 7", "retry: 10", "notifications/progress"] {
                assert!(reply.text.contains(kept), "TR-05: {kept} is missing in {}", reply.text);
            }
        }
    }
}

#[tokio::test]
async fn events_in_unusual_spellings_are_read_as_clients_read_them() {
    let halves = LIST.split_at(LIST.find(r#"{"name":"whoami""#).unwrap());
    for stream in [
        format!("data:{LIST}\n\n"),
        format!("\u{feff}data: {LIST}\n\n"),
        format!("data: {}\ndata: {}\n\n", halves.0, halves.1),
        format!("data: {}\nid: 1\ndata:{}\n\n", halves.0, halves.1),
        format!("id\ndata: {LIST}\nevent\n\n"),
        // The end of the stream instead of the blank line.
        format!("data: {LIST}"),
        format!("data: {LIST}\n"),
        format!("data: [{LIST}]\n\n"),
    ] {
        let text = stream.clone();
        let (world, _requests) = world(move |_| typed("text/event-stream; charset=utf-8", &text)).await;
        let reply = list(&world, "bob", "tools/list").await;
        assert!(!reply.text.contains("admin_"), "{stream:?} became {}", reply.text);
    }
}

#[tokio::test]
async fn tr_05_an_event_goes_on_before_the_next_one_is_there() {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let (world, _requests) = world(move |_| {
        let receiver = receiver.clone();
        let pieces = futures_util::stream::unfold((0, receiver), |(at, mut released)| async move {
            match at {
                0 => {}
                1 => drop(released.wait_for(|released| *released).await),
                _ => return None,
            }
            Some((Ok::<_, std::convert::Infallible>(format!("data: {LIST}\n\n")), (at + 1, released)))
        });
        Response::builder()
            .header("content-type", "text/event-stream")
            .body(axum::body::Body::from_stream(pieces))
            .unwrap()
    })
    .await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let mut response = world.post(Some(&token(&world, "bob")), &message).await;
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(first, format!("data: {FOR_BOB}\n\n"));
    sender.send_replace(true);
    assert_eq!(response.text().await.unwrap(), format!("data: {FOR_BOB}\n\n"));
}

#[tokio::test]
async fn resumed_streams_are_filtered_because_they_may_replay_a_list() {
    let (world, mut requests) =
        world(|_| typed("text/event-stream", &format!("id: 8\ndata: {LIST}\n\n"))).await;
    let get =
        world.http.get(world.url("/mcp")).header("last-event-id", "7").header("accept", "text/event-stream");
    let reply = Reply::of(get.bearer_auth(token(&world, "bob"))).await;
    assert_eq!(reply.text, format!("id: 8\ndata: {FOR_BOB}\n\n"));
    let seen = requests.only();
    assert_eq!(
        (seen.method, &seen.headers["last-event-id"]),
        (Method::GET, &http::HeaderValue::from_static("7"))
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_withheld() {
    let cut = &LIST[..LIST.len() - 3];
    let latin = LIST.replace("Resets", "R\u{e9}sets");
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let answers: [(&str, &str, Vec<u8>); 6] = [
        ("gzip", "application/json", LIST.into()),
        ("br", "text/event-stream", format!("data: {LIST}\n\n").into()),
        ("identity", "application/json", cut.into()),
        ("identity", "application/json", latin),
        ("identity", "application/json", format!("\u{feff}{LIST}").into()),
        ("identity", "application/json", format!("{LIST}{LIST}").into()),
    ];
    for (coding, content_type, body) in answers {
        let (world, mut requests) = world(move |_| {
            let builder = Response::builder().header("content-type", content_type);
            builder.header("content-encoding", coding).body(axum::body::Body::from(body.clone())).unwrap()
        })
        .await;
        let mut log = log::capture();
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let request = world.http.post(world.url("/mcp")).bearer_auth(token(&world, "bob")).json(&message);
        let reply = Reply::of(request.header("accept-encoding", "gzip, br")).await;
        assert_eq!(reply.status, 502, "{reply:?}");
        assert!(!reply.text.contains("admin_") && !reply.text.contains("whoami"), "{}", reply.text);
        assert_eq!(
            requests.only().headers["accept-encoding"],
            "identity",
            "what is filtered must be readable"
        );
        assert!(log.lines().iter().any(|line| line.starts_with("entragate::policy")));
    }
}

/// Characters of so many bytes, the first or the last of which is the letter.
fn wide(text: &str, bytes: usize, at: usize) -> Vec<u8> {
    let mut wide = vec![0; text.len() * bytes];
    for (place, letter) in text.bytes().enumerate() {
        wide[place * bytes + at] = letter;
    }
    wide
}

#[tokio::test]
async fn a_list_in_other_characters_than_those_of_utf_8_is_withheld() {
    let events = format!("data: {LIST}\n\n");
    for (content_type, body) in [
        ("application/json;charset=UTF-16LE", wide(LIST, 2, 0)),
        ("application/json; charset=utf-16be", wide(LIST, 2, 1)),
        ("application/json", wide(LIST, 2, 0)),
        ("application/json", wide(LIST, 2, 1)),
        ("application/json", wide(LIST, 4, 0)),
        ("application/json", wide(LIST, 4, 3)),
        ("application/json", format!("{LIST}\0").into_bytes()),
        ("application/json; charset=utf-7", LIST.replace('{', "+AHs-").into_bytes()),
        ("text/event-stream; charset=utf-16le", wide(&events, 2, 0)),
        ("text/event-stream", wide(&events, 2, 0)),
        ("text/event-stream", wide(&events, 2, 1)),
        ("text/event-stream", format!(":\0\n\ndata: {LIST}\n\n").into_bytes()),
    ] {
        for status in [200, 202] {
            let sent = body.clone();
            let (world, mut requests) = world(move |_| {
                let builder = Response::builder().status(status).header("content-type", content_type);
                builder.body(axum::body::Body::from(sent.clone())).unwrap()
            })
            .await;
            let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
            for request in
                [world.http.post(world.url("/mcp")).json(&message), world.http.get(world.url("/mcp"))]
            {
                let request = request.bearer_auth(token(&world, "bob")).header("accept-charset", "utf-16le");
                let response = request.send().await.unwrap();
                let status = response.status();
                let (seen, ended) = read(response).await;
                let seen = seen.replace('\0', "");
                assert!(!seen.contains("admin_") && !seen.contains("whoami"), "{content_type}: {seen}");
                assert!(status == 502 || !ended, "{content_type}: {status}");
                assert!(requests.only().headers.get("accept-charset").is_none());
            }
        }
    }
}

/// The official TypeScript client does not look at the type of what answers its GET; others look for the words anywhere in it.
#[tokio::test]
async fn a_list_in_a_stream_of_an_odd_type_is_filtered_where_clients_read_it_as_events() {
    let types = ["text/event-stream, text/event-stream", "text/plain", "x/y; a=text/event-stream", "", "odd"];
    for content_type in types {
        for status in [200, 202] {
            let events = format!("data: \u{feff}{LIST}\n\ndata: [DONE]\n\n");
            let (world, _requests) = world(move |_| {
                let mut response = streamed(content_type, &[events.as_bytes()]);
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                if content_type.is_empty() {
                    response.headers_mut().remove("content-type");
                }
                response
            })
            .await;
            let request = world.http.get(world.url("/mcp")).bearer_auth(token(&world, "bob"));
            let response = request.send().await.unwrap();
            let answered = response.status();
            let (text, _) = read(response).await;
            assert!(!text.contains("admin_"), "{content_type} {status}: {text}");
            if status == 200 {
                assert_eq!(
                    (answered, text),
                    (200.try_into().unwrap(), format!("data: {FOR_BOB}\n\ndata: [DONE]\n\n"))
                );
            }
        }
    }
}

#[tokio::test]
async fn a_coding_that_is_none_hides_no_list() {
    for coding in ["none", "", "Identity", "utf-8"] {
        let (world, _requests) = world(move |_| {
            let mut response = typed("application/json", LIST);
            response.headers_mut().insert("content-encoding", coding.parse().unwrap());
            response
        })
        .await;
        let bob = list(&world, "bob", "tools/list").await;
        assert_eq!((bob.status, bob.text.as_str()), (200, FOR_BOB), "{coding:?}");
    }
}

const GOOD: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n";

#[tokio::test]
async fn a_list_in_a_stream_that_cannot_be_read_is_an_error_and_the_stream_goes_on() {
    for pieces in [1, 3] {
        let (world, _requests) = world(move |_| {
            let bad = LIST.replace("1.0", "NaN");
            let events = [GOOD.to_owned(), format!("id: 7\ndata: {bad}\n\n"), GOOD.to_owned()];
            let joined = events.concat();
            let joined = joined.as_bytes();
            let all: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
            streamed("text/event-stream", if pieces == 1 { std::slice::from_ref(&joined) } else { &all })
        })
        .await;
        let mut log = log::capture();
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let (text, ended) = read(world.post(Some(&token(&world, "bob")), &message).await).await;
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"The MCP server's answer could not be read"}}"#;
        assert_eq!((text, ended), (format!("{GOOD}id: 7\ndata: {error}\n\n{GOOD}"), true));
        assert!(log.lines().iter().any(|line| line.starts_with("entragate::policy")));
    }
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_is_cut_off_before_the_list_and_what_came_before_arrives() {
    let unreadable = format!("data: [{}\n\n", &LIST[..LIST.len() - 2]);
    for pieces in [1, 3] {
        let unreadable = unreadable.clone();
        let (world, _requests) = world(move |_| {
            let events = [GOOD.as_bytes(), unreadable.as_bytes(), b": more\n\n"];
            let joined = events.concat();
            let joined = joined.as_slice();
            streamed("text/event-stream", if pieces == 1 { std::slice::from_ref(&joined) } else { &events })
        })
        .await;
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let (text, ended) = read(world.post(Some(&token(&world, "bob")), &message).await).await;
        assert_eq!((text.as_str(), ended), (GOOD, false), "a stream that was cut must not look finished");
    }
}

#[tokio::test]
async fn what_is_no_answer_to_a_list_passes_whatever_it_says() {
    let note =
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"3 tools, loss NaN","v":NaN}}"#;
    let stream = format!("{GOOD}data: {note}\n\n{GOOD}");
    let sent = stream.clone();
    let (world, _requests) = world(move |_| streamed("text/event-stream", &[sent.as_bytes()])).await;
    let get = world.http.get(world.url("/mcp")).bearer_auth(token(&world, "bob"));
    assert_eq!(read(get.send().await.unwrap()).await, (stream, true));
}

#[tokio::test]
async fn a_list_without_its_blank_line_stays_the_unfinished_event_that_it_was() {
    let (world, _requests) = world(|_| typed("text/event-stream", &format!("{GOOD}data: {LIST}\n"))).await;
    let get = world.http.get(world.url("/mcp")).bearer_auth(token(&world, "bob"));
    assert_eq!(read(get.send().await.unwrap()).await, (format!("{GOOD}data: {FOR_BOB}\n"), true));
}

#[tokio::test]
async fn a_filtered_answer_carries_nothing_that_was_said_of_the_whole_list() {
    for (content_type, body) in
        [("application/json", LIST.to_owned()), ("text/event-stream", format!("data: {LIST}\n\n"))]
    {
        let (world, _requests) = world(move |_| {
            let mut response = typed(content_type, &body);
            for (name, value) in [
                ("content-digest", "sha-256=:x:"),
                ("repr-digest", "sha-256=:x:"),
                ("digest", "sha-256=x"),
                ("content-md5", "x"),
                ("etag", "\"x\""),
                ("last-modified", "Thu, 26 Nov 2026 00:00:00 GMT"),
                ("cache-control", "Public, max-age=5, s-maxage=60"),
                ("x-other", "kept"),
            ] {
                response.headers_mut().insert(name, http::HeaderValue::from_static(value));
            }
            response.headers_mut().append("cache-control", http::HeaderValue::from_static("no-transform"));
            response
        })
        .await;
        let reply = list(&world, "bob", "tools/list").await;
        for name in ["content-digest", "repr-digest", "digest", "content-md5", "etag", "last-modified"] {
            assert_eq!(reply.header(name), "", "{content_type}");
        }
        assert_eq!(reply.header("cache-control"), "private, max-age=5, no-transform");
        assert_eq!(reply.header("x-other"), "kept");
        // What is not filtered stays as it is.
        let reply = list(&world, "bob", "ping").await;
        assert_eq!(reply.header("etag"), "\"x\"");
    }
}

#[tokio::test]
async fn errors_calls_and_empty_answers_pass_untouched() {
    for (method, status, content_type, body) in [
        (
            "tools/list",
            200,
            "application/json",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"tools admin_reset"}}"#,
        ),
        (
            "tools/list",
            400,
            "application/json",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"x","data":{"tools":["admin_x"]}}}"#,
        ),
        ("tools/list", 404, "text/plain", "no such session"),
        ("tools/list", 404, "application/json;charset=ISO-8859-1", r#"{"error":"no such session"}"#),
        ("tools/list", 202, "application/json", ""),
        ("tools/list", 200, "application/json", r#" {"jsonrpc":"2.0","id":1,"result":{"tools":"none"}} "#),
        ("ping", 200, "application/json", LIST),
        (
            "initialize",
            200,
            "text/event-stream",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"capabilities\":{\"tools\":{}}}}\n\n",
        ),
    ] {
        let (world, _requests) = world(move |_| {
            let builder = Response::builder().status(status).header("content-type", content_type);
            builder.body(axum::body::Body::from(body)).unwrap()
        })
        .await;
        let reply = list(&world, "bob", method).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, body), "TR-09");
        assert_eq!(reply.header("content-type"), content_type);
    }
}

#[tokio::test]
async fn without_rules_nothing_is_filtered_and_compression_is_the_servers_affair() {
    let (mcp, mut requests) = answering(|_| {
        let builder = Response::builder().header("content-type", "application/json");
        builder.header("content-encoding", "gzip").body(axum::body::Body::from("not looked at")).unwrap()
    });
    let world = World::builder().mcp(mcp).start().await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let request = world.http.post(world.url("/mcp")).bearer_auth(token(&world, "bob")).json(&message);
    let response = request.header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(requests.only().headers["accept-encoding"], "gzip");
}
