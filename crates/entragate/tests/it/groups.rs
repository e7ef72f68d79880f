//! Group overage at the wire: memberships come from the emulator's Microsoft Graph when a rule needs them, or the call is
//! refused with the reason and everything else goes on.

use std::time::Duration;

use entragate::{Access, ApiApp, ClientId, Credential, GateBuilder, GraphGroups, Rule, Secret, TokenReport};
use entragate_emulator::{Directory, Emulator, Endpoint, Fault, FaultKind, KeySource, MintRequest, fixtures};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::layer_server::{Requests, answering, typed};
use crate::refusals::mint;
use crate::world::{McpServer, World, log};

/// A group that gina is in besides her 201 others.
const ENGINEERING: &str = "9a000000-0000-4000-8000-000000000003";
/// One that she is not in.
const RELEASE: &str = "9a000000-0000-4000-8000-000000000004";

fn rules() -> [Rule; 3] {
    [
        Rule::tools(["admin_*"]).groups([ENGINEERING]),
        Rule::tools(["release_*"]).groups([RELEASE, "9a000000-0000-4000-8000-00000000000f"]),
        Rule::tools(["*"]),
    ]
}

/// The API app's, which reads memberships too.
const SECRET: &str = "grouped-s3cret";

fn graph() -> GraphGroups {
    GraphGroups::new(Credential::secret(Secret::new(SECRET)).unwrap())
}

/// The fixtures with gina in Engineering, and the API app allowed to read memberships.
async fn entra() -> Emulator {
    let toml = Directory::fixtures().to_toml();
    let directory =
        Directory::from_toml(&toml.replacen(r#"members = ["greta"]"#, r#"members = ["greta", "gina"]"#, 1));
    let entra =
        Emulator::builder().keys(KeySource::Embedded).directory(directory.unwrap()).start().await.unwrap();
    entra.control().set_secrets("GROUPED", &[SECRET]).unwrap();
    for role in ["GroupMember.Read.All", "User.Read.All"] {
        entra.control().assign(fixtures::GRAPH, "GROUPED", role).unwrap();
    }
    entra
}

async fn world(configure: impl FnOnce(GateBuilder) -> GateBuilder + 'static) -> World {
    let api = ApiApp::new(ClientId::parse(fixtures::GROUPED).unwrap());
    let builder = World::builder().api(api).gate(move |builder| configure(builder.rules(rules())));
    builder.in_front_of(entra().await).await
}

fn token(world: &World, user: &str) -> String {
    mint(world, &MintRequest { user: Some(user.to_owned()), ..request() })
}

/// A token of the app that emits groups.
fn request() -> MintRequest {
    MintRequest { app: Some("GROUPED".into()), ..MintRequest::default() }
}

/// What a call says: the tool's own answer, or why not.
async fn call(world: &World, token: &str, tool: &str) -> String {
    let answer = world.call_tool(token, tool).await;
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

/// Requests for memberships that arrived at Graph.
fn asked(world: &World) -> usize {
    let requests = world.control().requests();
    requests.iter().filter(|request| request.path.ends_with("/getMemberObjects")).count()
}

fn fault(world: &World, kind: FaultKind) {
    world.control().inject(Fault { endpoint: Endpoint::Graph, kind, times: None });
}

#[tokio::test]
async fn groups_that_do_not_fit_a_token_are_read_from_graph_once() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    let mut log = log::capture();
    let gina = token(&world, "gina");
    for _ in 0..5 {
        assert_eq!(call(&world, &gina, "admin_reset").await, "admin_reset");
    }
    let refused = call(&world, &gina, "release_it").await;
    assert!(
        refused.contains("is for members of one of the groups") && refused.contains(RELEASE),
        "{refused}"
    );
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let listed: Value = world.post(Some(&gina), &list).await.json().await.unwrap();
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(asked(&world), 1, "one request for many calls");
    let graph: Vec<_> = world.control().requests();
    assert!(graph.iter().all(|request| !request.path.contains("graph.windows.net")));
    // Counts, and nobody's id.
    let lines: Vec<String> =
        log.lines().into_iter().filter(|line| line.starts_with("entragate::groups")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("memberships=202") && lines[0].contains("named=1"), "{lines:?}");
    assert!(!lines[0].contains(fixtures::user_oid("gina")) && !lines[0].contains(ENGINEERING), "{lines:?}");
}

#[tokio::test]
async fn graph_is_not_asked_where_no_rule_needs_it() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    let gina = token(&world, "gina");
    assert_eq!(call(&world, &gina, "whoami").await, "whoami");
    assert_eq!(asked(&world), 0);
    // Groups that fit are in the token. Nobody is asked, not even about somebody who is not in the group.
    let claims = json!({ "groups": [ENGINEERING.to_uppercase()] }).as_object().unwrap().clone();
    let greta = mint(&world, &MintRequest { user: Some("greta".into()), claims, ..request() });
    assert_eq!(call(&world, &greta, "admin_reset").await, "admin_reset");
    let refused = call(&world, &token(&world, "bob"), "admin_reset").await;
    assert!(refused.contains(&format!("is for members of the group `{ENGINEERING}`")), "{refused}");
    assert_eq!(asked(&world), 0);
}

/// Answers the n-th request with the n-th answer, JSON or an event stream.
fn answers(all: &'static [(&'static str, &'static str)]) -> (McpServer, Requests) {
    let at = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    answering(move |_| {
        let (content_type, body) = all[at.fetch_add(1, std::sync::atomic::Ordering::Relaxed)];
        typed(content_type, body)
    })
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// A world with a rule over groups for tools, and an MCP server that says these things.
async fn world_that_says(all: &'static [(&'static str, &'static str)]) -> World {
    let api = ApiApp::new(ClientId::parse(fixtures::GROUPED).unwrap());
    let rules = [
        Rule::tools(["admin_*"]).groups([ENGINEERING]),
        Rule::tools(["release_*"]).groups([RELEASE]),
        Rule::tools(["*"]).and_prompts(["*"]).and_resources(["*"]),
    ];
    let builder = World::builder().api(api).mcp(answers(all).0);
    builder.gate(|builder| builder.rules(rules).graph_groups(graph())).in_front_of(entra().await).await
}

async fn list(world: &World, token: &str, method: &str) -> String {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
    world.post(Some(token), &message).await.text().await.unwrap()
}

async fn stream(world: &World, token: &str) -> String {
    let get = world.http.get(world.url("/mcp")).header("accept", EVENTS);
    get.bearer_auth(token).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_list_asks_graph_only_where_something_in_it_depends_on_groups() {
    let world = world_that_says(&[
        (JSON, r#"{"jsonrpc":"2.0","id":1,"result":{"prompts":[{"name":"admin_plan"}]}}"#),
        (JSON, r#"{"jsonrpc":"2.0","id":1,"result":{"resources":[{"uri":"admin_plan"}]}}"#),
        (JSON, r#"{"jsonrpc":"2.0","id":1,"result":{"resourceTemplates":[{"uriTemplate":"admin_{x}"}]}}"#),
        (JSON, r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"whoami"}]}}"#),
        (EVENTS, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"whoami\"}]}}\n\n"),
        (JSON, r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"admin_reset"},{"name":"release_it"}]}}"#),
        (EVENTS, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"admin_reset\"},{\"name\":\"release_it\"}]}}\n\n"),
    ])
    .await;
    let gina = token(&world, "gina");
    for (method, shows) in [
        ("prompts/list", "admin_plan"),
        ("resources/list", "admin_plan"),
        ("resources/templates/list", "admin_{x}"),
        ("tools/list", "whoami"),
        ("tools/list", "whoami"),
    ] {
        let text = list(&world, &gina, method).await;
        assert!(text.contains(shows), "{method}: {text}");
        assert_eq!(asked(&world), 0, "{method}");
    }
    for _ in 0..2 {
        let text = list(&world, &gina, "tools/list").await;
        assert!(text.contains("admin_reset") && !text.contains("release_it"), "{text}");
        assert_eq!(asked(&world), 1);
    }
}

#[tokio::test]
async fn a_stream_asks_graph_when_a_list_that_needs_it_comes_by() {
    let world = world_that_says(&[
        (EVENTS, ": hello\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n"),
        (
            EVENTS,
            "data: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"whoami\"}]}}\n\nid: 2\ndata: {\"id\":2,\"result\":{\"tools\":[{\"name\":\"admin_reset\"},{\"name\":\"release_it\"}]}}\n\ndata: {\"id\":3,\"result\":{\"tools\":[{\"name\":\"admin_x\"}]}}\n\ndata: {\"last\":1}\n\n",
        ),
        // Without the blank line at the end.
        (EVENTS, "data: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"admin_reset\"},{\"name\":\"release_it\"}]}}"),
    ])
    .await;
    let gina = token(&world, "gina");
    assert!(stream(&world, &gina).await.contains("list_changed"));
    assert_eq!(asked(&world), 0, "a stream without lists");
    let text = stream(&world, &gina).await;
    for shown in ["whoami", "id: 2\n", "admin_reset", "admin_x", "last"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("release_it"), "{text}");
    assert_eq!(asked(&world), 1);
    // Where Graph gives no answer, what depends on groups stays hidden, and the stream goes on.
    fault(&world, FaultKind::Unavailable);
    world.control().advance(Duration::from_secs(301));
    let text = stream(&world, &token(&world, "gina")).await;
    assert!(text.contains("\"tools\":[]"), "{text}");
    assert_eq!(asked(&world), 2);
}

#[tokio::test]
async fn a_message_that_is_refused_anyway_asks_nobody() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    let gina = token(&world, "gina");
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "admin_reset" } },
        { "jsonrpc": "2.0", "id": 2, "method": "prompts/get", "params": { "name": "unnamed" } },
    ]);
    let text = world.post(Some(&gina), &batch).await.text().await.unwrap();
    assert!(text.contains("no rule of this server lets anybody call `unnamed`"), "{text}");
    assert_eq!(asked(&world), 0);
}

/// Signing in again comes first, and then the groups: the client is told so at once and Graph is not asked in vain.
#[tokio::test]
async fn a_call_that_lacks_a_scope_asks_nobody_for_groups() {
    let api = ApiApp::new(ClientId::parse(fixtures::GROUPED).unwrap()).with_scopes(["access"]).unwrap();
    let scoped = Rule::tools(["scoped_*"]).groups([ENGINEERING]).scopes(["write"]);
    let rules = [scoped].into_iter().chain(rules());
    let builder = World::builder().api(api).gate(|builder| builder.rules(rules).graph_groups(graph()));
    let world = builder.in_front_of(entra().await).await;
    let of = |scp: &str| {
        mint(&world, &MintRequest { user: Some("gina".into()), scp: Some(scp.into()), ..request() })
    };
    let calling = |tool: &str| json!({ "jsonrpc": "2.0", "id": tool, "method": "tools/call", "params": { "name": tool } });
    let (other, access) = (of("other"), of("access"));
    for (token, body) in [
        (&other, calling("admin_reset")),
        (&access, calling("scoped_x")),
        (&access, json!([calling("admin_reset"), calling("scoped_x")])),
    ] {
        let answer = world.post(Some(token), &body).await;
        assert_eq!(answer.status(), 403, "{body}");
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
        assert_eq!(asked(&world), 0, "{body}");
    }
    // A report says the same.
    let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {other}").parse().unwrap())]);
    let rules = world.gate.examine(&headers).await.unwrap().access.unwrap().rules;
    assert!(rules.iter().all(|rule| rule.access == Access::Refused), "{rules:?}");
    assert_eq!(asked(&world), 0);
    // With the scope the groups decide.
    assert_eq!(call(&world, &of("access write"), "scoped_x").await, "scoped_x");
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn an_object_id_that_is_none_is_nobody_that_graph_knows() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    let claims = json!({ "oid": "../me" }).as_object().unwrap().clone();
    let forged = mint(&world, &MintRequest { user: Some("gina".into()), claims, ..request() });
    assert!(call(&world, &forged, "admin_reset").await.contains("Microsoft Graph does not know you"));
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn a_report_asks_graph_as_a_call_does_and_leaves_no_trace() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    let gina = token(&world, "gina");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {gina}").parse().unwrap())]);
    let mut log = log::capture();
    let examined = async || world.gate.examine(&headers).await.unwrap();
    let told = |report: &TokenReport| {
        let access = report.access.as_ref().unwrap();
        access.rules.iter().map(|rule| rule.access).collect::<Vec<_>>()
    };
    let report = examined().await;
    assert_eq!(told(&report), [Access::Allowed, Access::Refused, Access::Allowed], "{report:?}");
    assert!(log.lines().iter().all(|line| !line.starts_with("entragate::groups")));
    assert_eq!(asked(&world), 1);
    // The same as the gate does, which asks for itself.
    assert_eq!(call(&world, &gina, "admin_reset").await, "admin_reset");
    assert!(call(&world, &gina, "release_it").await.contains("is for members of"));
    assert_eq!(asked(&world), 2);
    // No answer is not a refusal for good, and not remembered.
    fault(&world, FaultKind::Unavailable);
    let report = examined().await;
    assert_eq!(told(&report), [Access::AsksGraph, Access::AsksGraph, Access::Allowed], "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("asks to wait")), "{report:?}");
    assert_eq!(call(&world, &gina, "admin_reset").await, "admin_reset");
    world.control().clear_faults();
    // A refusal of Graph is one of the gate.
    world.control().unassign(fixtures::GRAPH, "GROUPED", "GroupMember.Read.All").unwrap();
    // The gateway's token from before has it, and lives 90 minutes at most.
    world.control().advance(Duration::from_secs(2 * 3600));
    let report = world
        .gate
        .examine(&HeaderMap::from_iter([(
            AUTHORIZATION,
            format!("Bearer {}", token(&world, "gina")).parse().unwrap(),
        )]))
        .await
        .unwrap();
    assert_eq!(told(&report), [Access::Refused, Access::Refused, Access::Allowed], "{report:?}");
    assert!(format!("{report:?}").contains("GroupMember.Read.All"));
}

#[tokio::test]
async fn callers_at_once_share_one_request() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    let gina = token(&world, "gina");
    let calls = (0..8).map(|_| call(&world, &gina, "admin_reset"));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer == "admin_reset"), "{answers:?}");
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn who_leaves_a_group_loses_what_it_allowed_when_the_memory_ends() {
    let world = world(|builder| builder.graph_groups(graph().keep(Duration::from_secs(600)))).await;
    let gina = token(&world, "gina");
    assert_eq!(call(&world, &gina, "admin_reset").await, "admin_reset");
    world.control().set_group_members("Engineering", &["greta"]).unwrap();
    world.control().advance(Duration::from_secs(300));
    assert_eq!(call(&world, &gina, "admin_reset").await, "admin_reset");
    world.control().advance(Duration::from_secs(300));
    let refused = call(&world, &gina, "admin_reset").await;
    assert!(refused.contains("is for members of the group"), "{refused}");
    assert_eq!(asked(&world), 2);
}

/// A call that needs groups is refused with the reason, one that does not goes on, and the log says why.
async fn assert_refused(world: &World, says: &str, logged: &str) {
    let mut log = log::capture();
    let gina = token(world, "gina");
    let refused = call(world, &gina, "admin_reset").await;
    assert!(refused.contains("your groups could not be read") && refused.contains(says), "{refused}");
    assert_eq!(call(world, &gina, "whoami").await, "whoami");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let listed: Value = world.post(Some(&gina), &list).await.json().await.unwrap();
    assert_eq!(listed["result"]["tools"][0]["name"], "whoami", "{listed}");
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(1), "{listed}");
    let lines: Vec<String> =
        log.lines().into_iter().filter(|line| line.starts_with("entragate::groups")).collect();
    assert!(logged.is_empty() || lines.iter().any(|line| line.contains(logged)), "{lines:?}");
    assert!(lines.len() <= 1, "a failure is remembered for some seconds: {lines:?}");
}

#[tokio::test]
async fn without_a_credential_rules_over_groups_refuse() {
    let world = world(|builder| builder).await;
    assert_refused(&world, "not set up to read them", "").await;
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn without_the_permission_the_log_names_it() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    world.control().unassign(fixtures::GRAPH, "GROUPED", "GroupMember.Read.All").unwrap();
    assert_refused(&world, "may not read group memberships", "GroupMember.Read.All").await;
    // Granted now: the gateway's token from before does not have it, the next one does.
    world.control().assign(fixtures::GRAPH, "GROUPED", "GroupMember.Read.All").unwrap();
    world.control().advance(Duration::from_secs(5));
    let gina = token(&world, "gina");
    assert_eq!(call(&world, &gina, "admin_reset").await, "admin_reset");
}

#[tokio::test]
async fn with_a_wrong_secret_the_log_names_the_code_7000215() {
    let wrong = GraphGroups::new(Credential::secret(Secret::new("wrong")).unwrap());
    let world = world(move |builder| builder.graph_groups(wrong)).await;
    assert_refused(&world, "may not read group memberships", "7000215").await;
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn a_throttling_graph_is_left_alone_for_as_long_as_it_says() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    fault(&world, FaultKind::Throttle { retry_after_seconds: 30 });
    assert_refused(&world, "try again shortly", "asks to wait 30 s").await;
    assert_eq!(asked(&world), 1);
    world.control().clear_faults();
    // Not for anybody else either.
    let gina = token(&world, "gina");
    world.control().advance(Duration::from_secs(29));
    assert!(call(&world, &gina, "admin_reset").await.contains("could not be read"));
    assert_eq!(asked(&world), 1);
    world.control().advance(Duration::from_secs(1));
    assert_eq!(call(&world, &gina, "admin_reset").await, "admin_reset");
}

#[tokio::test]
async fn a_slow_graph_and_one_that_is_down_hold_nobody_up() {
    let slow = world(|builder| builder.graph_groups(graph().patience(Duration::from_millis(50)))).await;
    // The token is there already: only Graph itself is slow.
    fault(&slow, FaultKind::Latency { milliseconds: 60_000 });
    assert_refused(&slow, "try again shortly", "did not answer within").await;
    let down = world(|builder| builder.graph_groups(graph())).await;
    fault(&down, FaultKind::CloseConnection);
    assert_refused(&down, "try again shortly", "cannot be reached").await;
    let broken = world(|builder| builder.graph_groups(graph())).await;
    fault(&broken, FaultKind::Unavailable);
    assert_refused(&broken, "try again shortly", "asks to wait").await;
}

#[tokio::test]
async fn more_memberships_than_are_read_refuse() {
    let world = world(|builder| builder.graph_groups(graph().at_most(201))).await;
    assert_refused(&world, "more groups than this server reads", "more than 201 groups").await;
}

#[tokio::test]
async fn a_program_with_an_overage_is_refused_without_asking() {
    let world = world(|builder| builder.graph_groups(graph())).await;
    let claims = json!({ "roles": ["Admin"], "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://graph.windows.net/x" } } });
    let claims = claims.as_object().unwrap().clone();
    let daemon = MintRequest { client: Some("DMN".into()), user: None, claims, ..request() };
    let refused = call(&world, &mint(&world, &daemon), "admin_reset").await;
    assert!(refused.contains("a program's groups are not read"), "{refused}");
    assert_eq!(asked(&world), 0);
}
