//! Faults that a test injects in front of an endpoint.

use serde::{Deserialize, Serialize};

use crate::errors;

/// A group of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Endpoint {
    /// `/authorize`.
    Authorize,
    /// `/token`.
    Token,
    /// The discovery documents, instance discovery included.
    Discovery,
    /// The key documents.
    Keys,
    /// `/devicecode` and its page.
    DeviceCode,
    /// `/logout`.
    Logout,
    /// Microsoft Graph.
    Graph,
    /// Everything else outside the control plane.
    Other,
    /// In a fault: every endpoint.
    Any,
}

/// What goes wrong, where, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The endpoint it happens on.
    pub endpoint: Endpoint,
    /// What happens.
    pub kind: FaultKind,
    /// How many requests it hits; `None` until cleared.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// 429 with `Retry-After`.
    #[serde(rename_all = "snake_case")]
    Throttle {
        /// The header's value.
        retry_after_seconds: u64,
    },
    /// 503 `temporarily_unavailable`.
    Unavailable,
    /// The answer comes late.
    #[serde(rename_all = "snake_case")]
    Latency {
        /// How late.
        milliseconds: u64,
    },
    /// The connection ends without an answer.
    CloseConnection,
    /// The request is carried out, and the connection ends without its answer.
    #[serde(rename_all = "snake_case")]
    LoseAnswer {
        /// How method and path of the requests begin that it hits, such as `POST /v1.0/applications`; others pass.
        to: String,
    },
    /// Refused with an AADSTS code, whatever the request: JSON at `/token`, redirect or page at `/authorize`.
    #[serde(rename_all = "snake_case")]
    Refuse {
        /// The number after `AADSTS`.
        code: u64,
        /// `claims` of the answer; without it, what Entra sends with this code at `/token`.
        #[serde(default)]
        claims: Option<String>,
    },
}

/// Why a fault was not injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// No refusal has that code.
    #[error("AADSTS{0} is not known here")]
    UnknownCode(u64),
    /// The endpoint does not refuse with AADSTS codes.
    #[error("only the endpoints authorize and token can refuse with an AADSTS code")]
    NoRefusals,
}

impl Fault {
    pub(crate) fn check(&self) -> Result<(), FaultError> {
        let FaultKind::Refuse { code, .. } = self.kind else { return Ok(()) };
        if !errors::codes().iter().any(|known| u64::from(*known) == code) {
            return Err(FaultError::UnknownCode(code));
        }
        match self.endpoint {
            Endpoint::Authorize | Endpoint::Token => Ok(()),
            _ => Err(FaultError::NoRefusals),
        }
    }
}

/// Takes what hits this request (its method and path are `line`): all delays, and the first fault that is an answer.
pub(crate) fn take(faults: &mut Vec<Fault>, endpoint: Endpoint, line: &str) -> (u64, Option<FaultKind>) {
    let mut delay = 0_u64;
    let mut answer = None;
    for fault in faults.iter_mut().filter(|fault| [endpoint, Endpoint::Any].contains(&fault.endpoint)) {
        match &fault.kind {
            FaultKind::Latency { milliseconds } => delay = delay.saturating_add(*milliseconds),
            _ if answer.is_some() => continue,
            FaultKind::LoseAnswer { to } if !line.starts_with(to.as_str()) => continue,
            kind => answer = Some(kind.clone()),
        }
        fault.times = fault.times.map(|left| left.saturating_sub(1));
    }
    faults.retain(|fault| fault.times != Some(0));
    (delay, answer)
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Fault, FaultKind, take};

    #[test]
    fn faults_wear_off_and_delays_add_up() {
        let latency = |milliseconds| FaultKind::Latency { milliseconds };
        let mut faults = vec![
            Fault { endpoint: Endpoint::Token, kind: latency(2), times: None },
            Fault { endpoint: Endpoint::Any, kind: latency(3), times: Some(2) },
            Fault { endpoint: Endpoint::Token, kind: FaultKind::Unavailable, times: Some(1) },
            Fault { endpoint: Endpoint::Token, kind: FaultKind::CloseConnection, times: Some(1) },
        ];
        let mut take = |endpoint| take(&mut faults, endpoint, "POST /token");
        assert_eq!(take(Endpoint::Keys), (3, None));
        assert_eq!(take(Endpoint::Token), (5, Some(FaultKind::Unavailable)));
        assert_eq!(take(Endpoint::Token), (2, Some(FaultKind::CloseConnection)));
        assert_eq!(take(Endpoint::Token), (2, None));
    }

    #[test]
    fn an_answer_is_lost_to_the_requests_that_are_meant() {
        let kind = FaultKind::LoseAnswer { to: "POST /v1.0/a".to_owned() };
        let mut faults = vec![Fault { endpoint: Endpoint::Graph, kind: kind.clone(), times: Some(1) }];
        assert_eq!(take(&mut faults, Endpoint::Graph, "GET /v1.0/a"), (0, None));
        assert_eq!(take(&mut faults, Endpoint::Graph, "POST /v1.0/ab"), (0, Some(kind)));
        assert!(faults.is_empty());
    }
}
