//! What ends a sign-in, for the client and for the person: the client gets an OAuth error, the person a page that says
//! what happened, who repairs it and how.

use std::fmt::Write as _;

use http::StatusCode;

use crate::aadsts::{Entry, Remedy, Who};
use crate::idp::entra::errors::EntraError;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::refusal::{self, described, impersonal};
use crate::once::OnceError;
use crate::random::NoRandomness;
use crate::seal::CannotSeal;
use crate::trace::TraceId;

/// A sign-in, or a refresh, that goes no further.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the client is told.
    pub(crate) error: OAuthError,
    /// What the person is shown; nothing when they know it already (they declined).
    pub(crate) page: Option<Explanation>,
    /// What Entra demands of the next sign-in (a claims challenge of Conditional Access).
    pub(crate) claims: Option<String>,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) what: String,
    pub(crate) who: &'static str,
    pub(crate) fix: String,
    pub(crate) aadsts: Option<String>,
    pub(crate) correlation_id: Option<String>,
}

/// Whose job a repair is.
pub(crate) const PERSON: &str = "You can repair this yourself";
pub(crate) const ADMINISTRATOR: &str =
    "An administrator of your organisation's Microsoft Entra tenant has to repair this";
pub(crate) const OPERATOR: &str = "The operator of this gateway has to repair this";
pub(crate) const APPLICATION: &str = "The application that opened this page has to repair this";

impl Failure {
    /// The client alone is told: the person knows.
    pub(crate) fn told(code: Code, text: impl AsRef<str>) -> Self {
        Self { error: OAuthError::new(code, text), page: None, claims: None }
    }

    /// Both are told the same.
    pub(crate) fn shown(code: Code, what: &str, who: &'static str, fix: &str) -> Self {
        let page = Explanation {
            what: what.to_owned(),
            who,
            fix: fix.to_owned(),
            aadsts: None,
            correlation_id: None,
        };
        Self { error: OAuthError::new(code, format!("{what}. {fix}")), page: Some(page), claims: None }
    }

    /// Entra, or what this server remembers with, cannot be asked at the moment.
    pub(crate) fn unavailable() -> Self {
        Self::of_outage(refusal::unavailable())
    }

    pub(crate) fn of_outage(error: OAuthError) -> Self {
        let page = Explanation {
            what: "Microsoft Entra does not answer at the moment".to_owned(),
            who: PERSON,
            fix: "Wait a minute and start the sign-in again in your application.".to_owned(),
            aadsts: None,
            correlation_id: None,
        };
        Self { error, page: Some(page), claims: None }
    }

    /// Entra refused at its token endpoint; `told` is what a client at ours would get.
    pub(crate) fn of_entra(error: &EntraError, told: OAuthError) -> Self {
        Self { error: told, page: Some(explained(error)), claims: error.claims.clone() }
    }

    /// Entra sent the browser back with an error.
    pub(crate) fn of_callback(error: &EntraError) -> Self {
        let text = described(error);
        tracing::warn!(
            target: "entragate::entra",
            aadsts = error.aadsts(), suberror = error.suberror, correlation_id = error.correlation_id_in_text(),
            answered = error.error, reason = text, "Entra refused a sign-in"
        );
        let remedy = error.explanation().map(|known| known.remedy);
        let code = match error.error.as_str() {
            "access_denied" => Code::AccessDenied,
            "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
                // A client that asked for silence gets the silent code (OpenID Connect Core §3.1.2.6).
                let told = OAuthError::new(Code::AccessDenied, text);
                let told = OAuthError { code: error.error.clone(), ..told };
                return Self { error: told, page: None, claims: error.claims.clone() };
            }
            "temporarily_unavailable" => Code::TemporarilyUnavailable,
            "invalid_scope" if remedy == Some(Remedy::Client) => Code::InvalidScope,
            // Our request was wrong, not the client's.
            _ => Code::ServerError,
        };
        let declined = error.has_code(65004) || error.suberror.as_deref() == Some("cancel");
        let page = if declined { None } else { Some(explained(error)) };
        Self { error: OAuthError::new(code, text), page, claims: error.claims.clone() }
    }

    /// Names the attempt in what the client is told, so that its log leads to the trace.
    pub(crate) fn in_trace(mut self, trace: &TraceId) -> Self {
        if !self.error.description.contains(trace.as_str()) {
            // The description may have been cut to its longest; the id must survive.
            self.error.description.truncate(900);
            let _ = write!(self.error.description, " (sign-in {trace})");
        }
        self
    }

    /// The same, as a code of the authorization endpoint: `invalid_grant` has no meaning there (RFC 6749 §4.1.2.1).
    pub(crate) fn at_the_front(mut self) -> Self {
        if self.error.code == "invalid_grant" {
            "access_denied".clone_into(&mut self.error.code);
        } else if !FRONT_CODES.contains(&self.error.code.as_str()) {
            "server_error".clone_into(&mut self.error.code);
        }
        self
    }

    /// The same, as a code of the token endpoint: what the person must see, or somebody must repair for the person, is
    /// found at the next sign-in, which `invalid_grant` begins (K44). The rest of Entra's codes are about our request,
    /// not the client's.
    pub(crate) fn at_the_token_endpoint(mut self) -> Self {
        let told = &mut self.error;
        if told.code == "access_denied" {
            (told.status, told.code) = (StatusCode::BAD_REQUEST, "invalid_grant".to_owned());
        } else if !TOKEN_CODES.contains(&told.code.as_str()) {
            (told.status, told.code) = (StatusCode::INTERNAL_SERVER_ERROR, "server_error".to_owned());
        }
        self
    }
}

/// Codes that the token endpoint may answer (RFC 6749 §5.2, RFC 8707 §2), and the two for faults of servers that every
/// measured client retries.
const TOKEN_CODES: [&str; 5] =
    ["invalid_grant", "invalid_scope", "invalid_target", "server_error", "temporarily_unavailable"];

/// Codes that an authorization response may carry.
const FRONT_CODES: [&str; 11] = [
    "access_denied",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "server_error",
    "temporarily_unavailable",
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
    "unsupported_response_type",
];

fn explained(error: &EntraError) -> Explanation {
    let known = error.explanation();
    let who = match known.map(|known| known.who) {
        // What this gateway says of itself at Entra is wrong, whoever built the request.
        Some(Who::Developer) | None if error.error == "invalid_client" => OPERATOR,
        Some(Who::Person) => PERSON,
        Some(Who::Operator) => OPERATOR,
        Some(Who::Developer) => APPLICATION,
        Some(Who::Administrator) | None => ADMINISTRATOR,
    };
    let fix = known.map_or_else(
        || {
            "Look the code up at Microsoft, and the attempt in Entra's sign-in log by its correlation id."
                .to_owned()
        },
        Entry::advice,
    );
    let what = impersonal(error.sentence());
    Explanation {
        what: if what.is_empty() { format!("Microsoft Entra answered {}", error.error) } else { what },
        who,
        fix,
        aadsts: error.aadsts(),
        correlation_id: error.correlation_id.clone().or_else(|| error.correlation_id_in_text()),
    }
}

impl From<OnceError> for Failure {
    fn from(error: OnceError) -> Self {
        tracing::error!(target: "entragate::once", reason = %error, "the store for what is used once failed");
        let text = "This server cannot remember anything at the moment, try again shortly";
        let told = OAuthError::new(Code::TemporarilyUnavailable, text);
        let page = Explanation {
            what: "This gateway's store does not answer".to_owned(),
            who: OPERATOR,
            fix: "Look at the gateway's log, and at state.directory or state.redis_url in its configuration."
                .to_owned(),
            aadsts: None,
            correlation_id: None,
        };
        Self { error: told, page: Some(page), claims: None }
    }
}

impl From<CannotSeal> for Failure {
    fn from(error: CannotSeal) -> Self {
        internal(&error)
    }
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        internal(&error)
    }
}

fn internal(error: &dyn std::error::Error) -> Failure {
    tracing::error!(reason = %error, "a sign-in ended in an internal error");
    Failure::shown(
        Code::ServerError,
        "Something in this gateway failed",
        OPERATOR,
        "Look at the gateway's log.",
    )
}
