//! `appRole`: a role that people or applications can be assigned.

use serde::{Deserialize, Serialize};

use super::Rest;
use super::null::or_default;

/// An app role. Unknown members are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppRole {
    /// What assignments name.
    pub id: String,
    /// What appears in `roles` of a token.
    pub value: Option<String>,
    /// What administrators see.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `User` (people and groups), `Application`, or both.
    #[serde(deserialize_with = "or_default")]
    pub allowed_member_types: Vec<String>,
    /// Whether it can be assigned.
    #[serde(deserialize_with = "or_default")]
    pub is_enabled: bool,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl AppRole {
    /// Whether people can be assigned to it.
    pub fn is_for_people(&self) -> bool {
        self.allowed_member_types.iter().any(|kind| kind == "User")
    }
}
