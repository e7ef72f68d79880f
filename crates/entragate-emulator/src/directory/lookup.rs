//! Finding things in the directory, with Entra's rules of membership and assignment.

use super::{App, Assignment, Directory, Group, Tenant, User};
use crate::guid;

impl Directory {
    /// The tenant of a GUID or domain.
    pub(crate) fn tenant(&self, id_or_domain: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| {
            let domains = tenant.domains.iter().chain([&tenant.initial_domain, &tenant.id]);
            domains.into_iter().any(|known| known.eq_ignore_ascii_case(id_or_domain))
        })
    }

    /// A tenant's display name, or the id itself.
    pub(crate) fn tenant_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.tenant(id).map_or(id, |tenant| tenant.name.as_str())
    }

    /// The user of that name or user principal name.
    pub(crate) fn user(&self, called: &str) -> Option<&User> {
        self.users.iter().find(|user| user.is_called(called))
    }

    pub(crate) fn user_by_oid(&self, oid: &str) -> Option<&User> {
        self.users.iter().find(|user| user.oid == oid)
    }

    /// The app of that id or name.
    pub(crate) fn app(&self, id_or_name: &str) -> Option<&App> {
        let by_id = self.apps.iter().find(|app| app.id.eq_ignore_ascii_case(id_or_name));
        by_id.or_else(|| self.apps.iter().find(|app| app.name == id_or_name))
    }

    /// The app of that client id, if it exists in the tenant; without a tenant, anywhere.
    pub(crate) fn client(&self, id: &str, tenant: Option<&str>) -> Option<&App> {
        let id = guid::parse(id)?;
        self.apps.iter().find(|app| app.id == id && exists_in(app, tenant))
    }

    /// The API that a scope's prefix names: a GUID, or an identifier URI byte for byte.
    pub(crate) fn api(&self, prefix: &str, tenant: Option<&str>) -> Option<&App> {
        let id = guid::parse(prefix);
        self.apps.iter().find(|app| {
            exists_in(app, tenant)
                && (id.as_ref() == Some(&app.id) || app.identifier_uris.iter().any(|uri| uri == prefix))
        })
    }

    /// Ids of all groups the user is in, nested ones included: what `groups` lists.
    pub(crate) fn group_ids(&self, user: &User) -> Vec<String> {
        let listed = self.groups.iter().filter(|group| self.is_transitive_member(group, user, 0));
        listed.map(|group| group.id.clone()).chain(self.unlisted_group_ids(user)).collect()
    }

    /// Ids of the groups that only make a user have many.
    #[expect(clippy::unused_self, reason = "a question to the directory, like its neighbours")]
    pub(crate) fn unlisted_group_ids(&self, user: &User) -> Vec<String> {
        (0..user.further_groups).map(|at| guid::derived(&format!("group {at} of {}", user.oid))).collect()
    }

    fn is_transitive_member(&self, group: &Group, user: &User, depth: u8) -> bool {
        let nested = || self.groups.iter().filter(|inner| group.groups.contains(&inner.name));
        // A cycle of nested groups is legal in Entra; the depth ends it here.
        is_direct_member(group, user)
            || depth < 16 && nested().any(|inner| self.is_transitive_member(inner, user, depth + 1))
    }

    /// The assignments of a user on an app: direct ones, and those of groups the user is a direct member of.
    pub(crate) fn user_assignments<'a>(&'a self, app: &'a App, user: &'a User) -> Vec<&'a Assignment> {
        let holds = |assignment: &&Assignment| {
            let group = self.groups.iter().find(|group| group.name == assignment.principal);
            user.name == assignment.principal || group.is_some_and(|group| is_direct_member(group, user))
        };
        app.assignments.iter().filter(holds).collect()
    }
}

fn is_direct_member(group: &Group, user: &User) -> bool {
    group.members.contains(&user.name)
}

fn exists_in(app: &App, tenant: Option<&str>) -> bool {
    app.audience.is_multi_tenant() || tenant.is_none_or(|tenant| app.tenant == tenant)
}
