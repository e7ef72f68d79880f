//! Access tokens of broker mode at the MCP endpoint: opaque, for one server, until they expire or are revoked.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use entragate::once::{Memory, Once};
use entragate::{GateError, Permit};
use entragate_emulator::{MintRequest, fixtures};
use serde_json::{Value, json};

use super::wire::{Breakable, Setup, post};
use super::world::{BrokerWorld, KEY};
use crate::world::{McpServer, Reply};

async fn called(world: &BrokerWorld, token: &str) -> Reply {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let request = world.http.post(world.url("/mcp")).header("accept", "application/json, text/event-stream");
    Reply::of(request.bearer_auth(token).json(&body)).await
}

#[track_caller]
fn assert_invalid(reply: &Reply, text: &str) {
    assert_eq!(reply.status, 401, "{reply:?}");
    let challenge = reply.header("www-authenticate");
    assert!(challenge.starts_with("Bearer resource_metadata=\"http://localhost:"), "{challenge}");
    assert!(challenge.contains("error=\"invalid_token\"") && challenge.contains("scope=\""), "{challenge}");
    assert_eq!(reply.json()["error_description"], text);
}

const INVALID: &str = "The access token is invalid";

#[tokio::test]
async fn rs_04_rs_22_nothing_else_that_was_sealed_or_made_up_is_an_access_token() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let code = world.code(&alice.client_id, "alice").await;
    let relabelled = |text: &str| format!("ega_{}", &text[4..]);
    for other in [&alice.refresh, &code, &alice.client_id] {
        assert_invalid(&called(&world, other).await, INVALID);
        assert_invalid(&called(&world, &relabelled(other)).await, INVALID);
    }
    for made_up in ["ega_", "ega_A", "ega_AAAA", "ega_~", &format!("ega_{}", "A".repeat(200))] {
        assert_invalid(&called(&world, made_up).await, INVALID);
    }
    assert_eq!(called(&world, &alice.access).await.status, 200);
}

#[tokio::test]
async fn rs_04_a_token_with_one_character_changed_is_401_wherever_it_is() {
    let world = BrokerWorld::start().await;
    let token = world.sign_in("alice").await.access;
    for at in (0..token.len()).step_by(13).chain([token.len() - 1]) {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(at..=at, other);
        assert_invalid(&called(&world, &changed).await, INVALID);
    }
    for changed in [format!("{token}A"), format!("{token}="), token[..token.len() - 1].to_owned()] {
        assert_invalid(&called(&world, &changed).await, INVALID);
    }
    assert_invalid(&called(&world, &token.replacen("ega_", "EGA_", 1)).await, INVALID);
}

#[tokio::test]
async fn rs_22_a_token_ends_when_it_was_said_to() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    // Opened before, or for the first time: both look at the clock.
    let never_used = world.sign_in("alice").await;
    world.advance(Duration::from_secs(1_790)).await;
    assert_eq!(called(&world, &alice.access).await.status, 200);
    world.advance(Duration::from_secs(10)).await;
    for token in [&alice.access, &never_used.access] {
        assert_invalid(&called(&world, token).await, "The access token expired");
    }
}

#[tokio::test]
async fn k43_a_token_lives_as_long_as_configured_and_never_longer_than_entras() {
    let world = BrokerWorld::builder()
        .gate(|gate| gate.access_token_life(Duration::from_secs(90 * 60)))
        .start()
        .await;
    world.control().set(|settings| settings.access_token_seconds = Some(4_000));
    let life = world.sign_in("alice").await.body["expires_in"].as_u64().unwrap();
    assert!((3_990..=4_000).contains(&life), "{life}");
    let world = BrokerWorld::builder()
        .gate(|gate| {
            // Clients refresh before every call when less than five minutes are left.
            for minutes in [14, 91] {
                let life = Duration::from_secs(minutes * 60);
                let gate = another_gate().access_token_life(life).build();
                assert!(matches!(gate, Err(GateError::AccessTokenLife)));
            }
            gate.access_token_life(Duration::from_secs(15 * 60))
        })
        .start()
        .await;
    assert_eq!(world.sign_in("alice").await.body["expires_in"], 900);
}

fn another_gate() -> entragate::GateBuilder {
    use entragate::{ApiApp, BaseUrl, Broker, ClientId, Credential, Gate, SealKeys, Secret, TenantId};
    let registrations = Broker {
        tenant: TenantId::parse(fixtures::TENANT).unwrap(),
        api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()),
        client: None,
        credential: Credential::secret(Secret::new("s3cret")).unwrap(),
        keys: SealKeys::new([Secret::new(KEY)]).unwrap(),
    };
    Gate::broker(BaseUrl::parse("https://mcp.contoso.test").unwrap(), registrations)
}

#[tokio::test]
async fn token_for_a_refused_at_b() {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let alice = world.sign_in("alice").await;
    // Another path below the same name, with everything else shared.
    for path in ["/other", "/mcp2", "/mc"] {
        let other = Setup::sharing(&store).start_with(&world, |gate| gate.resource_path(path)).await;
        let (status, body) = other.call(path, &alice.access).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
        assert_eq!(body["error_description"], "The access token was issued for another server");
    }
    // Another name: not even the keys open it.
    let stranger = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    assert_invalid(&called(&stranger, &alice.access).await, INVALID);
    assert_eq!(called(&world, &alice.access).await.status, 200);
}

#[tokio::test]
async fn rs_19_as_28_no_other_value_of_another_gate_with_the_same_keys_is_taken() {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let stranger = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let alice = world.sign_in("alice").await;
    let code = world.code(&alice.client_id, "alice").await;
    // The client id is as unknown there as a made-up one.
    let reply = post(&stranger, "/oauth/token", &BrokerWorld::code_form(&alice.client_id, &code)).await;
    assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("invalid_client")));
    let client_id = stranger.client_id().await;
    let (status, body) = stranger.token(&BrokerWorld::code_form(&client_id, &code)).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    let (status, body) = stranger.refresh(&client_id, &alice.refresh).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(world.token(&BrokerWorld::code_form(&alice.client_id, &code)).await.0, 200);
}

#[tokio::test]
async fn rs_18_entras_own_tokens_for_the_api_app_are_still_accepted() {
    let world = BrokerWorld::start().await;
    let token = world.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() });
    let reply = called(&world, &token).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("x-saw-object-id"), fixtures::user_oid("bob"));
    let sibling = MintRequest { app: Some("SIBLING".into()), ..MintRequest::default() };
    let reply = called(&world, &world.control().mint(&sibling)).await;
    assert_invalid(&reply, "The access token was issued for another server");
}

#[tokio::test]
async fn as_36_a_revoked_token_is_401_at_once_here() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    assert_eq!(called(&world, &alice.access).await.status, 200);
    let form = [("client_id", alice.client_id.as_str()), ("token", &alice.refresh)];
    assert_eq!(post(&world, "/oauth/revoke", &form).await.status, 200);
    assert_invalid(&called(&world, &alice.access).await, "The access token was revoked");
}

#[tokio::test]
async fn without_its_store_a_gate_trusts_what_it_knew_for_five_minutes() {
    let store = Arc::new(Breakable::default());
    let world = BrokerWorld::builder().once(store.clone()).start().await;
    let (used, never_used) = (world.sign_in("alice").await, world.sign_in("bob").await);
    assert_eq!(called(&world, &used.access).await.status, 200);
    store.breaks(true);
    for seconds in [4, 10, 100, 170] {
        world.advance(Duration::from_secs(seconds)).await;
        assert_eq!(called(&world, &used.access).await.status, 200);
    }
    // Nobody knows whether this one was revoked before.
    let reply = called(&world, &never_used.access).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"), "{reply:?}");
    world.advance(Duration::from_secs(20)).await;
    let reply = called(&world, &used.access).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"), "{reply:?}");
    assert_eq!(reply.header("www-authenticate"), "", "it is not the token's fault");
    store.breaks(false);
    assert_eq!(called(&world, &used.access).await.status, 200);
    assert_eq!(called(&world, &never_used.access).await.status, 200);
}

/// Tells who the caller is.
async fn whoami(request: Request) -> Result<Response, Infallible> {
    let principal = request.extensions().get::<Permit>().unwrap().principal().clone();
    let told = json!({
        "oid": principal.object_id(), "tid": principal.tenant_id(), "client": principal.client_id(),
        "roles": principal.roles(), "scopes": principal.scopes(), "username": principal.username(),
        "groups": principal.groups().len(), "token": principal.token_id(),
        "user": principal.kind() == entragate::Kind::User,
        "authorization": request.headers().contains_key("authorization"),
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "result": told });
    let response = Response::builder().header("content-type", "application/json");
    Ok(response.body(Body::from(body.to_string())).unwrap())
}

#[tokio::test]
async fn rs_24_rs_25_the_server_sees_the_person_and_the_client_and_not_the_token() {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let mcp = McpServer::new(tower::service_fn(whoami));
    let replica = Setup { mcp, ..Setup::sharing(&store) }.start(&world).await;
    for (user, roles) in [("alice", json!(["Admin"])), ("frank", json!(["User"])), ("carol", json!([]))] {
        let signed_in = world.sign_in(user).await;
        let (status, body) = replica.call("/mcp", &signed_in.access).await;
        let told = &body["result"];
        assert_eq!((status, &told["oid"]), (200, &json!(fixtures::user_oid(user))), "{body}");
        assert_eq!((&told["tid"], &told["roles"]), (&json!(fixtures::TENANT), &roles));
        assert_eq!((&told["scopes"], &told["user"]), (&json!(["access"]), &json!(true)));
        assert_eq!(told["username"], format!("{user}@contoso.test"));
        let client = told["client"].as_str().unwrap();
        assert!(client.starts_with("dcr:") && client.len() == 26, "{client}");
        assert_eq!(told["authorization"], Value::Bool(false));
        assert!(!signed_in.access.contains(told["token"].as_str().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_people_at_once_are_each_themselves() {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let mcp = McpServer::new(tower::service_fn(whoami));
    let replica = Setup { mcp, ..Setup::sharing(&store) }.start(&world).await;
    let users = ["alice", "bob", "carol", "frank", "greta", "nina"];
    let signed_in = futures_util::future::join_all(users.map(|user| world.sign_in(user))).await;
    let calls = (0..60).map(|at| replica.call("/mcp", &signed_in[at % users.len()].access));
    for (at, (status, body)) in futures_util::future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(status, 200);
        assert_eq!(body["result"]["oid"], fixtures::user_oid(users[at % users.len()]));
    }
}

#[tokio::test]
async fn session_of_another_person_is_404_at_every_replica() {
    async fn with_sessions(request: Request) -> Result<Response, Infallible> {
        let response = Response::builder().header("content-type", "application/json");
        let response = match request.headers().get("mcp-session-id") {
            Some(id) => response.header("x-saw-session", id),
            None => response.header("mcp-session-id", "raw-session.1"),
        };
        Ok(response.body(Body::from(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)).unwrap())
    }
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let mcp = || McpServer::new(tower::service_fn(with_sessions));
    let one = Setup { mcp: mcp(), ..Setup::sharing(&store) }.start(&world).await;
    let two = Setup { mcp: mcp(), ..Setup::sharing(&store) }.start(&world).await;
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    let send = async |at: &str, token: &str, session: Option<&str>| {
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        let mut request = world.http.post(at).bearer_auth(token).json(&ping);
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        Reply::of(request).await
    };
    let session = send(&one.at("/mcp"), &alice.access, None).await.header("mcp-session-id").to_owned();
    // The next token of the same person goes on, at the other replica, too: the ring binds sessions there as well.
    let (_, body) = world.refresh(&alice.client_id, &alice.refresh).await;
    let renewed = body["access_token"].as_str().unwrap();
    for (at, token) in [(&one, alice.access.as_str()), (&one, renewed), (&two, renewed)] {
        let reply = send(&at.at("/mcp"), token, Some(&session)).await;
        assert_eq!((reply.status, reply.header("x-saw-session")), (200, "raw-session.1"));
    }
    for at in [&one, &two] {
        assert_eq!(send(&at.at("/mcp"), &bob.access, Some(&session)).await.status, 404);
    }
}
