//! `federatedIdentityCredential`: an issuer whose tokens stand for a secret.

use serde::{Deserialize, Serialize};

use super::null::or_default;

/// A federated identity credential: each part must equal the token's letter by letter (AADSTS700213).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FederatedCredential {
    /// Its id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Its name, unique within the application, not to be changed.
    pub name: String,
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`.
    #[serde(deserialize_with = "or_default")]
    pub audiences: Vec<String>,
}
