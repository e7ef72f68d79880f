//! Connections that wait for the next request.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::connection::Connection;

/// How long an unused connection is kept. Node.js and uvicorn close theirs after five seconds; a request
/// written just then fails and must not be repeated, so we let go first.
const IDLE: Duration = Duration::from_secs(4);
/// How often the unused ones are looked at.
const SWEEP: Duration = Duration::from_secs(1);

/// The idle connections to one server.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// The one used last is at the back, and is the next to be used: the others can then grow old.
    connections: VecDeque<(Connection, Instant)>,
    is_swept: bool,
}

impl Pool {
    /// A connection that is still open.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let (mut connection, since) = self.0.lock().connections.pop_back()?;
            if since.elapsed() < IDLE && connection.is_ready() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(super) fn put(self: &Arc<Self>, mut connection: Connection) {
        if !connection.is_ready() {
            return;
        }
        let mut idle = self.0.lock();
        idle.connections.push_back((connection, Instant::now()));
        if !std::mem::replace(&mut idle.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }
}

/// Closes connections that nobody used in time, as long as there are any.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.0.lock();
        let old = idle.connections.iter().take_while(|(_, since)| since.elapsed() >= IDLE).count();
        let closed: Vec<_> = idle.connections.drain(..old).collect();
        idle.is_swept = !idle.connections.is_empty();
        let is_done = !idle.is_swept;
        drop(idle);
        drop(closed);
        if is_done {
            return;
        }
    }
}
