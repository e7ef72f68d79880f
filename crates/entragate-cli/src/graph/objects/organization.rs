//! `organization`: the tenant, as far as everybody in it may read.

use serde::{Deserialize, Serialize};

/// The tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    /// The domains that it has proved to be its own.
    pub verified_domains: Vec<VerifiedDomain>,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VerifiedDomain {
    /// Its name.
    pub name: String,
}

impl Organization {
    /// The path of a list with one entry.
    pub const PATH: &str = "/organization?$select=id,verifiedDomains";
}
