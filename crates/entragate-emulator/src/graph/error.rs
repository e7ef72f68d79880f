//! Graph's errors: one JSON shape, codes and texts as published where they are.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

use crate::clock;
use crate::entra::Entra;
use crate::errors::Trace;
use crate::event::Outcome;
use crate::exchange::Answer;
use crate::fixtures::GRAPH;

/// A refusal of Graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GraphError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// `code` and `target` of the one detail there may be.
    detail: Option<(&'static str, String)>,
}

impl GraphError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), detail: None }
    }

    /// 401: no token, or not one for Graph.
    pub(super) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    /// 403: neither `scp` nor `roles` nor the user's own rights allow it.
    pub(super) fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        let message = format!(
            "Resource '{what}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    /// A path that Graph may have and the emulator has not.
    pub(super) fn no_segment(segment: &str) -> Self {
        let message = format!("Resource not found for the segment '{segment}'.");
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// `/me` without anybody signed in.
    pub(super) fn not_delegated() -> Self {
        let message = "/me request is only valid with delegated authentication flow.";
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn no_method() -> Self {
        let message = "Specified HTTP method is not allowed for the request target.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", message)
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// 409.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Request_MultipleObjectsWithSameKeyValue", message)
    }

    /// 400 with a code of its own, which the detail repeats.
    pub(super) fn detailed(code: &'static str, target: &str, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, code, message);
        error.because(code, target)
    }

    pub(super) fn because(mut self, code: &'static str, target: &str) -> Self {
        self.detail = Some((code, target.to_owned()));
        self
    }

    pub(super) fn invalid_property(name: &str) -> Self {
        Self::bad(format!("Invalid property '{name}'."))
    }

    pub(super) fn read_only(name: &str) -> Self {
        Self::bad(format!("Property '{name}' is read-only and cannot be set."))
    }

    pub(super) fn missing(name: &str) -> Self {
        let message = format!("Property {name} value is required but is empty or missing.");
        Self::bad(message).because("MissingValue", name)
    }

    pub(super) fn schema(name: &str) -> Self {
        Self::bad(format!("Property {name} in payload has a value that does not match schema."))
    }

    /// The reason is the emulator's own.
    pub(super) fn invalid_value(target: &str, reason: &str) -> Self {
        Self::detailed("InvalidValue", target, format!("Property {target} is invalid: {reason}"))
    }

    pub(super) fn duplicate(target: &str) -> Self {
        Self::bad("Request contains a property with duplicate values.").because("DuplicateValue", target)
    }

    pub(super) fn throttled() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "Too many requests, by order of the control plane.",
        )
    }

    pub(super) fn unavailable() -> Self {
        let message = "The service is temporarily unavailable, by order of the control plane.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    pub(super) fn answer(&self, entra: &Entra, trace: &Trace) -> Answer {
        let now = clock::iso_seconds(entra.now());
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some((code, target)) = &self.detail {
            error["details"] = json!([{ "code": code, "message": self.message, "target": target }]);
        }
        error["innerError"] = json!({
            "date": now.trim_end_matches('Z'),
            "request-id": trace.id,
            "client-request-id": trace.correlation_id,
        });
        let body: Value = json!({ "error": error });
        let answer = Answer::json(self.status, &body).outcome(Outcome::Refused);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = format!(
                r#"Bearer realm="", authorization_uri="{}/common/oauth2/authorize", client_id="{GRAPH}""#,
                entra.base
            );
            return answer.with(WWW_AUTHENTICATE, &challenge);
        }
        answer
    }
}
