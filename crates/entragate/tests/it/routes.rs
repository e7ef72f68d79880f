//! Several MCP servers behind one gate: what is for one of them is for no other.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use entragate::{ApiApp, BaseUrl, ClientId, Gate, GateBuilder, GateError, Route, Rule, TokenVerdict};
use entragate_emulator::{MintRequest, fixtures};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_layer::Layer as _;

use crate::world::{EmulatedTime, McpServer, REDIRECT, Reply, VERIFIER, World, log, mcp_server, param};

fn api(id: &str, scopes: &[&str]) -> ApiApp {
    ApiApp::new(ClientId::parse(id).unwrap()).with_scopes(scopes.iter().copied()).unwrap()
}

/// `/a` for the gate's API app, `/b` for another one.
fn two_apps(gate: GateBuilder) -> GateBuilder {
    gate.route(Route::new("/a").name("Server A"))
        .route(Route::new("/b").name("Server B").api(api(fixtures::API1, &["access"])))
}

/// `/a` and `/b` for one API app, told apart by their scopes.
fn two_scopes(gate: GateBuilder) -> GateBuilder {
    let with = |path, scope| Route::new(path).api(api(fixtures::API, &[scope]));
    gate.route(with("/a", "access")).route(with("/b", "admin"))
}

async fn world(configure: impl FnOnce(GateBuilder) -> GateBuilder + 'static) -> World {
    World::builder().gate(configure).start().await
}

fn token(world: &World, app: &str, scp: &str) -> String {
    let request = MintRequest { app: Some(app.into()), scp: Some(scp.into()), ..MintRequest::default() };
    world.control().mint(&request)
}

async fn post(world: &World, path: &str, token: &str, message: &Value) -> Reply {
    let request = world.http.post(world.url(path)).header("accept", "application/json, text/event-stream");
    Reply::of(request.bearer_auth(token).json(message)).await
}

async fn ping(world: &World, path: &str, token: &str) -> Reply {
    post(world, path, token, &json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await
}

fn call(tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {} } })
}

#[track_caller]
fn assert_challenge(world: &World, reply: &Reply, path: &str) {
    let metadata =
        format!("resource_metadata=\"{}/.well-known/oauth-protected-resource{path}\"", world.base());
    assert!(reply.header("www-authenticate").contains(&metadata), "{reply:?}");
}

#[tokio::test]
async fn rs_19_a_token_for_one_api_app_is_401_at_the_other() {
    let world = world(two_apps).await;
    let (a, b) = (token(&world, "API", "access"), token(&world, "API1", "access"));
    let mut captured = log::capture();
    // Twice: what was verified for one server is not remembered for the other.
    for _ in 0..2 {
        assert_eq!(ping(&world, "/a", &a).await.status, 200);
        assert_eq!(ping(&world, "/b", &b).await.status, 200);
        for (path, token) in [("/b", &a), ("/a", &b)] {
            let reply = ping(&world, path, token).await;
            assert_eq!(reply.status, 401, "{path}: {reply:?}");
            assert_eq!(reply.json()["error"], "invalid_token");
            assert_challenge(&world, &reply, path);
        }
    }
    let lines = captured.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("check=audience")).count(), 4, "{lines:#?}");
}

#[tokio::test]
async fn rs_19_rs_05_with_one_api_app_the_scopes_of_each_server_decide() {
    let world = world(two_scopes).await;
    let (a, b) = (token(&world, "API", "access"), token(&world, "API", "admin"));
    assert_eq!(ping(&world, "/a", &a).await.status, 200);
    assert_eq!(ping(&world, "/b", &b).await.status, 200);
    for (path, token, scope) in [("/b", &a, "admin"), ("/a", &b, "access")] {
        let reply = ping(&world, path, token).await;
        assert_eq!((reply.status, &reply.json()["error"]), (403, &json!("insufficient_scope")), "{path}");
        assert_challenge(&world, &reply, path);
        let wanted = format!("api://{}/{scope}", fixtures::API);
        assert!(reply.header("www-authenticate").contains(&wanted), "{reply:?}");
    }
}

#[tokio::test]
async fn rs_01_each_server_says_where_its_own_metadata_is() {
    let world = world(two_apps).await;
    for (path, app) in [("/a", fixtures::API), ("/b", fixtures::API1)] {
        let reply = Reply::of(world.http.post(world.url(path)).json(&json!({}))).await;
        assert_eq!(reply.status, 401);
        assert_challenge(&world, &reply, path);
        let scope = format!("scope=\"api://{app}/access\"");
        assert!(reply.header("www-authenticate").contains(&scope), "{reply:?}");
    }
    assert_eq!(Reply::read(world.get("/mcp").await).await.status, 404);
}

#[tokio::test]
async fn rs_10_rs_11_rs_12_each_server_has_its_metadata_and_the_origin_has_none() {
    let world = world(two_apps).await;
    for (path, name, app) in [("/a", "Server A", fixtures::API), ("/b", "Server B", fixtures::API1)] {
        for at in [
            format!("/.well-known/oauth-protected-resource{path}"),
            format!("{path}/.well-known/oauth-protected-resource"),
        ] {
            let document = Reply::read(world.get(&at).await).await.json();
            assert_eq!(document["resource"], world.url(path), "{at}");
            assert_eq!(document["resource_name"], name);
            assert_eq!(document["authorization_servers"], json!([world.base()]));
            assert_eq!(document["scopes_supported"], json!([format!("api://{app}/access")]));
        }
        for at in [
            format!("/.well-known/oauth-authorization-server{path}"),
            format!("{path}/.well-known/openid-configuration"),
        ] {
            assert_eq!(Reply::read(world.get(&at).await).await.json()["issuer"], world.base(), "{at}");
        }
    }
    // Nobody knows which of them the origin would stand for.
    assert_eq!(Reply::read(world.get("/.well-known/oauth-protected-resource").await).await.status, 404);
    let server = Reply::read(world.get("/.well-known/oauth-authorization-server").await).await.json();
    assert_eq!(server["protected_resources"], json!([world.url("/a"), world.url("/b")]));
    let scopes = [fixtures::API, fixtures::API1].map(|app| format!("api://{app}/access"));
    assert_eq!(server["scopes_supported"], json!(scopes));
}

#[tokio::test]
async fn rules_of_one_server_mean_nothing_at_the_other() {
    let world = world(|gate| {
        let only_a = [Rule::tools(["whoami"]), Rule::tools(["admin_*"]).roles(["Nobody"])];
        gate.route(Route::new("/a").rules(only_a)).route(Route::new("/b").rules([Rule::tools(["admin_*"])]))
    })
    .await;
    let token = token(&world, "API", "access");
    for (path, tool, is_refused) in [
        ("/a", "whoami", false),
        ("/a", "admin_reset", true),
        ("/b", "whoami", true),
        ("/b", "admin_reset", false),
    ] {
        let answer = post(&world, path, &token, &call(tool)).await.json();
        assert_eq!(answer["result"]["isError"], is_refused, "{path} {tool}: {answer}");
    }
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for (path, shown) in [("/a", "whoami"), ("/b", "admin_reset")] {
        let answer = post(&world, path, &token, &list).await.json();
        let tools = answer["result"]["tools"].as_array().unwrap();
        assert_eq!(tools.iter().map(|tool| &tool["name"]).collect::<Vec<_>>(), [shown], "{path}");
    }
}

/// Opens a session on whatever comes without one.
async fn with_sessions(request: Request) -> Result<Response, Infallible> {
    let builder = Response::builder().header("content-type", "application/json");
    let builder = match request.headers().get("mcp-session-id") {
        None => builder.header("mcp-session-id", "raw"),
        Some(id) => builder.header("x-saw-session", id),
    };
    Ok(builder.body(Body::from(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)).unwrap())
}

#[tokio::test]
async fn s_22_a_session_of_one_server_is_404_at_the_other_for_the_same_person() {
    let world = World::builder()
        .mcp(McpServer::new(tower::service_fn(with_sessions)))
        .gate(|gate| gate.route(Route::new("/a")).route(Route::new("/b")).session_key([7; 32]))
        .start()
        .await;
    let token = token(&world, "API", "access");
    let session = ping(&world, "/a", &token).await.header("mcp-session-id").to_owned();
    for (path, status) in [("/a", 200), ("/b", 404)] {
        for method in ["POST", "GET", "DELETE"] {
            let request = world.http.request(method.parse().unwrap(), world.url(path)).bearer_auth(&token);
            let request = request.header("mcp-session-id", &session);
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
            let request = if method == "POST" { request.json(&body) } else { request };
            let reply = Reply::of(request).await;
            assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
            let saw = if status == 200 { "raw" } else { "" };
            assert_eq!(reply.header("x-saw-session"), saw, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn relay_asks_entra_for_the_scopes_of_the_server_that_is_named() {
    let world = world(two_apps).await;
    for (path, app) in [("/a", "API"), ("/b", "API1")] {
        let id = if app == "API" { fixtures::API } else { fixtures::API1 };
        let resource = world.url(path);
        let changes = [("resource", Some(resource.as_str())), ("scope", None)];
        let url = world.authorize_url(&changes);
        let at_entra = world.at_entra(&url).await;
        let scope = param(&at_entra, "scope").unwrap();
        assert!(scope.starts_with(&format!("api://{id}/access ")), "{scope}");
        assert_eq!(param(&at_entra, "resource"), None);
        let code = param(&world.browse(&url, "alice").await, "code").unwrap();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", fixtures::MCP),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("resource", resource.as_str()),
        ];
        let tokens = Reply::read(world.token(&form).await).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let access = tokens.json()["access_token"].as_str().unwrap().to_owned();
        let other = if path == "/a" { "/b" } else { "/a" };
        assert_eq!(ping(&world, path, &access).await.status, 200);
        assert_eq!(ping(&world, other, &access).await.status, 401);
    }
}

#[tokio::test]
async fn who_names_no_server_is_told_which_there_are_unless_the_scope_can_mean_one_only() {
    let world = world(two_apps).await;
    let (a, b) = (world.url("/a"), world.url("/b"));
    let of_b = format!("openid api://{}/access", fixtures::API1);
    let of_both = format!("api://{}/access {of_b}", fixtures::API);
    let chosen = world.at_entra(&world.authorize_url(&[("resource", None), ("scope", Some(&of_b))])).await;
    assert!(param(&chosen, "scope").unwrap().starts_with(&format!("api://{}/access ", fixtures::API1)));
    for (resource, scope) in [
        (None, None),
        (None, Some("access")),
        (None, Some(of_both.as_str())),
        (Some(world.base()), Some(of_b.as_str())),
        (Some("https://evil.test/a"), None),
    ] {
        let url = world.authorize_url(&[("resource", resource), ("scope", scope)]);
        let back = Reply::of(world.http.get(url)).await.location();
        assert!(back.as_str().starts_with(REDIRECT), "{back}");
        assert_eq!(param(&back, "error").as_deref(), Some("invalid_target"), "{resource:?} {scope:?}");
        let text = param(&back, "error_description").unwrap();
        assert!(text.contains(&format!("one of {a}, {b}")), "{text}");
    }
    let both = format!("{}&resource={b}", world.authorize_url(&[("resource", Some(&a))]));
    let back = Reply::of(world.http.get(both)).await.location();
    assert_eq!(param(&back, "error").as_deref(), Some("invalid_target"));
    // Without `resource` relay mode cannot know whose refresh token it is.
    let form = [("grant_type", "refresh_token"), ("client_id", fixtures::MCP), ("refresh_token", "made-up")];
    let reply = Reply::read(world.token(&form).await).await;
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_target")));
}

#[tokio::test]
async fn ten_servers_each_with_an_answer_of_its_own() {
    let world = world(|gate| {
        (0..10).fold(gate, |gate, n| {
            let rules = [Rule::tools([format!("tool_{n}")])];
            gate.route(Route::new(format!("/server-{n}/mcp")).name(format!("Server {n}")).rules(rules))
        })
    })
    .await;
    let token = token(&world, "API", "access");
    for n in 0..10 {
        let path = format!("/server-{n}/mcp");
        let at = format!("/.well-known/oauth-protected-resource{path}");
        let document = Reply::read(world.get(&at).await).await.json();
        assert_eq!(
            (&document["resource_name"], &document["resource"]),
            (&json!(format!("Server {n}")), &json!(world.url(&path)))
        );
        for (tool, is_refused) in [(n, false), ((n + 1) % 10, true)] {
            let answer = post(&world, &path, &token, &call(&format!("tool_{tool}"))).await.json();
            assert_eq!(answer["result"]["isError"], is_refused, "{path} {answer}");
        }
    }
}

#[tokio::test]
async fn tokens_are_examined_for_the_server_they_are_presented_to() {
    let world = world(two_apps).await;
    let bearer = format!("Bearer {}", token(&world, "API1", "access"));
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&bearer).unwrap())]);
    let [a, b] = world.gate.resources() else { panic!("two routes") };
    let at_a = world.gate.examine_at(a, &headers).await.unwrap();
    assert!(matches!(at_a.verdict, TokenVerdict::Refused { check: "audience", .. }), "{at_a:?}");
    assert_eq!(world.gate.examine_at(b, &headers).await.unwrap().verdict, TokenVerdict::Valid);
}

#[tokio::test]
async fn a_layer_of_nobody_lets_nothing_through_and_the_layer_of_a_server_guards_as_that_server() {
    let world = world(two_apps).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let gate = two_apps(
        Gate::relay(
            BaseUrl::parse(&format!("http://localhost:{port}")).unwrap(),
            entragate::Relay {
                tenant: entragate::TenantId::parse(fixtures::TENANT).unwrap(),
                api: api(fixtures::API, &["access"]),
                client: ClientId::parse(fixtures::MCP).unwrap(),
            },
        )
        .authority(entragate::AuthorityHost::parse(world.entra.url()).unwrap())
        .clock(EmulatedTime(world.control().clone())),
    )
    .build()
    .unwrap();
    let service = || tower::service_fn(mcp_server);
    let app = axum::Router::new()
        .route_service("/a", gate.layer().layer(service()))
        .route_service("/b", gate.layer_of(&gate.resources()[1]).layer(service()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let send = async |path: &str, token: &str| {
        let url = format!("http://localhost:{port}{path}");
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        Reply::of(world.http.post(url).bearer_auth(token).json(&message)).await.status
    };
    let (a, b) = (token(&world, "API", "access"), token(&world, "API1", "access"));
    assert_eq!(send("/a", &a).await, 500);
    assert_eq!(send("/b", &a).await, 401);
    assert_eq!(send("/b", &b).await, 200);
}

#[test]
fn routes_that_could_be_mixed_up_are_not_built() {
    let gate = || Gate::development(BaseUrl::parse("http://localhost:3002").unwrap());
    for (one, other) in [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a"), ("/", "/a")] {
        let built = gate().route(Route::new(one)).route(Route::new(other)).build();
        assert!(matches!(built, Err(GateError::Overlap(..))), "{one} {other}");
    }
    let messages = gate()
        .route(Route::new("/a").also_protect("/messages"))
        .route(Route::new("/b").also_protect("/messages"));
    assert!(matches!(messages.build(), Err(GateError::Overlap(..))));
    for own in ["/oauth", "/auth/x", "/.well-known", "a", "/a/"] {
        let built = gate().route(Route::new("/ok")).route(Route::new(own)).build();
        assert!(matches!(built, Err(GateError::Path(_))), "{own}");
    }
    // A rule that would belong to no route guards nothing.
    for both in [
        gate().rules([Rule::tools(["*"])]),
        gate().resource_path("/mcp"),
        gate().resource_name("x"),
        gate().also_protect("/messages"),
    ] {
        assert!(matches!(both.route(Route::new("/a")).build(), Err(GateError::TwoDescriptions)));
    }
    let empty = gate().route(Route::new("/a").rules([Rule::tools([""; 0])])).build();
    assert!(matches!(empty, Err(GateError::EmptyRule(1))));
}
