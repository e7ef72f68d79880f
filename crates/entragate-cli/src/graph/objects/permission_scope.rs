//! `permissionScope`: a scope that an API exposes, and the clients that need no consent for it.

use serde::{Deserialize, Serialize};

use super::Rest;
use super::null::or_default;

/// An exposed scope. Unknown members (the texts of the consent page) are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PermissionScope {
    /// What required permissions name.
    pub id: String,
    /// What appears in `scp` of a token.
    pub value: Option<String>,
    /// `User`, or `Admin` when only an administrator may consent.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whether it can be asked for.
    #[serde(deserialize_with = "or_default")]
    pub is_enabled: bool,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A client that the API lets in without consent. Unknown members are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PreAuthorizedApplication {
    /// The client.
    pub app_id: String,
    /// Ids of scopes.
    #[serde(deserialize_with = "or_default")]
    pub delegated_permission_ids: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}
