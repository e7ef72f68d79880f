//! What the layer lets through and what it takes out, on the wire.

use std::time::Duration;

use entragate::{BaseUrl, Gate, GateError, Kind, Rule};
use entragate_emulator::{MintRequest, fixtures};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::layer_server::{Requests, Seen, answering, recording, typed};
use crate::layer_wire::Wire;
use crate::world::{Reply, World, client, log};

const PING: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn recorded() -> (World, Requests) {
    let (mcp, requests) = recording();
    (World::builder().mcp(mcp).start().await, requests)
}

fn token(world: &World) -> String {
    world.control().mint(&MintRequest::default())
}

fn authorization(world: &World) -> String {
    format!("Authorization: Bearer {}\r\n", token(world))
}

#[tokio::test]
async fn tr_02_credentials_and_identities_brought_along_never_reach_the_mcp_server() {
    let (world, mut requests) = recorded().await;
    let mut wire = Wire::to(&world).await;
    let authorization = authorization(&world);
    for name in [
        "Cookie",
        "DPoP",
        "Proxy-Authorization",
        "Proxy_Authorization",
        "Forwarded",
        "X-Forwarded-User",
        "X_Forwarded_User",
        "x-forwarded_user",
        "X-FORWARDED-GROUPS",
        "X-Forwarded-For",
        "X-Forwarded-Access-Token",
        "X-Forwarded-Email",
        "X-Forwarded-Preferred-Username",
        "X-Entra-Object-Id",
        "X_Entra_Object_Id",
        "X-Entragate-Principal",
        "X-MS-Client-Principal",
        "X-MS-CLIENT-PRINCIPAL-ID",
        "X_MS_Client_Principal_Name",
        "X-MS-Token-AAD-Access-Token",
        "X-MS-Anything",
        "X-Auth-Request-User",
        "X-Auth-Request-Email",
        "X-User",
        "X-User-Id",
        "X_User_Id",
        "X-Email",
        "X-Real-IP",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Remote-User",
        "Remote_User",
        "Remote-Groups",
        "X-Remote-User",
        "X-Remote-Group",
        "X-Authenticated-User",
        "X-Authenticated-Userid",
        "X-WebAuth-User",
        "X-Authentik-Username",
        "X-Pomerium-Jwt-Assertion",
        "X-Consumer-Username",
        "X-Credential-Identifier",
        "X-Goog-Authenticated-User-Email",
        "X-Goog-IAP-JWT-Assertion",
        "X-Amzn-Oidc-Identity",
        "Cf-Access-Authenticated-User-Email",
        "Cf-Access-Jwt-Assertion",
        "Tailscale-User-Login",
        "Ssl-Client-Cert",
        "X-SSL-Client-S-DN",
        "X-Client-Cert",
    ] {
        let headers = format!("{authorization}{name}: mallory\r\n{name}: mallory\r\n");
        let answer = wire.post("/mcp", &headers, PING).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        let seen = requests.only();
        assert!(!seen.headers.contains_key("authorization"), "RS-25: the client's token went on");
        assert!(!format!("{:?}", seen.headers).contains("mallory"), "{name} got through: {:?}", seen.headers);
    }
}

#[tokio::test]
async fn tr_01_tr_25_tr_27_everything_else_reaches_the_mcp_server_as_it_was_sent() {
    let (world, mut requests) = recorded().await;
    let mut wire = Wire::to(&world).await;
    let authorization = authorization(&world);
    for (name, value) in [
        ("Mcp-Param-Region", "us-west1"),
        ("Mcp-Param-User", "=?base64?w6k=?="),
        ("Mcp-Future-Header", "x"),
        ("MCP-Protocol-Version", "2025-11-25"),
        ("Last-Event-ID", "7/3"),
        ("Accept", "application/json, text/event-stream"),
        ("Accept-Encoding", "gzip, br"),
        ("User-Agent", "client/1.0 (x)"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "a=1,b=2"),
        ("X-Custom", "  kept  inside "),
        ("X_Custom_Too", "1"),
        ("Authorization-Hint", "no credential"),
        ("X-Forwardedness", "not a forwarded header"),
        ("Username", "not listed"),
    ] {
        let answer = wire.post("/mcp", &format!("{authorization}{name}: {value}\r\n"), PING).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(requests.only().headers[&*name.to_ascii_lowercase()], value.trim(), "{name}");
    }
    let twice = format!("{authorization}X-Many: 1\r\nX-Many: 2\r\n");
    wire.post("/mcp?tenant=%2Fx&y=%zz", &twice, PING).await;
    let seen = requests.only();
    assert_eq!(seen.headers.get_all("x-many").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(seen.uri.path_and_query().unwrap(), "/mcp?tenant=%2Fx&y=%zz");
}

#[tokio::test]
async fn tr_01_the_body_arrives_byte_for_byte() {
    let (world, mut requests) = recorded().await;
    let mut wire = Wire::to(&world).await;
    let authorization = authorization(&world);
    let large =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":"{}"}}}}"#, "é".repeat(300_000));
    for body in [
        " {\n\t\"id\" : 1.0e0 ,\r\n\"jsonrpc\":\"2.0\", \"method\":\"p\\u0069ng\" , \"params\":null}\n ",
        r#"{"jsonrpc":"2.0","id":18446744073709551616,"method":"x","params":{"z":1,"a":0.10,"e":"\ud83d\ude00 😀 \/"}}"#,
        r#"{"jsonrpc":"2.0","method":"x","params":{"arguments":{"name":"a","name":"b","NAME":"c"}},"extra":[1,1]}"#,
        r#"{"jsonrpc":"2.0","id":"5","result":{"tools":[]}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"} , {"jsonrpc":"2.0","method":"notifications/x"}]"#,
        large.as_str(),
    ] {
        let answer = wire.post("/mcp", &authorization, body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(requests.only().body, body.as_bytes());
    }
}

#[tokio::test]
async fn rs_17_every_method_needs_a_token() {
    let (world, mut requests) = recorded().await;
    for method in ["GET", "POST", "DELETE", "HEAD"] {
        for session in [None, Some("0123456789abcdef")] {
            let request = world.http.request(method.parse().unwrap(), world.url("/mcp"));
            let request = session.into_iter().fold(request, |r, id| r.header("mcp-session-id", id));
            let reply = Reply::of(request).await;
            assert_eq!(reply.status, 401, "{method}");
            let challenge = reply.header("www-authenticate");
            assert!(challenge.contains("resource_metadata=") && !challenge.contains("error="), "{method}");
        }
    }
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn tr_03_methods_without_a_message_go_on_without_a_body() {
    let (world, mut requests) = recorded().await;
    let authorization = authorization(&world);
    for method in ["GET", "DELETE"] {
        for framing in ["Content-Length: 40\r\n", "Transfer-Encoding: chunked\r\n"] {
            let mut wire = Wire::to(&world).await;
            wire.head(&format!("{method} /mcp"), &format!("{authorization}{framing}")).await;
            let body = std::str::from_utf8(PING).unwrap();
            let sent =
                if framing.starts_with('C') { body.to_owned() } else { format!("28\r\n{body}\r\n0\r\n\r\n") };
            wire.send(sent.as_bytes()).await;
            assert_eq!(wire.answer().await.status, 200, "{method} {framing}");
            let seen = requests.only();
            assert_eq!((seen.method.as_str(), seen.body.len()), (method, 0), "an unjudged body went on");
            assert!(!seen.headers.contains_key("content-length"), "{method}: a length without a body");
            assert!(!seen.headers.contains_key("transfer-encoding"), "{method}");
        }
    }
    let head = world.http.head(world.url("/mcp")).bearer_auth(token(&world)).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(requests.only().method, Method::HEAD);
}

#[tokio::test]
async fn tr_03_methods_that_mcp_does_not_use_are_405_and_go_nowhere() {
    let (world, mut requests) = recorded().await;
    for method in ["TRACE", "PUT", "PATCH", "PROPFIND", "QUERY", "get", "post", "X-OWN"] {
        for authorization in [authorization(&world), String::new()] {
            let mut wire = Wire::to(&world).await;
            let headers = format!(
                "{authorization}Content-Type: application/json\r\nContent-Length: {}\r\n",
                PING.len()
            );
            wire.head(&format!("{method} /mcp"), &headers).await;
            wire.send(PING).await;
            let answer = wire.answer().await;
            assert_eq!(answer.status, 405, "{method}: {answer:?}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, DELETE, OPTIONS"), "{method}");
            assert!(!answer.body.contains("Bearer"), "{answer:?}");
            assert!(requests.seen().is_empty(), "{method}");
        }
    }
}

#[tokio::test]
async fn k55_a_large_body_is_not_waited_for_before_the_challenge() {
    let (world, mut requests) = recorded().await;
    for authorization in ["", "Authorization: Bearer aaaaaaaaaaaaaaaaaaaaaaaa\r\n"] {
        let mut wire = Wire::to(&world).await;
        wire.head("POST /mcp", &format!("Content-Length: 1000000\r\n{authorization}")).await;
        wire.send(&PING[..10]).await;
        assert_eq!(wire.answer().await.status, 401);
    }
    let mut wire = Wire::to(&world).await;
    wire.head("POST /mcp", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n").await;
    assert_eq!(wire.answer().await.status, 401, "and not 100");
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn s_25_foreign_hosts_and_origins_are_refused_before_a_token_is_looked_at() {
    let (world, mut requests) = recorded().await;
    let own = format!("localhost:{}", world.addr.port());
    let mut log = log::capture();
    for authorization in
        [authorization(&world), "Authorization: Bearer aaaaaaaaaaaaaaaaaaaa\r\n".into(), String::new()]
    {
        for (headers, status) in [
            ("Host: evil.test\r\n".to_owned(), 421),
            (format!("Host: {own}.evil.test\r\n"), 421),
            (format!("Host: evil.test\r\nX-Forwarded-Host: {own}\r\n"), 421),
            (format!("Host: {own}\r\nOrigin: https://evil.test\r\n"), 403),
            (format!("Host: {own}\r\nOrigin: null\r\n"), 403),
            (format!("Host: {own}\r\nOrigin: http://localhost.evil.test\r\n"), 403),
            (format!("Host: {own}\r\nOrigin: http://localhost:1\r\nOrigin: https://evil.test\r\n"), 403),
        ] {
            for method in ["GET", "POST", "OPTIONS"] {
                let mut wire = Wire::to(&world).await;
                let framing = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
                wire.head(&format!("{method} /mcp"), &format!("{headers}{authorization}{framing}")).await;
                let answer = wire.answer().await;
                assert_eq!(answer.status, status, "{method} {headers}");
                assert_eq!(answer.header("www-authenticate"), None);
                assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {headers}");
            }
        }
    }
    assert!(log.lines().iter().all(|line| !line.starts_with("entragate::token")));
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn s_25_target_that_is_a_whole_url_names_the_same_host_as_the_header() {
    let (world, mut requests) = recorded().await;
    let own = format!("localhost:{}", world.addr.port());
    for (target, host, status) in [
        ("http://evil.test", own.as_str(), 421),
        (&format!("http://evil@{own}"), &own, 421),
        ("http://evil.test", "evil.test", 421),
        (&format!("http://{own}"), "evil.test", 421),
        (&format!("http://LOCALHOST:{}", world.addr.port()), &own, 401),
        (&format!("http://{own}"), &own, 401),
    ] {
        for (line, ok) in [
            (format!("GET {target}/mcp"), status),
            (
                format!("GET {target}/.well-known/oauth-protected-resource/mcp"),
                if status == 421 { 421 } else { 200 },
            ),
        ] {
            let mut wire = Wire::to(&world).await;
            wire.head(&line, &format!("Host: {host}\r\n")).await;
            assert_eq!(wire.answer().await.status, ok, "{line} {host}");
        }
    }
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn s_26_pages_on_this_machine_may_ask_and_read_the_answer() {
    let (world, _requests) = recorded().await;
    for origin in ["http://localhost:6274", "http://127.0.0.1:1", "https://localhost"] {
        let request = world.http.post(world.url("/mcp")).bearer_auth(token(&world)).header("origin", origin);
        let request = request.header("content-type", "application/json");
        let reply = Reply::of(request.body(PING)).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, origin));
        let challenge = Reply::of(world.http.post(world.url("/mcp")).header("origin", origin)).await;
        assert_eq!((challenge.status, challenge.header("access-control-allow-origin")), (401, origin));
        assert!(challenge.header("access-control-expose-headers").contains("WWW-Authenticate"));
    }
}

#[tokio::test]
async fn k55_the_last_slash_makes_no_difference() {
    let (world, mut requests) = recorded().await;
    for path in ["/mcp", "/mcp/", "/mcp?x=1", "/mcp/?x=1"] {
        let mut wire = Wire::to(&world).await;
        assert_eq!(wire.post(path, "", PING).await.status, 401, "{path}");
        assert_eq!(wire.post(path, &authorization(&world), PING).await.status, 200, "{path}");
        assert_eq!(requests.seen().len(), 1, "{path}");
    }
}

#[tokio::test]
async fn paths_beside_the_mcp_server_are_not_found_and_never_forwarded() {
    let (mcp, mut requests) = recording();
    let world = World::builder().mcp(mcp).gate(|builder| builder.also_protect("/messages")).start().await;
    let authorization = authorization(&world);
    for path in [
        "/mcp/x",
        "/mcp//",
        "//mcp",
        "/mcp2",
        "/mc",
        "/MCP",
        "/%6dcp",
        "/mcp%2f",
        "/mcp%2Fx",
        "/mcp%00",
        "/mcp;x=1",
        "/mcp.json",
        "/./mcp",
        "/x/../mcp",
        "/mcp/../admin",
        "/mcp/..%2fadmin",
        "/mcp\\x",
        "/sse",
        "/mcp/sse",
        "/",
        "/messages/x",
        "/messages2",
        "/oauth/mcp",
        "/.well-known/mcp",
    ] {
        let mut wire = Wire::to(&world).await;
        let answer = wire.post(path, &authorization, PING).await;
        assert!(matches!(answer.status, 404 | 400), "{path}: {answer:?}");
        let mut wire = Wire::to(&world).await;
        assert!(matches!(wire.get(path, &authorization).await.status, 404 | 400), "{path}");
    }
    assert!(requests.seen().is_empty());
    // The further path is the same MCP server and is guarded the same.
    let mut wire = Wire::to(&world).await;
    assert_eq!(wire.post("/messages?sessionId=1", "", PING).await.status, 401);
    assert_eq!(wire.get("/messages", "").await.status, 401);
    assert_eq!(wire.post("/messages?sessionId=1", &authorization, PING).await.status, 200);
    assert_eq!(requests.only().uri.path(), "/messages");
    // A proxy's way of writing the target is not another path.
    let absolute = format!("http://localhost:{}/mcp", world.addr.port());
    assert_eq!(wire.post(&absolute, "", PING).await.status, 401);
}

#[tokio::test]
async fn rs_19_a_token_for_one_gate_is_refused_at_its_sibling() {
    let here = World::start().await;
    let api = entragate::ApiApp::new(entragate::ClientId::parse(fixtures::SIBLING).unwrap());
    let sibling = World::builder().api(api).start().await;
    for (app, good, bad) in [("API", &here, &sibling), ("SIBLING", &sibling, &here)] {
        let request = MintRequest { app: Some(app.into()), ..MintRequest::default() };
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        assert_eq!(good.post(Some(&good.control().mint(&request)), &ping).await.status(), 200);
        assert_eq!(bad.post(Some(&bad.control().mint(&request)), &ping).await.status(), 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_users_at_once_are_each_seen_as_themselves() {
    let (mcp, _requests) = answering(|seen: &Seen| {
        let message: Value = serde_json::from_slice(&seen.body).unwrap();
        let who = seen.principal.object_id();
        typed(
            "application/json",
            &json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "who": who } }).to_string(),
        )
    });
    let world = World::builder().mcp(mcp).start().await;
    let users: Vec<(String, String)> = (0..50)
        .map(|n| {
            let oid = format!("00000000-0000-4000-8000-0000000000{n:02}");
            let claims = json!({ "oid": oid }).as_object().unwrap().clone();
            (oid, world.control().mint(&MintRequest { claims, ..MintRequest::default() }))
        })
        .collect();
    // Three rounds: verified, remembered, remembered; always over the same few connections.
    for round in 0..3 {
        let answers = users.iter().map(|(oid, token)| {
            let world = &world;
            async move {
                let message = json!({ "jsonrpc": "2.0", "id": oid, "method": "ping" });
                let answer: Value = world.post(Some(token), &message).await.json().await.unwrap();
                assert_eq!(answer["result"]["who"], **oid, "round {round}");
                assert_eq!(answer["id"], **oid);
            }
        });
        join_all(answers).await;
    }
}

// === development mode ===

async fn development() -> (String, Requests) {
    let (mcp, requests) = recording();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let gate = Gate::development(BaseUrl::parse(&base).unwrap())
        .rules([Rule::tools(["nothing"]).roles(["Nobody"])])
        .build()
        .unwrap();
    assert!(gate.is_development());
    assert!(gate.ready().await.is_ok());
    let app = gate.protect(mcp);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (base, requests)
}

#[tokio::test]
async fn s_36_development_mode_lets_everybody_on_this_machine_do_everything() {
    let (base, mut requests) = development().await;
    let http = client();
    for authorization in [None, Some("Bearer rubbish"), Some("Basic eA==")] {
        for tool in ["admin_reset", "whoami"] {
            let call =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool } });
            let request = http.post(format!("{base}/mcp")).header("x-forwarded-user", "mallory").json(&call);
            let request =
                authorization.into_iter().fold(request, |r, value| r.header("authorization", value));
            assert_eq!(request.send().await.unwrap().status(), 200, "{authorization:?}");
            let seen = requests.only();
            assert_eq!((seen.principal.kind(), seen.principal.object_id()), (Kind::Development, ""));
            assert!(
                !seen.headers.contains_key("x-forwarded-user") && !seen.headers.contains_key("authorization")
            );
        }
    }
}

#[tokio::test]
async fn s_36_development_mode_publishes_nothing_that_would_make_a_client_sign_in() {
    let (base, mut requests) = development().await;
    let http = client();
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/mcp/.well-known/openid-configuration",
        "/oauth/authorize",
        "/authorize",
        "/oauth/jwks",
    ] {
        assert_eq!(http.get(format!("{base}{path}")).send().await.unwrap().status(), 404, "{path}");
    }
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn s_36_development_mode_still_refuses_foreign_pages_and_names() {
    let (base, mut requests) = development().await;
    let http = client();
    let origin = http.post(format!("{base}/mcp")).header("origin", "https://evil.test").body(PING);
    assert_eq!(origin.send().await.unwrap().status(), 403);
    let host = http.post(format!("{base}/mcp")).header("host", "evil.test").body(PING);
    assert_eq!(host.send().await.unwrap().status(), 421);
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn s_36_development_mode_does_not_build_for_a_public_name() {
    for public in ["https://mcp.contoso.test", "https://10.0.0.1", "https://localhost.evil.test"] {
        let built = Gate::development(BaseUrl::parse(public).unwrap()).build();
        assert!(matches!(built, Err(GateError::PublicDevelopment(_))), "{public}");
    }
}

#[tokio::test]
async fn a_client_that_stops_half_way_holds_nobody_up() {
    let (world, _requests) = recorded().await;
    let token = token(&world);
    // A client that sends half a message and then nothing.
    let mut stuck = Wire::to(&world).await;
    let headers = "Content-Type: application/json\r\nContent-Length: 40\r\n";
    stuck.head("POST /mcp", &format!("Authorization: Bearer {token}\r\n{headers}")).await;
    stuck.send(&PING[..20]).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let others = join_all((0..10).map(|_| world.post(Some(&token), &ping)));
    let others = tokio::time::timeout(Duration::from_secs(20), others).await.expect("nobody waits");
    assert!(others.iter().all(|reply| reply.status() == 200));
    stuck.send(&PING[20..]).await;
    assert_eq!(stuck.answer().await.status, 200);
}
