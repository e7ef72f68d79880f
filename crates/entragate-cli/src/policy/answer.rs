//! One call judged: by the rules, or at the token already.

use entragate::{DecidedBy, Decision, Rehearsal, TokenReport, TokenVerdict};
use serde::Serialize;

use crate::cli::Exit;

/// What the gateway would do.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// The rules decide.
    Judged(Rehearsal),
    /// The rules decide, if the token is good, which nobody knows here.
    Provided {
        #[serde(flatten)]
        rehearsal: Rehearsal,
        provided: String,
    },
    /// The token is refused: 401.
    Unauthorized { decision: &'static str, check: &'static str, reason: String, remedy: String },
    /// Nobody knows whether the token is good.
    Unjudged { decision: &'static str, reason: String },
}

impl Answer {
    /// What a token's report and, if it is good, the rules say.
    pub(super) fn of_token(report: TokenReport, rehearsal: Option<Rehearsal>) -> Self {
        match (report.verdict, rehearsal) {
            (TokenVerdict::Valid, Some(rehearsal)) => Self::Judged(rehearsal),
            (TokenVerdict::Refused { check, reason, remedy }, _) => {
                Self::Unauthorized { decision: "unauthorized", check, reason, remedy }
            }
            (TokenVerdict::Unjudged { reason }, Some(rehearsal)) => {
                Self::Provided { rehearsal, provided: reason }
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
            Self::Judged(Rehearsal { decision: Decision::Allowed, .. }) => Exit::Fine,
            Self::Judged(rehearsal) | Self::Provided { rehearsal, .. } => match rehearsal.decision {
                // Allowed, if the token is good.
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
            Self::Judged(rehearsal) | Self::Provided { rehearsal, .. } => Some(rehearsal),
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
