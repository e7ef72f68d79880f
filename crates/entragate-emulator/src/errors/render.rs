//! The three shapes of a refusal: JSON, the page on the login host, and (in `authorize::reply`) the redirect.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Refusal, Trace};
use crate::exchange::Answer;
use crate::pages;

impl Refusal {
    /// `error_description`.
    pub(crate) fn description(&self, trace: &Trace) -> String {
        format!("AADSTS{}: {self}{}", self.facts().code, trace.suffix())
    }

    /// Where the code can be looked up.
    pub(crate) fn uri(&self, base: &str) -> String {
        format!("{base}/error?code={}", self.facts().code)
    }
}

/// The seven members of Entra's error JSON (Microsoft, "Microsoft Entra authentication and authorization error codes"),
/// and `suberror` and `claims` where Entra sends them.
pub(crate) fn json(refusal: &Refusal, base: &str, trace: &Trace) -> Answer {
    json_with_claims(refusal, base, trace, refusal.claims())
}

/// The same with another value of `claims`.
pub(crate) fn json_with_claims(refusal: &Refusal, base: &str, trace: &Trace, claims: Option<&str>) -> Answer {
    let facts = refusal.facts();
    let mut body = json!({
        "error": facts.error,
        "error_description": refusal.description(trace),
        "error_codes": refusal.codes(),
        "timestamp": trace.timestamp,
        "trace_id": trace.id,
        "correlation_id": trace.correlation_id,
        "error_uri": refusal.uri(base),
    });
    if let Some(suberror) = refusal.suberror() {
        body["suberror"] = suberror.into();
    }
    if let Some(claims) = claims {
        body["claims"] = claims.into();
    }
    let status = StatusCode::from_u16(facts.status).unwrap_or(StatusCode::BAD_REQUEST);
    Answer::json(status, &body).refused(facts.code).uncached().traced(trace)
}

/// The error page: HTTP 200, the facts inside `$Config={…};`.
pub(crate) fn page(refusal: &Refusal, trace: &Trace) -> Answer {
    let facts = refusal.facts();
    let config = json!({
        "iErrorCode": facts.code,
        "sErrorCode": facts.code.to_string(),
        "iHttpErrorCode": facts.status,
        "strMainMessage": "The emulator could not sign you in.",
        "strServiceExceptionMessage": format!("AADSTS{}: {refusal}", facts.code),
        "correlationId": trace.correlation_id,
        "sessionId": trace.id,
    });
    pages::error(refusal, trace, &script_safe(&config)).refused(facts.code).uncached().traced(trace)
}

/// JSON that cannot end the script element it stands in.
fn script_safe(json: &Value) -> String {
    json.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
