//! What others have come to rely on, or have added: it makes a registration stay, and is said.

use super::existing::{Existing, ExistingApp};
use super::ids::permission_id;
use super::receipt::Receipt;
use super::teardown::Hanging;
use super::wanted::{Part, Resource, Wanted, WantedApp};
use crate::graph::objects::{Application, PermissionGrant};

/// All that tells setup's own from the rest.
pub(super) struct View<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) existing: &'a Existing,
    pub(super) hanging: &'a Hanging,
    pub(super) receipt: &'a Receipt,
}

impl View<'_> {
    /// What is attached to a registration and is not setup's.
    pub(super) fn foreign(&self, part: Part, app: &ExistingApp) -> Vec<String> {
        let mut foreign: Vec<String> = Vec::new();
        if let Some(id) = app.principal_id() {
            foreign.extend(self.consents(id));
            foreign.extend(self.held(id));
        }
        if part == Part::Api {
            foreign.extend(self.assignments());
            foreign.extend(self.pre_authorized(&app.application));
        }
        foreign.extend(self.credentials(app));
        foreign.extend(self.redirects(part, &app.application));
        foreign.extend(self.permissions(part, &app.application));
        foreign
    }

    fn consents(&self, id: &str) -> Vec<String> {
        let apps = [&self.existing.api, &self.existing.client];
        let ours: Vec<&str> = apps.into_iter().flatten().filter_map(ExistingApp::principal_id).collect();
        let grants = || self.hanging.grants.iter();
        let of_others =
            grants().filter(|one| one.resource_id == id && !ours.contains(&one.client_id.as_str())).count();
        let mut foreign = Vec::new();
        if of_others > 0 {
            foreign.push(format!("{of_others} consent(s) of other applications to use it"));
        }
        for grant in grants().filter(|one| one.client_id == id && !self.is_own_consent(one)) {
            foreign.push(format!("its consent to {}", grant.scopes().collect::<Vec<_>>().join(" ")));
        }
        foreign
    }

    /// In the record, or for nothing but what setup asks for: an administrator may have followed setup's link.
    fn is_own_consent(&self, grant: &PermissionGrant) -> bool {
        if self.receipt.grants.contains(&grant.id) {
            return true;
        }
        self.wanted.signing_in().permissions.iter().any(|permissions| {
            let resource = match permissions.resource {
                Resource::Api => self.existing.api.as_ref().and_then(ExistingApp::principal_id),
                Resource::Graph => self.existing.graph_principal.as_deref(),
            };
            resource == Some(&grant.resource_id)
                && grant.scopes().all(|scope| permissions.scopes.iter().any(|(name, _)| name == scope))
        })
    }

    /// Setup gives no application any permission of its own.
    fn held(&self, id: &str) -> Option<String> {
        let held = self.hanging.held.iter().filter(|one| one.principal_id == id);
        let count = held.filter(|one| !self.receipt.assignments.contains(&one.id)).count();
        (count > 0).then(|| format!("{count} application permission(s) that it was given"))
    }

    fn assignments(&self) -> impl Iterator<Item = String> {
        let others = self.existing.assignments.iter();
        let others = others.filter(|one| !self.receipt.assignments.contains(&one.id));
        others.map(|one| {
            format!("the assignment of {}", one.principal_display_name.as_deref().unwrap_or("somebody"))
        })
    }

    fn pre_authorized(&self, api: &Application) -> Vec<String> {
        let client = self.existing.client.as_ref().map(|client| client.application.app_id.as_str());
        let ours = [client, self.receipt.client.as_deref()];
        let entries = api.api.pre_authorized_applications.iter();
        let others = entries.filter(|entry| !ours.contains(&Some(&entry.app_id)));
        others.map(|entry| format!("the preauthorised client {}", entry.app_id)).collect()
    }

    /// Setup gives all of them one name, from whatever directory: only the record tells which are of this one.
    fn credentials(&self, app: &ExistingApp) -> Vec<String> {
        let shown = |name: &Option<String>| name.clone().unwrap_or_default();
        let mut foreign = Vec::new();
        for secret in &app.application.password_credentials {
            if !self.receipt.secrets.contains(&secret.key_id) {
                foreign.push(format!("the client secret \"{}\"", shown(&secret.display_name)));
            }
        }
        for key in &app.application.key_credentials {
            if !self.receipt.has_certificate(key) {
                foreign.push(format!("the certificate \"{}\"", shown(&key.display_name)));
            }
        }
        for one in &app.federated {
            if !self.receipt.federated.contains(&one.id) {
                foreign.push(format!("the federated credential \"{}\"", one.name));
            }
        }
        foreign
    }

    fn wanted_app(&self, part: Part) -> Option<&WantedApp> {
        self.wanted.apps().find(|app| app.part == part)
    }

    fn redirects(&self, part: Part, app: &Application) -> Vec<String> {
        let wanted = self.wanted_app(part).into_iter();
        let wanted = wanted.flat_map(|app| app.web_redirect_uris.iter().chain(&app.public_redirect_uris));
        let known: Vec<&String> = wanted.chain(&self.receipt.redirect_uris).collect();
        let platforms = [&app.web.redirect_uris, &app.spa.redirect_uris, &app.public_client.redirect_uris];
        let others = platforms.into_iter().flatten().filter(|uri| !known.contains(uri));
        others.map(|uri| format!("the redirect URI {uri}")).collect()
    }

    /// Scopes and roles. The ids of setup's own follow from their names.
    fn permissions(&self, part: Part, app: &Application) -> Vec<String> {
        let wanted = self.wanted_app(part);
        let is_made = |kind, id: &str, value: &str| {
            let name = app.unique_name.as_deref().or(wanted.map(|wanted| wanted.unique_name.as_str()));
            name.is_some_and(|name| permission_id(name, kind, value) == id)
        };
        let mut foreign = Vec::new();
        for scope in &app.api.oauth2_permission_scopes {
            let value = scope.value.as_deref().unwrap_or_default();
            let is_wanted = wanted.is_some_and(|app| app.scopes.iter().any(|one| one.value == value));
            if !is_wanted && !is_made("scope", &scope.id, value) {
                foreign.push(format!("the scope {value}"));
            }
        }
        for role in &app.app_roles {
            let value = role.value.as_deref().unwrap_or_default();
            let is_wanted = wanted.is_some_and(|app| app.roles.iter().any(|one| one.value == value));
            if !is_wanted && !is_made("role", &role.id, value) {
                foreign.push(format!("the role {value}"));
            }
        }
        foreign
    }
}
