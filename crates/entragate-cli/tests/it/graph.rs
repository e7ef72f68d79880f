//! The client of Microsoft Graph at the wire, against a server that misbehaves as Graph does: throttling, replication
//! delay, pages, and links that lead elsewhere.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request as HttpRequest, Response, StatusCode};
use entragate::{AuthorityHost, Secret, TenantId};
use entragate_cli::graph::objects::Domain;
use entragate_cli::graph::{Directory, Graph, GraphError, GraphUrl, Http, Patience, Request};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// A server that answers what it was told to, in turn, and remembers what it was asked.
#[derive(Clone)]
struct Script {
    url: String,
    answers: Arc<Mutex<VecDeque<Response<Body>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let script = Self { url, answers: Arc::default(), asked: Arc::default() };
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        script
    }

    async fn then(&self, status: u16, headers: &[(&str, &str)], body: Value) -> &Self {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.answers.lock().await.push_back(response.body(body).expect("a response"));
        self
    }

    async fn asked(&self) -> Vec<String> {
        self.asked.lock().await.clone()
    }

    fn graph(&self) -> Graph {
        let url: GraphUrl = self.url.parse().expect("loopback");
        let http = Http::new().expect("a client");
        let patience =
            Patience { first: Duration::from_millis(1), longest: Duration::from_secs(2), tries: 4 };
        Graph::new(http, url, Secret::new("t0ken")).with_patience(patience)
    }
}

fn line(request: &HttpRequest<Body>) -> String {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("-");
    format!("{} {} {} {}", request.method(), request.uri(), header("authorization"), header("prefer"))
}

async fn answer(State(script): State<Script>, request: HttpRequest<Body>) -> Response<Body> {
    let line = line(&request);
    script.asked.lock().await.push(line);
    let missing =
        || Response::builder().status(StatusCode::IM_A_TEAPOT).body(Body::empty()).expect("a response");
    script.answers.lock().await.pop_front().unwrap_or_else(missing)
}

fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}

#[tokio::test]
async fn every_page_is_read() {
    let script = Script::start().await;
    let next = format!("{}/v1.0/domains?$skiptoken=2", script.url);
    script
        .then(200, &[], json!({ "value": [{ "id": "a.test", "isVerified": true }], "@odata.nextLink": next }))
        .await
        .then(200, &[], json!({ "value": [{ "id": "b.test", "isVerified": null }] }))
        .await;
    // `null` where the documentation promises a boolean is an answer that cannot be used.
    assert!(matches!(script.graph().list::<Domain>(Domain::ALL).await, Err(GraphError::Unreadable { .. })));
    assert_eq!(
        script.asked().await,
        [
            "GET /v1.0/domains?$select=id,isVerified Bearer t0ken -",
            "GET /v1.0/domains?$skiptoken=2 Bearer t0ken -"
        ]
    );
}

#[tokio::test]
async fn the_token_does_not_follow_a_page_link_or_a_redirect_away_from_graph() {
    let (script, elsewhere) = (Script::start().await, Script::start().await);
    for next in [
        format!("{}/v1.0/domains?$skiptoken=2", elsewhere.url),
        format!("{}/beta/domains", script.url),
        format!("{}@{}/v1.0/domains", script.url, elsewhere.url.trim_start_matches("http://")),
    ] {
        script.then(200, &[], json!({ "value": [], "@odata.nextLink": next })).await;
        let refused = script.graph().list::<Domain>("/domains").await;
        assert!(matches!(refused, Err(GraphError::ForeignPage { .. })), "{next} was followed");
    }
    script.then(302, &[("location", &format!("{}/v1.0/domains", elsewhere.url))], Value::Null).await;
    assert!(script.graph().list::<Domain>("/domains").await.is_err());
    assert!(elsewhere.asked().await.is_empty());
}

#[tokio::test]
async fn a_page_that_links_to_itself_ends() {
    let script = Script::start().await;
    let next = format!("{}/v1.0/domains?$skiptoken=2", script.url);
    for _ in 0..2 {
        script.then(200, &[], json!({ "value": [], "@odata.nextLink": next })).await;
    }
    let refused = script.graph().list::<Domain>("/domains").await;
    assert!(matches!(refused, Err(GraphError::ForeignPage { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_throttled_request_is_sent_again_when_graph_says() {
    let script = Script::start().await;
    script
        .then(429, &[("retry-after", "0")], error("TooManyRequests", "slow down"))
        .await
        .then(503, &[], Value::Null)
        .await
        .then(201, &[], json!({ "id": "x" }))
        .await;
    let made = script.graph().send(&Request::post("/servicePrincipals", json!({ "appId": "a" }))).await;
    assert_eq!(made.expect("made")["id"], "x");
    assert_eq!(script.asked().await.len(), 3);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_and_says_to_come_back() {
    let script = Script::start().await;
    script.then(429, &[("retry-after", "3600")], error("TooManyRequests", "slow down")).await;
    let refused = script.graph().get::<Value>("/domains").await.expect_err("throttled");
    assert!(refused.hint().contains("some minutes"), "{}", refused.hint());
    assert_eq!(script.asked().await.len(), 1);
}

#[tokio::test]
async fn a_creation_is_not_repeated_when_nobody_knows_whether_it_was_carried_out() {
    let script = Script::start().await;
    script.then(504, &[], Value::Null).await;
    let path = "/servicePrincipals/x/appRoleAssignedTo";
    assert!(script.graph().send(&Request::post(path, json!({}))).await.is_err());
    assert_eq!(script.asked().await.len(), 1);
    script.then(504, &[], Value::Null).await.then(204, &[], Value::Null).await;
    let changed = script.graph().send(&Request::patch("/applications/x", json!({}))).await;
    assert_eq!(changed.expect("changed"), Value::Null);
}

#[tokio::test]
async fn what_was_made_a_moment_ago_is_waited_for() {
    let script = Script::start().await;
    let unknown = "The appId 'a' of the service principal does not reference a valid application object.";
    script
        .then(404, &[], error("Request_ResourceNotFound", "Resource 'x' does not exist"))
        .await
        .then(400, &[], error("NoBackingApplicationObject", unknown))
        .await
        .then(201, &[], json!({ "id": "x" }))
        .await;
    assert!(script.graph().send(&Request::post("/servicePrincipals", json!({ "appId": "a" }))).await.is_ok());
    // Who only looks is told that there is nothing.
    script.then(404, &[], error("Request_ResourceNotFound", "Resource 'x' does not exist")).await;
    assert_eq!(script.graph().find::<Value>("/applications(appId='x')").await.expect("an answer"), None);
    assert_eq!(script.asked().await.len(), 4);
}

#[tokio::test]
async fn a_refusal_names_the_permission_and_the_role_that_are_missing() {
    let script = Script::start().await;
    let body =
        error("Authorization_RequestDenied", "Insufficient privileges to complete\u{1b}[2J the operation.");
    script.then(403, &[("request-id", "r1")], body).await;
    let request = Request::post("/oauth2PermissionGrants", json!({ "scope": "access" }));
    let refused = script.graph().send(&request).await.expect_err("denied");
    assert!(refused.is_denied());
    assert_eq!(
        format!("{refused}\n{}", refused.hint()),
        "POST /oauth2PermissionGrants: Microsoft Graph answered 403: Insufficient privileges to complete [2J the \
         operation. (Authorization_RequestDenied)\nthe token needs DelegatedPermissionGrant.ReadWrite.All; a person also \
         needs the role Cloud Application Administrator"
    );
    assert_eq!(script.asked().await.len(), 1, "a refusal is not tried again");
}

#[tokio::test]
async fn an_upsert_says_so() {
    let script = Script::start().await;
    script.then(201, &[], json!({})).await;
    let path = "/applications(uniqueName='x')";
    script.graph().send(&Request::upsert(path, json!({}))).await.expect("made");
    assert_eq!(script.asked().await, [format!("PATCH /v1.0{path} Bearer t0ken create-if-missing")]);
}

#[tokio::test]
async fn no_error_and_no_debug_text_has_the_token() {
    let script = Script::start().await;
    let graph = script.graph();
    assert!(!format!("{graph:?}").contains("t0ken"));
    for body in [json!({ "value": "t0ken" }), json!(["t0ken"])] {
        script.then(200, &[], body).await;
        let error = graph.list::<Domain>("/domains").await.expect_err("not a page");
        assert!(!format!("{error} {error:?}").contains("t0ken"), "{error:?}");
    }
}

#[tokio::test]
async fn no_credential_goes_in_the_clear_to_another_machine() {
    let script = Script::start().await;
    let tenant = "11111111-2222-4333-8444-555555555555";
    let here = format!("{}/token", script.url);
    let read = |token: &str, device: &str| {
        let document = json!({
            "issuer": format!("{}/{tenant}/v2.0", script.url),
            "token_endpoint": token,
            "device_authorization_endpoint": device,
            "msgraph_host": script.url.trim_start_matches("http://"),
        });
        let script = script.clone();
        async move {
            script.then(200, &[], document).await;
            let authority = AuthorityHost::parse(&script.url).expect("loopback");
            let tenant = TenantId::parse(tenant).expect("a GUID");
            Directory::discover(&Http::new().expect("a client"), &authority, &tenant, None).await
        }
    };
    read(&here, &here).await.expect("an emulator");
    read("https://login.contoso.test/token", &here).await.expect("https");
    for bad in
        ["http://login.contoso.test/token", "http://127.0.0.1.contoso.test/token", "ftp://127.0.0.1/token"]
    {
        for (token, device) in [(bad, here.as_str()), (here.as_str(), bad)] {
            let refused = read(token, device).await.expect_err(bad).to_string();
            assert!(refused.contains(&format!("endpoint {bad} is not https")), "{refused}");
        }
    }
}
