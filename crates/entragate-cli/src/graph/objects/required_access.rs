//! `requiredResourceAccess`: the permissions that a client lists; consent for `.default` is consent for these.

use serde::{Deserialize, Serialize};

use super::Rest;
use super::null::or_default;

/// Permissions on one API. Unknown members are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequiredResourceAccess {
    /// The API's application id.
    pub resource_app_id: String,
    /// The permissions.
    #[serde(deserialize_with = "or_default")]
    pub resource_access: Vec<ResourceAccess>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// One permission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceAccess {
    /// Id of a scope or an app role.
    pub id: String,
    /// `Scope` or `Role`.
    #[serde(rename = "type")]
    pub kind: String,
}
