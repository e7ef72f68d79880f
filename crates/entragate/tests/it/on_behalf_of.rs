//! Calls in the caller's name, as an embedder makes them: one exchange at Entra for many calls, and for each refusal the
//! answer that the person can read.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use entragate::{Credential, DelegatedScope, Gate, GateBuilder, OnBehalfOf, OnBehalfOfError, Permit, Secret};
use entragate_emulator::{Endpoint, Fault, FaultKind, MintRequest, fixtures};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::refusals::mint;
use crate::world::{McpServer, Reply, World, log};

pub(crate) const GRAPH: &str = "https://graph.microsoft.com";
const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

/// A gate that is known once it is built.
pub(crate) type Later = Arc<OnceLock<Gate>>;

pub(crate) fn scope(name: &str) -> DelegatedScope {
    DelegatedScope::new([format!("{GRAPH}/{name}")]).unwrap()
}

pub(crate) fn api_app() -> OnBehalfOf {
    OnBehalfOf::new(Credential::secret(Secret::new(fixtures::API_SECRET)).unwrap())
}

/// An MCP server that answers every call with the token that it got in the caller's name.
pub(crate) fn acting(gate: &Later, scope: DelegatedScope) -> McpServer {
    let gate = Arc::clone(gate);
    McpServer::new(tower::service_fn(move |request: Request| {
        let (gate, scope) = (Arc::clone(&gate), scope.clone());
        let permit = permit_of(&request);
        async move { Ok(acted(gate.get().unwrap(), &scope, &permit).await) }
    }))
}

fn permit_of(request: &Request) -> Permit {
    request.extensions().get::<Permit>().unwrap().clone()
}

async fn acted(gate: &Gate, scope: &DelegatedScope, permit: &Permit) -> Response {
    let token = match gate.on_behalf_of(permit, scope).await {
        Ok(token) => token,
        Err(error) => return gate.on_behalf_of_refusal(permit, scope, &error).await,
    };
    let content = json!([{ "type": "text", "text": token.expose() }]);
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": { "content": content } });
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from(answer.to_string()))
        .unwrap()
}

async fn world(permission: &str, options: OnBehalfOf) -> World {
    let gate = Later::default();
    let server = acting(&gate, scope(permission));
    let world = World::builder().mcp(server).gate(|builder| builder.on_behalf_of(options)).start().await;
    gate.set(world.gate.clone()).unwrap();
    world
}

fn alice() -> MintRequest {
    MintRequest { client: Some("MCP".into()), lifetime_seconds: Some(8 * 3600), ..MintRequest::default() }
}

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mail","arguments":{}}}"#;

async fn post(world: &World, token: &str, body: &str) -> Reply {
    let request = world.http.post(world.url("/mcp")).bearer_auth(token);
    let request = request.header("accept", "application/json, text/event-stream");
    Reply::of(request.header("content-type", "application/json").body(body.to_owned())).await
}

/// What the person reads in a tool error.
#[track_caller]
fn told(reply: &Reply) -> String {
    let body: Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!((reply.status, &body["result"]["isError"]), (200, &json!(true)), "{body}");
    body["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

/// The token that the MCP server got.
#[track_caller]
pub(crate) fn got(text: &str) -> (String, Value) {
    let body: Value = serde_json::from_str(text).unwrap();
    let token = body["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("{token}"));
    (token.clone(), serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap())
}

fn exchanges(world: &World) -> usize {
    let requests = world.control().requests();
    requests.iter().filter(|request| request.param("requested_token_use").is_some()).count()
}

fn refuse(world: &World, code: u64, claims: Option<&str>) {
    let kind = FaultKind::Refuse { code, claims: claims.map(str::to_owned) };
    world.control().inject(Fault { endpoint: Endpoint::Token, kind, times: None });
}

#[tokio::test]
async fn nothing_is_got_with_a_token_that_was_let_go_of() {
    let gate = Later::default();
    let seen = Arc::clone(&gate);
    let server = McpServer::new(tower::service_fn(move |request: Request| {
        let gate = Arc::clone(&seen);
        async move {
            let gate = gate.get().unwrap();
            let mut permit = request.extensions().get::<Permit>().unwrap().clone();
            assert!(gate.entra_token(&permit).is_ok());
            permit.forget_token();
            let passed_on = gate.entra_token(&permit).unwrap_err();
            let in_their_name = gate.on_behalf_of(&permit, &scope("User.Read")).await.unwrap_err();
            assert!(matches!(in_their_name, OnBehalfOfError::NoToken), "{in_their_name}");
            assert_eq!(permit.principal().object_id(), fixtures::user_oid("alice"));
            Ok(Response::new(Body::from(passed_on.to_string())))
        }
    }));
    let world = World::builder().mcp(server).gate(|builder| builder.on_behalf_of(api_app())).start().await;
    gate.set(world.gate.clone()).unwrap();
    let reply = post(&world, &mint(&world, &alice()), CALL).await;
    assert_eq!((reply.status, &*reply.text), (200, "the caller's token was let go of"));
    assert_eq!(exchanges(&world), 0);
}

#[tokio::test]
async fn one_exchange_serves_many_calls_and_a_new_one_comes_before_the_end() {
    let world = world("User.Read", api_app()).await;
    world.control().set(|settings| settings.access_token_seconds = Some(3600));
    let alice = mint(&world, &alice());
    let calls = (0..20).map(|_| post(&world, &alice, CALL));
    let replies = futures_util::future::join_all(calls).await;
    let (first, claims) = got(&replies[0].text);
    assert!(replies.iter().all(|reply| got(&reply.text).0 == first));
    assert_eq!((&claims["aud"], &claims["appid"]), (&json!(GRAPH), &json!(fixtures::API)));
    assert_eq!((&claims["oid"], &claims["scp"]), (&json!(fixtures::user_oid("alice")), &json!("User.Read")));
    assert_eq!(exchanges(&world), 1);
    let requests = world.control().requests();
    let asked = requests.iter().find(|request| request.param("requested_token_use").is_some()).unwrap();
    let mut form: Vec<(&str, &str)> = asked.form.iter().map(|(name, value)| (&**name, &**value)).collect();
    form.sort_unstable();
    let scope = format!("{GRAPH}/User.Read");
    let expected = [
        ("assertion", alice.as_str()),
        ("client_id", fixtures::API),
        ("client_secret", fixtures::API_SECRET),
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("scope", &scope),
    ];
    assert_eq!(form, expected, "and nothing else");
    assert_eq!(asked.header("origin"), None);

    world.control().advance(Duration::from_secs(3600 - 360));
    post(&world, &alice, CALL).await;
    assert_eq!(exchanges(&world), 1, "more than five minutes are left");
    world.control().advance(Duration::from_secs(61));
    assert_ne!(got(&post(&world, &alice, CALL).await.text).0, first);
    assert_eq!(exchanges(&world), 2);
}

#[tokio::test]
async fn nobody_gets_the_token_of_somebody_else_or_of_another_sign_in() {
    let world = world("User.Read", api_app()).await;
    let alice_twice =
        [mint(&world, &alice()), mint(&world, &MintRequest { lifetime_seconds: Some(3601), ..alice() })];
    let bob = mint(&world, &MintRequest { user: Some("bob".into()), ..alice() });
    for (token, who) in alice_twice.iter().map(|token| (token, "alice")).chain([(&bob, "bob")]) {
        for _ in 0..2 {
            let (_, claims) = got(&post(&world, token, CALL).await.text);
            assert_eq!(claims["oid"], fixtures::user_oid(who));
        }
    }
    assert_eq!(exchanges(&world), 3);
}

#[tokio::test]
async fn missing_consent_is_told_to_the_person_and_asked_again_later() {
    let world = world("Mail.Read", api_app()).await;
    let mut log = log::capture();
    let alice = mint(&world, &alice());
    let text = told(&post(&world, &alice, CALL).await);
    for part in [
        "https://graph.microsoft.com in your name",
        "An administrator",
        "Mail.Read",
        "Grant admin consent",
        "AADSTS65001",
        "correlation id",
    ] {
        assert!(text.contains(part), "{text}\n does not say {part}");
    }
    let list = post(&world, &alice, r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#).await;
    let body: Value = serde_json::from_str(&list.text).unwrap();
    assert_eq!((list.status, &body["error"]["code"]), (200, &json!(-31403)));
    assert!(body["error"]["message"].as_str().unwrap().contains("AADSTS65001"), "{body}");
    assert_eq!(exchanges(&world), 1, "a refusal is believed for a while");
    let lines: Vec<String> =
        log.lines().into_iter().filter(|line| line.starts_with("entragate::on_behalf_of")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("aadsts=65001") && lines[0].contains("correlation_id="), "{lines:?}");
    for secret in [alice.as_str(), fixtures::API_SECRET, "alice"] {
        assert!(!lines[0].contains(secret), "{lines:?}");
    }
    world.control().advance(Duration::from_secs(16));
    told(&post(&world, &alice, CALL).await);
    assert_eq!(exchanges(&world), 2);
}

#[tokio::test]
async fn a_claims_challenge_goes_to_the_client_and_not_in_circles() {
    let world = world("User.Read", api_app()).await;
    refuse(&world, 50076, Some(CLAIMS));
    let first = mint(&world, &alice());
    for _ in 0..2 {
        let reply = post(&world, &first, CALL).await;
        let challenge = reply.header("www-authenticate");
        assert_eq!(reply.status, 401, "{reply:?}");
        assert!(challenge.contains(r#"error="insufficient_claims""#), "{challenge}");
        assert!(challenge.contains("resource_metadata=") && challenge.contains("scope="), "{challenge}");
        let claims = challenge.split("claims=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_eq!(STANDARD.decode(claims).unwrap(), CLAIMS.as_bytes());
    }
    // The client signed in again, as it was told to, and Entra still demands the same.
    let second = mint(&world, &MintRequest { lifetime_seconds: Some(7000), ..alice() });
    let text = told(&post(&world, &second, CALL).await);
    for part in ["multi-factor", "Signing in again did not bring it", "AADSTS50076"] {
        assert!(text.contains(part), "{text}\n does not say {part}");
    }
}

#[tokio::test]
async fn an_api_that_demands_another_value_each_time_ends_in_a_tool_error() {
    let world = world("User.Read", api_app()).await;
    let mut statuses = Vec::new();
    for n in 0..6 {
        world.control().clear_faults();
        refuse(
            &world,
            50076,
            Some(&format!(r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{n}"}}}}}}"#)),
        );
        let token = mint(&world, &alice());
        statuses.push(post(&world, &token, CALL).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 200, 200, 200], "each token is newer than the first challenge");
}

#[tokio::test]
async fn refusals_that_no_sign_in_helps_against_are_tool_errors_with_whose_job_it_is() {
    for (code, says) in [
        (53003, "An administrator of your Microsoft Entra tenant has to repair this"),
        (50105, "An administrator of your Microsoft Entra tenant has to repair this"),
        (500_131, "The operator of this server has to repair this"),
        (7_000_222, "The operator of this server has to repair this"),
        (50013, "The operator of this server has to repair this"),
    ] {
        let world = world("User.Read", api_app()).await;
        refuse(&world, code, None);
        let text = told(&post(&world, &mint(&world, &alice()), CALL).await);
        assert!(text.contains(says) && text.contains(&format!("AADSTS{code}")), "{code}: {text}");
    }
}

#[tokio::test]
async fn a_wrong_credential_is_the_operators_matter_and_is_not_told() {
    let wrong = OnBehalfOf::new(Credential::secret(Secret::new("hunter2-hunter2")).unwrap());
    let world = world("User.Read", wrong).await;
    let mut log = log::capture();
    let text = told(&post(&world, &mint(&world, &alice()), CALL).await);
    assert!(text.contains("The operator of this server") && text.contains("AADSTS7000215"), "{text}");
    let log = log.lines().join("\n");
    assert!(log.contains("aadsts=7000215") && log.contains("configuration: "), "{log}");
    assert!(!format!("{text}{log}").contains("hunter2"), "{text}\n{log}");
}

#[tokio::test]
async fn an_outage_is_503_and_passes() {
    for (kind, retry_after) in [
        (FaultKind::Throttle { retry_after_seconds: 60 }, "60"),
        (FaultKind::Unavailable, "5"),
        (FaultKind::CloseConnection, "5"),
    ] {
        let world = world("User.Read", api_app()).await;
        // The keys, before anything is broken.
        world.gate.ready().await.unwrap();
        world.control().inject(Fault { endpoint: Endpoint::Token, kind, times: Some(1) });
        let alice = mint(&world, &alice());
        let reply = post(&world, &alice, CALL).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, retry_after));
        let body: Value = serde_json::from_str(&reply.text).unwrap();
        assert!(body["error"]["message"].as_str().unwrap().contains("try again shortly"), "{body}");
        if retry_after == "60" {
            assert_eq!(post(&world, &alice, CALL).await.status, 503, "Entra is left alone for so long");
        }
        world.control().advance(Duration::from_secs(61));
        got(&post(&world, &alice, CALL).await.text);
    }
}

#[tokio::test]
async fn a_program_in_its_own_name_is_refused_before_entra_is_asked() {
    let world = world("User.Read", api_app()).await;
    let daemon = MintRequest {
        client: Some("DMN".into()),
        user: None,
        scp: None,
        roles: Some(vec!["Tools.All".into()]),
        ..MintRequest::default()
    };
    let claims = json!({ "scp": null, "idtyp": "app" }).as_object().unwrap().clone();
    let daemon = mint(&world, &MintRequest { claims, ..daemon });
    let text = told(&post(&world, &daemon, CALL).await);
    assert!(text.contains("program in its own name") && text.contains("AADSTS7000114"), "{text}");
    assert_eq!(exchanges(&world), 0);
}

#[tokio::test]
async fn messages_without_an_answer_and_streams_have_theirs_too() {
    let world = world("Mail.Read", api_app()).await;
    let alice = mint(&world, &alice());
    let note = post(&world, &alice, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert_eq!((note.status, note.text.as_str()), (202, ""));
    let stream = world.http.get(world.url("/mcp")).bearer_auth(&alice).header("accept", "text/event-stream");
    let stream = Reply::of(stream).await;
    assert_eq!(stream.status, 502);
    assert!(stream.json()["error_description"].as_str().unwrap().contains("AADSTS65001"));
}

/// The stream of a server of the HTTP+SSE transport, with what is refused to its caller.
fn opened(permit: &Permit) -> Response {
    let url = format!("/messages?seal={}", permit.seal("7").unwrap());
    let mut refusals = permit.open_stream(&url).unwrap();
    let first = stream::iter([Bytes::from(format!("event: endpoint\ndata: {url}\n\n"))]);
    let events = first.chain(stream::poll_fn(move |cx| refusals.poll_next(cx)));
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(Body::from_stream(events.map(Ok::<_, Infallible>)))
        .unwrap()
}

#[tokio::test]
async fn tr_15_what_is_refused_behind_the_gate_goes_into_the_callers_stream_too() {
    let gate = Later::default();
    let known = Arc::clone(&gate);
    let server = McpServer::new(tower::service_fn(move |request: Request| {
        let gate = Arc::clone(&known);
        let (permit, is_stream) = (permit_of(&request), request.method() == "GET");
        async move {
            Ok(if is_stream {
                opened(&permit)
            } else {
                acted(gate.get().unwrap(), &scope("Mail.Read"), &permit).await
            })
        }
    }));
    let also = |builder: GateBuilder| builder.on_behalf_of(api_app()).also_protect("/messages");
    let world = World::builder().mcp(server).gate(also).start().await;
    gate.set(world.gate.clone()).unwrap();
    let alice = mint(&world, &alice());
    let mut stream = world.http.get(world.url("/mcp")).bearer_auth(&alice).send().await.unwrap();
    let mut text = String::new();
    for (first, wanted) in [(true, "/messages"), (false, "AADSTS65001")] {
        while !text.ends_with("\n\n") {
            text += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
        }
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
        assert!(data.contains(wanted), "{text}");
        text.clear();
        if first {
            let request = world.http.post(world.url(&data)).bearer_auth(&alice);
            let reply = Reply::of(request.header("content-type", "application/json").body(CALL)).await;
            assert_eq!((reply.status, reply.text.as_str()), (202, ""));
        }
    }
}

#[tokio::test]
async fn a_gate_that_was_not_told_how_asks_nobody() {
    let gate = Later::default();
    let world = World::builder().mcp(acting(&gate, scope("User.Read"))).start().await;
    gate.set(world.gate.clone()).unwrap();
    let text = told(&post(&world, &mint(&world, &alice()), CALL).await);
    assert!(text.contains("is not set up for that"), "{text}");
    assert_eq!(exchanges(&world), 0);
    assert!(OnBehalfOfError::NotConfigured.to_string().contains("GateBuilder::on_behalf_of"));
}
