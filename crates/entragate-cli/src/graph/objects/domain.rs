//! `domain`: a domain of the tenant.

use serde::{Deserialize, Serialize};

/// A domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Domain {
    /// Its name.
    pub id: String,
    /// Whether the tenant has proved that it is its own.
    pub is_verified: bool,
}

impl Domain {
    /// The path of all domains.
    pub const ALL: &str = "/domains?$select=id,isVerified";
}
