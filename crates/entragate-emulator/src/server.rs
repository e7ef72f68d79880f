//! From connection to endpoint: reads the request, applies injected faults, dispatches, records.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};

use crate::cloud::Cloud;
use crate::connection::{CuttableListener, Peer};
use crate::control::{self, Control};
use crate::entra::Entra;
use crate::errors::{self, Refusal};
use crate::event::{Event, Outcome};
use crate::exchange::{Answer, Exchange};
use crate::fault::{self, Endpoint, FaultKind};
use crate::params::Params;
use crate::recorded::RecordedRequest;
use crate::route::Route;
use crate::{authorize, cimd, device, discovery, graph, logout, managed_identity, ordered, pages, token};

/// More than any request to Entra has.
const BODY_LIMIT: usize = 1 << 20;

/// Serves until `stop` is ready and the requests in progress are answered.
pub(crate) async fn serve(
    cloud: Arc<Cloud>,
    listener: CuttableListener,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let app = Router::new().fallback(handle).with_state(cloud);
    let service = app.into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop);
    if let Err(error) = server.await {
        tracing::debug!(%error, "the emulator's server ended");
    }
}

async fn handle(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request<Body>,
) -> Response<Body> {
    let response = respond(&cloud, &peer, request).await;
    // Whoever has an answer may rely on it after a restart.
    match cloud.save().await {
        Ok(()) => response,
        Err(error) => Answer::unsaved(&error).response,
    }
}

async fn respond(cloud: &Arc<Cloud>, peer: &Peer, request: Request<Body>) -> Response<Body> {
    let route = Route::of(request.uri().path());
    let Some(mut exchange) = read(request).await else {
        return Answer::empty(StatusCode::PAYLOAD_TOO_LARGE).response;
    };
    if let Route::Control(rest) = &route {
        return control::http::answer(&Control::new(Arc::clone(cloud)), peer.addr.ip(), &exchange, rest);
    }
    let line = format!("{} {}", exchange.method, exchange.path);
    let (delay, fault) = cloud.state.with(|state| fault::take(&mut state.faults, route.endpoint(), &line));
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    // Taken after the delay: what changed meanwhile counts.
    let entra = cloud.entra();
    let answer = match fault {
        Some(kind) if !matches!(kind, FaultKind::LoseAnswer { .. }) => {
            faulty(&entra, &exchange, &route, peer, &kind)
        }
        lost => {
            exchange.document_client = cimd::client(&entra, &route, &exchange).await;
            let answer = dispatch(&entra, &exchange, &route);
            if lost.is_some() {
                peer.cut();
            }
            answer
        }
    };
    conclude(&entra, exchange, &route, answer)
}

async fn read(request: Request<Body>) -> Option<Exchange> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes();
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let raw_query = head.uri.query().unwrap_or_default().to_owned();
    Some(Exchange {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: Params::parse(raw_query.as_bytes()),
        raw_query,
        form: if is_form { Params::parse(&body) } else { Params::default() },
        headers: head.headers,
        body,
        document_client: None,
    })
}

fn faulty(entra: &Entra, exchange: &Exchange, route: &Route, peer: &Peer, kind: &FaultKind) -> Answer {
    let refuse = |refusal| errors::json(&refusal, &entra.base, &entra.trace(&exchange.headers)).cors();
    let answer = match kind {
        FaultKind::Unavailable | FaultKind::Throttle { .. } if route.endpoint() == Endpoint::Graph => {
            graph::faulty(entra, exchange, kind)
        }
        FaultKind::Throttle { retry_after_seconds } => {
            refuse(Refusal::Throttled).with(RETRY_AFTER, &retry_after_seconds.to_string())
        }
        FaultKind::CloseConnection | FaultKind::LoseAnswer { .. } => {
            peer.cut();
            Answer::empty(StatusCode::OK)
        }
        FaultKind::Refuse { code, claims } => {
            ordered::answer(entra, exchange, route, *code, claims.as_deref())
        }
        FaultKind::Unavailable | FaultKind::Latency { .. } => refuse(Refusal::Unavailable),
    };
    answer.outcome(Outcome::Fault)
}

fn dispatch(entra: &Entra, exchange: &Exchange, route: &Route) -> Answer {
    if let (&Method::OPTIONS, Some(methods)) = (&exchange.method, route.cors_methods()) {
        return preflight(exchange, methods);
    }
    match route {
        Route::Discovery { tenant, version } => discovery::answer(entra, exchange, tenant, *version),
        Route::Keys { tenant, version } => discovery::keys(entra, exchange, tenant, *version),
        Route::Instance => discovery::instance(entra, exchange),
        Route::Authorize { tenant, version } => authorize::answer(entra, exchange, tenant, *version),
        Route::Token { tenant, version } => token::answer(entra, exchange, tenant, *version),
        Route::DeviceCode { tenant } => device::answer(entra, exchange, tenant),
        Route::DevicePage => device::page(entra, exchange),
        Route::Logout => logout::answer(entra, exchange),
        Route::Graph(path) => graph::answer(entra, exchange, path).cors(),
        Route::UserInfo => graph::user_info(entra, exchange).cors(),
        Route::ManagedIdentity => managed_identity::answer(entra, exchange),
        Route::ErrorLookup => pages::lookup(exchange.query.get("code").unwrap_or_default()),
        Route::Home => pages::home(entra),
        Route::Control(_) | Route::Nothing => Answer::not_found(),
    }
}

fn preflight(exchange: &Exchange, methods: &str) -> Answer {
    let wanted = exchange.header("access-control-request-headers").unwrap_or("*");
    Answer::empty(StatusCode::OK)
        .cors()
        .with(ACCESS_CONTROL_ALLOW_METHODS, methods)
        .with(ACCESS_CONTROL_ALLOW_HEADERS, wanted)
}

/// Records the request and tells who listens.
fn conclude(entra: &Entra, exchange: Exchange, route: &Route, answer: Answer) -> Response<Body> {
    let closed = answer.outcome == Outcome::Fault && answer.aadsts.is_none();
    let status = if closed { 0 } else { answer.response.status().as_u16() };
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let record = RecordedRequest {
        method: exchange.method.as_str().to_owned(),
        path: exchange.path,
        query: exchange.query.pairs(),
        form: exchange.form.pairs(),
        headers: exchange.headers.iter().map(header).collect(),
        status,
    };
    let event = Event {
        endpoint: route.endpoint(),
        outcome: answer.outcome,
        status,
        aadsts: answer.aadsts,
        client: answer.client,
        user: answer.user,
    };
    tracing::debug!(endpoint = ?event.endpoint, outcome = ?event.outcome, status, aadsts = event.aadsts, "answered");
    entra.state.with(|state| state.record(record));
    // No listener is no reason to complain.
    entra.events.send(event).ok();
    answer.response
}
