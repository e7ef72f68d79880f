//! The examples of docs/guide/identity.md, served: what arrives at the MCP server is what the section says.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate_cli::config::{self, Environment};
use entragate_cli::serve::Server;
use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
use serde_json::{Value, json};

use crate::config_fixture::{directory, file};
use crate::upstream_fixture::{Backend, Message, Wire};

const GUIDE: &str = include_str!("../../../../docs/guide/identity.md");
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// The section's example, as the text of a configuration file.
fn example(kind: &str) -> String {
    let section = GUIDE.split("\n## ").find(|section| section.starts_with(&format!("`{kind}`"))).unwrap();
    let block = section.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap_or_else(|| panic!("no example of {kind}")).to_owned()
}

/// What the MCP server sees of a call when the gateway runs with the example, and the caller's token.
async fn served(kind: &str) -> (Message, String, String) {
    let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
    let backend = Backend::start().await;
    let secret = directory("identity_guide").join("secret");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let text = example(kind).replace("{secret file}", secret.to_str().unwrap());
    let path = file(&format!("identity_guide_{kind}"), &text);
    // The port is known when it is bound; the base URL is compared with nothing here.
    let base_url = "http://localhost:3002";
    let environment: Environment = [
        ("AZURE_TENANT_ID", fixtures::TENANT),
        ("AZURE_CLIENT_ID", fixtures::API),
        ("AZURE_CLIENT_SECRET", fixtures::API_SECRET),
        ("AZURE_MCP_CLIENT_ID", fixtures::MCP),
        ("AZURE_AUTHORITY_HOST", entra.url()),
        ("BASE_URL", base_url),
        ("ENTRAGATE_LISTEN", "127.0.0.1:0"),
        ("ENTRAGATE_UPSTREAM", &format!("http://{}/mcp", backend.address)),
    ]
    .into_iter()
    .collect();
    let config =
        config::load(&environment, Some(Path::new(&path))).unwrap_or_else(|problems| panic!("{problems}"));
    let server = Server::bind(&config).await.unwrap();
    let address = server.address().unwrap();
    let running = tokio::spawn(server.run(std::future::pending()));
    let token =
        entra.control().mint(&MintRequest { client: Some("MCP".to_owned()), ..MintRequest::default() });
    let mut wire = Wire::connect(address).await;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost:3002\r\nauthorization: Bearer {token}\r\nx-forwarded-user: mallory\r\n\
         x-api-key: mallory\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: {}\r\n\r\n{PING}",
        PING.len()
    );
    wire.send(head).await;
    let seen = backend.request().await.1;
    running.abort();
    (seen, token, base_url.to_owned())
}

fn claims(seen: &Message) -> Value {
    let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_examples_do_what_the_guide_says() {
    let alice = fixtures::user_oid("alice");
    let (seen, ..) = served("headers").await;
    assert_eq!((seen.header("x-forwarded-user"), seen.header("authorization")), (Some(alice), None));

    let (seen, ..) = served("none").await;
    assert_eq!((seen.header("x-forwarded-user"), seen.header("authorization")), (None, None));
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));

    let (seen, _, base_url) = served("assertion").await;
    let said = claims(&seen);
    let named: Vec<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(named.iter().all(|claim| GUIDE.contains(&format!("`{claim}`"))), "{named:?}");
    assert_eq!(
        (&said["iss"], &said["aud"]),
        (&json!(base_url), &json!("https://tools.internal.contoso.com"))
    );
    assert_eq!((&said["sub"], seen.header("x-forwarded-user")), (&json!(alice), None));

    let (seen, ..) = served("static").await;
    assert_eq!((seen.all("x-api-key"), seen.header("authorization")), (vec!["hunter2"], None));
    assert_eq!(seen.header("x-forwarded-user"), None);

    let (seen, token, _) = served("token").await;
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));

    let (seen, ..) = served("on-behalf-of").await;
    let said = claims(&seen);
    assert_eq!((&said["aud"], &said["scp"]), (&json!("https://graph.microsoft.com"), &json!("User.Read")));
    assert_eq!((&said["oid"], seen.header("x-forwarded-user")), (&json!(alice), None));
}

#[test]
fn the_guide_has_every_kind_with_its_threat() {
    for kind in ["headers", "assertion", "static", "token", "on-behalf-of"] {
        let section = GUIDE.split("\n## ").find(|section| section.starts_with(&format!("`{kind}`"))).unwrap();
        assert!(section.contains("**Threat"), "{kind}");
    }
}
