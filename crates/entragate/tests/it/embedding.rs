//! The gate inside somebody else's program (row 10 of docs/incompatibilities: the guard needs no
//! framework glue).

use axum::routing::{get, post};
use axum::{Extension, Router};
use entragate::{ApiApp, AuthorityHost, BaseUrl, ClientId, Gate, Permit, Principal, Relay, Rule, TenantId};
use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::{EmulatedTime, Reply, client};

async fn whoami(Extension(principal): Extension<Principal>, Extension(permit): Extension<Permit>) -> String {
    let method = permit.message().calls().first().map(|call| call.method().to_owned());
    json!({
        "jsonrpc": "2.0", "id": 1,
        "result": { "oid": principal.object_id(), "roles": principal.roles(), "method": method },
    })
    .to_string()
}

/// A product of its own with an MCP server in it, below a path of its own, and with its own idea of "not found".
fn product(gate: &Gate, mcp: Router) -> Router {
    let tools = Router::new().nest("/mcp", mcp.layer(gate.layer()));
    Router::new()
        .route("/", get(|| async { "the product" }))
        .route("/healthz", get(|| async { "fine" }))
        .nest("/tools", tools)
        .merge(gate.router())
        .fallback(|| async { (http::StatusCode::NOT_FOUND, "the product's own page") })
}

struct Running {
    entra: Emulator,
    base: String,
    http: reqwest::Client,
}

async fn run(build: impl FnOnce(&Gate) -> Router) -> Running {
    let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let registrations = Relay {
        tenant: TenantId::parse(fixtures::TENANT).unwrap(),
        api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap(),
        client: ClientId::parse(fixtures::MCP).unwrap(),
    };
    let gate = Gate::relay(BaseUrl::parse(&base).unwrap(), registrations)
        .authority(AuthorityHost::parse(entra.url()).unwrap())
        .clock(EmulatedTime(entra.control().clone()))
        .resource_path("/tools/mcp")
        // The admin guard, in one line of Rust.
        .rules([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])])
        .build()
        .unwrap();
    let app = build(&gate);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Running { entra, base, http: client() }
}

impl Running {
    fn token(&self, user: &str) -> String {
        self.entra.control().mint(&MintRequest { user: Some(user.into()), ..MintRequest::default() })
    }

    async fn call(&self, path: &str, token: Option<&str>, tool: &str) -> Reply {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool } });
        let request = self.http.post(format!("{}{path}", self.base)).json(&call);
        Reply::of(token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth)).await
    }

    async fn get(&self, path: &str) -> Reply {
        Reply::of(self.http.get(format!("{}{path}", self.base))).await
    }
}

#[tokio::test]
async fn the_layer_guards_a_nested_router_of_somebody_elses_program() {
    let mcp = Router::new().route("/", post(whoami));
    let running = run(|gate| product(gate, mcp)).await;
    let challenge = running.call("/tools/mcp", None, "whoami").await;
    assert_eq!(challenge.status, 401);
    let metadata = format!("{}/.well-known/oauth-protected-resource/tools/mcp", running.base);
    assert!(challenge.header("www-authenticate").contains(&metadata), "{challenge:?}");

    let answer = running.call("/tools/mcp", Some(&running.token("bob")), "whoami").await;
    let answer: Value = serde_json::from_str(&answer.text).unwrap();
    let expected = json!({ "oid": fixtures::user_oid("bob"), "roles": ["User"], "method": "tools/call" });
    assert_eq!(answer["result"], expected);
}

#[tokio::test]
async fn seed_row_10_the_admin_guard_is_one_line_of_rust() {
    let mcp = Router::new().route("/", post(whoami));
    let running = run(|gate| product(gate, mcp)).await;
    for (user, tool, allowed) in [
        ("alice", "admin_reset", true),
        ("alice", "whoami", true),
        ("bob", "admin_reset", false),
        ("bob", "whoami", true),
        ("carol", "admin_reset", false),
    ] {
        let reply = running.call("/tools/mcp", Some(&running.token(user)), tool).await;
        assert_eq!(reply.status, 200);
        let answer: Value = serde_json::from_str(&reply.text).unwrap();
        assert_eq!(answer["result"]["isError"] == true, !allowed, "{user} {tool}: {answer}");
        assert_eq!(answer["result"]["oid"].is_string(), allowed, "{user} {tool}: {answer}");
    }
}

#[tokio::test]
async fn the_rest_of_the_program_stays_its_own() {
    let mcp = Router::new().route("/", post(whoami));
    let running = run(|gate| product(gate, mcp)).await;
    assert_eq!(running.get("/").await.text, "the product");
    assert_eq!(running.get("/healthz").await.text, "fine");
    let missing = running.get("/elsewhere").await;
    assert_eq!((missing.status, missing.text.as_str()), (404, "the product's own page"));
    // The facade is there beside it.
    let metadata: Value =
        serde_json::from_str(&running.get("/.well-known/oauth-protected-resource/tools/mcp").await.text)
            .unwrap();
    assert_eq!(metadata["resource"], format!("{}/tools/mcp", running.base));
    let server: Value =
        serde_json::from_str(&running.get("/.well-known/oauth-authorization-server").await.text).unwrap();
    assert_eq!(server["issuer"], running.base);
    assert_eq!(running.get("/oauth/jwks").await.status, 200);
}

#[tokio::test]
async fn every_route_inside_the_layer_is_guarded_those_that_do_not_exist_too() {
    let mcp = Router::new().route("/", post(whoami)).route("/inner", get(|| async { "inner" }));
    let running = run(|gate| product(gate, mcp)).await;
    for path in ["/tools/mcp", "/tools/mcp/inner"] {
        assert_eq!(running.get(path).await.status, 401, "{path}");
    }
    let inner =
        running.http.get(format!("{}/tools/mcp/inner", running.base)).bearer_auth(running.token("bob"));
    assert_eq!(Reply::of(inner).await.text, "inner");
    assert_ne!(running.get("/tools/mcp/nothing").await.status, 200);
}

#[tokio::test]
async fn a_handler_without_the_layer_gets_no_principal() {
    let running = run(|gate| Router::new().route("/tools/mcp", post(whoami)).merge(gate.router())).await;
    // The extension is missing: the framework answers 500 and the handler does not run.
    let reply = running.call("/tools/mcp", Some(&running.token("alice")), "admin_reset").await;
    assert_eq!(reply.status, 500, "{reply:?}");
}

#[tokio::test]
async fn the_facade_leaves_unknown_paths_to_the_program_it_is_merged_into() {
    let running = run(|gate| {
        let own =
            Router::new().fallback(|| async { (http::StatusCode::NOT_FOUND, "the product's own page") });
        own.merge(gate.router())
    })
    .await;
    let missing = running.get("/elsewhere").await;
    assert_eq!((missing.status, missing.text.as_str()), (404, "the product's own page"));
    assert_eq!(running.get("/.well-known/oauth-authorization-server").await.status, 200);
}
