//! 401 and 403 of the MCP endpoint (RFC 6750 §3, RFC 9728 §5.1): the way to sign in, for every method.

use entragate_emulator::{Defect, MintRequest, fixtures};
use http::Method;
use serde_json::{Value, json};

use crate::world::{Reply, World, log};

/// The methods with which measured clients knock first: Gemini HEAD, rmcp and mcp-remote GET, Spring a POST
/// with an empty body (docs/clients.md K01).
async fn knock(world: &World, authorization: Option<&str>) -> Vec<(String, Reply)> {
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} }).to_string();
    let mut replies = Vec::new();
    for (method, body) in [
        (Method::POST, initialize.as_str()),
        (Method::POST, ""),
        (Method::GET, ""),
        (Method::HEAD, ""),
        (Method::DELETE, ""),
    ] {
        let mut request = world.http.request(method.clone(), world.url("/mcp")).body(body.to_owned());
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        replies.push((format!("{method} with {} bytes", body.len()), Reply::of(request).await));
    }
    replies
}

/// The parameters in order; panics on what VS Code's parser would not read: the scheme `Bearer`, then
/// `name="value"` separated by commas.
fn parameters(header: &str) -> Vec<(String, String)> {
    let rest = header.strip_prefix("Bearer ").unwrap_or_else(|| panic!("not Bearer: {header}"));
    let rest = rest.strip_suffix('"').unwrap_or_else(|| panic!("not quoted: {header}"));
    rest.split("\", ")
        .map(|pair| {
            let (name, value) = pair.split_once("=\"").unwrap_or_else(|| panic!("not quoted: {pair}"));
            assert!(!value.contains(['"', '\\']), "{header}");
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

fn names(parameters: &[(String, String)]) -> Vec<&str> {
    parameters.iter().map(|(name, _)| name.as_str()).collect()
}

fn value<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

fn api_scope() -> String {
    format!("api://{}/access", fixtures::API)
}

#[tokio::test]
async fn rs_01_rs_02_rs_03_k01_k02_every_method_without_a_token_is_told_how_to_sign_in() {
    let world = World::start().await;
    for (request, reply) in knock(&world, None).await {
        assert_eq!(reply.status, 401, "{request}");
        let expected = format!(
            r#"Bearer resource_metadata="{}", scope="{}""#,
            world.url("/.well-known/oauth-protected-resource/mcp"),
            api_scope()
        );
        assert_eq!(reply.header("www-authenticate"), expected, "{request}");
    }
}

#[tokio::test]
async fn rs_04_k01_k02_every_method_with_a_bad_token_is_told_so() {
    let world = World::start().await;
    for authorization in ["Bearer x", "Bearer a.b.c", "Bearer ", "Basic YWxpY2U6eA==", "Bearer a b", "token"]
    {
        for (request, reply) in knock(&world, Some(authorization)).await {
            assert_eq!(reply.status, 401, "{request} {authorization}");
            let parameters = parameters(reply.header("www-authenticate"));
            let expected = ["resource_metadata", "scope", "error", "error_description"];
            assert_eq!(names(&parameters), expected, "{request} {authorization}");
            assert_eq!(value(&parameters, "error"), "invalid_token", "{request} {authorization}");
            assert_eq!(value(&parameters, "scope"), api_scope());
        }
    }
}

#[tokio::test]
async fn rs_04_each_defect_of_a_token_is_401_invalid_token() {
    let world = World::start().await;
    let good = world.control().mint(&MintRequest::default());
    assert_eq!(world.post(Some(&good), &json!({"jsonrpc":"2.0","id":1,"method":"ping"})).await.status(), 200);
    for (defect, text) in [
        (Defect::Expired, "The access token expired"),
        (Defect::NotYetValid, "The access token is not valid yet"),
        (Defect::SiblingApp, "The access token was issued for another server"),
        (Defect::OtherTenant, "The access token is invalid"),
        (Defect::WrongTid, "The access token is invalid"),
        (Defect::BadSignature, "The access token is invalid"),
        (Defect::AlgNone, "The access token is invalid"),
        (Defect::AlgHs256, "The access token is invalid"),
        (Defect::KidUnknown, "The access token is invalid"),
        // Its audience is the client, which is reason enough.
        (Defect::IdToken, "The access token was issued for another server"),
        (Defect::GraphNonce, "The access token was issued for Microsoft Graph, not for this server"),
    ] {
        let token = world.control().mint(&MintRequest { defect: Some(defect), ..MintRequest::default() });
        let reply = Reply::read(world.post(Some(&token), &json!({})).await).await;
        assert_eq!(reply.status, 401, "{defect:?}: {reply:?}");
        let parameters = parameters(reply.header("www-authenticate"));
        assert_eq!(value(&parameters, "error"), "invalid_token", "{defect:?}");
        assert_eq!(value(&parameters, "error_description"), text, "{defect:?}");
        assert_eq!(reply.json(), json!({ "error": "invalid_token", "error_description": text }));
    }
}

#[tokio::test]
async fn rs_05_rs_06_a_missing_scope_is_403_with_all_scopes_that_are_needed() {
    let api = entragate::ApiApp::new(entragate::ClientId::parse(fixtures::API).unwrap())
        .with_scopes(["access", "admin"])
        .unwrap();
    let world = World::builder().api(api).start().await;
    let token = world.control().mint(&MintRequest { scp: Some("access".into()), ..MintRequest::default() });
    let reply =
        Reply::read(world.post(Some(&token), &json!({"jsonrpc":"2.0","id":1,"method":"ping"})).await).await;
    assert_eq!(reply.status, 403, "{reply:?}");
    let parameters = parameters(reply.header("www-authenticate"));
    assert_eq!(names(&parameters), ["resource_metadata", "scope", "error", "error_description"]);
    assert_eq!(value(&parameters, "error"), "insufficient_scope");
    let all = format!("api://{0}/access api://{0}/admin", fixtures::API);
    assert_eq!(value(&parameters, "scope"), all);
}

#[tokio::test]
async fn rs_09_no_challenge_asks_for_offline_access_or_openid_scopes() {
    let world = World::start().await;
    for authorization in [None, Some("Bearer x")] {
        for (request, reply) in knock(&world, authorization).await {
            let parameters = parameters(reply.header("www-authenticate"));
            assert_eq!(value(&parameters, "scope"), api_scope(), "{request}");
        }
    }
}

#[tokio::test]
async fn rs_01_k01_the_challenge_leads_to_the_document_of_the_url_that_was_asked() {
    for (below, path) in
        [("", "/mcp"), ("/gate", "/mcp"), ("", "/a/b/mcp"), ("/x/y", "/a"), ("", "/"), ("/gate", "/")]
    {
        let world = World::builder().below(below).gate(move |gate| gate.resource_path(path)).start().await;
        let asked = world.url(path).trim_end_matches('/').to_owned();
        let reply = Reply::of(world.http.post(&asked)).await;
        assert_eq!(reply.status, 401, "{asked}");
        let parameters = parameters(reply.header("www-authenticate"));
        assert_eq!(names(&parameters)[0], "resource_metadata", "rmcp and VS Code read it first");
        let document = Reply::of(world.http.get(value(&parameters, "resource_metadata"))).await;
        assert_eq!(document.status, 200, "{parameters:?}");
        assert_eq!(document.json()["resource"], asked);
        // The same origin, or Gemini and Zed ignore it.
        assert!(
            value(&parameters, "resource_metadata")
                .starts_with(&format!("http://localhost:{}/", world.addr.port()))
        );
    }
}

#[tokio::test]
async fn rs_16_a_token_in_the_query_is_ignored_and_never_logged() {
    let mut log = log::capture();
    let world = World::start().await;
    let token = world.sign_in("alice").await.access;
    log.lines();
    for name in ["access_token", "token", "authorization"] {
        let url = world.url(&format!("/mcp?{name}={token}"));
        for request in [world.http.post(&url).body("{}"), world.http.get(&url)] {
            let reply = Reply::of(request).await;
            assert_eq!(reply.status, 401, "{name}");
            let parameters = parameters(reply.header("www-authenticate"));
            assert_eq!(names(&parameters), ["resource_metadata", "scope"], "a token there is no credential");
        }
    }
    let lines = log.lines();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(!line.contains(&token[..20]), "{line}");
    }
}

#[tokio::test]
async fn rs_16_a_token_in_the_body_is_ignored() {
    let world = World::start().await;
    let token = world.sign_in("alice").await.access;
    let request = world.http.post(world.url("/mcp")).form(&[("access_token", token.as_str())]);
    assert_eq!(Reply::of(request).await.status, 401);
}

#[tokio::test]
async fn rs_16_the_scheme_is_read_in_any_case() {
    let world = World::start().await;
    let token = world.sign_in("alice").await.access;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let request = world.http.post(world.url("/mcp")).header("authorization", format!("{scheme} {token}"));
        let reply = Reply::of(request.json(&json!({"jsonrpc":"2.0","id":1,"method":"ping"}))).await;
        assert_eq!(reply.status, 200, "{scheme}: {reply:?}");
    }
}

#[tokio::test]
async fn rs_17_a_session_id_is_no_credential() {
    let world = World::start().await;
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let request = world.http.request(method.clone(), world.url("/mcp"));
        let request = request.header("mcp-session-id", "known").header("last-event-id", "7");
        assert_eq!(Reply::of(request).await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn rs_26_two_authorization_headers_are_400_because_the_next_server_may_read_the_other() {
    let world = World::start().await;
    let token = world.sign_in("alice").await.access;
    let bearer = format!("Bearer {token}");
    for second in [bearer.as_str(), "Bearer x", "Basic eA=="] {
        let request = world.http.post(world.url("/mcp"));
        let request = request.header("authorization", &bearer).header("authorization", second);
        let reply = Reply::of(request.body("{}")).await;
        assert_eq!(reply.status, 400, "{second}: {reply:?}");
        let parameters = parameters(reply.header("www-authenticate"));
        assert_eq!(value(&parameters, "error"), "invalid_request");
    }
}

#[tokio::test]
async fn rs_27_no_cache_keeps_a_challenge() {
    let world = World::start().await;
    for authorization in [None, Some("Bearer x")] {
        for (request, reply) in knock(&world, authorization).await {
            assert_eq!(reply.header("cache-control"), "no-store", "{request}");
        }
    }
}

#[tokio::test]
async fn a_challenge_has_a_small_json_body_that_says_what_to_do() {
    let world = World::start().await;
    let body = Reply::of(world.http.post(world.url("/mcp"))).await.json();
    insta::assert_json_snapshot!(body, @r#"
    {
      "error": "unauthorized",
      "error_description": "Sign in first: see the WWW-Authenticate header"
    }
    "#);
    let request = world.http.post(world.url("/mcp")).bearer_auth("x");
    insta::assert_json_snapshot!(Reply::of(request).await.json(), @r#"
    {
      "error": "invalid_token",
      "error_description": "The access token is invalid"
    }
    "#);
}

#[tokio::test]
async fn k55_the_mcp_url_with_a_slash_is_answered_and_not_redirected_or_the_token_gets_lost() {
    let world = World::start().await;
    let request = world.http.post(world.url("/mcp/"));
    assert_eq!(Reply::of(request).await.status, 401);
    let token = world.sign_in("alice").await.access;
    let request = world.http.post(world.url("/mcp/")).bearer_auth(token);
    let reply = Reply::of(request.json(&json!({"jsonrpc":"2.0","id":1,"method":"ping"}))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_below_it_the_token_decides() {
    let world = World::builder().gate(|gate| gate.max_body_bytes(1_000)).start().await;
    let token = world.sign_in("alice").await.access;
    let large = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "x": "y".repeat(2_000) } });
    // The size is known from Content-Length, so it is the first thing that is wrong in both.
    assert_eq!(world.post(Some(&token), &large).await.status(), 413);
    let half = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "x": "y".repeat(500) } });
    assert_eq!(world.post(None, &half).await.status(), 401);
    assert_eq!(world.post(Some(&token), &half).await.status(), 200);
}

#[tokio::test]
async fn a_refused_token_is_explained_in_the_log_without_the_token() {
    let mut log = log::capture();
    let world = World::start().await;
    let request = MintRequest { defect: Some(Defect::SiblingApp), ..MintRequest::default() };
    let token = world.control().mint(&request);
    assert_eq!(world.post(Some(&token), &Value::Null).await.status(), 401);
    let lines = log.lines();
    let line =
        lines.iter().find(|line| line.contains("check=audience")).unwrap_or_else(|| panic!("{lines:?}"));
    assert!(line.contains(fixtures::SIBLING), "{line}");
    assert!(lines.iter().all(|line| !line.contains(&token[..20])), "{lines:?}");
}

#[tokio::test]
async fn while_entra_was_never_reached_a_token_is_503_and_not_a_reason_to_sign_in_again() {
    let mut world = World::start().await;
    let token = world.control().mint(&MintRequest::default());
    world.shut_entra_down().await;
    let reply = Reply::read(world.post(Some(&token), &json!({})).await).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
    assert_eq!(
        (reply.json()["error"].as_str(), reply.header("www-authenticate")),
        (Some("temporarily_unavailable"), "")
    );
    // Without a token, nothing needs Entra.
    assert_eq!(world.post(None, &json!({})).await.status(), 401);
}

#[tokio::test]
async fn rs_07_a_broader_scope_satisfies_a_narrower_demand() {
    let api = entragate::ApiApp::new(entragate::ClientId::parse(fixtures::API).unwrap())
        .with_scopes(["access"])
        .unwrap();
    let world = World::builder().api(api).gate(|gate| gate.scope_implies("admin", ["access"])).start().await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for (scope, status) in [("access", 200), ("admin", 200), ("admins", 403)] {
        let request = MintRequest { scp: Some(scope.to_owned()), ..MintRequest::default() };
        let token = world.control().mint(&request);
        assert_eq!(world.post(Some(&token), &ping).await.status(), status, "{scope}");
    }
}

#[tokio::test]
async fn rs_08_every_place_that_names_scopes_names_the_same_ones() {
    let world = World::start().await;
    let challenge = Reply::of(world.http.post(world.url("/mcp"))).await;
    assert_eq!(value(&parameters(challenge.header("www-authenticate")), "scope"), api_scope());
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"] {
        let document = Reply::read(world.get(path).await).await.json();
        assert_eq!(document["scopes_supported"], json!([api_scope()]), "{path}");
    }
    let body = json!({ "redirect_uris": ["http://localhost/callback"] });
    let registered = Reply::of(world.http.post(world.url("/oauth/register")).json(&body)).await.json();
    assert_eq!(registered["scope"], api_scope());
    assert_eq!(world.sign_in("alice").await.body["scope"], api_scope());
}

#[tokio::test]
async fn rs_25_k54_the_clients_token_stops_at_the_gate() {
    let world = World::start().await;
    let token = world.sign_in("alice").await.access;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let request = world.http.post(world.url("/mcp")).bearer_auth(&token).json(&ping);
    let reply = Reply::of(request.header("cookie", "a=b").header("mcp-session-x", "1")).await;
    let arrived: Vec<&str> = reply.header("x-saw-headers").split(',').collect();
    assert!(arrived.contains(&"mcp-session-x"), "{arrived:?}");
    for secret in ["authorization", "cookie", "proxy-authorization"] {
        assert!(!arrived.contains(&secret), "{arrived:?}");
    }
}

#[tokio::test]
async fn rs_28_k50_a_missing_role_is_a_tool_error_that_names_it_and_no_reason_to_sign_in_again() {
    let rules = [
        entragate::Rule::tools(["admin_*"]).roles(["Admin"]),
        entragate::Rule::tools(["*"]).and_methods(["*"]),
    ];
    let world = World::builder().gate(move |gate| gate.rules(rules)).start().await;
    let (alice, bob) = (world.sign_in("alice").await.access, world.sign_in("bob").await.access);
    assert_eq!(world.call_tool(&alice, "admin_reset").await["result"]["isError"], false);
    assert_eq!(world.call_tool(&bob, "whoami").await["result"]["isError"], false);
    let denied = world.call_tool(&bob, "admin_reset").await;
    assert_eq!(denied["result"]["isError"], true, "{denied}");
    let text = denied["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("app role `Admin`"), "{text}");
    // What bob may not call, he does not see.
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let listed = Reply::read(world.post(Some(&bob), &list).await).await;
    assert!(listed.text.contains("whoami") && !listed.text.contains("admin_reset"), "{}", listed.text);
}

#[tokio::test]
async fn k53_methods_of_other_revisions_pass() {
    let world = World::start().await;
    let token = world.sign_in("alice").await.access;
    for method in ["server/discover", "initialize", "tasks/get", "x/unheard.of"] {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} });
        let reply = Reply::read(world.post(Some(&token), &body).await).await;
        assert_eq!((reply.status, reply.header("x-saw-method")), (200, "POST"), "{method}: {reply:?}");
    }
    for method in [Method::GET, Method::DELETE] {
        let request = world.http.request(method.clone(), world.url("/mcp")).bearer_auth(&token);
        let reply = Reply::of(request.header("last-event-id", "7")).await;
        assert_eq!((reply.status, reply.header("x-saw-method")), (200, method.as_str()), "{reply:?}");
    }
}
