//! What the rules would say to a call that nobody makes, for tests of a policy.
//!
//! The judgement is the gate's own. A [`Rehearsal`] is text and numbers: nothing can be forwarded with it, as only a
//! [`crate::Permit`] can be, and a [`Caller`] never becomes a [`Principal`] that anybody else sees.

use serde::Serialize;

use super::call::{Call, Message};
use super::decide::{Decider, Denial, Forbidden, Policy};
use crate::clock::Timestamp;
use crate::idp::entra::registration::{ApiApp, ClientId, Guid};
use crate::principal::{Identity, Kind, Principal};
use crate::token::refused::escaped;

/// Somebody who might call. Nobody vouches for them, so they can be judged and nothing else.
#[derive(Debug, Clone)]
pub struct Caller {
    kind: Kind,
    object_id: Option<Guid>,
    tenant: Option<Guid>,
    client: Option<String>,
    roles: Vec<String>,
    scopes: Option<Vec<String>>,
    groups: Vec<Guid>,
}

impl Caller {
    /// A signed-in user, at first nobody in particular, who has the scopes that every call needs.
    pub fn user() -> Self {
        let (object_id, tenant, client) = (None, None, None);
        Self {
            kind: Kind::User,
            object_id,
            tenant,
            client,
            roles: Vec::new(),
            scopes: None,
            groups: Vec::new(),
        }
    }

    /// A program in its own name.
    pub fn app(id: &ClientId) -> Self {
        Self { kind: Kind::Application, client: Some(id.as_str().to_owned()), ..Self::user() }
    }

    /// With this object id.
    #[must_use]
    pub fn object_id(self, id: Guid) -> Self {
        Self { object_id: Some(id), ..self }
    }

    /// Of this tenant; default: the gate's.
    #[must_use]
    pub fn tenant(self, tenant: Guid) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// Through this client, as [`Principal::client_id`] names it.
    #[must_use]
    pub fn client(self, client: impl Into<String>) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// With these app roles.
    #[must_use]
    pub fn roles<I: IntoIterator<Item = S>, S: Into<String>>(self, roles: I) -> Self {
        Self { roles: roles.into_iter().map(Into::into).collect(), ..self }
    }

    /// With these delegated scopes and no others.
    #[must_use]
    pub fn scopes<I: IntoIterator<Item = S>, S: Into<String>>(self, scopes: I) -> Self {
        Self { scopes: Some(scopes.into_iter().map(Into::into).collect()), ..self }
    }

    /// As a member of these groups.
    #[must_use]
    pub fn groups(self, groups: impl IntoIterator<Item = Guid>) -> Self {
        Self { groups: groups.into_iter().collect(), ..self }
    }

    /// `tenant`: the gate's own.
    pub(crate) fn imagined(&self, tenant: &str, baseline: &[String]) -> Principal {
        let scopes = match (self.kind, &self.scopes) {
            (Kind::Application, _) => Vec::new(),
            (_, Some(scopes)) => scopes.clone(),
            (_, None) => baseline.to_vec(),
        };
        let text = |id: &Option<Guid>| id.as_ref().map(|id| id.as_str().to_owned());
        Principal::new(Identity {
            kind: self.kind,
            object_id: text(&self.object_id).unwrap_or_default(),
            tenant_id: text(&self.tenant).unwrap_or_else(|| tenant.to_owned()),
            client_id: self.client.clone().unwrap_or_default(),
            username: None,
            email: None,
            roles: self.roles.clone(),
            scopes,
            groups: self.groups.iter().map(|group| group.as_str().to_owned()).collect(),
            groups_overage: false,
            agent_blueprint: None,
            token_id: None,
            issued_at: None,
            ends_at: Timestamp::from_unix(u64::MAX),
            expires_at: Timestamp::from_unix(u64::MAX),
        })
    }
}

/// What the gate would do with a message, and what decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rehearsal {
    /// What would become of the message.
    #[serde(flatten)]
    pub decision: Decision,
    /// Every call in it, and what a call makes use of besides.
    pub calls: Vec<RehearsedCall>,
}

/// What would become of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// It would go on to the MCP server.
    Allowed,
    /// It would be answered with an error inside the protocol; no client signs in again for it.
    Refused {
        /// What the caller lacks, as the log names it: `role`, `group`, `user`, `app`, `tenant`, `client`, `scope`,
        /// `condition`, `uri` or `rule`.
        missing: &'static str,
        /// What the person would read.
        text: String,
    },
    /// 403 `insufficient_scope`: the client would be sent to sign in once for these scopes. If that brings nothing, the next
    /// call is refused.
    StepUp {
        /// The scopes that are missing, by short name.
        missing: Vec<String>,
        /// The `scope` of the challenge: everything that the next token must have.
        scope: String,
    },
    /// 400: it is no message, or one that two parsers could read differently.
    Malformed {
        /// Why.
        text: String,
    },
    /// It depends on groups for which the gate would ask Microsoft Graph.
    AsksGraph,
}

/// One call of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RehearsedCall {
    /// The method.
    pub method: String,
    /// What it acts on.
    pub target: Option<String>,
    /// What decides about it, whoever calls.
    pub decided_by: DecidedBy,
}

/// What decides about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DecidedBy {
    /// There are no rules, so everybody signed in may.
    NoRules,
    /// The protocol: it sets up, lists or ends, and that is open to everybody signed in unless a rule says otherwise.
    Protocol,
    /// The rule of this number, counted from one: the first that names the call.
    Rule(usize),
    /// No rule names it, so nobody may.
    NoRule,
    /// Its URI can be read in more than one way, and the rules do not decide about all of them alike, so nobody may.
    AmbiguousUri,
    /// Its URI is longer than those that are judged, so nobody may.
    LongUri,
}

impl Policy {
    /// Judges a body as the gate does. `api`: where there is authentication.
    pub(crate) fn rehearse(&self, who: &Principal, body: &[u8], api: Option<&ApiApp>) -> Rehearsal {
        let message = match Message::parse(body) {
            Ok(message) => self.reading(message, body),
            Err(error) => {
                return Rehearsal {
                    decision: Decision::Malformed { text: escaped(&error.to_string()) },
                    calls: Vec::new(),
                };
            }
        };
        let calls =
            message.calls().iter().flat_map(Call::with_uses).map(|call| self.rehearsed(call)).collect();
        let baseline = api.map(ApiApp::required_scopes).unwrap_or_default();
        let decision = match self.denial(who, &message, baseline) {
            None => Decision::Allowed,
            Some(Denial::Forbidden(forbidden)) => Decision::of(&forbidden),
            Some(Denial::InsufficientScope { missing, wanted, .. }) => {
                let scopes = api.map_or_else(|| wanted.clone(), |api| api.qualified(&wanted));
                Decision::StepUp { missing, scope: scopes.join(" ") }
            }
        };
        Rehearsal { decision, calls }
    }

    fn rehearsed(&self, call: &Call) -> RehearsedCall {
        let decided_by = match self.decider(call) {
            Decider::NoRules => DecidedBy::NoRules,
            Decider::Protocol => DecidedBy::Protocol,
            Decider::Rule(at) => DecidedBy::Rule(at + 1),
            Decider::NoRule => DecidedBy::NoRule,
            Decider::AmbiguousUri => DecidedBy::AmbiguousUri,
            Decider::LongUri => DecidedBy::LongUri,
        };
        RehearsedCall { method: escaped(call.method()), target: call.target().map(escaped), decided_by }
    }
}

impl Decision {
    fn of(forbidden: &Forbidden) -> Self {
        if forbidden.reason.depends_on_groups() {
            return Self::AsksGraph;
        }
        Self::Refused { missing: forbidden.missing(), text: forbidden.text() }
    }
}
