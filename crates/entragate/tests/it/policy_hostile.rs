//! Messages that the gate and the MCP server behind it could read differently are refused (TR-17, TR-20).

use std::time::Duration;

use entragate::Rule;
use entragate_emulator::MintRequest;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::layer_server::{Requests, answering, recording, typed};
use crate::layer_wire::Wire;
use crate::world::{Reply, World};

async fn guarded() -> (World, Requests) {
    let (mcp, requests) = recording();
    let rules = [
        Rule::tools(["admin_*"]).roles(["Admin"]),
        Rule::tools(["*"]).and_resources(["*"]).and_prompts(["*"]),
    ];
    (World::builder().mcp(mcp).gate(|builder| builder.rules(rules)).start().await, requests)
}

/// Bob may call everything but `admin_*`.
fn bob(world: &World) -> String {
    world.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() })
}

async fn send(world: &World, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> Reply {
    let request = world.http.post(world.url("/mcp")).bearer_auth(bob(world)).body(body);
    Reply::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

const JSON: (&str, &str) = ("content-type", "application/json");
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn tr_20_what_two_parsers_could_read_differently_is_refused_and_goes_nowhere() {
    let (world, mut requests) = guarded().await;
    let bodies: &[&[u8]] = &[
        // First wins or last wins?
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"},"params":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","n\u0061me":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a","uri":"b"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"x","extra":1,"extra":2}"#,
        // Decoders that match names without regard to case.
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","Name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"NAME":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"},"Params":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"},"param\u017f":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"na\u006de":"whoami","_META":{}}}"#,
        // A name in another place.
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["admin_reset"]}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"admin_reset"}"#,
        // Something that is no name to one parser and is to another.
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["admin_reset"]}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":{"toString":"admin_reset"}}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":null}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":7}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":["a"]}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":7}}"#,
        br#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":7}}"#,
        br#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}]"#,
        br#"{"jsonrpc":"2.0","id":1,"params":{"name":["admin_reset"]},"method":"tools/call"}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"admin_reset\u0000"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"admin\n_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000","params":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools\u0085/call","params":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"fi\tle:///x"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"a\u007f"}}"#,
        // Not one message.
        br#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"admin_reset"}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping"},"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#,
        br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        br#"[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]"#,
        b"[]",
        b"{}",
        b"",
        b" ",
        b"null",
        b"1",
        br#""ping""#,
        // Not JSON, but something like it.
        br#"{"jsonrpc":"2.0","id":1,"method":"ping"} // comment"#,
        br#"{"jsonrpc":"2.0","id":1,"method":'ping'}"#,
        br#"{jsonrpc:"2.0","id":1,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":NaN,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#,
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\nng\"}",
        // Characters that end, begin or are no text.
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\0",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\0ng\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xffng\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc1\xb0ing\"}",
        b"\xff\xfe{\0}\0",
        b"{\0\"\0j\0",
        br#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
        // Not JSON-RPC 2.0.
        br#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        br#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
        br#"{"id":1,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":null}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        br#"{"jsonrpc":"2.0","id":1}"#,
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(body);
        let reply = send(&world, body.to_vec(), &[JSON]).await;
        assert_eq!(reply.status, 400, "{shown}: {reply:?}");
        let answer: Value = serde_json::from_str(&reply.text).unwrap();
        // JSON-RPC 2.0: a parse error is no JSON at all, anything else is an invalid request.
        let is_json = !body.contains(&0) && serde_json::from_slice::<Value>(body).is_ok();
        let code = json!(if is_json { -32_600 } else { -32_700 });
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &code), "{shown}");
        assert!(requests.seen().is_empty(), "{shown} went on");
    }
}

#[tokio::test]
async fn escapes_do_not_hide_a_tool() {
    let (world, mut requests) = guarded().await;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\u0061dmin_reset"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"\u006d\u0065thod":"tools\/call","p\u0061rams":{"\u006eame":"admin\u005freset"}}"#,
        "{\"params\":\n{\"arguments\":{\"name\":\"whoami\"},\"name\":\"admin_reset\"},\"method\":\"tools/call\",\"id\":1,\"jsonrpc\":\"2.0\"}",
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"\u0061dmin_reset"}}]"#,
    ] {
        let reply = send(&world, body, &[JSON]).await;
        assert!(reply.status == 200 && reply.text.contains(r#""isError":true"#), "{body}: {reply:?}");
        assert!(requests.seen().is_empty(), "{body} went on");
    }
}

#[tokio::test]
async fn bodies_in_a_coding_character_set_or_type_that_changes_them_are_415() {
    let (world, mut requests) = guarded().await;
    // In UTF-8 a call of `whoami`, in UTF-7 one of `admin_reset`.
    let utf_7 = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","x":"+ACI,+ACI-name+ACI:+ACI-admin_reset"}}"#;
    for headers in [
        vec![JSON, ("content-encoding", "gzip")],
        vec![JSON, ("content-encoding", "br")],
        vec![JSON, ("content-encoding", "identity, gzip")],
        vec![JSON, ("content-encoding", "identity"), ("content-encoding", "deflate")],
        vec![JSON, ("content-encoding", "")],
        vec![("content-type", "application/json; charset=utf-7")],
        vec![("content-type", "application/json;charset=UTF-16LE")],
        vec![("content-type", "application/json; charset=\"utf-7\"")],
        vec![("content-type", "application/json; charset=utf-8; charset=utf-7")],
        vec![("content-type", "application/json; x=\"; charset=utf-8\"; charset=utf-7")],
        vec![("content-type", "application/json; CharSet = utf-7")],
        vec![("content-type", "application/json; charset*=utf-7''x")],
        vec![("content-type", "application/json; charset=utf-8x")],
        vec![JSON, ("content-type", "application/json; charset=utf-7")],
        vec![JSON, JSON],
        // The same bytes may be a form, or a file, with another call in it.
        vec![],
        vec![("content-type", "")],
        vec![("content-type", "application/x-www-form-urlencoded")],
        vec![("content-type", "multipart/form-data; boundary=application/json")],
        vec![("content-type", "text/plain")],
        vec![("content-type", "text/plain; charset=utf-8")],
        vec![("content-type", "application/json, text/plain")],
        vec![("content-type", "text/plain, application/json")],
        vec![("content-type", "application/jsonp")],
        vec![("content-type", "application/vnd.api+json")],
        vec![("content-type", "; application/json")],
    ] {
        let reply = send(&world, utf_7, &headers).await;
        assert_eq!(reply.status, 415, "{headers:?}: {reply:?}");
        assert!(requests.seen().is_empty(), "{headers:?}");
    }
    for headers in [
        vec![JSON],
        vec![("content-type", "Application/JSON ; x=y")],
        vec![("content-type", "application/json; charset=utf-8")],
        vec![("content-type", "application/json;charset=\"UTF-8\"; x=y")],
        vec![JSON, ("content-encoding", "identity")],
    ] {
        assert_eq!(send(&world, PING, &headers).await.status, 200, "{headers:?}");
        assert_eq!(requests.seen().len(), 1);
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_are_413_declared_or_not() {
    let (mcp, mut requests) = recording();
    let world = World::builder().mcp(mcp).gate(|builder| builder.max_body_bytes(1_000)).start().await;
    let body = |length: usize| {
        let start = r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":""#;
        format!("{start}{}\"}}}}", "x".repeat(length - start.len() - 3))
    };
    for (length, status) in [(1_000, 200), (1_001, 413), (100_000, 413)] {
        let body = body(length);
        assert_eq!(body.len(), length);
        let declared = send(&world, body.clone(), &[JSON]).await;
        assert_eq!(declared.status, status, "{length}");
        let mut wire = Wire::to(&world).await;
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
            bob(&world)
        );
        wire.head("POST /mcp", &headers).await;
        for piece in body.as_bytes().chunks(500) {
            wire.send(format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap()).as_bytes())
                .await;
            if piece.len() < length && status == 413 && length > 10_000 {
                // It will not be read to the end.
                break;
            }
        }
        if length <= 10_000 {
            wire.send(b"0\r\n\r\n").await;
        } else {
            wire.send(format!("3e8\r\n{}\r\n", "x".repeat(1_000)).as_bytes()).await;
        }
        assert_eq!(wire.answer().await.status, status, "{length} in chunks");
        assert_eq!(requests.seen().len(), if status == 200 { 2 } else { 0 });
    }
    // Nor does a length that says little let much through.
    let mut wire = Wire::to(&world).await;
    let headers =
        format!("Authorization: Bearer {}\r\nContent-Length: 99999999999999999999\r\n", bob(&world));
    wire.head("POST /mcp", &headers).await;
    assert!(matches!(wire.answer().await.status, 400 | 413));
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_stops_in_the_middle_of_a_body_is_408_and_one_who_pauses_is_not() {
    // The clock of the runtime jumps whenever everybody waits.
    let (mcp, mut requests) = recording();
    let world = World::builder().mcp(mcp).start().await;
    let framings = [format!("Content-Length: {}", PING.len()), "Transfer-Encoding: chunked".to_owned()];
    // How many bytes come one by one, the seconds after each, and how many in the end.
    for (single, pause, last, status) in [(2, 29, PING.len() - 2, 200), (1, 31, 0, 408), (11, 29, 0, 408)] {
        for framing in &framings {
            let frame = |piece: &str| {
                if framing.ends_with("chunked") {
                    format!("{:x}\r\n{piece}\r\n", piece.len())
                } else {
                    piece.to_owned()
                }
            };
            let mut wire = Wire::to(&world).await;
            let token = bob(&world);
            let headers =
                format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n{framing}\r\n");
            wire.head("POST /mcp", &headers).await;
            for piece in PING[..single].split("").filter(|piece| !piece.is_empty()) {
                wire.send(frame(piece).as_bytes()).await;
                tokio::time::sleep(Duration::from_secs(pause)).await;
            }
            if last > 0 {
                wire.send(frame(&PING[single..]).as_bytes()).await;
                if framing.ends_with("chunked") {
                    wire.send(b"0\r\n\r\n").await;
                }
            }
            let answer = wire.answer().await;
            assert_eq!(answer.status, status, "{single} bytes, {pause} s after each, {framing}");
            assert_eq!(requests.seen().len(), usize::from(status == 200));
            if status == 408 {
                assert!(answer.body.contains("30 s without a byte, or 300 s altogether"), "{}", answer.body);
                assert_eq!(answer.header("connection"), Some("close"));
            }
        }
    }
}

#[tokio::test]
async fn deep_nesting_neither_crashes_nor_stalls() {
    let (world, mut requests) = guarded().await;
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(200_000), close.repeat(200_000));
    for (body, status) in [
        // Where nothing is decided it is not looked into, and goes on as it came.
        (format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}}}}}"#, deep("[", "]")), 200),
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"a":{}}}}}}}"#,
                deep("[", "]")
            ),
            200,
        ),
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"ping","x":{}1{}}}"#,
                "{\"a\":".repeat(200_000),
                "}".repeat(200_000)
            ),
            200,
        ),
        (deep("[", "]"), 400),
        (format!(r#"{{"jsonrpc":"2.0","id":{},"method":"ping"}}"#, deep("[", "]")), 400),
        (format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}}"#, deep("[", "]")), 400),
        (format!(r#"{{"jsonrpc":"2.0","id":1,"method":{}}}"#, deep("[", "]")), 400),
    ] {
        let reply = send(&world, body.clone(), &[JSON]).await;
        assert_eq!(reply.status, status, "{body:.80}");
        let seen = requests.seen();
        assert_eq!(seen.len(), usize::from(status == 200), "{body:.80}");
        assert!(seen.iter().all(|seen| seen.body == body.as_bytes()));
    }
}

fn current(method: &str, params: Value, id: &Value) -> String {
    let mut params = params;
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

async fn with_headers(world: &World, body: &str, headers: &[(&str, &[u8])]) -> Reply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    let request = world.http.post(world.url("/mcp")).bearer_auth(bob(world)).headers(map);
    Reply::of(request.header("content-type", "application/json").body(body.to_owned())).await
}

#[tokio::test]
async fn tr_17_headers_that_do_not_say_what_the_body_says_are_400_with_the_requests_id() {
    let (world, mut requests) = guarded().await;
    let version: (&str, &[u8]) = ("mcp-protocol-version", b"2026-07-28");
    let method: (&str, &[u8]) = ("mcp-method", b"tools/call");
    let name: (&str, &[u8]) = ("mcp-name", b"whoami");
    for id in [json!(7), json!("seven"), json!(0)] {
        let body = current("tools/call", json!({ "name": "whoami" }), &id);
        assert_eq!(with_headers(&world, &body, &[version, method, name]).await.status, 200);
        assert_eq!(requests.seen().len(), 1);
        let bad: &[&[(&str, &[u8])]] = &[
            &[],
            &[method, name],
            &[version],
            &[version, method],
            &[version, name],
            &[("mcp-protocol-version", b"2025-11-25"), method, name],
            &[("mcp-protocol-version", b"2026-07-29"), method, name],
            &[("mcp-protocol-version", b""), method, name],
            &[version, version, method, name],
            &[version, ("mcp-method", b"tools/list"), name],
            &[version, ("mcp-method", b"Tools/Call"), name],
            &[version, method, method, name],
            &[version, method, ("mcp-name", b"admin_reset")],
            &[version, method, ("mcp-name", b"Whoami")],
            &[version, method, ("mcp-name", b"whoami ,whoami")],
            &[version, method, name, ("mcp-name", b"admin_reset")],
            &[version, method, ("mcp-name", b"")],
            &[version, method, ("mcp-name", b"who\xe9mi")],
            &[version, method, ("mcp-name", b"=?base64?d2hvYW1p")],
            &[version, method, ("mcp-name", b"=?base64?!!!!?=")],
            &[version, method, ("mcp-name", b"=?base64?/w==?=")],
        ];
        for headers in bad {
            let reply = with_headers(&world, &body, headers).await;
            assert_eq!(reply.status, 400, "{headers:?}: {reply:?}");
            let answer: Value = serde_json::from_str(&reply.text).unwrap();
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(-32_020)), "{headers:?}");
            assert!(requests.seen().is_empty(), "{headers:?} went on");
        }
    }
}

#[tokio::test]
async fn tr_17_a_batch_has_no_header_that_mirrors_it_in_any_revision() {
    let (world, mut requests) = guarded().await;
    let batch = format!("[{PING},{}]", PING.replace(":1", ":\"b\""));
    let notes = r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#;
    for version in [None, Some("2025-03-26"), Some("2025-11-25"), Some("9")] {
        let version = version.map(|version| ("mcp-protocol-version", version.as_bytes()));
        let with = |more: &[(&'static str, &'static [u8])]| {
            version.into_iter().chain(more.iter().copied()).collect::<Vec<_>>()
        };
        for bad in [
            &[("mcp-method", &b"tools/list"[..])][..],
            &[("mcp-method", b"ping")],
            &[("mcp-name", b"whoami")],
            &[("mcp-method", b"ping"), ("mcp-name", b"")],
            &[("mcp-method", b"")],
        ] {
            let reply = with_headers(&world, &batch, &with(bad)).await;
            assert_eq!(reply.status, 400, "{version:?} {bad:?}: {reply:?}");
            let answers: Value = serde_json::from_str(&reply.text).unwrap();
            for (at, id) in [json!(1), json!("b")].iter().enumerate() {
                assert_eq!((&answers[at]["id"], &answers[at]["error"]["code"]), (id, &json!(-32_020)));
            }
            assert!(answers[0]["error"]["message"].as_str().unwrap().contains("a batch"), "{answers}");
            assert_eq!(with_headers(&world, notes, &with(bad)).await.status, 400, "{version:?} {bad:?}");
            assert!(requests.seen().is_empty(), "{version:?} {bad:?} went on");
        }
        for body in [&batch, notes] {
            assert_eq!(with_headers(&world, body, &with(&[])).await.status, 200, "{version:?}");
            assert_eq!(requests.seen().len(), 1, "{version:?}");
        }
    }
}

#[tokio::test]
async fn tr_19_names_that_no_header_can_hold_come_in_base64() {
    let (world, mut requests) = guarded().await;
    let method: (&str, &[u8]) = ("mcp-method", b"tools/call");
    let version: (&str, &[u8]) = ("mcp-protocol-version", b"2026-07-28");
    for (name, header, agrees) in [
        ("caf\u{e9}", "=?base64?Y2Fmw6k=?=", true),
        ("whoami", "=?base64?d2hvYW1p?=", true),
        ("caf\u{e9}", "=?base64?Y2Fmw6k?=", false),
        ("caf\u{e9}", "=?BASE64?Y2Fmw6k=?=", false),
        ("caf\u{e9}", "=?base64?Y2Fmw6k=", false),
        ("caf\u{e9}", "Y2Fmw6k=", false),
        ("a>?~", "=?base64?YT4/fg==?=", true),
        ("a>?~", "=?base64?YT4_fg==?=", false),
        // Without both markers it means itself.
        ("=?base64?x", "=?base64?x", true),
        ("x?=", "x?=", true),
        ("=?base64?d2hvYW1p?=", "=?base64?d2hvYW1p?=", false),
    ] {
        let body = current("tools/call", json!({ "name": name }), &json!(1));
        let reply = with_headers(&world, &body, &[version, method, ("mcp-name", header.as_bytes())]).await;
        assert_eq!(reply.status, if agrees { 200 } else { 400 }, "{name} {header}: {reply:?}");
        assert_eq!(requests.seen().len(), usize::from(agrees), "{name} {header}");
    }
}

#[tokio::test]
async fn tr_17_only_what_has_a_name_needs_one_in_the_header() {
    let (mcp, mut requests) = recording();
    let world = World::builder().mcp(mcp).start().await;
    for (method, params, source) in [
        ("tools/call", json!({ "name": "t" }), Some("t")),
        ("prompts/get", json!({ "name": "p" }), Some("p")),
        ("resources/read", json!({ "uri": "file:///x" }), Some("file:///x")),
        ("tasks/get", json!({ "taskId": "k" }), Some("k")),
        ("tasks/update", json!({ "taskId": "k" }), Some("k")),
        ("tasks/cancel", json!({ "taskId": "k" }), Some("k")),
        ("tasks/result", json!({ "taskId": "k" }), None),
        ("resources/subscribe", json!({ "uri": "file:///x" }), None),
        ("resources/unsubscribe", json!({ "uri": "file:///x" }), None),
        ("tools/list", json!({ "name": "x" }), None),
        ("subscriptions/listen", json!({}), None),
        ("x/new", json!({ "name": "x" }), None),
    ] {
        let body = current(method, params, &json!(1));
        let of_method: (&str, &[u8]) = ("mcp-method", method.as_bytes());
        let version = (VERSION.0, VERSION.1.as_bytes());
        let bare = with_headers(&world, &body, &[version, of_method]).await;
        assert_eq!(bare.status, if source.is_some() { 400 } else { 200 }, "{method}");
        if let Some(source) = source {
            let named =
                with_headers(&world, &body, &[version, of_method, ("mcp-name", source.as_bytes())]).await;
            assert_eq!(named.status, 200, "{method}");
        }
        assert_eq!(requests.seen().len(), 1, "{method}");
    }
    // A name in the header for which the body has none would fool whoever routes on the header.
    let body = current("tools/call", json!({}), &json!(1));
    let headers: &[(&str, &[u8])] =
        &[(VERSION.0, VERSION.1.as_bytes()), ("mcp-method", b"tools/call"), ("mcp-name", b"x")];
    assert_eq!(with_headers(&world, &body, headers).await.status, 400);
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn older_revisions_notifications_and_responses_need_no_mirror() {
    let (world, mut requests) = guarded().await;
    for (body, headers) in [
        (PING, vec![]),
        (PING, vec![("mcp-protocol-version", "2025-11-25")]),
        (PING, vec![("mcp-protocol-version", "2024-11-05"), ("mcp-method", "ping"), ("mcp-name", "x")]),
        (PING, vec![("mcp-protocol-version", "DRAFT-2026-v1")]),
        (r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#, vec![VERSION]),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, vec![VERSION]),
    ] {
        let headers: Vec<(&str, &str)> = headers.into_iter().chain([JSON]).collect();
        assert_eq!(send(&world, body, &headers).await.status, 200, "{body} {headers:?}");
        assert_eq!(requests.seen().len(), 1);
    }
}

#[tokio::test]
async fn tr_17_a_mirror_that_lies_is_400_in_older_and_unknown_revisions_too() {
    let (world, mut requests) = guarded().await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}"#;
    for version in ["2025-11-25", "2024-11-05", "DRAFT-2026-v1"] {
        for lie in [("mcp-method", "tools/list"), ("mcp-name", "admin_reset")] {
            let reply = send(&world, call, &[JSON, ("mcp-protocol-version", version), lie]).await;
            assert_eq!(
                (reply.status, reply.json()["error"]["code"].clone()),
                (400, json!(-32_020)),
                "{version}"
            );
            assert!(requests.seen().is_empty());
        }
    }
}

#[tokio::test]
async fn tr_18_where_no_header_mirrors_the_body_the_body_decides() {
    let (world, mut requests) = guarded().await;
    let call =
        |tool: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool } });
    for headers in [vec![JSON], vec![JSON, ("mcp-protocol-version", "2025-06-18")]] {
        let refused = send(&world, call("admin_reset").to_string(), &headers).await;
        assert_eq!(refused.json()["result"]["isError"], true, "{refused:?}");
        assert!(requests.seen().is_empty());
        assert_eq!(send(&world, call("whoami").to_string(), &headers).await.status, 200);
        assert_eq!(requests.seen().len(), 1);
    }
}

#[tokio::test]
async fn tr_23_every_call_reaches_the_server_however_long_its_answer_may_be_kept() {
    let (mcp, mut requests) = answering(|_| {
        typed(
            "application/json",
            r#"{"jsonrpc":"2.0","id":1,"result":{"contents":[],"ttlMs":60000,"cacheScope":"public"}}"#,
        )
    });
    let world = World::builder().mcp(mcp).start().await;
    let read = r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}}"#;
    for calls in 1..=3 {
        assert_eq!(send(&world, read, &[JSON]).await.status, 200);
        let alice = world.control().mint(&MintRequest::default());
        let request = world.http.post(world.url("/mcp")).bearer_auth(alice).header(JSON.0, JSON.1);
        assert_eq!(Reply::of(request.body(read)).await.status, 200);
        assert_eq!(requests.seen().len(), 2, "{calls}");
    }
}

#[tokio::test]
async fn k50_the_connection_stays_usable_after_every_refusal() {
    let (world, mut requests) = guarded().await;
    let good = format!("Authorization: Bearer {}\r\n", bob(&world));
    let bad = "Authorization: Bearer aaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    let narrow = world.control().mint(&MintRequest { scp: Some("other".into()), ..MintRequest::default() });
    let narrow = format!("Authorization: Bearer {narrow}\r\n");
    let admin = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"admin_reset"}}"#;
    let mut wire = Wire::to(&world).await;
    for (status, headers, body) in [
        (401, String::new(), PING.as_bytes()),
        (401, bad.to_owned(), PING.as_bytes()),
        (400, format!("{good}{bad}"), PING.as_bytes()),
        (400, good.clone(), b"{".as_slice()),
        (400, format!("{good}Mcp-Protocol-Version: 2026-07-28\r\n"), PING.as_bytes()),
        (403, narrow, PING.as_bytes()),
        (200, good.clone(), admin.as_slice()),
        (404, String::new(), b"".as_slice()),
    ] {
        let path = if status == 404 { "/elsewhere" } else { "/mcp" };
        let refused = wire.post(path, &headers, body).await;
        assert_eq!(refused.status, status, "{headers}");
        assert!(requests.seen().is_empty());
        assert_eq!(wire.post("/mcp", &good, PING.as_bytes()).await.status, 200, "after {status}");
        assert_eq!(requests.seen().len(), 1);
    }
}
