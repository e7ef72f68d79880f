//! Who may do what: permissions of an app on another one, consents of users, assignments of roles.

use serde::{Deserialize, Serialize};

use super::app::is_default;

/// Scopes of, or for, another app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The other app, by name or id.
    pub app: String,
    /// Scope values.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// In `required_access`: values of app roles, the application permissions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub roles: Vec<String>,
}

/// What a user consented to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConsent {
    /// Object id of the user.
    pub user: String,
    /// Application id of the client.
    pub client: String,
    /// Application id of the API.
    pub app: String,
    /// Scope values.
    pub scopes: Vec<String>,
}

/// An app role assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// A user, a group, an app or a managed identity, by name.
    pub principal: String,
    /// The role's value; none is default access.
    #[serde(default, skip_serializing_if = "is_default")]
    pub role: Option<String>,
}
