//! The other listener, for the platform that runs the gateway: never reachable from where clients are.

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entragate::{ClientAddress, Gate};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use serde::Serialize;

use crate::upstream::Upstreams;

/// `/healthz` (the process runs), `/readyz` (it can do its work), `/sign-ins` (what happened to whom, in broker mode).
pub fn router(gate: Gate, upstreams: Upstreams) -> Router {
    let traces = Router::new()
        .route("/sign-ins", get(sign_ins))
        .route("/sign-ins/{id}", get(sign_in))
        .route_layer(middleware::from_fn(from_here));
    Router::new()
        .route("/healthz", get(|| async { answer(StatusCode::OK, &Health { status: "ok", missing: &[] }) }))
        .route("/readyz", get(ready))
        .merge(traces)
        .with_state((gate, upstreams))
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [Missing],
}

#[derive(Serialize)]
struct Missing {
    what: &'static str,
    /// The public path of the MCP server, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    why: String,
}

async fn ready(State((gate, upstreams)): State<(Gate, Upstreams)>) -> Response {
    let (entra, servers) = tokio::join!(gate.ready(), upstreams.unreachable());
    let entra = entra.err().map(|error| Missing { what: "entra", route: None, why: error.to_string() });
    let servers = servers.into_iter().map(|(path, why)| {
        let route = upstreams.are_several().then(|| path.to_owned());
        Missing { what: "upstream", route, why }
    });
    let missing: Vec<Missing> = entra.into_iter().chain(servers).collect();
    if missing.is_empty() {
        answer(StatusCode::OK, &Health { status: "ready", missing: &missing })
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "not ready", missing: &missing })
    }
}

/// Traces are shown on this machine only: a platform's probes come from elsewhere, and so may others.
async fn from_here(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ClientAddress>().map(|ClientAddress(address)| address.ip());
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if is_here(peer, host) {
        next.run(request).await
    } else {
        answer(StatusCode::FORBIDDEN, &Health { status: "shown on this machine only", missing: &[] })
    }
}

/// `host` must be no name but `localhost`: under another one a page in a browser of this machine could ask (DNS rebinding).
fn is_here(peer: Option<IpAddr>, host: Option<&str>) -> bool {
    let named = host.and_then(|host| url::Url::parse(&format!("http://{host}")).ok());
    let is_local = match named.as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
        None => false,
    };
    is_local && peer.is_some_and(|peer| peer.to_canonical().is_loopback())
}

async fn sign_ins(State((gate, _)): State<(Gate, Upstreams)>) -> Response {
    answer(StatusCode::OK, &gate.sign_ins())
}

async fn sign_in(State((gate, _)): State<(Gate, Upstreams)>, Path(id): Path<String>) -> Response {
    match gate.sign_in(&id) {
        Some(sign_in) => answer(StatusCode::OK, &sign_in),
        None => answer(StatusCode::NOT_FOUND, &Health { status: "no such sign-in", missing: &[] }),
    }
}

fn answer(status: StatusCode, content: &impl Serialize) -> Response {
    // Strings and numbers only, which always serialize; if not, the status still tells.
    let body = serde_json::to_vec(content).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_for_this_machine_under_its_own_name() {
        let ip = |text: &str| Some(text.parse().unwrap());
        for (peer, host) in [
            ("127.0.0.1", "127.0.0.1:3003"),
            ("127.0.0.1", "localhost:3003"),
            ("::1", "[::1]:3003"),
            ("::ffff:127.0.0.1", "0.0.0.0:3003"),
        ] {
            assert!(is_here(ip(peer), Some(host)), "{peer} {host}");
        }
        for (peer, host) in [
            (ip("10.0.0.5"), Some("127.0.0.1:3003")),
            (ip("::ffff:10.0.0.5"), Some("localhost")),
            (ip("127.0.0.1"), Some("evil.test:3003")),
            (ip("127.0.0.1"), Some("localhost.evil.test")),
            (ip("127.0.0.1"), Some("")),
            (ip("127.0.0.1"), None),
            (None, Some("localhost")),
        ] {
            assert!(!is_here(peer, host), "{peer:?} {host:?}");
        }
    }
}
