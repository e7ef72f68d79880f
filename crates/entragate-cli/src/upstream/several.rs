//! A request to one of several replicas.

use axum::body::Body;
use entragate::Permit;
use http::header::HeaderName;
use http::{Request, Response};

use super::failure::Failure;
use super::replicas::Replica;
use super::{Inner, forward, outgoing};

/// `Mcp-Session-Id`, up to revision 2025-11-25. In later ones it means nothing, and the layer has taken it out.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Sends the request to the replica of its session, or to the first that takes a connection.
pub(super) async fn forward(upstream: &Inner, permit: &Permit, request: Request<Body>) -> Response<Body> {
    let Inner { replicas, introduction, response_header_timeout, .. } = upstream;
    let failed = |failure: Failure| failure.response(Some(permit));
    let (mut parts, body) = request.into_parts();
    let introduced = match introduction.introduce(permit, parts.extensions.get().copied()).await {
        Ok(introduced) => introduced,
        Err(answer) => return *answer,
    };
    // In memory already: the layer has judged it, and let no more through than its limit.
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return failed(Failure::Unavailable);
    };
    let (order, has_session) = match parts.headers.remove(SESSION).map(|id| replicas.of_session(&id)) {
        Some(Ok((replica, id))) => {
            parts.headers.insert(SESSION, id);
            (vec![replica], true)
        }
        Some(Err(_)) => return failed(Failure::SessionGone),
        None => (replicas.in_turn(), false),
    };
    let mut left = order.len();
    for replica in order {
        left -= 1;
        let outgoing = match outgoing(replica, permit, &parts, &introduced, Body::from(body.clone())) {
            Ok(outgoing) => outgoing,
            Err(failure) => return failed(failure),
        };
        let answer = forward::ask(&replica.client, outgoing, *response_header_timeout).await;
        // Nothing was written (TR-08).
        if let Some(Err(error)) = &answer
            && error.is_unsent()
        {
            replicas.let_rest(replica);
            tracing::warn!(%error, session = has_session, "a replica of the upstream takes no connection");
            if has_session && error.is_connect() {
                // Its sessions ended with it: 404 is what makes clients open a new one (TR-12).
                return failed(Failure::SessionGone);
            }
            if left > 0 {
                continue;
            }
        }
        return named(replica, forward::answered(answer, None, permit, introduction).await);
    }
    failed(Failure::Unavailable)
}

/// The session id names the replica from here on.
fn named(replica: &Replica, mut response: Response<Body>) -> Response<Body> {
    if let Some(id) = response.headers_mut().remove(SESSION)
        && let Some(named) = replica.named(&id)
    {
        response.headers_mut().insert(SESSION, named);
    }
    response
}
