//! One call judged: by the rules, or at the token already.

use entragate::{DecidedBy, Decision, Rehearsal, TokenReport, TokenVerdict};
use serde::Serialize;

use crate::cli::Exit;

/// What the gateway would do.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// The rules decide.
    Judged {
        #[serde(flatten)]
        rehearsal: Rehearsal,
        /// What nobody knows here about the token, which must be good for that.
        #[serde(skip_serializing_if = "Option::is_none")]
        provided: Option<String>,
    },
    /// The token is refused: 401.
    Unauthorized { decision: &'static str, check: &'static str, reason: String, remedy: String },
    /// Nobody knows whether the token is good.
    Unjudged { decision: &'static str, reason: String },
}

impl Answer {
    /// What the rules say, for a caller of whom all is known.
    pub(super) const fn of(rehearsal: Rehearsal) -> Self {
        Self::Judged { rehearsal, provided: None }
    }

    /// What a token's report and, if it is good, the rules say.
    pub(super) fn of_token(report: TokenReport, rehearsal: Option<Rehearsal>) -> Self {
        match (report.verdict, rehearsal) {
            (TokenVerdict::Valid, Some(rehearsal)) => Self::of(rehearsal),
            (TokenVerdict::Refused { check, reason, remedy }, _) => {
                Self::Unauthorized { decision: "unauthorized", check, reason, remedy }
            }
            (TokenVerdict::Unjudged { reason }, Some(rehearsal)) => {
                Self::Judged { rehearsal, provided: Some(reason) }
            }
            (TokenVerdict::Unjudged { reason }, None) => Self::Unjudged { decision: "unjudged", reason },
            // What a later version of the library may say.
            (_, _) => {
                Self::Unjudged { decision: "unjudged", reason: "the token could not be judged".to_owned() }
            }
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Judged { rehearsal, provided } => match rehearsal.decision {
                Decision::Allowed if provided.is_none() => Exit::Fine,
                Decision::Allowed | Decision::AsksGraph => Exit::Failed,
                _ => Exit::Findings,
            },
            Self::Unauthorized { .. } => Exit::Findings,
            Self::Unjudged { .. } => Exit::Failed,
        }
    }

    /// What the rules say, if they were asked.
    pub(super) fn rehearsal(&self) -> Option<&Rehearsal> {
        match self {
            Self::Judged { rehearsal, .. } => Some(rehearsal),
            Self::Unauthorized { .. } | Self::Unjudged { .. } => None,
        }
    }

    /// The rule that decides, counted from one.
    pub(super) fn rule(&self) -> Option<usize> {
        match self.rehearsal()?.calls.first()?.decided_by {
            DecidedBy::Rule(number) => Some(number),
            _ => None,
        }
    }

    /// What is missing, as the log names it.
    pub(super) fn missing(&self) -> Option<&'static str> {
        if let Self::Unauthorized { .. } = self {
            return Some("token");
        }
        match self.rehearsal()?.decision {
            Decision::Refused { missing, .. } => Some(missing),
            Decision::StepUp { .. } => Some("scope"),
            _ => None,
        }
    }
}
