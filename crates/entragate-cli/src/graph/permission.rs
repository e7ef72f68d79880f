//! Which permission a request needs, for a message that says what is missing. The least one is named each time
//! (<https://learn.microsoft.com/graph/permissions-reference>).

use super::request::{Method, Request};

/// A permission of Microsoft Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Reads applications, service principals and app role assignments.
    ApplicationRead,
    /// Writes applications and service principals.
    ApplicationWrite,
    /// Reads delegated consents.
    GrantRead,
    /// Consents for everybody.
    GrantWrite,
    /// Assigns app roles.
    AssignmentWrite,
    /// Reads domains.
    DomainRead,
    /// Reads policies.
    PolicyRead,
    /// Finds users by name.
    UserRead,
    /// Finds groups by name.
    GroupRead,
    /// Reads the tenant's name.
    OrganizationRead,
}

impl Permission {
    /// The permission that a request needs; `None` for what anybody may ask.
    pub fn of(request: &Request) -> Option<Self> {
        let writes = request.method != Method::Get;
        let path = request.path.split('?').next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').split('/');
        let first = parts.next()?.split('(').next()?;
        let last = parts.next_back();
        Some(match (first, last) {
            ("servicePrincipals", Some("appRoleAssignedTo")) if writes => Self::AssignmentWrite,
            ("servicePrincipals", _) if path.contains("/appRoleAssignedTo/") && writes => {
                Self::AssignmentWrite
            }
            ("applications" | "servicePrincipals", _) if writes => Self::ApplicationWrite,
            ("applications" | "servicePrincipals", _) => Self::ApplicationRead,
            ("oauth2PermissionGrants", _) if writes => Self::GrantWrite,
            ("oauth2PermissionGrants", _) => Self::GrantRead,
            ("domains", _) => Self::DomainRead,
            ("policies" | "identity", _) => Self::PolicyRead,
            ("users", _) => Self::UserRead,
            ("groups", _) => Self::GroupRead,
            ("organization", _) => Self::OrganizationRead,
            _ => return None,
        })
    }

    /// Its name in Entra.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApplicationRead => "Application.Read.All",
            Self::ApplicationWrite => "Application.ReadWrite.All",
            Self::GrantRead => "DelegatedPermissionGrant.Read.All",
            Self::GrantWrite => "DelegatedPermissionGrant.ReadWrite.All",
            Self::AssignmentWrite => "AppRoleAssignment.ReadWrite.All",
            Self::DomainRead => "Domain.Read.All",
            Self::PolicyRead => "Policy.Read.All",
            Self::UserRead => "User.ReadBasic.All",
            Self::GroupRead => "GroupMember.Read.All",
            Self::OrganizationRead => "Organization.Read.All",
        }
    }

    /// The directory role that a person needs beside the permission; what members may do by default is said too.
    pub const fn role(self) -> &'static str {
        match self {
            Self::ApplicationWrite => {
                "Cloud Application Administrator, or Application Developer to register apps of their own"
            }
            Self::GrantWrite | Self::AssignmentWrite => "Cloud Application Administrator",
            Self::PolicyRead => "Global Reader",
            Self::ApplicationRead
            | Self::GrantRead
            | Self::DomainRead
            | Self::UserRead
            | Self::GroupRead
            | Self::OrganizationRead => "Directory Readers; members of the tenant have it by default",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_request_names_the_least_permission() {
        for (request, expected) in [
            (Request::get("/applications(appId='x')?$select=id"), "Application.Read.All"),
            (Request::upsert("/applications(uniqueName='x')", json!({})), "Application.ReadWrite.All"),
            (Request::post("/applications/x/addPassword", json!({})), "Application.ReadWrite.All"),
            (Request::get("/servicePrincipals/x/appRoleAssignedTo"), "Application.Read.All"),
            (
                Request::post("/servicePrincipals/x/appRoleAssignedTo", json!({})),
                "AppRoleAssignment.ReadWrite.All",
            ),
            (Request::delete("/servicePrincipals/x/appRoleAssignedTo/y"), "AppRoleAssignment.ReadWrite.All"),
            (Request::get("/oauth2PermissionGrants?$top=1"), "DelegatedPermissionGrant.Read.All"),
            (Request::delete("/oauth2PermissionGrants/x"), "DelegatedPermissionGrant.ReadWrite.All"),
            (Request::get("/policies/authorizationPolicy"), "Policy.Read.All"),
        ] {
            assert_eq!(Permission::of(&request).map(Permission::name), Some(expected), "{}", request.name());
        }
        assert_eq!(Permission::of(&Request::get("/me")), None);
    }
}
