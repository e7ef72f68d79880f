//! A deployment to examine: emulated Entra, MCP server and gateway on ports of their own, with one thing wrong.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use entragate::{Clock, ManualClock, SystemClock, Timestamp};
use entragate_cli::config::{self, Environment};
use entragate_cli::doctor::{Arguments, Report, Severity, examine};
use entragate_cli::graph::sign_in::Way;
use entragate_cli::serve;
use entragate_cli::upstream::Upstreams;
use entragate_emulator::{Directory, Emulator, KeySource, fixtures};
use http::Response;
use tokio::net::TcpListener;

/// How people sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Relay,
    Broker,
}

/// What the gateway's answers look like from outside.
pub(crate) type Front = fn(Router, &str) -> Router;

/// A deployment before it starts; everything is healthy unless it is said otherwise.
pub(crate) struct World {
    mode: Mode,
    directory: Directory,
    settings: Vec<(&'static str, String)>,
    gateway_settings: Vec<(&'static str, String)>,
    front: Option<Front>,
    pub(crate) arguments: Arguments,
    clock_ahead: i64,
    gateway: Gateway,
    upstream: axum::http::StatusCode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gateway {
    Runs,
    Silent,
}

impl World {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            directory: Directory::fixtures(),
            settings: Vec::new(),
            gateway_settings: Vec::new(),
            front: None,
            arguments: Arguments::default(),
            clock_ahead: 0,
            gateway: Gateway::Runs,
            upstream: axum::http::StatusCode::OK,
        }
    }

    /// Changes the directory.
    pub(crate) fn directory(mut self, change: impl FnOnce(&mut Directory)) -> Self {
        change(&mut self.directory);
        self
    }

    /// A setting of gateway and doctor.
    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// A setting of the running gateway that the doctor does not know.
    pub(crate) fn set_at_gateway(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.gateway_settings.push((name, value.into()));
        self
    }

    pub(crate) fn front(mut self, front: Front) -> Self {
        self.front = Some(front);
        self
    }

    pub(crate) fn clients(mut self, clients: &str) -> Self {
        self.arguments.clients = Some(clients.to_owned());
        self
    }

    /// The app registrations are read as well, as this application.
    pub(crate) fn graph(mut self, client: &str, secret: &str) -> Self {
        self.arguments.graph = Some(Way::Secret);
        self.arguments.graph_as.client = Some(client.to_owned());
        self.set("GRAPH_CLIENT_SECRET", secret)
    }

    /// The doctor's clock is ahead of Entra's.
    pub(crate) fn clock_ahead(mut self, seconds: i64) -> Self {
        self.clock_ahead = seconds;
        self
    }

    pub(crate) fn without_gateway(mut self) -> Self {
        self.gateway = Gateway::Silent;
        self
    }

    /// The MCP server answers everything so.
    pub(crate) fn upstream(mut self, status: u16) -> Self {
        self.upstream = axum::http::StatusCode::from_u16(status).unwrap();
        self
    }

    pub(crate) async fn start(self) -> Started {
        let entra = Emulator::builder().keys(KeySource::Embedded).directory(self.directory);
        let entra = entra.start().await.unwrap();
        let status = self.upstream;
        let upstream = serve_on(free().await, Router::new().fallback(move || async move { status }));
        let listener = free().await;
        let base = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let mut settings: Vec<(&str, String)> = vec![
            ("AZURE_TENANT_ID", fixtures::TENANT.to_owned()),
            ("AZURE_CLIENT_ID", fixtures::API.to_owned()),
            ("AZURE_AUTHORITY_HOST", entra.url().to_owned()),
            ("ENTRAGATE_ENTRA_SCOPES", "access".to_owned()),
            ("BASE_URL", base.clone()),
            ("ENTRAGATE_LISTEN", listener.local_addr().unwrap().to_string()),
            ("ENTRAGATE_UPSTREAM", format!("http://{upstream}/mcp")),
        ];
        settings.push(match self.mode {
            Mode::Relay => ("AZURE_MCP_CLIENT_ID", fixtures::MCP.to_owned()),
            Mode::Broker => ("AZURE_CLIENT_SECRET", fixtures::API_SECRET.to_owned()),
        });
        settings.extend(self.settings);
        let environment: Environment = settings.iter().cloned().collect();
        if self.gateway == Gateway::Runs {
            let running: Environment = settings.iter().cloned().chain(self.gateway_settings).collect();
            // A configuration that cannot start has no gateway.
            if let Ok(config) = config::load(&running, None) {
                let gate = config.gate().unwrap();
                let upstreams = Upstreams::new(&config, &gate).unwrap();
                let router = gate.protect_each(|resource| upstreams.of(resource));
                let router = self.front.map_or(router.clone(), |front| front(router, &base));
                serve_on(listener, router);
            }
        }
        let clock: Arc<dyn Clock> = match self.clock_ahead {
            0 => Arc::new(SystemClock),
            ahead => {
                let now = SystemClock.now().as_unix().checked_add_signed(ahead).unwrap();
                Arc::new(ManualClock::at(Timestamp::from_unix(now)))
            }
        };
        Started { entra, environment, clock, arguments: self.arguments, base }
    }
}

/// A running deployment.
pub(crate) struct Started {
    pub(crate) entra: Emulator,
    pub(crate) environment: Environment,
    pub(crate) arguments: Arguments,
    pub(crate) base: String,
    clock: Arc<dyn Clock>,
}

impl Started {
    pub(crate) async fn examine(&self) -> Report {
        examine(&self.arguments, &self.environment, None, Arc::clone(&self.clock)).await.unwrap()
    }
}

async fn free() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Serves until the test ends.
pub(crate) fn serve_on(listener: TcpListener, router: Router) -> std::net::SocketAddr {
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve::listen(listener, router, std::future::pending()));
    address
}

pub(crate) async fn serve_anywhere(router: Router) -> std::net::SocketAddr {
    serve_on(free().await, router)
}

/// Errors and warnings, as `check` or `check AADSTS50011`, in the order of the report.
pub(crate) fn wrong(report: &Report) -> Vec<String> {
    let wrong = report.findings.iter().filter(|finding| finding.severity != Severity::Information);
    wrong
        .map(|finding| match finding.code {
            Some(code) => format!("{} {code}", finding.check),
            None => finding.check.to_owned(),
        })
        .collect()
}

/// Everything that was found, for a message.
pub(crate) fn all(report: &Report) -> String {
    format!("{:#?}", report.findings)
}

/// Changes every answer of the gateway.
pub(crate) fn answers(router: Router, change: fn(Response<Body>) -> Response<Body>) -> Router {
    let layer = axum::middleware::map_response(move |response: Response<Body>| async move {
        Ok::<_, Infallible>(change(response))
    });
    router.layer(layer)
}

/// Changes every JSON document that the gateway answers.
pub(crate) fn documents(
    router: Router,
    change: impl Fn(String) -> String + Clone + Send + Sync + 'static,
) -> Router {
    use http_body_util::BodyExt as _;
    let layer = axum::middleware::from_fn(move |request: Request, next: axum::middleware::Next| {
        let change = change.clone();
        async move {
            let is_document = request.uri().path().contains("/.well-known/");
            let response = next.run(request).await;
            if !is_document {
                return response;
            }
            let (mut head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let text = change(String::from_utf8(body.to_vec()).unwrap());
            head.headers.remove("content-length");
            Response::from_parts(head, Body::from(text))
        }
    });
    router.layer(layer)
}
