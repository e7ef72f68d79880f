//! The identifiers that every answer carries.

use http::HeaderMap;

use crate::clock;
use crate::guid;

/// What support would ask for.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// Also the `x-ms-request-id` header.
    pub(crate) id: String,
    /// The caller's `client-request-id` when that is a GUID.
    pub(crate) correlation_id: String,
    pub(crate) timestamp: String,
    /// `return-client-request-id: true` was sent.
    pub(crate) echo: bool,
}

impl Trace {
    pub(crate) fn new(headers: &HeaderMap, now: u64, id: String, fresh: impl FnOnce() -> String) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            id,
            correlation_id: text("client-request-id").and_then(guid::parse).unwrap_or_else(fresh),
            timestamp: clock::timestamp(now),
            echo: text("return-client-request-id").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        }
    }

    /// What every description ends with.
    pub(crate) fn suffix(&self) -> String {
        format!(
            " Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.id, self.correlation_id, self.timestamp
        )
    }
}
