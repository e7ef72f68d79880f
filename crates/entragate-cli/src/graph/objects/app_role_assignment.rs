//! `appRoleAssignment`: who has which role.

use serde::{Deserialize, Serialize};

/// An assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppRoleAssignment {
    /// Its id.
    pub id: String,
    /// The role's id; all zeros for "assigned, without a role".
    pub app_role_id: String,
    /// Who.
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: Option<String>,
    /// The name of who.
    pub principal_display_name: Option<String>,
    /// The API's service principal.
    pub resource_id: String,
}
