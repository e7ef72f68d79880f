//! The service principal of an app: what a tenant holds of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::app::is_default;

/// What only the service principal has. Every app has one, unless it is `absent`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicePrincipal {
    /// There is none: AADSTS7000229 for a daemon, AADSTS650052 for who asks for the API.
    #[serde(default, skip_serializing_if = "is_default")]
    pub absent: bool,
    /// `accountEnabled: false`: AADSTS7000112 for a client, AADSTS500014 for an API.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// Object id, a GUID; made from the app's id where it is not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub object_id: Option<String>,
    /// `tags`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tags: Vec<String>,
    /// Further properties of Microsoft Graph that are only stored, as JSON texts by name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stored: BTreeMap<String, String>,
}
