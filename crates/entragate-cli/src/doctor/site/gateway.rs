//! The gateway: what answers at `BASE_URL`, and its twin in this process, made from the same configuration by the same
//! library, for when nothing answers and to compare with.

use axum::Router;
use axum::body::Body;
use entragate::Gate;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower_service::Service as _;
use url::Url;

use super::wire::{Answer, Broken, Question, Wire, WireError};
use crate::config::{Config, Identity, Keys, Store};

/// Where documents were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum Source {
    /// At `BASE_URL`.
    Live,
    /// In this process.
    Twin,
}

/// The gateway.
pub(in crate::doctor) struct Gateway {
    pub(in crate::doctor) source: Source,
    /// Why nothing answers at `BASE_URL`.
    pub(in crate::doctor) silence: Option<WireError>,
    /// Protected resource metadata, wherever it was read.
    pub(in crate::doctor) resource_metadata: Answer,
    /// Authorization server metadata, wherever it was read.
    pub(in crate::doctor) server_metadata: Answer,
    /// What both would be here.
    pub(in crate::doctor) expected: (Value, Value),
    pub(in crate::doctor) urls: Urls,
    /// The MCP URLs of the other routes, and their protected resource metadata.
    pub(in crate::doctor) others: Vec<(String, Result<Answer, WireError>)>,
    wire: Wire,
    twin: Twin,
    registrar: Twin,
}

/// The addresses that clients use.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct Urls {
    pub(in crate::doctor) mcp: String,
    pub(in crate::doctor) resource_metadata: String,
    pub(in crate::doctor) server_metadata: String,
}

impl Gateway {
    /// Asks the gateway, wherever it is.
    pub(in crate::doctor) async fn ask(&self, question: &Question) -> Result<Answer, WireError> {
        match self.source {
            Source::Live => self.wire.ask(question).await,
            Source::Twin => self.twin.ask(question).await,
        }
    }

    /// Asks the twin to register a client, also where the gateway itself registers none: it is asked which redirect URIs
    /// are allowed, and registers without a trace.
    pub(in crate::doctor) async fn register(&self, redirect_uri: &str) -> Result<Answer, WireError> {
        let url = &self.expected.1["authorization_endpoint"].as_str().unwrap_or_default();
        let url = url.replace("/oauth/authorize", "/oauth/register");
        let client =
            serde_json::json!({ "client_name": "entragate doctor", "redirect_uris": [redirect_uri] });
        self.registrar.ask(&Question::json(url, &client)).await
    }

    /// Both documents, if that is what was read.
    pub(in crate::doctor) fn documents(&self) -> Option<(Value, Value)> {
        Some((document(&self.resource_metadata)?, document(&self.server_metadata)?))
    }

    /// Whether one of the documents is somewhere else.
    pub(in crate::doctor) fn is_redirected(&self) -> bool {
        self.resource_metadata.status.is_redirection() || self.server_metadata.status.is_redirection()
    }
}

pub(in crate::doctor) fn document(answer: &Answer) -> Option<Value> {
    let value: Value = serde_json::from_slice(&answer.body).ok()?;
    (answer.status == StatusCode::OK && value.is_object()).then_some(value)
}

pub(super) async fn look(wire: &Wire, config: &Config) -> Result<Gateway, String> {
    let unbuilt = |error: anyhow::Error| format!("the gateway cannot be built: {error:#}");
    let gate = twin_of(config, Registration::AsConfigured).map_err(unbuilt)?;
    let registrar = Twin::new(&twin_of(config, Registration::Open).map_err(unbuilt)?);
    let base = gate.base_url();
    let path = gate.resource_url().strip_prefix(base.as_str()).unwrap_or_default();
    let well_known =
        |name: &str, path: &str| format!("{}/.well-known/{name}{}{path}", base.origin(), base.path());
    let urls = Urls {
        mcp: gate.resource_url().to_owned(),
        resource_metadata: well_known("oauth-protected-resource", path),
        server_metadata: well_known("oauth-authorization-server", ""),
    };
    let twin = Twin::new(&gate);
    let (resource, server) = (Question::get(&urls.resource_metadata), Question::get(&urls.server_metadata));
    let of_twin = |error: WireError| format!("the gateway's documents cannot be built: {error}");
    let twins = (twin.ask(&resource).await.map_err(of_twin)?, twin.ask(&server).await.map_err(of_twin)?);
    let expected = (document(&twins.0).unwrap_or_default(), document(&twins.1).unwrap_or_default());
    let live = match wire.ask(&resource).await {
        Ok(first) => wire.ask(&server).await.map(|second| (first, second)),
        Err(error) => Err(error),
    };
    let (source, silence, (resource_metadata, server_metadata)) = match live {
        Ok(live) => (Source::Live, None, live),
        Err(error) => (Source::Twin, Some(error), twins),
    };
    let wire = wire.clone();
    let others = Vec::new();
    let mut gateway = Gateway {
        source,
        silence,
        resource_metadata,
        server_metadata,
        expected,
        urls,
        others,
        wire,
        twin,
        registrar,
    };
    for resource in gate.resources().iter().skip(1) {
        let at = resource.url().strip_prefix(gate.base_url().as_str()).unwrap_or_default();
        let answer = gateway.ask(&Question::get(well_known("oauth-protected-resource", at))).await;
        gateway.others.push((resource.url().to_owned(), answer));
    }
    Ok(gateway)
}

/// The same gate without its state: the running gateway may hold the lock of the state directory, and nothing of what
/// the doctor does is to be remembered.
fn twin_of(config: &Config, registration: Registration) -> anyhow::Result<Gate> {
    let mut config = config.clone();
    if let Identity::Broker(broker) = &mut config.identity {
        broker.store = Store::Memory;
        broker.keys = Keys::OfThisProcess;
        broker.registration |= registration == Registration::Open;
    }
    config.gate()
}

/// Whether clients may register themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Registration {
    AsConfigured,
    Open,
}

/// A gateway in this process.
struct Twin {
    router: Router,
    host: String,
}

impl Twin {
    fn new(gate: &Gate) -> Self {
        let nobody = Router::new().fallback(|| async { StatusCode::NOT_FOUND });
        Self { router: gate.protect(nobody), host: gate.base_url().authority() }
    }

    async fn ask(&self, question: &Question) -> Result<Answer, WireError> {
        let request = self.request(question).ok_or_else(|| broken("the request cannot be made"))?;
        let Ok(response) = self.router.clone().call(request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| broken(&error.to_string()))?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn request(&self, question: &Question) -> Option<Request<Body>> {
        let url = Url::parse(&question.url).ok()?;
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request =
            Request::builder().method(question.method.clone()).uri(target).header("host", &self.host);
        for (name, value) in &question.headers {
            request = request.header(*name, value);
        }
        request.body(Body::from(question.body.clone())).ok()
    }
}

fn broken(text: &str) -> WireError {
    WireError::of(Broken::Answer, text)
}
