//! What the MCP server is told about the caller.

use entragate::{ApiApp, AuthorityHost, ClientId, Gate, Relay, TenantId};
use entragate_cli::config::UpstreamConfig;
use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
use serde_json::json;

use crate::upstream_fixture::{Backend, Gateway, Message, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const ALICE: &str = "00000000-aaaa-4000-8000-000000000001";

/// Sends a call with a token, and with headers that a client might try; gives what the server saw of it.
#[expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]
async fn seen_by_the_server(
    token: &MintRequest,
    headers: &str,
    change: impl FnOnce(&mut UpstreamConfig),
) -> Message {
    let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
    let registrations = Relay {
        tenant: TenantId::parse(fixtures::TENANT).unwrap(),
        api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap(),
        client: ClientId::parse(fixtures::MCP).unwrap(),
    };
    let authority = AuthorityHost::parse(entra.url()).unwrap();
    let backend = Backend::start().await;
    let mut config = config(backend.address);
    change(&mut config);
    let relay = |base_url| Gate::relay(base_url, registrations).authority(authority);
    let gateway = Gateway::guarded(config, relay).await;
    let token = entra.control().mint(token);
    let headers = format!("authorization: Bearer {token}\r\n{headers}");
    let _client = gateway.send("POST /mcp", &headers, PING.as_bytes()).await;
    let (_server, request) = backend.request().await;
    assert!(!format!("{request:?}").contains(&token), "the token reached the server");
    request
}

#[tokio::test]
async fn identity_comes_from_the_token_and_from_nowhere_else() {
    let mut token = MintRequest { client: Some("MCP".to_owned()), ..MintRequest::default() };
    token.roles = Some(vec!["Admin".to_owned(), "a,b".to_owned(), "100%".to_owned()]);
    let claims = json!({ "email": "alice@contoso.test", "groups": ["g1", "g2"], "preferred_username": "alice@contoso.test" });
    token.claims = claims.as_object().cloned().unwrap();
    let forged = "X-Forwarded-User: mallory\r\nX_Forwarded_User: mallory\r\nx-forwarded_roles: Owner\r\n\
                  X-Entra_Tenant-Id: 0\r\nX-Forwarded-Groups: g0\r\nX-Forwarded-Email: mallory@contoso.test\r\n\
                  connection: x-forwarded-user, x-entra-object-id\r\n";
    let request = seen_by_the_server(&token, forged, |_| ()).await;
    for (name, value) in [
        ("x-forwarded-user", ALICE),
        ("x-forwarded-email", "alice@contoso.test"),
        ("x-forwarded-preferred-username", "alice@contoso.test"),
        ("x-forwarded-groups", "g1,g2"),
        ("x-forwarded-roles", "Admin,a%2Cb,100%25"),
        ("x-entra-object-id", ALICE),
        ("x-entra-tenant-id", fixtures::TENANT),
        ("x-entra-client-id", fixtures::MCP),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let odd: Vec<_> = request.headers.iter().filter(|(name, _)| name.contains('_')).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[tokio::test]
async fn what_the_token_does_not_say_is_an_absent_header() {
    let mut token =
        MintRequest { client: Some("MCP".to_owned()), roles: Some(vec![]), ..MintRequest::default() };
    let claims = json!({ "email": null, "groups": null, "preferred_username": null, "upn": null });
    token.claims = claims.as_object().cloned().unwrap();
    let request =
        seen_by_the_server(&token, "x-forwarded-roles: Admin\r\nx-forwarded-email: a@b\r\n", |_| ()).await;
    assert_eq!(request.header("x-forwarded-user"), Some(ALICE));
    for absent in
        ["x-forwarded-email", "x-forwarded-preferred-username", "x-forwarded-groups", "x-forwarded-roles"]
    {
        assert_eq!(request.header(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn identity_headers_can_be_switched_off_and_forged_ones_stay_out() {
    let token = MintRequest { client: Some("MCP".to_owned()), ..MintRequest::default() };
    let request = seen_by_the_server(&token, "x-forwarded-user: mallory\r\n", |config| {
        config.identity_headers = false;
    })
    .await;
    assert_eq!(request.header("x-forwarded-user"), None);
    assert_eq!(request.header("x-entra-object-id"), None);
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
}
