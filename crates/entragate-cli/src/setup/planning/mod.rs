//! From what is wanted and what is there to what has to be done. Pure: nobody is asked, nothing is written.
//!
//! The order is the one in which Entra can take it: a registration before its own id is used in it, the token version
//! before an https Application ID URI, a scope before the client that is let in for it.
//!
//! Lists are only ever added to. What somebody else put there stays, and is said.

mod application;
mod assignments;
mod consent;
mod credential;
mod members;
mod principal;

use entragate::Timestamp;

pub use credential::CREDENTIAL_NAME;
pub use principal::PRINCIPAL_TAGS;

use super::existing::{Existing, ExistingApp};
use super::plan::{Plan, Step};
use super::slot::{Ids, Slot};
use super::wanted::{Part, Wanted};

/// What planning needs to know beside the tenant.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// The time.
    pub now: Timestamp,
    /// Whether the gateway's files hold a client secret already. Entra tells one only once.
    pub secret: KnownSecret,
}

/// Whether somebody has the client secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownSecret {
    /// It is in `.env`, and Entra takes it.
    Kept {
        /// How long.
        until: Timestamp,
    },
    /// Nobody knows one.
    Lost,
}

/// What the parts of planning share.
struct Draft<'a> {
    wanted: &'a Wanted,
    existing: &'a Existing,
    ids: Ids,
    steps: Vec<Step>,
    notes: Vec<String>,
}

/// Plans.
pub fn plan(tenant: &str, wanted: &Wanted, existing: &Existing, surroundings: Surroundings) -> Plan {
    let ids = ids(existing);
    let mut draft = Draft { wanted, existing, ids, steps: Vec::new(), notes: wanted.remarks.clone() };
    for app in wanted.apps() {
        application::application(&mut draft, app);
        application::own_id(&mut draft, app);
        principal::service_principal(&mut draft, app);
    }
    principal::pre_authorization(&mut draft);
    consent::consents(&mut draft);
    principal::assignment_required(&mut draft);
    assignments::assignments(&mut draft);
    credential::credential(&mut draft, surroundings);
    let Draft { ids, steps, notes, .. } = draft;
    Plan { mode: wanted.mode, tenant: tenant.to_owned(), steps, notes, ids }
}

fn ids(existing: &Existing) -> Ids {
    let mut ids = Ids::default();
    for part in [Part::Api, Part::Client] {
        let Some(app) = existing.app(part) else { continue };
        ids.learn(Slot::app_id(part), &app.application.app_id);
        ids.learn(Slot::object_id(part), &app.application.id);
        if let Some(id) = app.principal_id() {
            ids.learn(Slot::principal_id(part), id);
        }
    }
    if let Some(id) = &existing.graph_principal {
        ids.learn(Slot::GraphPrincipalId, id);
    }
    ids
}

impl<'a> Draft<'a> {
    fn existing(&self, part: Part) -> Option<&'a ExistingApp> {
        self.existing.app(part)
    }

    /// The id of one of our scopes: the one it has, or the one it will get.
    fn scope_id(&self, value: &str) -> String {
        let there = self.existing.api.as_ref().and_then(|api| api.application.scope(value));
        let id = there.map(|scope| scope.id.clone());
        let wanted = || self.wanted.api.scopes.iter().find(|scope| scope.value == value);
        id.or_else(|| wanted().map(|scope| scope.id.clone())).unwrap_or_default()
    }

    /// The same for roles.
    fn role_id(&self, value: &str) -> String {
        let there = self.existing.api.as_ref().and_then(|api| api.application.role(value));
        let id = there.map(|role| role.id.clone());
        let wanted = || self.wanted.api.roles.iter().find(|role| role.value == value);
        id.or_else(|| wanted().map(|role| role.id.clone())).unwrap_or_default()
    }
}
