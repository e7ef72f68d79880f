//! The other listener, for the platform that runs the gateway: never reachable from where clients are.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entragate::Gate;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;

use crate::upstream::Upstream;

/// `/healthz` (the process runs) and `/readyz` (it can do its work).
pub fn router(gate: Gate, upstream: Upstream) -> Router {
    Router::new()
        .route("/healthz", get(|| async { answer(StatusCode::OK, &Health { status: "ok", missing: &[] }) }))
        .route("/readyz", get(ready))
        .with_state((gate, upstream))
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
    why: String,
}

async fn ready(State((gate, upstream)): State<(Gate, Upstream)>) -> Response {
    let (entra, server) = tokio::join!(gate.ready(), upstream.reachable());
    let entra = entra.err().map(|error| Missing { what: "entra", why: error.to_string() });
    let server = server.err().map(|why| Missing { what: "upstream", why });
    let missing: Vec<Missing> = entra.into_iter().chain(server).collect();
    if missing.is_empty() {
        answer(StatusCode::OK, &Health { status: "ready", missing: &missing })
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "not ready", missing: &missing })
    }
}

fn answer(status: StatusCode, health: &Health<'_>) -> Response {
    // Strings only, which always serialize; if not, the status still tells.
    let body = serde_json::to_vec(health).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}
