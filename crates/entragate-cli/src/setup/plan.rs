//! A plan: what differs between what is wanted and what is there, as steps in the order in which they can be done.
//!
//! A step has its differences for people ([`Field`]) and its request for machines ([`Request`], with the placeholders
//! of [`Slot`] for ids that an earlier step brings). Whoever carries a plan out, or prints it as a script, sends the
//! requests in order and takes [`Step::learns`] out of each answer.

use serde::Serialize;
use serde_json::Value;

use super::slot::{Ids, Slot};
use super::wanted::{Mode, Part, Resource};
use crate::graph::{Permission, Request};

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// How people are to sign in.
    pub mode: Mode,
    /// The tenant.
    pub tenant: String,
    /// The steps in their order, also those that need nothing.
    pub steps: Vec<Step>,
    /// What whoever reads the plan should know.
    pub notes: Vec<String>,
    /// The ids that are known already.
    #[serde(skip)]
    pub ids: Ids,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is about.
    pub task: Task,
    /// The same for people.
    pub title: String,
    /// What is done about it.
    pub action: Action,
    /// What is there and what is to be there, each member that setup cares about.
    pub fields: Vec<Field>,
    /// The request; none if there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// Which members of the answer are which ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub learns: Vec<(Slot, &'static str)>,
}

/// What a step is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Task {
    /// A registration, without the members that name its own id.
    Application {
        /// Which one.
        part: Part,
    },
    /// Those members: the Application ID URIs, which also need v2 tokens first, and in broker mode the permission on itself.
    OwnId {
        /// Which registration.
        part: Part,
    },
    /// A registration's service principal: without it the tenant does not know the app (AADSTS650052, 7000229).
    ServicePrincipal {
        /// Whose.
        part: Part,
    },
    /// The client app needs no consent of people for the API's scopes.
    PreAuthorization,
    /// An administrator's consent for everybody.
    Consent {
        /// On which API.
        resource: Resource,
        /// For which scopes.
        scopes: Vec<String>,
    },
    /// Only assigned people get in.
    AssignmentRequired,
    /// Somebody gets a role.
    Assignment {
        /// A sign-in name or a group.
        who: String,
        /// The role.
        role: String,
    },
    /// A client secret.
    Secret,
    /// A certificate.
    Certificate {
        /// The name by which Graph shows it: its SHA-1 in hexadecimal.
        thumbprint: String,
    },
    /// A federated identity credential.
    Federation,
    /// Teardown: something that setup made.
    Removal,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there and differs.
    Change,
    /// It is there as it should be.
    Keep,
    /// It is there and goes.
    Remove,
}

impl Action {
    /// The word in front of a step.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Keep => "keep",
            Self::Remove => "remove",
        }
    }
}

/// A member, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name, such as `api.requestedAccessTokenVersion`.
    pub name: String,
    /// What is there.
    pub before: Value,
    /// What is to be there.
    pub after: Value,
}

impl Field {
    /// Whether there is anything to do.
    pub fn differs(&self) -> bool {
        self.before != self.after
    }
}

impl Plan {
    /// The steps that send something.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.request.is_some())
    }

    /// Whether nothing has to be done.
    pub fn is_done(&self) -> bool {
        self.changes().next().is_none()
    }
}

impl Step {
    /// A step with nothing to do.
    pub(super) fn keep(task: Task, title: impl Into<String>) -> Self {
        Self {
            task,
            title: title.into(),
            action: Action::Keep,
            fields: Vec::new(),
            request: None,
            learns: Vec::new(),
        }
    }

    /// A step that sends something.
    pub(super) fn send(task: Task, title: impl Into<String>, action: Action, request: Request) -> Self {
        Self { action, request: Some(request), ..Self::keep(task, title) }
    }

    pub(super) fn with_fields(mut self, fields: Vec<Field>) -> Self {
        self.fields = fields;
        self
    }

    pub(super) fn learning(mut self, learns: impl IntoIterator<Item = (Slot, &'static str)>) -> Self {
        self.learns = learns.into_iter().collect();
        self
    }

    /// The permission that it needs.
    pub fn permission(&self) -> Option<Permission> {
        self.request.as_ref().and_then(Permission::of)
    }
}
