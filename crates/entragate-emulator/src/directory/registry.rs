//! Finding things by the object ids and keys that Microsoft Graph uses.

use super::{App, Directory, ManagedIdentity, ServicePrincipal};

/// Something that can hold an assignment or a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// Object id.
    pub(crate) id: String,
    /// What [`Assignment::principal`](super::Assignment::principal) calls it.
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) kind: PrincipalKind,
}

/// `principalType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalKind {
    User,
    Group,
    ServicePrincipal,
}

impl PrincipalKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
        }
    }
}

impl Directory {
    /// The app whose service principal has that object id and exists.
    pub(crate) fn app_of_principal(&self, object_id: &str) -> Option<&App> {
        let present = self.apps.iter().filter(|app| !app.service_principal.absent);
        present.into_iter().find(|app| app.principal_id().eq_ignore_ascii_case(object_id))
    }

    pub(crate) fn app_of_id_mut(&mut self, id: &str) -> Option<&mut App> {
        self.apps.iter_mut().find(|app| app.id == id)
    }

    /// Moves an app to the bin, with everything that hangs on its service principal. Registrations that name it go on
    /// doing so, by id.
    pub(crate) fn remove_app(&mut self, id: &str) {
        self.remove_principal(id);
        let Some(at) = self.apps.iter().position(|app| app.id == id) else { return };
        let gone = self.apps.remove(at);
        for app in &mut self.apps {
            let named = app.required_access.iter_mut().chain(&mut app.preauthorized);
            for access in named.filter(|access| gone.is_called(&access.app)) {
                access.app.clone_from(&gone.id);
            }
        }
        self.deleted_apps.push(gone);
    }

    /// Removes an app's service principal: its grants and assignments, and those on it.
    pub(crate) fn remove_principal(&mut self, id: &str) {
        let Some(gone) = self.app_of_id_mut(id) else { return };
        gone.service_principal = ServicePrincipal { absent: true, ..ServicePrincipal::default() };
        gone.admin_consent.clear();
        gone.assignments.clear();
        gone.assignment_required = false;
        let gone = gone.clone();
        for app in &mut self.apps {
            app.admin_consent.retain(|access| !gone.is_called(&access.app));
            app.assignments.retain(|held| !gone.is_called(&held.principal));
            app.owners.retain(|owner| *owner != gone.name);
        }
        self.consents.retain(|consent| consent.client != id && consent.app != id);
    }

    /// The user, group, app or managed identity of that object id.
    pub(crate) fn principal(&self, object_id: &str) -> Option<Principal> {
        self.principals().find(|principal| principal.id.eq_ignore_ascii_case(object_id))
    }

    /// The same by what assignments call it.
    pub(crate) fn principal_called(&self, name: &str) -> Option<Principal> {
        let by_name = self.principals().find(|principal| principal.name == name);
        by_name.or_else(|| self.app(name).map(of_app))
    }

    fn principals(&self) -> impl Iterator<Item = Principal> {
        let users = self.users.iter().map(|user| Principal {
            id: user.oid.clone(),
            name: user.name.clone(),
            display_name: user.display_name.clone(),
            kind: PrincipalKind::User,
        });
        let groups = self.groups.iter().map(|group| Principal {
            id: group.id.clone(),
            name: group.name.clone(),
            display_name: group.name.clone(),
            kind: PrincipalKind::Group,
        });
        let apps = self.apps.iter().filter(|app| !app.service_principal.absent).map(of_app);
        users.chain(groups).chain(apps).chain(self.managed_identities.iter().map(of_identity))
    }
}

fn of_app(app: &App) -> Principal {
    Principal {
        id: app.principal_id(),
        name: app.name.clone(),
        display_name: app.display_name.clone(),
        kind: PrincipalKind::ServicePrincipal,
    }
}

fn of_identity(identity: &ManagedIdentity) -> Principal {
    Principal {
        id: identity.object_id.clone(),
        name: identity.name.clone(),
        display_name: identity.name.clone(),
        kind: PrincipalKind::ServicePrincipal,
    }
}
