//! What an API exposes: delegated permissions (scopes) and app roles. Both share one space of ids.

use serde::{Deserialize, Serialize};

use super::app::is_default;

/// A delegated permission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What appears in `scp`.
    pub value: String,
    /// The permission's id, a GUID; made from app and value where it is not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: Option<String>,
    /// Type Admin: users cannot consent, AADSTS90094.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admin_only: bool,
    /// `isEnabled: false`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// `adminConsentDisplayName`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admin_consent_name: Option<String>,
    /// `adminConsentDescription`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admin_consent_description: Option<String>,
    /// `userConsentDisplayName`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub user_consent_name: Option<String>,
    /// `userConsentDescription`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub user_consent_description: Option<String>,
}

/// An app role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// What appears in `roles`.
    pub value: String,
    /// The role's id, a GUID; made from app and value where it is not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: Option<String>,
    /// Who can hold it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub members: Principals,
    /// `isEnabled: false`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// `displayName`; the value where it is not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub display_name: Option<String>,
    /// `description`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub description: Option<String>,
}

/// `allowedMemberTypes` of an app role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principals {
    /// Users and groups.
    #[default]
    User,
    /// Applications.
    Application,
    /// Both.
    Both,
}
