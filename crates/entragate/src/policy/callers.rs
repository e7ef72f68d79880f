//! Who a rule is for beside roles, groups and scopes: users or programs, which of them, of which tenant, through which client.

use super::decide::Reason;
use crate::idp::entra::registration::{ClientId, Guid};
use crate::principal::{Kind, Principal};

/// The callers that a rule is for; what is not stated is open to all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Callers {
    pub(super) tenants: Vec<Guid>,
    pub(super) users: Named<Guid>,
    pub(super) apps: Named<ClientId>,
    pub(super) clients: Vec<String>,
}

/// Which callers of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Named<T> {
    /// Nothing is said about this kind.
    #[default]
    Unstated,
    Any,
    These(Vec<T>),
}

impl<T> Named<T> {
    /// With more of them; whoever has any has these too.
    pub(super) fn and(self, more: impl IntoIterator<Item = T>) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Unstated => Self::These(more.into_iter().collect()),
            Self::These(mut all) => {
                all.extend(more);
                Self::These(all)
            }
        }
    }

    pub(super) const fn is_stated(&self) -> bool {
        !matches!(self, Self::Unstated)
    }

    fn has(&self, is_it: impl FnMut(&T) -> bool) -> bool {
        match self {
            Self::Unstated => false,
            Self::Any => true,
            Self::These(all) => all.iter().any(is_it),
        }
    }
}

impl Callers {
    /// Why the rule is not for this caller, if it is not. Nothing that a client does would help.
    pub(super) fn refuse(&self, who: &Principal) -> Option<Reason> {
        self.refuse_person(who).or_else(|| {
            let is_open =
                self.clients.is_empty() || self.clients.iter().any(|one| is_same(one, who.client_id()));
            (!is_open).then(|| Reason::Clients(self.clients.clone()))
        })
    }

    /// The same, whatever client they come with.
    pub(super) fn refuse_person(&self, who: &Principal) -> Option<Reason> {
        if who.is_development() {
            return None;
        }
        if !self.tenants.is_empty() && !self.tenants.iter().any(|one| is_same(one.as_str(), who.tenant_id()))
        {
            return Some(Reason::Tenants(self.tenants.iter().map(|one| one.as_str().to_owned()).collect()));
        }
        if !self.users.is_stated() && !self.apps.is_stated() {
            return None;
        }
        let (is_stated, is_named, other_kind) = match who.kind() {
            Kind::Application => (
                self.apps.is_stated(),
                self.apps.has(|one| is_same(one.as_str(), who.client_id())),
                Reason::UserNeeded,
            ),
            Kind::User | Kind::Development => (
                self.users.is_stated(),
                self.users.has(|one| is_same(one.as_str(), who.object_id())),
                Reason::AppNeeded,
            ),
        };
        match (is_stated, is_named) {
            (_, true) => None,
            (true, false) => Some(Reason::NotNamed(who.kind())),
            (false, false) => Some(other_kind),
        }
    }
}

/// Ids of Entra's are compared whatever case they are written in; nothing else has another spelling.
fn is_same(named: &str, found: &str) -> bool {
    named == found || (crate::idp::entra::registration::is_guid(named) && named.eq_ignore_ascii_case(found))
}
