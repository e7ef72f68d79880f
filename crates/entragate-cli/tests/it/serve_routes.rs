//! Several MCP servers behind one running gateway.

use entragate_emulator::fixtures;
use serde_json::json;

use crate::routes_fixture::{Gateway, INITIALIZE, PING, Site};

/// Two servers: `/a` for the gateway's API app, `/b` for another one.
async fn two(name: &str) -> (Gateway, Site, Site) {
    let (a, b) = (Site::start("a").await, Site::start("b").await);
    let toml = format!(
        "[[routes]]\nurl = \"{}\"\npath = \"/a\"\nresource_name = \"Server A\"\n\n\
         [[routes.rules]]\ntools = [\"read\"]\n\n\
         [[routes]]\nurl = \"{}\"\npath = \"/b\"\nclient_id = \"{}\"\nscopes = [\"access\"]\n\n\
         [[routes.rules]]\ntools = [\"admin_*\"]\n",
        a.url(),
        b.url(),
        fixtures::API1
    );
    (Gateway::start(name, &toml).await, a, b)
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const READ: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}"#;

#[tokio::test]
async fn each_route_reaches_its_own_server_under_its_own_rules() {
    let (gateway, _a, _b) = two("serve_routes_rules").await;
    for (path, app, tool, is_refused) in [("/a", "API", "read", false), ("/b", "API1", "admin_x", true)] {
        let token = gateway.token(app);
        let list = gateway.post(path, &token, LIST).await;
        assert_eq!((list.status, list.site.as_str()), (200, &path[1..]));
        let tools = list.body["result"]["tools"].as_array().expect("a list");
        assert_eq!(tools.iter().map(|one| &one["name"]).collect::<Vec<_>>(), [tool], "{path}");
        let call = gateway.post(path, &token, READ).await;
        assert_eq!(call.body["result"]["isError"], is_refused, "{path} {call:?}");
    }
    for elsewhere in ["/mcp", "/", "/a/b", "/c"] {
        assert_eq!(gateway.post(elsewhere, &gateway.token("API"), PING).await.status, 404, "{elsewhere}");
    }
}

#[tokio::test]
async fn rs_19_a_token_for_one_route_is_401_at_the_other() {
    let (gateway, a, b) = two("serve_routes_tokens").await;
    for (path, app) in [("/b", "API"), ("/a", "API1"), ("/a", "SIBLING"), ("/b", "SIBLING")] {
        let answer = gateway.post(path, &gateway.token(app), PING).await;
        assert_eq!(answer.status, 401, "{app} at {path}");
        let metadata = format!("/.well-known/oauth-protected-resource{path}\"");
        assert!(answer.challenge.contains(&metadata), "{}", answer.challenge);
    }
    assert_eq!((a.seen(), b.seen()), (0, 0), "nothing reached a server");
    let (status, document) = gateway.get(gateway.address, "/.well-known/oauth-protected-resource/b").await;
    assert_eq!((status, &document["resource"]), (200, &json!("http://localhost:3002/b")));
    assert_eq!(document["scopes_supported"], json!([format!("api://{}/access", fixtures::API1)]));
}

#[tokio::test]
async fn s_22_a_session_of_one_route_is_404_at_the_other() {
    let (a, b) = (Site::start("a").await, Site::start("b").await);
    let toml = format!(
        "routes = [{{ url = \"{}\", path = \"/a\" }}, {{ url = \"{}\", path = \"/b\" }}]",
        a.url(),
        b.url()
    );
    let gateway = Gateway::start("serve_routes_sessions", &toml).await;
    let token = gateway.token("API");
    let session = gateway.post("/a", &token, INITIALIZE).await.session.expect("a session");
    for method in ["POST", "GET", "DELETE"] {
        let headers = [("mcp-session-id", session.as_str())];
        let here = gateway.send((method, "/a"), &token, &headers, PING).await;
        assert_eq!((here.status, here.saw.as_deref()), (200, Some("a.0")), "{method}");
        assert_eq!(gateway.send((method, "/b"), &token, &headers, PING).await.status, 404, "{method}");
    }
    assert_eq!(b.seen(), 0);
}

#[tokio::test]
async fn readiness_names_the_route_whose_server_is_gone() {
    let (gateway, _a, b) = two("serve_routes_ready").await;
    assert_eq!(gateway.get(gateway.admin, "/readyz").await.0, 200);
    b.stop().await;
    let (status, body) = gateway.get(gateway.admin, "/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(body["missing"].as_array().map(Vec::len), Some(1), "{body}");
    assert_eq!(
        (&body["missing"][0]["what"], &body["missing"][0]["route"]),
        (&json!("upstream"), &json!("/b"))
    );
    // The other route goes on.
    assert_eq!(gateway.post("/a", &gateway.token("API"), PING).await.status, 200);
    assert_eq!(gateway.post("/b", &gateway.token("API1"), PING).await.status, 502);
}
