//! A local MCP server over its standard streams, served as Streamable HTTP.
//!
//! ```text
//! initialize ── slot ── process ── session ─┬─ stdin  <── a message a line
//! POST ───────────────> exchange            ├─ stdout ──> pump ── the stream of the request it belongs to, or of GET
//! GET  ───────────────> what belongs to no request        └─ stderr ──> log
//! ```
//!
//! Each session has a process of its own, so nothing that a server keeps in memory is seen by another caller.
//! What is bounded: processes, processes of one caller, calls in flight, the length of a message, what waits to
//! be read by a client, what the log takes. docs/decisions/0021 has the reasons.

mod accept;
mod caller;
mod crashes;
mod events;
mod exit;
mod group;
mod guard;
mod hidden;
mod line;
mod message;
mod outbox;
mod probe;
mod process;
mod pump;
mod refusal;
mod respond;
mod secrets;
mod server;
mod session;
mod session_id;
mod sessions;
mod slots;
mod stderr;

pub use caller::CALLER_VARIABLES;
pub(super) use guard::Guard;
pub use guard::{GUARD, guard};
pub(crate) use probe::{NoServer, probe};
pub use refusal::SERVER_BUSY;
pub(super) use server::Stdio;
