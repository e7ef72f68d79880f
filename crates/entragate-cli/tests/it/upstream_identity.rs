//! What the MCP server is told of the caller, kind by kind: exactly that, and nothing that a client wrote.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entragate::{
    ApiApp, AuthorityHost, ClientId, Credential, DelegatedScope, Gate, GateBuilder, OnBehalfOf, Relay,
    SealKeys, Secret, TenantId,
};
use entragate_cli::config::{StaticCredential, UpstreamConfig, UpstreamIdentity};
use entragate_emulator::{Emulator, Endpoint, Fault, FaultKind, KeySource, MintRequest, fixtures};
use http::HeaderName;
use serde_json::{Value, json};

use crate::upstream_fixture::{Backend, Gateway, Message, Wire, config};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mail","arguments":{}}}"#;
const ALICE: &str = "00000000-aaaa-4000-8000-000000000001";
const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

/// Headers by which a client might try to be somebody else, in spellings that servers cannot tell apart.
const FORGED: &str = "X-Forwarded-User: mallory\r\nX_Forwarded_User: mallory\r\nx-forwarded_roles: Owner\r\n\
    X-Entra_Tenant-Id: 0\r\nX-Forwarded-Groups: g0\r\nX-Forwarded-Email: mallory@contoso.test\r\n\
    X-Ms-Client-Principal-Id: mallory\r\nX-Entragate-Assertion: forged\r\nForwarded: for=1.2.3.4\r\n\
    X-Api-Key: forged\r\nX_Api_Key: forged\r\nx.api-key: forged\r\nCookie: session=1\r\nDPoP: forged\r\n\
    connection: x-forwarded-user, x-entra-object-id, x-api-key\r\n";

/// What every request to the MCP server has.
const ALWAYS: [&str; 7] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Entra, a gateway in relay mode, and an MCP server behind it.
struct World {
    entra: Emulator,
    gateway: Gateway,
    backend: Backend,
}

async fn world(identity: UpstreamIdentity, gate: impl FnOnce(GateBuilder) -> GateBuilder) -> World {
    let backend = Backend::start().await;
    let config = config(backend.address);
    world_of(UpstreamConfig { identity, ..config }, backend, gate).await
}

/// The server is the second of two replicas, and nobody is where the first one should be.
async fn world_with_a_dead_replica(
    identity: UpstreamIdentity,
    gate: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    let (dead, backend) = (Backend::start().await.address, Backend::start().await);
    let replicas = vec![config(backend.address).url];
    world_of(UpstreamConfig { identity, replicas, ..config(dead) }, backend, gate).await
}

async fn world_of(
    config: UpstreamConfig,
    backend: Backend,
    gate: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
    let registrations = Relay {
        tenant: TenantId::parse(fixtures::TENANT).unwrap(),
        api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap(),
        client: ClientId::parse(fixtures::MCP).unwrap(),
    };
    let authority = AuthorityHost::parse(entra.url()).unwrap();
    let relay = |base_url| gate(Gate::relay(base_url, registrations).authority(authority));
    let gateway = Gateway::guarded(config, relay).await;
    World { entra, gateway, backend }
}

impl World {
    fn token(&self, request: &MintRequest) -> String {
        self.entra.control().mint(request)
    }

    async fn send(&self, token: &str, headers: &str, body: &str) -> Wire {
        let headers = format!("authorization: Bearer {token}\r\n{headers}");
        self.gateway.send("POST /mcp", &headers, body.as_bytes()).await
    }

    /// Sends a call and gives what the server saw of it.
    async fn seen(&self, token: &str, headers: &str) -> Message {
        let _client = self.send(token, headers, PING).await;
        self.backend.request().await.1
    }

    /// The answer to a call that the server never saw.
    async fn refused(&self, token: &str) -> Message {
        let answer = self.send(token, "", CALL).await.message().await;
        assert!(!self.backend.is_bothered().await, "{answer:?}");
        answer
    }

    fn exchanges(&self) -> usize {
        let requests = self.entra.control().requests();
        requests.iter().filter(|request| request.param("requested_token_use").is_some()).count()
    }
}

fn alice() -> MintRequest {
    MintRequest { client: Some("MCP".to_owned()), ..MintRequest::default() }
}

fn same(builder: GateBuilder) -> GateBuilder {
    builder
}

/// The names of everything that the server saw.
#[track_caller]
fn assert_names(request: &Message, more: &[&str]) {
    let mut expected: Vec<&str> = ALWAYS.iter().chain(more).copied().collect();
    expected.sort_unstable();
    let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
}

fn claims_of(request: &Message) -> (String, Value) {
    let token = request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    (token, serde_json::from_slice(&payload).unwrap())
}

#[tokio::test]
async fn headers_come_from_the_token_and_from_nowhere_else() {
    let world = world(UpstreamIdentity::Headers, same).await;
    let mut request = alice();
    request.roles = Some(vec!["Admin".to_owned(), "a,b".to_owned(), "100%".to_owned()]);
    let claims = json!({ "email": "alice@contoso.test", "groups": ["g1", "g2"], "preferred_username": "alice@contoso.test" });
    request.claims = claims.as_object().cloned().unwrap();
    let token = world.token(&request);
    let seen = world.seen(&token, FORGED).await;
    let told = [
        ("x-forwarded-user", ALICE),
        ("x-forwarded-email", "alice@contoso.test"),
        ("x-forwarded-preferred-username", "alice@contoso.test"),
        ("x-forwarded-groups", "g1,g2"),
        ("x-forwarded-roles", "Admin,a%2Cb,100%25"),
        ("x-entra-object-id", ALICE),
        ("x-entra-tenant-id", fixtures::TENANT),
        ("x-entra-client-id", fixtures::MCP),
    ];
    for (name, value) in told {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    // An API key is no identity of ours: without `static` it is between client and server, in one spelling.
    assert!(!format!("{seen:?}").contains(&token), "the token reached the server");
    assert!(!format!("{seen:?}").contains("mallory"), "{seen:?}");
}

#[tokio::test]
async fn what_the_token_does_not_say_is_an_absent_header() {
    let world = world(UpstreamIdentity::Headers, same).await;
    let mut request = MintRequest { roles: Some(vec![]), ..alice() };
    let claims = json!({ "email": null, "groups": null, "preferred_username": null, "upn": null });
    request.claims = claims.as_object().cloned().unwrap();
    let forged = "x-forwarded-roles: Admin\r\nx-forwarded-email: a@b\r\n";
    let seen = world.seen(&world.token(&request), forged).await;
    let told = ["x-entra-client-id", "x-entra-object-id", "x-entra-tenant-id", "x-forwarded-user"];
    assert_names(&seen, &told);
}

/// Without the client's own API key, which only `static` replaces.
fn forged_identity() -> String {
    FORGED.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().contains("api")).collect()
}

#[tokio::test]
async fn none_tells_nothing() {
    let world = world(UpstreamIdentity::Nobody, same).await;
    let seen = world.seen(&world.token(&alice()), &forged_identity()).await;
    assert_names(&seen, &[]);
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
}

#[tokio::test]
async fn static_sends_the_servers_own_credential_and_no_other() {
    for (name, value) in [("x-api-key", "upstream-hunter2"), ("authorization", "Basic dXNlcjpodW50ZXIy")] {
        let header = HeaderName::from_static(name);
        let credential = StaticCredential::parse(header, value, None).unwrap();
        let world = world(UpstreamIdentity::Static(credential), same).await;
        let forged = if name == "x-api-key" { FORGED.to_owned() } else { forged_identity() };
        let seen = world.seen(&world.token(&alice()), &forged).await;
        assert_names(&seen, &[name]);
        assert_eq!(seen.header(name), Some(value));
    }
}

#[tokio::test]
async fn assertion_says_who_calls_in_a_signed_token() {
    let audience = "https://tools.contoso.test/mcp";
    let keys = SealKeys::new([Secret::new("k".repeat(40))]).unwrap();
    let identity = UpstreamIdentity::Assertion { audience: audience.to_owned() };
    let world = world(identity, |builder| builder.assertion_keys(keys)).await;
    let token = world.token(&alice());
    let seen = world.seen(&token, &forged_identity()).await;
    assert_names(&seen, &["authorization"]);
    let (signed, claims) = claims_of(&seen);
    assert_ne!(signed, token);
    let base = format!("http://localhost:{}", world.gateway.address.port());
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(base), &json!(audience)));
    assert_eq!((&claims["sub"], &claims["azp"]), (&json!(ALICE), &json!(fixtures::MCP)));
    // The next call has the same one; GET and DELETE have it, too.
    assert_eq!(claims_of(&world.seen(&token, "").await).0, signed);
    for line in ["GET /mcp", "DELETE /mcp"] {
        let headers = format!("authorization: Bearer {token}\r\naccept: text/event-stream\r\n");
        let _client = world.gateway.send(line, &headers, b"").await;
        assert_eq!(claims_of(&world.backend.request().await.1).0, signed, "{line}");
    }
}

#[tokio::test]
async fn token_passes_entras_own_on_for_one_api() {
    let world = world(UpstreamIdentity::Token { audience: fixtures::API.to_owned() }, same).await;
    let token = world.token(&alice());
    let client = "authorization: bEARER   ";
    let _client = world
        .gateway
        .send("POST /mcp", &format!("{client}{token}\r\n{}", forged_identity()), PING.as_bytes())
        .await;
    let seen = world.backend.request().await.1;
    assert_names(&seen, &["authorization"]);
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));
}

fn on_behalf_of(scope: &str) -> UpstreamIdentity {
    UpstreamIdentity::OnBehalfOf(
        DelegatedScope::new([format!("https://graph.microsoft.com/{scope}")]).unwrap(),
    )
}

fn api_app(builder: GateBuilder) -> GateBuilder {
    builder.on_behalf_of(OnBehalfOf::new(Credential::secret(Secret::new(fixtures::API_SECRET)).unwrap()))
}

#[tokio::test]
async fn on_behalf_of_sends_a_token_in_the_callers_name() {
    let world = world(on_behalf_of("User.Read"), api_app).await;
    let token = world.token(&alice());
    for _ in 0..3 {
        let seen = world.seen(&token, &forged_identity()).await;
        assert_names(&seen, &["authorization"]);
        let (delegated, claims) = claims_of(&seen);
        assert_ne!(delegated, token);
        assert_eq!(
            (&claims["aud"], &claims["appid"]),
            (&json!("https://graph.microsoft.com"), &json!(fixtures::API))
        );
        assert_eq!((&claims["oid"], &claims["scp"]), (&json!(ALICE), &json!("User.Read")));
    }
    assert_eq!(world.exchanges(), 1);
}

#[tokio::test]
async fn a_call_that_cannot_be_made_in_the_callers_name_goes_nowhere() {
    let world = world(on_behalf_of("Mail.Read"), api_app).await;
    let answer = world.refused(&world.token(&alice())).await;
    assert_eq!(answer.status(), 200);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["result"]["isError"], true);
    let text = body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("AADSTS65001") && text.contains("Grant admin consent"), "{text}");
}

#[tokio::test]
async fn a_claims_challenge_and_an_outage_reach_the_client() {
    for (kind, status) in [
        (FaultKind::Refuse { code: 50076, claims: Some(CLAIMS.to_owned()) }, 401),
        (FaultKind::Throttle { retry_after_seconds: 9 }, 503),
    ] {
        let world = world(on_behalf_of("User.Read"), api_app).await;
        world.entra.control().inject(Fault { endpoint: Endpoint::Token, kind, times: None });
        let answer = world.refused(&world.token(&alice())).await;
        assert_eq!(answer.status(), status, "{answer:?}");
        if status == 401 {
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains(&format!(r#"claims="{}""#, STANDARD.encode(CLAIMS))), "{challenge}");
        } else {
            assert_eq!(answer.header("retry-after"), Some("9"));
        }
    }
}

#[tokio::test]
async fn a_token_that_the_api_behind_takes_no_longer_is_not_sent_again() {
    let world = world(on_behalf_of("User.Read"), api_app).await;
    let token = world.token(&alice());
    // Continuous access evaluation: the server passes Graph's challenge on.
    let challenge = format!(
        "connection: close\r\nwww-authenticate: Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{}\"\r\n",
        STANDARD.encode(CLAIMS)
    );
    let mut client = world.send(&token, "", CALL).await;
    let (mut server, _) = world.backend.request().await;
    server.answer("401 Unauthorized", &challenge, "").await;
    let answer = client.message().await;
    assert_eq!(answer.status(), 401);
    let told = answer.header("www-authenticate").unwrap();
    assert!(told.contains("resource_metadata=") && told.contains(&STANDARD.encode(CLAIMS)), "{told}");
    // A 401 without claims is the server's own trouble; either way the token is fetched anew.
    let mut client = world.send(&token, "", CALL).await;
    let (mut server, _) = world.backend.request().await;
    server.answer("401 Unauthorized", "connection: close\r\nwww-authenticate: Bearer\r\n", "").await;
    assert_eq!(client.message().await.status(), 502);
    world.seen(&token, "").await;
    assert_eq!(world.exchanges(), 3);
}

#[tokio::test]
async fn an_api_that_no_sign_in_contents_is_told_of_and_nobody_is_sent_on_for_ever() {
    let world = world(on_behalf_of("User.Read"), api_app).await;
    let mut answers = Vec::new();
    for value in 0..6 {
        // Another value each time, as a time is, and a new token each time.
        let claims = CLAIMS.replace("c1", &value.to_string());
        let challenge = format!(
            "connection: close\r\nwww-authenticate: Bearer claims=\"{}\"\r\n",
            STANDARD.encode(claims)
        );
        let mut client = world.send(&world.token(&alice()), "", CALL).await;
        let (mut server, _) = world.backend.request().await;
        server.answer("401 Unauthorized", &challenge, "").await;
        answers.push(client.message().await);
    }
    assert_eq!(answers.iter().map(Message::status).collect::<Vec<_>>(), [401, 401, 401, 200, 200, 200]);
    let body: Value = serde_json::from_slice(&answers[3].body).unwrap();
    assert_eq!(body["result"]["isError"], true);
    let text = body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("graph.microsoft.com") && text.contains("did not bring it"), "{text}");
}

#[tokio::test]
async fn every_replica_is_told_who_calls_and_a_dead_one_changes_nothing() {
    let world = world_with_a_dead_replica(UpstreamIdentity::Headers, same).await;
    let seen = world.seen(&world.token(&alice()), FORGED).await;
    assert_eq!(seen.header("x-forwarded-user"), Some(ALICE));
    assert_eq!(seen.header("authorization"), None);

    let world = world_with_a_dead_replica(on_behalf_of("User.Read"), api_app).await;
    let token = world.token(&alice());
    for _ in 0..3 {
        let seen = world.seen(&token, &forged_identity()).await;
        assert_names(&seen, &["authorization"]);
        assert_eq!(claims_of(&seen).1["oid"], ALICE);
    }
    assert_eq!(world.exchanges(), 1);
    let mut client = world.send(&token, "", CALL).await;
    let (mut server, _) = world.backend.request().await;
    let challenge =
        format!("connection: close\r\nwww-authenticate: Bearer claims=\"{}\"\r\n", STANDARD.encode(CLAIMS));
    server.answer("401 Unauthorized", &challenge, "").await;
    assert_eq!(client.message().await.status(), 401);
}

#[tokio::test]
async fn a_call_that_cannot_be_made_in_the_callers_name_reaches_no_replica() {
    let world = world_with_a_dead_replica(on_behalf_of("Mail.Read"), api_app).await;
    let answer = world.refused(&world.token(&alice())).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status(), &body["result"]["isError"]), (200, &json!(true)));
}
