//! The facade's shared state and its routes: every path that is the gateway's own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::{MethodRouter, any, get, post};
use http::{Response, StatusCode};

use crate::clock::Clock;
use crate::front_door;
use crate::gate::Gate;
use crate::idp::entra::groups::Groups;
use crate::idp::entra::obo::Exchange;
use crate::idp::entra::registration::ClientId;
use crate::idp::http::Outbound;
use crate::oauth::broker::Broker;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::redirect_policy::RedirectPolicy;
use crate::oauth::target::Target;
use crate::rate::ClientAddress;
use crate::token::keys::Keyring;
use crate::upstream::assertion::Assertions;
use crate::{discovery, oauth};

/// What is known about Entra, and how people sign in there.
pub(crate) struct Entra {
    pub(crate) http: Outbound,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) redirects: RedirectPolicy,
    pub(crate) groups: Groups,
    /// Asks for tokens in the name of callers, when that is set up.
    pub(crate) on_behalf_of: Option<Exchange>,
    /// Signs for MCP servers that verify, when that is set up.
    pub(crate) assertions: Option<Assertions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) way: Way,
}

/// How clients sign in.
pub(crate) enum Way {
    /// Entra answers them, through this one client app.
    Relay(ClientId),
    /// We do.
    Broker(Box<Broker>),
}

impl Way {
    pub(crate) fn broker(&self) -> Option<&Broker> {
        if let Self::Broker(broker) = self { Some(broker) } else { None }
    }
}

/// The state of every facade handler. It exists only where authentication is on.
#[derive(Clone)]
pub(crate) struct Facade {
    pub(crate) gate: Gate,
    pub(crate) entra: Arc<Entra>,
    /// What a sign-in can be for: at least one.
    pub(crate) targets: Arc<[Target]>,
}

impl Facade {
    /// The MCP server with this URL, if it is (still) one of the gate's.
    pub(crate) fn target(&self, url: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.url() == url)
    }

    /// Every scope that is published, each once.
    pub(crate) fn qualified_scopes(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for scope in self.targets.iter().flat_map(|target| target.api().qualified_scopes()) {
            if !all.contains(&scope) {
                all.push(scope);
            }
        }
        all
    }
}

/// The facade's routes (design: the tree is the protocol).
pub(crate) fn router(facade: Facade) -> Router {
    let base = facade.gate.base_url().path().to_owned();
    let mut router = protected_resources(Router::new(), &facade, &base);

    let server = discovery::authorization_server::document(&facade);
    for path in authorization_server_paths(&base, &facade.targets) {
        router = router.route(&path, document(&server));
    }

    let redeem = any(oauth::token::any);
    let authorize = get(oauth::authorize::get).post(oauth::authorize::post);
    for prefix in ["/oauth", ""] {
        // The second round: root aliases for 2025-03-26 clients, and for hosted clients that ignore metadata.
        router = router
            .route(&format!("{base}{prefix}/authorize"), authorize.clone())
            .route(&format!("{base}{prefix}/token"), redeem.clone())
            .route(&format!("{base}{prefix}/register"), post(oauth::register::post));
    }
    router = router.route(&format!("{base}/oauth/jwks"), get(oauth::jwks::get));
    if facade.entra.way.broker().is_some() {
        router = broker_routes(router, &base);
    }
    let gate = facade.gate.clone();
    // No fallback: a program into which this is merged has its own.
    router
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(facade)
        .layer(axum::middleware::from_fn_with_state(gate, front_door::facade))
}

/// RFC 9728 metadata of each MCP server, and of the origin if there is one that the origin can stand for (RS-11).
fn protected_resources(mut router: Router<Facade>, facade: &Facade, base: &str) -> Router<Facade> {
    let of = |target: &Target| (at(base, target), discovery::protected_resource::document(facade, target));
    let mut documents: Vec<_> = facade.targets.iter().map(of).collect();
    if let [only] = &*facade.targets {
        documents.push((base.to_owned(), discovery::protected_resource::origin_document(facade, only)));
    }
    // A server at the base URL itself has one document: there, both name the same resource.
    let mut taken: Vec<String> = Vec::new();
    for (at, content) in documents {
        for path in well_known("oauth-protected-resource", &at) {
            if !taken.contains(&path) {
                router = router.route(&path, document(&content));
                taken.push(path);
            }
        }
    }
    router
}

/// The path of an MCP server below the origin.
fn at(base: &str, target: &Target) -> String {
    format!("{base}{}", target.resource.path()).trim_end_matches('/').to_owned()
}

/// What only an authorization server of our own has.
fn broker_routes(router: Router<Facade>, base: &str) -> Router<Facade> {
    router
        .route(&format!("{base}/oauth/consent"), post(oauth::broker::consent::post))
        .route(&format!("{base}/oauth/revoke"), post(oauth::broker::revoke::post))
        .route(&format!("{base}{}", oauth::broker::upstream::CALLBACK), get(oauth::broker::callback::get))
        .route(
            &format!("{base}/auth/grants"),
            get(oauth::broker::grants::get).post(oauth::broker::grants::post),
        )
        .route(&format!("{base}/auth/trace/{{id}}"), get(oauth::broker::trace::get))
}

/// RFC 8414 §3 and RFC 9728 §3.1 insert the well-known segment before the path, OpenID Connect Discovery
/// appends it.
fn well_known(name: &str, at: &str) -> [String; 2] {
    [format!("/.well-known/{name}{at}"), format!("{at}/.well-known/{name}")]
}

/// Clients without protected-resource metadata derive both from the MCP URL (docs/clients.md K06).
fn authorization_server_paths(base: &str, targets: &[Target]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let places: Vec<String> = [String::new(), base.to_owned()]
        .into_iter()
        .chain(targets.iter().map(|target| at(base, target)))
        .collect();
    for name in ["oauth-authorization-server", "openid-configuration"] {
        for at in &places {
            for path in well_known(name, at) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
    }
    paths
}

/// A static document: a pure function of the configuration, so that an outage of Entra never breaks
/// discovery. Clients may keep it for five minutes (docs/clients.md K18).
fn document(document: &discovery::Document) -> MethodRouter<Facade> {
    let document = document.clone();
    get(move |State(facade): State<Facade>, request: Request| {
        let document = document.clone();
        async move {
            if let Some(broker) = facade.entra.way.broker() {
                let from = request.extensions().get::<ClientAddress>().copied();
                broker.traces.discovered(from, document.what());
            }
            document.response()
        }
    })
}

/// Nobody has signed in yet, so a body that trickles in may not keep a connection for long.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Reads a small body.
pub(crate) async fn body_bytes(request: Request, limit: usize) -> Result<axum::body::Bytes, StatusCode> {
    match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(request.into_body(), limit)).await {
        Ok(body) => body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// What answers where there is nothing, when no other program does.
pub(crate) fn elsewhere(gate: Gate) -> MethodRouter {
    any(not_found).layer(axum::middleware::from_fn_with_state(gate, front_door::facade))
}

async fn not_found() -> Response<Body> {
    let error = OAuthError::new(Code::InvalidRequest, "there is nothing at this path");
    OAuthError { status: StatusCode::NOT_FOUND, ..error }.response()
}

async fn method_not_allowed() -> Response<Body> {
    let error = OAuthError::new(Code::InvalidRequest, "this endpoint does not take this method");
    OAuthError { status: StatusCode::METHOD_NOT_ALLOWED, ..error }.response()
}
