//! Any bytes at all from the server, and any request to it.
//!
//! ```text
//! hostile  the bytes of answers: good ones, bent ones, noise
//! reading  what the readers make of them, without a socket
//! cuts     the same, however the bytes are cut into reads
//! peers    the same as hyper's client, or a refusal that has a name
//! sockets  the whole client: no hang, no connection that is used again with something left on it
//! requests what arrives is one request
//! unsent   what the server has seen nothing of may go to another
//! ```

use axum::body::Body;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request};

use super::{Outgoing, RequestHead};

mod cuts;
mod hostile;
mod peers;
mod reading;
mod requests;
mod sockets;
mod unsent;

/// How the server is called.
const HOST: HeaderValue = HeaderValue::from_static("mcp.test");

/// The request with all that the proxy may pass on of it.
fn outgoing(request: Request<Body>) -> Outgoing {
    let (parts, body) = request.into_parts();
    let target = parts.uri.into_parts().path_and_query.unwrap_or(PathAndQuery::from_static("/"));
    let mut head = RequestHead::new(parts.method, &target, &HOST);
    head.pass_on(&parts.headers, |_| false);
    Outgoing::new(head, body)
}
