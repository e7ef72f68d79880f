//! What a stranger sends to make us work: parameters, scopes, slow bodies, texts for the operator's terminal.

use std::time::Duration;

use entragate::{ApiApp, AuthorityHost, BaseUrl, ClientId, Gate, Relay, TenantId};
use entragate_emulator::{MintRequest, fixtures};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{Reply, World, log, param};

#[tokio::test]
async fn as_39_many_parameters_are_refused_without_comparing_each_with_each() {
    let world = World::start().await;
    let flood = (0..7_000).map(|at| format!("p{at}=1")).collect::<Vec<_>>().join("&");
    let form = format!("grant_type=refresh_token&client_id={}&refresh_token=x&{flood}", fixtures::MCP);
    let request = world.http.post(world.url("/oauth/token")).body(form);
    let reply = Reply::of(request.header("content-type", "application/x-www-form-urlencoded")).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_request")));
    assert!(reply.json()["error_description"].as_str().unwrap().contains("more than 64 parameters"));
}

#[tokio::test]
async fn as_38_a_scope_of_a_book_is_invalid_scope_and_makes_no_long_redirect() {
    let world = World::start().await;
    let book = "a ".repeat(3_000);
    let reply = world.http.get(world.authorize_url(&[("scope", Some(&book))])).send().await.unwrap();
    assert_eq!(reply.status(), 302);
    let callback = url::Url::parse(reply.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(param(&callback, "error").as_deref(), Some("invalid_scope"));
    assert!(callback.as_str().len() < 500);
    let mut form = world.code_form("x");
    form.push(("scope", &book));
    let refused: Value = world.token(&form).await.json().await.unwrap();
    assert_eq!(refused["error"], "invalid_scope");
}

#[tokio::test]
async fn two_authorization_headers_at_the_token_endpoint_are_an_invalid_request() {
    let world = World::start().await;
    let form = [("grant_type", "refresh_token"), ("client_id", fixtures::MCP), ("refresh_token", "x")];
    let request = world.http.post(world.url("/oauth/token")).form(&form);
    let request = request.header("authorization", "Basic eDo=").header("authorization", "Basic eTo=");
    let reply = Reply::of(request).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_request")));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_in_is_not_waited_for() {
    // The clock of the runtime jumps whenever everybody waits, so ten seconds pass at once.
    let world = World::start().await;
    let mut wire = TcpStream::connect(world.addr).await.unwrap();
    let head = "POST /oauth/register HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n";
    wire.write_all(format!("{head}host: localhost:{}\r\n\r\n{{", world.addr.port()).as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(60), wire.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn what_a_caller_writes_cannot_forge_or_flood_the_log() {
    let world = World::builder().gate(|gate| gate.rules([entragate::Rule::tools(["x"])])).start().await;
    let token = world.control().mint(&MintRequest::default());
    let forged = format!("a\n2026-01-01 INFO entragate: forged \u{1b}[31m{}", "x".repeat(100_000));
    let mut log = log::capture();
    let twice = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",{0}:1,{0}:2}}", json!(forged));
    let request = world.http.post(world.url("/mcp")).bearer_auth(&token);
    assert_eq!(
        request.header("content-type", "application/json").body(twice).send().await.unwrap().status(),
        400
    );
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": forged } });
    assert_eq!(world.post(Some(&token), &call).await.status(), 400);
    let forged = forged.replace(['\n', '\u{1b}'], "\u{2028}\u{202e}");
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": forged } });
    assert_eq!(world.post(Some(&token), &call).await.status(), 200);
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("forged")), "{lines:?}");
    for line in lines {
        assert!(!line.contains(['\n', '\u{1b}', '\u{2028}', '\u{202e}']) && line.len() < 1_000, "{line:?}");
    }
}

#[tokio::test]
async fn as_42_an_emulator_cannot_stand_in_front_of_a_public_server() {
    let relay = Relay {
        tenant: TenantId::parse(fixtures::TENANT).unwrap(),
        api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()),
        client: ClientId::parse(fixtures::MCP).unwrap(),
    };
    let public = Gate::relay(BaseUrl::parse("https://mcp.contoso.com").unwrap(), relay.clone());
    let emulator = AuthorityHost::parse("http://127.0.0.1:9").unwrap();
    let error = public.authority(emulator).build().unwrap_err().to_string();
    assert!(error.contains("emulator") && error.contains("https://mcp.contoso.com"), "{error}");
    let short = Gate::relay(BaseUrl::parse("https://mcp.contoso.com").unwrap(), relay).session_key(*b"short");
    assert!(short.build().unwrap_err().to_string().contains("32 bytes"));
}

#[tokio::test]
async fn hosted_callbacks_can_be_switched_off() {
    let hosted = "https://claude.ai/api/mcp/auth_callback";
    for (allowed, status) in [(true, 302), (false, 400)] {
        let world = World::builder().gate(move |gate| gate.hosted_callbacks(allowed)).start().await;
        let url = world.authorize_url(&[("redirect_uri", Some(hosted))]);
        assert_eq!(world.http.get(url).send().await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn tr_17_a_batch_is_not_part_of_a_revision_with_mirrored_headers() {
    let world = World::start().await;
    let token = world.control().mint(&MintRequest::default());
    let batch =
        json!([{ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami" } }]);
    let request = world.http.post(world.url("/mcp")).bearer_auth(&token).json(&batch);
    let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/list");
    let reply = Reply::of(request).await;
    assert_eq!((reply.status, reply.json()[0]["error"]["code"].clone()), (400, json!(-32020)));
    assert_eq!(world.post(Some(&token), &batch).await.status(), 200, "in 2025-03-26 it is");
}

#[tokio::test]
async fn tr_28_preflight_allows_headers_that_mirror_parameters() {
    let world = World::start().await;
    let request = world.http.request(http::Method::OPTIONS, world.url("/mcp"));
    let request =
        request.header("origin", "http://localhost:6274").header("access-control-request-method", "POST");
    let asked = "mcp-param-region, x-evil, Mcp-Param-\u{e9}";
    let reply = Reply::of(request.header("access-control-request-headers", asked.as_bytes())).await;
    let allowed = reply.header("access-control-allow-headers").to_owned();
    assert!(allowed.contains("traceparent") && !allowed.contains("x-evil"), "{allowed}");
    let request = world
        .http
        .request(http::Method::OPTIONS, world.url("/mcp"))
        .header("origin", "http://localhost:6274");
    let reply = Reply::of(request.header("access-control-request-headers", "mcp-param-region, x-evil")).await;
    let allowed = reply.header("access-control-allow-headers").to_owned();
    assert!(allowed.ends_with("mcp-param-region"), "{allowed}");
    assert_eq!(reply.headers.get_all("vary").iter().filter(|vary| *vary == "Origin").count(), 1);
}
