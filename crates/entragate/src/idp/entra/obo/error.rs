//! Why there is no token in the caller's name, and what each of those involved is told.

use std::sync::Arc;
use std::time::Duration;

use super::super::errors::EntraError;
use crate::aadsts::{Entry, Remedy, Who};
use crate::oauth::refusal::impersonal;
use crate::token::refused::shown;
use crate::upstream::DelegatedScope;

/// Why there is no token in the caller's name. `Display` is for logs and holds nothing personal or secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnBehalfOfError {
    /// The gate was not told how to ask.
    #[error("this gate does not ask on behalf of its callers (GateBuilder::on_behalf_of)")]
    NotConfigured,
    /// Authentication is off.
    #[error("nobody signed in: authentication is off")]
    Development,
    /// The caller is a program in its own name.
    #[error("the caller is a program in its own name, and only a user can be acted for (AADSTS7000114)")]
    AppOnly,
    /// The caller's token is from before the gateway kept what it needs.
    #[error("the caller's token does not hold Entra's: it is from before on-behalf-of was set up")]
    NoToken,
    /// Nobody has consented to what is asked for.
    #[error("no consent: {0}")]
    Consent(Refusal),
    /// The person must come back: a second factor, a policy of Conditional Access, a token that ended.
    #[error("the person must sign in again: {refusal}")]
    Interaction {
        /// What Entra says.
        refusal: Refusal,
        /// What the next sign-in must bring (a claims challenge), JSON.
        claims: Option<Arc<str>>,
    },
    /// Entra refuses this person, and signing in again would not help.
    #[error("refused for this person: {0}")]
    Denied(Refusal),
    /// The app registration, its credential or the scope is wrong.
    #[error("configuration: {0}")]
    Configuration(Refusal),
    /// The credential towards Entra cannot be used.
    #[error("the credential of the API app cannot be used: {0}")]
    Credential(Arc<str>),
    /// Entra does not answer, or wants to be left alone.
    #[error("Entra does not answer: {reason}")]
    Unavailable {
        /// Why, for the log.
        reason: Arc<str>,
        /// When to ask again.
        retry_after: Duration,
    },
}

/// What Entra said when it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    error: Arc<str>,
    code: Option<u64>,
    correlation_id: Option<Arc<str>>,
    sentence: Arc<str>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.sentence.is_empty() { &self.error } else { &self.sentence })
    }
}

impl Refusal {
    fn of(error: &EntraError) -> Self {
        let id = error.correlation_id.clone().or_else(|| error.correlation_id_in_text());
        Self {
            error: shown(&error.error).into(),
            code: error.explanation().map(|known| known.code).or_else(|| error.code()),
            correlation_id: id.map(|id| shown(&id).into()),
            sentence: impersonal(error.sentence())
                .chars()
                .filter(|c| !c.is_control())
                .take(600)
                .collect::<String>()
                .into(),
        }
    }

    /// The number after `AADSTS`.
    pub const fn code(&self) -> Option<u64> {
        self.code
    }

    /// Under which an administrator finds the attempt in Entra's sign-in log.
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// What is known about the code.
    pub fn explanation(&self) -> Option<&'static Entry> {
        self.code.and_then(crate::aadsts::find)
    }

    fn reference(&self) -> String {
        let code = self.code.map(|code| format!("AADSTS{code}"));
        let id = self.correlation_id.as_ref().map(|id| format!("correlation id {id}"));
        let all: Vec<String> = code.into_iter().chain(id).collect();
        if all.is_empty() { format!(" ({})", self.error) } else { format!(" ({})", all.join(", ")) }
    }

    /// What happened, whose job it is and what to do, from the catalogue.
    fn explained(&self) -> String {
        let Some(known) = self.explanation() else {
            return format!("Microsoft Entra refused with {}.", self.error);
        };
        let who = match known.who {
            Who::Person => "You can repair this",
            Who::Administrator => "An administrator of your Microsoft Entra tenant has to repair this",
            Who::Operator | Who::Developer => "The operator of this server has to repair this",
        };
        format!("{} {who}: {}", known.meaning, known.advice())
    }
}

/// Refusals of the request and not of the person, whatever their code (RFC 6749 §5.2 and Entra's own).
const OF_THE_REQUEST: [&str; 7] = [
    "invalid_client",
    "invalid_request",
    "invalid_resource",
    "invalid_scope",
    "invalid_target",
    "unauthorized_client",
    "unsupported_grant_type",
];
/// No consent: of the person, of an administrator, and to the app at all.
const CONSENT: [u64; 6] = [65001, 65004, 90008, 90094, 90095, 650_057];
/// The assertion was not made for this app or is none: the gateway and Entra disagree about the app.
const ASSERTION: [u64; 3] = [50013, 500_131, 240_002];

impl OnBehalfOfError {
    pub(crate) fn unavailable(reason: String, seconds: u64) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after: Duration::from_secs(seconds) }
    }

    pub(crate) fn of(error: &EntraError) -> Self {
        let refusal = Refusal::of(error);
        let known = error.explanation();
        let is_one_of = |codes: &[u64]| codes.iter().any(|code| error.has_code(*code));
        // `message_only`: there is nothing that a sign-in could bring, although claims may be named (AADSTS53003).
        let is_final = error.suberror.as_deref() == Some("message_only") || is_one_of(&[53003]);
        match error.error.as_str() {
            _ if known.is_some_and(|known| known.remedy == Remedy::Wait) => {
                Self::unavailable(refusal.to_string(), super::LATER)
            }
            "consent_required" => Self::Consent(refusal),
            _ if error.suberror.as_deref() == Some("consent_required") || is_one_of(&CONSENT) => {
                Self::Consent(refusal)
            }
            _ if is_final => Self::Denied(refusal),
            "interaction_required" | "login_required" => Self::interaction(refusal, error),
            _ if error.claims.is_some() => Self::interaction(refusal, error),
            _ if is_one_of(&ASSERTION) => Self::Configuration(refusal),
            code if OF_THE_REQUEST.contains(&code) => Self::Configuration(refusal),
            _ if known
                .is_some_and(|known| known.remedy == Remedy::SignInAgain && known.who == Who::Person) =>
            {
                Self::interaction(refusal, error)
            }
            _ => Self::Denied(refusal),
        }
    }

    fn interaction(refusal: Refusal, error: &EntraError) -> Self {
        Self::Interaction { refusal, claims: error.claims.as_deref().map(Into::into) }
    }

    /// When it is worth asking again, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Unavailable { retry_after, .. } = self { Some(*retry_after) } else { None }
    }

    /// What Entra said, where it was Entra that refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Consent(refusal)
            | Self::Denied(refusal)
            | Self::Configuration(refusal)
            | Self::Interaction { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// What the person reads: what is wrong, whose job it is, what to do, and under which code and id it is found.
    pub fn public_text(&self, scope: &DelegatedScope) -> String {
        let lead = format!("Not possible: this server could not get access to {} in your name.", scope.api());
        match self {
            Self::NotConfigured | Self::Development => {
                format!("{lead} It is not set up for that: its operator has to look at it.")
            }
            Self::AppOnly => format!(
                "{lead} It was called by a program in its own name, and only for a signed-in user can a token be asked for (AADSTS7000114)."
            ),
            Self::NoToken => format!("{lead} Sign in to it again: you did so before it was set up for that."),
            Self::Consent(refusal) => format!(
                "{lead} Nobody has consented to the permission {scope}. An administrator of your Microsoft Entra tenant has to grant it to this server's app registration: API permissions, Add a permission (delegated), Grant admin consent.{}",
                refusal.reference()
            ),
            Self::Interaction { refusal, .. } => format!(
                "{lead} {} Signing in again did not bring it.{}",
                refusal.explained(),
                refusal.reference()
            ),
            Self::Configuration(refusal) if refusal.code.is_some_and(|code| ASSERTION.contains(&code)) => {
                format!(
                    "{lead} The operator of this server has to repair this: its credential must be that of the app registration which callers' tokens are for.{}",
                    refusal.reference()
                )
            }
            Self::Denied(refusal) | Self::Configuration(refusal) => {
                format!("{lead} {}{}", refusal.explained(), refusal.reference())
            }
            Self::Credential(_) => {
                format!(
                    "{lead} Its credential at Microsoft Entra cannot be used: its operator has to look at its log."
                )
            }
            Self::Unavailable { .. } => {
                format!("{lead} Microsoft Entra does not answer at the moment, try again shortly.")
            }
        }
    }

    /// For the operator, once for each answer of Entra's. Nothing of a token, and nobody's name.
    pub(super) fn log(&self, scope: &DelegatedScope) {
        let refusal = self.refusal();
        tracing::warn!(
            target: "entragate::on_behalf_of",
            scope = scope.as_str(),
            aadsts = refusal.and_then(Refusal::code),
            correlation_id = refusal.and_then(Refusal::correlation_id),
            hint = refusal.and_then(Refusal::explanation).map(|known| known.hint),
            reason = %self,
            "no token in the caller's name"
        );
    }
}
