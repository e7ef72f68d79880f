//! What answers a request, by its path.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use entragate::{Gate, GateService};
use http::{Request, Response};
use tower_service::Service as _;

use crate::upstream::{Upstream, Upstreams};

/// The MCP servers behind the gate, and everything else.
#[derive(Debug, Clone)]
pub struct Front {
    /// Nearly every request is a call, so calls do not pass through a router: it makes seven allocations and moves each
    /// request about as often. A handful of paths is found sooner by comparing.
    calls: Arc<[(String, GateService<Upstream>)]>,
    rest: Router,
}

impl Front {
    /// The gateway.
    pub(super) fn new(gate: &Gate, upstreams: &Upstreams) -> Self {
        Self {
            calls: gate.guard_each(|resource| upstreams.of(resource)).into(),
            rest: gate.protect_each(|resource| upstreams.of(resource)),
        }
    }

    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let found = self.calls.iter().find(|(path, _)| path == request.uri().path());
        let answered = match found {
            Some((_, guarded)) => guarded.clone().call(request).await,
            // In a box, so that a call does not make room for it.
            None => Box::pin(self.rest.clone().call(request)).await,
        };
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl From<Router> for Front {
    fn from(rest: Router) -> Self {
        Self { calls: Arc::default(), rest }
    }
}
