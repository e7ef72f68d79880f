//! The checks between reading a directory and believing it.

use std::collections::BTreeSet;

use super::{Directory, DirectoryError};
use crate::assertion::{certificate, jwks};
use crate::clock;
use crate::guid;

impl Directory {
    /// Identifiers are compared in lower case everywhere else.
    pub(super) fn normalize(&mut self) {
        let users = self.users.iter_mut().flat_map(|user| [&mut user.oid, &mut user.tenant]);
        let apps = self.apps.iter_mut().flat_map(|app| [&mut app.id, &mut app.tenant]);
        let tenants = self.tenants.iter_mut().map(|tenant| &mut tenant.id);
        let groups = self.groups.iter_mut().map(|group| &mut group.id);
        let identities = self
            .managed_identities
            .iter_mut()
            .flat_map(|identity| [&mut identity.client_id, &mut identity.object_id, &mut identity.tenant]);
        for id in users.chain(apps).chain(tenants).chain(groups).chain(identities) {
            id.make_ascii_lowercase();
        }
        for home in self.users.iter_mut().filter_map(|user| user.home_tenant.as_mut()) {
            home.make_ascii_lowercase();
        }
    }

    pub(super) fn validate(&self) -> Result<(), DirectoryError> {
        self.check_ids()?;
        self.check_tenants()?;
        self.check_groups()?;
        self.check_apps()?;
        self.check_credentials()
    }

    fn check_ids(&self) -> Result<(), DirectoryError> {
        guids("tenant", self.tenants.iter().map(|tenant| &tenant.id))?;
        guids("user", self.users.iter().map(|user| &user.oid))?;
        guids("group", self.groups.iter().map(|group| &group.id))?;
        guids("app", self.apps.iter().map(|app| &app.id))?;
        guids("managed identity", self.managed_identities.iter().map(|identity| &identity.client_id))?;
        guids("managed identity", self.managed_identities.iter().map(|identity| &identity.object_id))?;
        unique("managed identity", self.managed_identities.iter().map(|identity| &identity.name))?;
        unique("user", self.users.iter().map(|user| &user.name))?;
        unique("user", self.users.iter().map(|user| &user.upn))?;
        unique("group", self.groups.iter().map(|group| &group.name))?;
        unique("app", self.apps.iter().map(|app| &app.name))?;
        unique("app", self.apps.iter().filter_map(|app| app.unique_name.as_ref()))?;
        for app in &self.apps {
            let scopes = app.scopes.iter().filter_map(|scope| scope.id.as_ref());
            guids("permission", scopes)?;
            guids("role", app.roles.iter().filter_map(|role| role.id.as_ref()))?;
        }
        Ok(())
    }

    fn check_tenants(&self) -> Result<(), DirectoryError> {
        let of_users = self.users.iter().map(|user| (&user.name, &user.tenant));
        let homes = self.users.iter().filter_map(|user| Some((&user.name, user.home_tenant.as_ref()?)));
        let of_apps = self.apps.iter().map(|app| (&app.name, &app.tenant));
        let of_identities = self.managed_identities.iter().map(|identity| (&identity.name, &identity.tenant));
        for (holder, tenant) in of_users.chain(homes).chain(of_apps).chain(of_identities) {
            let known = self.tenants.iter().any(|known| known.id == *tenant);
            known.then_some(()).ok_or_else(|| dangling(holder, "tenant", tenant))?;
        }
        Ok(())
    }

    fn check_groups(&self) -> Result<(), DirectoryError> {
        for group in &self.groups {
            for member in &group.members {
                let known = self.users.iter().any(|user| user.name == *member);
                known.then_some(()).ok_or_else(|| dangling(&group.name, "user", member))?;
            }
            for nested in &group.groups {
                let known = self.groups.iter().any(|other| other.name == *nested);
                known.then_some(()).ok_or_else(|| dangling(&group.name, "group", nested))?;
            }
        }
        Ok(())
    }

    fn check_apps(&self) -> Result<(), DirectoryError> {
        for app in &self.apps {
            if !matches!(app.token_version, 1 | 2) {
                return Err(DirectoryError::TokenVersion {
                    app: app.name.clone(),
                    version: app.token_version,
                });
            }
            // A registration may want, or trust, an app that the tenant does not have; only its id is known then.
            for access in app.required_access.iter().chain(&app.preauthorized) {
                let known = self.app(&access.app).is_some() || guid::parse(&access.app).is_some();
                known.then_some(()).ok_or_else(|| dangling(&app.name, "app", &access.app))?;
            }
            for access in &app.admin_consent {
                self.app(&access.app).ok_or_else(|| dangling(&app.name, "app", &access.app))?;
            }
            for assignment in &app.assignments {
                let principal = &assignment.principal;
                let known = self.users.iter().any(|user| user.name == *principal)
                    || self.groups.iter().any(|group| group.name == *principal)
                    || self.managed_identities.iter().any(|identity| identity.name == *principal)
                    || self.app(principal).is_some();
                known.then_some(()).ok_or_else(|| dangling(&app.name, "principal", principal))?;
                if let Some(role) = &assignment.role {
                    let known = app.roles.iter().any(|known| known.value == *role);
                    known.then_some(()).ok_or_else(|| dangling(&app.name, "role", role))?;
                }
            }
        }
        Ok(())
    }

    fn check_credentials(&self) -> Result<(), DirectoryError> {
        for app in &self.apps {
            let dates = app.secrets.iter().flat_map(|secret| [&secret.starts, &secret.ends]).flatten();
            if let Some(value) = dates.into_iter().find(|text| clock::parse_iso(text).is_none()) {
                return Err(DirectoryError::Date { app: app.name.clone(), value: value.clone() });
            }
            if app.certificates.iter().any(|it| certificate::Certificate::from_pem(&it.pem).is_none()) {
                return Err(DirectoryError::Certificate { app: app.name.clone() });
            }
            for credential in &app.federated_credentials {
                if credential.jwks.as_deref().is_some_and(|text| jwks::parse(text).is_none()) {
                    let name = credential.name.clone();
                    return Err(DirectoryError::Jwks { app: app.name.clone(), name });
                }
            }
        }
        Ok(())
    }
}

fn guids<'a>(
    what: &'static str,
    ids: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), DirectoryError> {
    for id in ids.clone() {
        guid::parse(id).ok_or_else(|| DirectoryError::NotAGuid { what, value: id.clone() })?;
    }
    unique(what, ids)
}

fn unique<'a>(what: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), DirectoryError> {
    let mut seen = BTreeSet::new();
    for name in names {
        seen.insert(name).then_some(()).ok_or_else(|| DirectoryError::Twice { what, value: name.clone() })?;
    }
    Ok(())
}

fn dangling(holder: &str, what: &'static str, value: &str) -> DirectoryError {
    DirectoryError::Dangling { holder: holder.to_owned(), what, value: value.to_owned() }
}
