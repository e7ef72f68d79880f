//! Entra's refusals at its token endpoint, in the client's language: status, code and sentence, and what to do.

use std::fmt::Write as _;

use http::StatusCode;
use url::Url;

use super::error::{Code, OAuthError, sanitised};
use crate::aadsts::Remedy;
use crate::base_url::is_loopback;
use crate::idp::entra::errors::EntraError;
use crate::idp::http::Answer;

/// Entra does not answer, or cannot at the moment: a client must not throw anything away because of it.
pub(crate) fn unavailable() -> OAuthError {
    OAuthError::new(
        Code::TemporarilyUnavailable,
        "Microsoft Entra does not answer at the moment, try again shortly",
    )
}

/// What Entra said instead of tokens.
pub(crate) enum Refusal {
    /// Throttled, broken, or not in words that anybody understands.
    Unavailable(OAuthError),
    /// A refusal, and how the client is told.
    Refused(Box<EntraError>, OAuthError),
}

/// Entra's error in the client's language. Status and code survive, except where a measured client would
/// then do the wrong thing (docs/clients.md K44, K47):
/// - throttling and outages: 503 with `Retry-After`;
/// - "the user must come back" in any spelling: 400 `invalid_grant`, on which every client signs in anew;
/// - a fault of the registration, which Entra calls `invalid_client`: 500 `server_error`, because clients
///   throw their own registration away on `invalid_client`.
pub(crate) fn translated(answer: &Answer) -> Refusal {
    if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() {
        let retry_after = answer.retry_after.clone();
        let known = unavailable();
        return Refusal::Unavailable(OAuthError { retry_after: retry_after.or(known.retry_after), ..known });
    }
    let Some(error) = EntraError::parse(&answer.body) else {
        return Refusal::Unavailable(unavailable());
    };
    let explanation = error.explanation();
    let (status, code) = match (error.error.as_str(), explanation.map(|known| known.remedy)) {
        (_, Some(Remedy::SignInAgain))
        | ("interaction_required" | "login_required" | "consent_required", _) => {
            (StatusCode::BAD_REQUEST, "invalid_grant")
        }
        // RFC 6749 §5.2 calls a redirect_uri that differs from the authorize leg `invalid_grant`.
        ("invalid_client", Some(Remedy::Client)) => (StatusCode::BAD_REQUEST, "invalid_grant"),
        // `Operate` and `Configure` alike: nothing that the client could change.
        ("invalid_client" | "unauthorized_client", _) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        (code, _) => (answer.status, code),
    };
    let description = described(&error);
    tracing::warn!(
        target: "entragate::entra",
        aadsts = error.aadsts(), suberror = error.suberror, correlation_id = error.correlation_id,
        answered = code, reason = description, "Entra refused a grant"
    );
    let uri = error.error_uri.clone().filter(|uri| is_web(uri) && sanitised(uri) == *uri);
    let told = OAuthError { status, code: sanitised(code), description, uri, retry_after: None };
    Refusal::Refused(Box::new(error), told)
}

/// https, or the emulated Entra on this machine.
fn is_web(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => url.host().is_some_and(|host| is_loopback(&host)),
        _ => false,
    })
}

/// Entra's sentence without personal data, then what to do, then the id under which an administrator
/// finds the attempt.
pub(crate) fn described(error: &EntraError) -> String {
    let mut text = impersonal(error.sentence());
    if let Some(known) = error.explanation() {
        text.push_str(" [Entragate: ");
        text.push_str(known.hint);
        if let Some(row) = known.row {
            let _ = write!(text, "; see row {row} of docs/incompatibilities");
        }
        text.push(']');
    }
    if let Some(id) = &error.correlation_id {
        let _ = write!(text, " Correlation ID: {id}");
    }
    sanitised(&text)
}

/// The sentence without mail addresses.
pub(crate) fn impersonal(sentence: &str) -> String {
    let words = sentence.split_whitespace().map(|word| if word.contains('@') { "(user)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_entras_errors_has_its_own_answer() {
        for (status, error, code, told) in [
            (400, "invalid_grant", 70043, (400, "invalid_grant")),
            (400, "invalid_grant", 50057, (400, "invalid_grant")),
            (400, "interaction_required", 50076, (400, "invalid_grant")),
            (400, "access_denied", 53003, (400, "invalid_grant")),
            (400, "invalid_client", 500_112, (400, "invalid_grant")),
            (401, "invalid_client", 7_000_222, (500, "server_error")),
            (401, "invalid_client", 700_213, (500, "server_error")),
            (400, "unauthorized_client", 700_016, (500, "server_error")),
            (400, "invalid_scope", 70011, (400, "invalid_scope")),
            (429, "temporarily_unavailable", 90055, (503, "temporarily_unavailable")),
            (503, "temporarily_unavailable", 90033, (503, "temporarily_unavailable")),
        ] {
            let text = format!("AADSTS{code}: x");
            let body =
                serde_json::json!({ "error": error, "error_description": text, "error_codes": [code] });
            let answer = Answer {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after: None,
                body: body.to_string().into(),
            };
            let (Refusal::Unavailable(error) | Refusal::Refused(_, error)) = translated(&answer);
            assert_eq!((error.status.as_u16(), error.code.as_str()), told, "{code}");
        }
    }
}
