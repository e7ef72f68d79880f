//! `oAuth2PermissionGrant`: a consent to delegated permissions.

use serde::{Deserialize, Serialize};

/// A consent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PermissionGrant {
    /// Its id.
    pub id: String,
    /// The client's service principal.
    pub client_id: String,
    /// `AllPrincipals` (an administrator's), or `Principal` (one person's).
    pub consent_type: String,
    /// The person.
    pub principal_id: Option<String>,
    /// The API's service principal.
    pub resource_id: String,
    /// Short names of scopes, separated by spaces (sometimes also at the ends).
    pub scope: Option<String>,
}

impl PermissionGrant {
    /// Whether it is an administrator's, for everybody.
    pub fn is_for_everybody(&self) -> bool {
        self.consent_type == "AllPrincipals"
    }

    /// The scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.as_deref().unwrap_or_default().split_ascii_whitespace()
    }
}
