//! The HTTP/1.1 client towards the MCP server.
//!
//! ```text
//! RequestHead ─ Outgoing ─> Connection ─> Head ─ Framing ─> Relayed ─> Response
//!                   (from the Pool, and back when the answer is over)
//! ```
//!
//! A connection has no task of its own. Whoever waits for an answer drives it: the exchange until the head is there, then
//! the body of the response, which gives the connection back to the [`Pool`] when it has ended. So an answer goes from one
//! socket to the other without waking another task, and whoever stops waiting closes the connection, which is how a client
//! that leaves cancels a call at the server (TR-07).

mod connect;
mod connection;
mod framing;
mod head;
mod hop;
mod outgoing;
mod pool;
mod relayed;
mod request_head;
#[cfg(test)]
mod tests;
mod wire_error;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{Response, Uri};

pub(super) use connect::Connector;
use connection::Connection;
pub(super) use outgoing::Outgoing;
use pool::Pool;
pub(super) use relayed::Relayed;
pub(super) use request_head::RequestHead;
use wire_error::WireError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("no connection within {0:?}")]
    ConnectTimedOut(Duration),
    #[error("no connection")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    #[error("the connection closed before anything was written")]
    Unsent(#[source] WireError),
    #[error("no answer")]
    Exchange(#[from] WireError),
}

impl SendError {
    /// Whether there was no connection.
    pub(super) const fn is_connect(&self) -> bool {
        matches!(self, Self::ConnectTimedOut(_) | Self::Connect(_))
    }

    /// Whether nothing was written, so that another server may be asked.
    pub(super) const fn is_unsent(&self) -> bool {
        self.is_connect() || matches!(self, Self::Unsent(_))
    }
}

/// A client of one server.
pub(super) struct Client {
    connector: Connector,
    server: Uri,
    pool: Arc<Pool>,
}

impl Client {
    /// Nothing is connected yet.
    pub(super) fn new(server: Uri, connector: Connector) -> Self {
        Self { connector, server, pool: Arc::new(Pool::default()) }
    }

    /// Sends a request and waits for the head of the answer, in which nothing is left of the headers of this connection.
    ///
    /// It is sent again only while nothing of it was written: when the server closed a kept connection just before (TR-08).
    pub(super) async fn send(&self, mut outgoing: Outgoing) -> Result<Response<Relayed>, SendError> {
        loop {
            let (mut connection, is_new) = match self.pool.take() {
                Some(connection) => (connection, false),
                // In a box, so that a call on a kept connection makes no room for it.
                None => (Connection::new(Box::pin(self.connector.connect(&self.server)).await?), true),
            };
            match connection.exchange(&mut outgoing).await {
                Ok(head) => {
                    let pool = head.is_kept.then(|| Arc::clone(&self.pool));
                    let body = Relayed::new(head.framing, connection, outgoing, pool);
                    return Ok(head.response.map(|()| body));
                }
                // Half of it may be gone.
                Err(error @ WireError::RequestBody(_)) => return Err(error.into()),
                Err(_) if !is_new && !outgoing.has_begun() => {}
                Err(error) if !outgoing.has_begun() => return Err(SendError::Unsent(error)),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
