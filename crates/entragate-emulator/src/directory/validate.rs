//! The checks between reading a directory and believing it.

use std::collections::BTreeSet;

use super::{Directory, DirectoryError};
use crate::assertion::{certificate, jwks};
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
        unique("app", self.apps.iter().map(|app| &app.name))
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
            for access in app.required_access.iter().chain(&app.admin_consent).chain(&app.preauthorized) {
                self.app(&access.app).ok_or_else(|| dangling(&app.name, "app", &access.app))?;
            }
            for assignment in &app.assignments {
                let principal = &assignment.principal;
                let known = self.users.iter().any(|user| user.name == *principal)
                    || self.groups.iter().any(|group| group.name == *principal)
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
            if app.certificates.iter().any(|pem| certificate::Certificate::from_pem(pem).is_none()) {
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
