//! The same bytes through the gateway as past it (TR-01, TR-05): exchanges as real servers made them, and generated ones.
//!
//! What a client gets in addition: `Date` where the server sent none, `X-Accel-Buffering` on event streams, and the framing
//! of its own connection. What it does not get: `WWW-Authenticate` and `Set-Cookie`. What the server gets in addition:
//! `X-Forwarded-For`, `-Host` and `-Proto`, and its own `Host`. What it does not get: `Origin`, credentials, claims of an identity.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::upstream_fixture::{Backend, Gateway, Message};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
/// Of one connection, or added by the gateway.
const OF_THE_CONNECTION: [&str; 5] =
    ["connection", "content-length", "date", "transfer-encoding", "x-accel-buffering"];
/// What would speak in the gateway's name (docs/decisions/0009-answers-that-are-not-passed-on.md).
const KEPT_BACK: [&str; 2] = ["set-cookie", "www-authenticate"];
const OF_THE_REQUEST: [&str; 6] =
    ["connection", "content-length", "host", "te", "transfer-encoding", "accept"];

type Headers = Vec<(String, String)>;

/// How a body says where it ends.
#[derive(Debug, Clone)]
enum Framing {
    Length,
    /// Chunks that end at these places, and trailers.
    Chunks(Vec<usize>, Headers),
    UntilClose,
}

#[derive(Debug, Clone)]
struct Sent {
    /// Status line without the version, or nothing in a request.
    status: &'static str,
    headers: Headers,
    body: Vec<u8>,
    framing: Framing,
}

/// A response as it came over the wire.
#[derive(Debug)]
struct Received {
    line: String,
    headers: Headers,
    body: Vec<u8>,
    trailers: Headers,
}

impl Sent {
    fn framed(&self) -> (String, Vec<u8>) {
        let mut head = String::new();
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let body = match &self.framing {
            Framing::Length => {
                write!(head, "content-length: {}\r\n", self.body.len()).unwrap();
                self.body.clone()
            }
            Framing::Chunks(ends, trailers) => {
                head += "transfer-encoding: chunked\r\n";
                if !trailers.is_empty() {
                    let names: Vec<&str> = trailers.iter().map(|(name, _)| name.as_str()).collect();
                    write!(head, "trailer: {}\r\n", names.join(", ")).unwrap();
                }
                chunked(&self.body, ends, trailers)
            }
            Framing::UntilClose => self.body.clone(),
        };
        (head, body)
    }

    fn response(&self) -> Vec<u8> {
        let (head, body) = self.framed();
        [format!("HTTP/1.1 {}\r\nconnection: close\r\n{head}\r\n", self.status).as_bytes(), &body].concat()
    }

    fn request(&self, gateway: &Gateway) -> Vec<u8> {
        let (head, body) = self.framed();
        let host = gateway.address.port();
        let line = format!(
            "POST /mcp?x=%2f HTTP/1.1\r\nhost: localhost:{host}\r\nconnection: te, close\r\nte: trailers\r\n{head}\r\n"
        );
        [line.as_bytes(), &body].concat()
    }
}

fn chunked(body: &[u8], ends: &[usize], trailers: &Headers) -> Vec<u8> {
    let mut ends: Vec<usize> = ends.iter().map(|end| end % (body.len() + 1)).chain([body.len()]).collect();
    ends.sort_unstable();
    let (mut out, mut start) = (Vec::new(), 0);
    for end in ends {
        if end > start {
            out.extend(format!("{:x}\r\n", end - start).into_bytes());
            out.extend(&body[start..end]);
            out.extend(b"\r\n");
            start = end;
        }
    }
    out.extend(b"0\r\n");
    for (name, value) in trailers {
        out.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    out.extend(b"\r\n");
    out
}

fn headers(text: &str) -> Headers {
    let lines = text.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()
}

fn received(raw: &[u8]) -> Received {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
    let (line, rest) = head.split_once("\r\n").unwrap_or((head.as_str(), ""));
    let mut received =
        Received { line: line.to_owned(), headers: headers(rest), body: Vec::new(), trailers: Vec::new() };
    let mut raw = &raw[end + 4..];
    if !received.headers.iter().any(|(name, _)| name == "transfer-encoding") {
        received.body = raw.to_vec();
        return received;
    }
    loop {
        let line = raw.windows(2).position(|window| window == b"\r\n").expect("a chunk size");
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..line]).unwrap(), 16).unwrap();
        raw = &raw[line + 2..];
        if size == 0 {
            received.trailers = headers(std::str::from_utf8(raw).unwrap());
            return received;
        }
        received.body.extend(&raw[..size]);
        raw = &raw[size + 2..];
    }
}

/// Headers by name, values of one name in their order, without those that may differ.
fn end_to_end(headers: &Headers, but: &[&str]) -> Headers {
    let mut headers: Headers = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .filter(|(name, _)| !but.contains(&name.as_str()) && !name.starts_with("x-forwarded-"))
        .collect();
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    headers
}

/// Sends both ways through the gateway: what the server saw, and what the client got.
async fn exchanged(
    gateway: &Gateway,
    backend: &Backend,
    request: &Sent,
    answer: &Sent,
) -> (Message, Received) {
    let mut client = gateway.connect().await;
    client.send(request.request(gateway)).await;
    let (mut server, seen) = backend.request().await;
    server.send(answer.response()).await;
    drop(server);
    (seen, received(&client.rest().await))
}

fn ping() -> Sent {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Sent { status: "", headers, body: PING.into(), framing: Framing::Length }
}

fn assert_same(answer: &Sent, got: &Received) {
    assert_eq!(got.line, format!("HTTP/1.1 {}", answer.status));
    assert!(got.body == answer.body, "the body changed: {:?}", String::from_utf8_lossy(&got.body));
    let none = Vec::new();
    let trailers = if let Framing::Chunks(_, trailers) = &answer.framing { trailers } else { &none };
    let mut sent = end_to_end(&answer.headers, &OF_THE_CONNECTION);
    sent.retain(|(name, _)| !KEPT_BACK.contains(&name.as_str()));
    if !trailers.is_empty() {
        let names: Vec<&str> = trailers.iter().map(|(name, _)| name.as_str()).collect();
        sent.push(("trailer".to_owned(), names.join(", ")));
        sent = end_to_end(&sent, &[]);
    }
    assert_eq!(end_to_end(&got.headers, &OF_THE_CONNECTION), sent);
    assert_eq!(end_to_end(&got.trailers, &[]), end_to_end(trailers, &[]));
}

/// Answers as servers of today send them, and as the specification lets them.
fn recorded() -> Vec<(&'static str, &'static str, &'static str)> {
    const STREAM: &str = "cache-control: no-cache, no-transform\r\nContent-Type: text/event-stream";
    const JSON: &str = "content-type: application/json";
    vec![
        // TypeScript SDK 2.1, initialize of 2025-11-25: a priming event with `retry`, then the answer.
        (
            "200 OK",
            "cache-control: no-cache, no-transform\r\ncontent-type: text/event-stream\r\nmcp-session-id: f500738a-74ed-4440-a651-f650c8921af5\r\nx-accel-buffering: no",
            "id: 24510bd5-48d7-4672-9e47-026df7d80f55_1\nretry: 500\ndata: \n\nevent: message\nid: 24510bd5-48d7-4672-9e47-026df7d80f55_2\ndata: {\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"reference\",\"version\":\"1.0.0\"}},\"jsonrpc\":\"2.0\",\"id\":1}\n\n",
        ),
        // The same, a call of 2026-07-28 with progress.
        (
            "200 OK",
            STREAM,
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"p\",\"progress\":50,\"total\":100}}\n\nevent: message\ndata: {\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"p\"}],\"resultType\":\"complete\"},\"jsonrpc\":\"2.0\",\"id\":2}\n\n",
        ),
        // server-everything, HTTP+SSE.
        (
            "200 OK",
            "X-Powered-By: Express\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform",
            "event: endpoint\ndata: /message?sessionId=ea2abafe-180e-4c03-a0bb-8de0e32f2a55\n\n",
        ),
        (
            "406 Not Acceptable",
            JSON,
            "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Not Acceptable: Client must accept text/event-stream\"},\"id\":null}",
        ),
        // Everything the event stream format has, with each kind of line end.
        (
            "200 OK",
            STREAM,
            ": comment\n\n:\nretry: 10\n\nid\nid: 7\nevent: x\ndata\ndata:\ndata: two\ndata:  three\nunknown: y\n\n",
        ),
        ("200 OK", STREAM, ": comment\r\n\r\nid: 1\r\ndata: {\r\ndata: \"a\": 1}\r\n\r\ndata: unfinished"),
        ("200 OK", STREAM, "\u{feff}: comment\r\rid: 1\rdata: a\r\rdata: b\n\r\n\r"),
        // A batch of 2025-03-26, white space and all.
        (
            "200 OK",
            JSON,
            " [ {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}} ,\r\n{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"error\":{\"code\":1,\"message\":\"x\"}}]\n",
        ),
        ("202 Accepted", "x-powered-by: Express", ""),
        ("202 Accepted", "content-type: text/plain", "Accepted"),
        (
            "404 Not Found",
            JSON,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}",
        ),
        ("400 Bad Request", "x-none: 1", ""),
        (
            "405 Method Not Allowed",
            "allow: POST\r\nset-cookie: a=1\r\nset-cookie: b=2; Path=/",
            "<html>no</html>",
        ),
    ]
}

#[tokio::test]
async fn tr_01_tr_05_recorded_answers_arrive_as_they_were_sent_however_framed() {
    let (gateway, backend) = Gateway::start().await;
    for (status, head, body) in recorded() {
        let trailers = vec![("x-sum".to_owned(), "7".to_owned()), ("x-sum".to_owned(), "8".to_owned())];
        for framing in [
            Framing::Length,
            Framing::UntilClose,
            Framing::Chunks(Vec::new(), Vec::new()),
            Framing::Chunks((0..body.len()).collect(), trailers),
        ] {
            let answer = Sent { status, headers: headers(head), body: body.into(), framing };
            let (_, got) = exchanged(&gateway, &backend, &ping(), &answer).await;
            assert_same(&answer, &got);
        }
    }
}

#[tokio::test]
async fn tr_05_what_has_come_of_an_event_goes_on_wherever_it_was_split() {
    let (gateway, backend) = Gateway::start().await;
    for (_, _, text) in recorded().into_iter().filter(|(_, head, _)| head.contains("event-stream")) {
        let mut client = gateway.post(PING).await;
        let (mut server, _) = backend.request().await;
        server.answer_events().await;
        client.head().await;
        // Each byte is sent when the one before has arrived: a buffer anywhere would stop the test.
        for at in text.char_indices().map(|(at, character)| &text[at..at + character.len_utf8()]) {
            server.send_chunk(at).await;
            assert_eq!(client.event().await.as_deref(), Some(at));
        }
        server.send("0\r\n\r\n").await;
        assert_eq!(client.event().await, None);
    }
}

#[tokio::test]
async fn interim_answers_do_not_disturb_the_final_one() {
    let (gateway, backend) = Gateway::start().await;
    let mut client = gateway.connect().await;
    let mut request = ping();
    request.headers.push(("expect".to_owned(), "100-continue".to_owned()));
    client.send(request.request(&gateway)).await;
    let (mut server, seen) = backend.request().await;
    assert_eq!(seen.text(), PING);
    server.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n").await;
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
    drop(server);
    let all = String::from_utf8(client.rest().await).unwrap();
    let last = all.rfind("HTTP/1.1 ").unwrap();
    assert!(all[last..].starts_with("HTTP/1.1 200 OK\r\n") && all.ends_with("\r\n\r\n{}"), "{all}");
    assert!(!all.contains("link:"), "{all}");
}

fn header_value() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,30}[!-~])?"
}

fn end_to_end_headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        "Mcp-Param-[A-Za-z]{1,8}",
        Just("mcp-future-header".to_owned()),
        Just("traceparent".to_owned()),
        Just("tracestate".to_owned()),
        Just("baggage".to_owned()),
        Just("Last-Event-ID".to_owned()),
        Just("X-Many".to_owned()),
        "x-[a-z]{3}",
    ];
    let is_ours = |name: &str| ["x-ssl", "x-ms"].iter().any(|ours| name.starts_with(ours));
    prop::collection::vec((name, header_value()), 0..6)
        .prop_map(move |all| all.into_iter().filter(|(name, _)| !is_ours(name)).collect())
}

fn framing() -> impl Strategy<Value = Framing> {
    let trailers = prop::collection::vec(("x-t[a-z]{2}", header_value()), 0..3);
    prop_oneof![
        Just(Framing::Length),
        Just(Framing::UntilClose),
        (prop::collection::vec(any::<usize>(), 0..12), trailers)
            .prop_map(|(ends, trailers)| Framing::Chunks(ends, trailers)),
    ]
}

/// Also what is kept back.
fn headers_of_an_answer() -> impl Strategy<Value = Headers> {
    let kept_back = prop::collection::vec((prop::sample::select(&KEPT_BACK[..]), header_value()), 0..2);
    (end_to_end_headers(), kept_back).prop_map(|(mut headers, kept_back)| {
        headers.extend(kept_back.into_iter().map(|(name, value)| (name.to_owned(), value)));
        headers
    })
}

fn answers() -> impl Strategy<Value = Sent> {
    let status = prop_oneof![
        Just("200 OK"),
        Just("200 Fine"),
        Just("400 Bad Request"),
        Just("404 Not Found"),
        Just("418 I'm a teapot"),
        Just("500 Internal Server Error"),
    ];
    let types =
        prop_oneof![Just("application/json"), Just("text/event-stream"), Just("application/octet-stream")];
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3000),
        "((id|data|event|retry|): ?[a-z{}]{0,9}(\n|\r|\r\n)){0,20}".prop_map(String::into_bytes),
    ];
    (status, types, headers_of_an_answer(), body, framing()).prop_map(
        |(status, media, mut headers, body, framing)| {
            headers.push(("content-type".to_owned(), media.to_owned()));
            Sent { status, headers, body, framing }
        },
    )
}

fn requests() -> impl Strategy<Value = Sent> {
    let space = || "[ \t\r\n]{0,3}";
    let argument = prop_oneof![
        any::<f64>()
            .prop_filter("JSON has no such number", |number| number.is_finite())
            .prop_map(|number| number.to_string()),
        "[ -!#-\\[\\]-~é🦀]{0,60}".prop_map(|text| format!("\"{text}\"")),
        Just(r#"[{"a":[null,true,1e400,18446744073709551616]},"\u0041\/"]"#.to_owned()),
    ];
    let body = (space(), argument, space(), any::<u32>()).prop_map(|(before, argument, after, id)| {
        format!(r#"{before}{{"jsonrpc":"2.0",{after}"id":{id},"method":"x/y","params":{{"arguments":{argument}}}{after}}}{before}"#)
    });
    (end_to_end_headers(), body, framing()).prop_map(|(mut headers, body, framing)| {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        // A request cannot end with its connection, and its trailers belong to the body that is judged.
        let framing = match framing {
            Framing::Chunks(ends, _) => Framing::Chunks(ends, Vec::new()),
            _ => Framing::Length,
        };
        Sent { status: "", headers, body: body.into_bytes(), framing }
    })
}

#[test]
fn tr_01_any_exchange_arrives_as_it_was_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (gateway, backend) = runtime.block_on(Gateway::start());
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let exchanges = (requests(), answers());
    TestRunner::new(config)
        .run(&exchanges, |(request, answer)| {
            let (seen, got) = runtime.block_on(exchanged(&gateway, &backend, &request, &answer));
            assert_eq!(seen.line, "POST /mcp?x=%2f HTTP/1.1");
            assert_eq!(seen.body, request.body);
            assert_eq!(
                end_to_end(&seen.headers, &OF_THE_REQUEST),
                end_to_end(&request.headers, &OF_THE_REQUEST)
            );
            assert_same(&answer, &got);
            Ok(())
        })
        .unwrap();
}
