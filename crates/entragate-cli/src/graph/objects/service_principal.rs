//! `servicePrincipal`: an application in a tenant, where consent and assignments hang.

use serde::{Deserialize, Serialize};

use super::null::or_default;
use super::{AppRole, PermissionScope};

/// An application in this tenant ("enterprise application").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePrincipal {
    /// The object id.
    pub id: String,
    /// The application's id.
    pub app_id: String,
    /// The name.
    pub display_name: Option<String>,
    /// Whether it may be used at all (AADSTS7000112).
    pub account_enabled: Option<bool>,
    /// Whether only assigned people get in (AADSTS50105).
    pub app_role_assignment_required: Option<bool>,
    /// The tenant of the app registration.
    pub app_owner_organization_id: Option<String>,
    /// Words that its makers attach.
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Another signing key than the tenant's.
    pub preferred_token_signing_key_thumbprint: Option<String>,
    /// The roles of the application.
    #[serde(deserialize_with = "or_default")]
    pub app_roles: Vec<AppRole>,
    /// The scopes of the application.
    #[serde(deserialize_with = "or_default")]
    pub oauth2_permission_scopes: Vec<PermissionScope>,
}

impl ServicePrincipal {
    /// The members to ask for.
    pub const SELECT: &str = "$select=id,appId,displayName,accountEnabled,appRoleAssignmentRequired,\
        appOwnerOrganizationId,tags,preferredTokenSigningKeyThumbprint,appRoles,oauth2PermissionScopes";

    /// The path of the service principal of this application.
    pub fn path(app_id: &str) -> String {
        format!("/servicePrincipals(appId={})?{}", crate::graph::odata::literal(app_id), Self::SELECT)
    }
}
