//! A stdio server as one of several.

use crate::routes_fixture::{Gateway, INITIALIZE, PING, Site};

use super::server;

#[tokio::test]
async fn route_can_be_a_stdio_server_beside_one_over_http() {
    let site = Site::start("b").await;
    let toml = format!(
        "routes = [{{ url = \"{}\", path = \"/a\" }}, {{ url = \"{}\", path = \"/b\" }}]",
        server::command(),
        site.url()
    );
    let gateway = Gateway::start("stdio_routes", &toml).await;
    let token = gateway.token("API");
    let session = gateway.post("/a", &token, INITIALIZE).await.session.expect("a session");
    let headers = [("mcp-session-id", session.as_str())];
    assert_eq!(gateway.send(("POST", "/a"), &token, &headers, PING).await.status, 200);
    assert_eq!(gateway.send(("POST", "/b"), &token, &headers, PING).await.status, 404);
    assert_eq!(site.seen(), 0);
    assert_eq!(gateway.post("/b", &token, PING).await.site, "b");
    assert_eq!(gateway.get(gateway.admin, "/readyz").await.0, 200);
}
