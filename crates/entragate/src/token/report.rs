//! What a token is and what the gate would do with it, for people who ask why it is refused. Nothing of a signature is
//! in it, and of the claims only public identifiers.

use serde::Serialize;

use super::refused::Refused;
use super::remedy::About;
use super::step::Step;
use crate::policy::outlook::Outlook;

/// Every check of one token, in the order in which the gate makes them.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TokenReport {
    /// What the gate would do.
    #[serde(flatten)]
    pub verdict: TokenVerdict,
    /// The checks.
    pub checks: Vec<TokenCheck>,
    /// Whom the token stands for, as far as it can be read. Believe it only if [`TokenBearer::is_verified`].
    pub bearer: Option<TokenBearer>,
    /// What the rules would let the bearer do, if the signature is good.
    pub access: Option<Outlook>,
    /// What is worth knowing although it refuses nothing.
    pub notes: Vec<String>,
}

/// What the gate would do with the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenVerdict {
    /// It would be accepted.
    Valid,
    /// It would be refused: 401, and this line in the log.
    Refused {
        /// The check that the gate's log names.
        check: &'static str,
        /// The reason that the gate's log gives.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// Nobody knows, for example because there are no keys.
    Unjudged {
        /// Why.
        reason: String,
    },
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenCheck {
    /// The name that logs use.
    pub check: &'static str,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// What was looked at.
    pub found: String,
    /// What to do about it, or what is worth knowing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckOutcome {
    /// As it should be.
    Passed,
    /// The gate refuses the token for it.
    Failed,
    /// It could not be made.
    NotReached,
}

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenBearer {
    /// Whether the signature is good, or the seal our own.
    pub is_verified: bool,
    /// `user`, `application`, or nothing when the claims do not say.
    pub kind: Option<&'static str>,
    /// `oid`.
    pub object_id: Option<String>,
    /// `tid`.
    pub tenant_id: Option<String>,
    /// `azp` or `appid`: the client app; of a sealed token, the MCP client's label.
    pub client_id: Option<String>,
    /// Delegated scopes.
    pub scopes: Vec<String>,
    /// App roles.
    pub roles: Vec<String>,
    /// Object ids of groups.
    pub groups: Vec<String>,
    /// Entra left the groups out because there are too many.
    pub groups_overage: bool,
    /// What kind of agent identity it is, if it is one.
    pub agent: Option<&'static str>,
    /// The agent's blueprint app.
    pub agent_blueprint: Option<String>,
}

impl TokenReport {
    /// The first check that failed.
    pub fn first_failure(&self) -> Option<&TokenCheck> {
        self.checks.iter().find(|check| check.outcome == CheckOutcome::Failed)
    }
}

/// Collects checks. The first refusal is the gate's.
pub(super) struct Rows<'a> {
    pub(super) about: About<'a>,
    pub(super) checks: Vec<TokenCheck>,
    pub(super) refused: Option<TokenVerdict>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(about: About<'a>) -> Self {
        Self { about, checks: Vec::new(), refused: None }
    }

    /// Writes down how a check ended, and hands on what it yielded.
    pub(super) fn add<T>(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        outcome: Result<T, Refused>,
    ) -> Option<T> {
        let found = found.into();
        match outcome {
            Ok(value) => {
                let remedy = self.about.remark(check, &found);
                self.checks.push(TokenCheck { check, outcome: CheckOutcome::Passed, found, remedy });
                Some(value)
            }
            Err(refused) => {
                let (check, remedy) = (refused.check(), self.about.remedy(&refused));
                let outcome = CheckOutcome::Failed;
                self.checks.push(TokenCheck { check, outcome, found, remedy: Some(remedy.clone()) });
                let reason = refused.to_string();
                self.refused.get_or_insert(TokenVerdict::Refused { check, reason, remedy });
                None
            }
        }
    }

    /// Runs every step; the gate would stop at the first that fails. Whether all passed.
    pub(super) fn run<T>(&mut self, steps: &[Step<T>], seen: &T) -> bool {
        let mut passed = true;
        for step in steps {
            passed &= self.add(step.check, (step.found)(seen), (step.judge)(seen)).is_some();
        }
        passed
    }

    /// Checks that cannot be made.
    pub(super) fn skip(&mut self, checks: impl IntoIterator<Item = &'static str>, why: &str) {
        self.checks.extend(checks.into_iter().map(|check| TokenCheck {
            check,
            outcome: CheckOutcome::NotReached,
            found: why.to_owned(),
            remedy: None,
        }));
    }
}
