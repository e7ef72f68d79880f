//! `user` and `group`: whom a role is assigned to.

use serde::{Deserialize, Serialize};

/// A person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// The object id.
    pub id: String,
    /// The name.
    pub display_name: Option<String>,
    /// The sign-in name.
    pub user_principal_name: Option<String>,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// The object id.
    pub id: String,
    /// The name.
    pub display_name: Option<String>,
}
