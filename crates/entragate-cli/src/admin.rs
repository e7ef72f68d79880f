//! The other listener, for the platform that runs the gateway: never reachable from where clients are.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entragate::Gate;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;

use crate::upstream::Upstream;

/// `/healthz` (the process runs), `/readyz` (it can do its work), `/sign-ins` (what happened to whom, in broker mode).
pub fn router(gate: Gate, upstream: Upstream) -> Router {
    Router::new()
        .route("/healthz", get(|| async { answer(StatusCode::OK, &Health { status: "ok", missing: &[] }) }))
        .route("/readyz", get(ready))
        .route("/sign-ins", get(sign_ins))
        .route("/sign-ins/{id}", get(sign_in))
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

async fn sign_ins(State((gate, _)): State<(Gate, Upstream)>) -> Response {
    answer(StatusCode::OK, &gate.sign_ins())
}

async fn sign_in(State((gate, _)): State<(Gate, Upstream)>, Path(id): Path<String>) -> Response {
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
