//! Servers of the legacy HTTP+SSE transport (2024-11-05): a GET opens a stream, which begins with the URL that messages are
//! posted to, and in which the answers come (TR-15). So do the refusals of the rules, which the gate hands over.

mod endpoint;
mod stream;

pub(super) use endpoint::{Endpoints, opened};
