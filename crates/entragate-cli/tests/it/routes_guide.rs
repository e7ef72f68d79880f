//! The example of docs/guide/routes.md does what the page says of it.

use std::fs;

use entragate_emulator::fixtures;
use serde_json::json;

use crate::routes_fixture::{Gateway, INITIALIZE, PING, Site};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/routes.md");

/// The TOML of the page, with servers of this test in place of its own.
fn example(servers: &[(&str, &Site)]) -> String {
    let page = fs::read_to_string(GUIDE).expect("the page");
    let toml = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    servers.iter().fold(toml.to_owned(), |toml, (port, site)| {
        assert!(toml.contains(port), "{port} is not in the example");
        toml.replace(port, &format!("{}/mcp", site.address))
    })
}

const ADMIN: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"admin_x","arguments":{}}}"#;

#[tokio::test]
async fn the_example_of_the_guide_keeps_its_routes_apart_and_its_sessions_where_they_are() {
    let github = Site::start("github").await;
    let tickets = [Site::start("t1").await, Site::start("t2").await, Site::start("t3").await];
    let toml = example(&[
        ("127.0.0.1:3000/mcp", &github),
        ("127.0.0.1:3001/mcp", &tickets[0]),
        ("127.0.0.1:3011/mcp", &tickets[1]),
        ("127.0.0.1:3021/mcp", &tickets[2]),
    ]);
    assert!(toml.contains(fixtures::API1));
    let gateway = Gateway::start("routes_guide", &toml).await;
    for (path, name) in [("/github", "GitHub"), ("/tickets", "Tickets")] {
        let at = format!("/.well-known/oauth-protected-resource{path}");
        let (status, document) = gateway.get(gateway.address, &at).await;
        assert_eq!((status, &document["resource_name"]), (200, &json!(name)));
        assert_eq!(document["resource"], format!("http://localhost:3002{path}"));
    }
    assert_eq!(gateway.get(gateway.address, "/.well-known/oauth-protected-resource").await.0, 404);

    let (of_github, of_tickets) = (gateway.token("API"), gateway.token("API1"));
    assert_eq!(gateway.post("/github", &of_github, PING).await.site, "github");
    assert_eq!(gateway.post("/tickets", &of_github, PING).await.status, 401);
    assert_eq!(gateway.post("/github", &of_tickets, PING).await.status, 401);
    // alice is Admin; bob is not, and the rule is that of the one route.
    assert_eq!(gateway.post("/github", &of_github, ADMIN).await.body["result"]["isError"], false);
    let bob = |app: &str| {
        let (user, app, client) = (Some("bob".to_owned()), Some(app.to_owned()), Some("MCP".to_owned()));
        let request = entragate_emulator::MintRequest { user, app, client, ..Default::default() };
        gateway.entra.control().mint(&request)
    };
    assert_eq!(gateway.post("/github", &bob("API"), ADMIN).await.body["result"]["isError"], true);
    assert_eq!(gateway.post("/tickets", &bob("API1"), ADMIN).await.body["result"]["isError"], false);

    let opened = gateway.post("/tickets", &of_tickets, INITIALIZE).await;
    let session = opened.session.expect("a session");
    for _ in 0..4 {
        let headers = [("mcp-session-id", session.as_str())];
        let next = gateway.send(("POST", "/tickets"), &of_tickets, &headers, PING).await;
        assert_eq!((next.status, &next.site), (200, &opened.site));
    }
}
