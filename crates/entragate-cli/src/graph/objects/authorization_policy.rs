//! `authorizationPolicy`: what members may do.

use serde::{Deserialize, Serialize};

use super::null::or_default;

/// The tenant's policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationPolicy {
    /// What members may do.
    #[serde(deserialize_with = "or_default")]
    pub default_user_role_permissions: UserPermissions,
}

impl AuthorizationPolicy {
    /// Its path.
    pub const PATH: &str = "/policies/authorizationPolicy?$select=defaultUserRolePermissions";

    /// Whether members may consent to nothing by themselves.
    pub const fn forbids_consent(&self) -> bool {
        self.default_user_role_permissions.permission_grant_policies_assigned.is_empty()
    }
}

/// What members may do by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserPermissions {
    /// Whether members may register applications.
    pub allowed_to_create_apps: Option<bool>,
    /// Consent policies of members; empty: they cannot consent (AADSTS90094).
    #[serde(deserialize_with = "or_default")]
    pub permission_grant_policies_assigned: Vec<String>,
}
