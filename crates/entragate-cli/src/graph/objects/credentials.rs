//! Secrets and certificates of an application: what Graph tells of them, and the one answer that holds a secret.

use entragate::Secret;
use serde::{Deserialize, Deserializer, Serialize};

use super::Rest;

/// A client secret as it can be read: never its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordCredential {
    /// The secret's id, often mistaken for its value (AADSTS7000215).
    pub key_id: String,
    /// What its maker called it.
    pub display_name: Option<String>,
    /// From when it is good.
    pub start_date_time: Option<String>,
    /// Until when it is good (AADSTS7000222).
    pub end_date_time: Option<String>,
    /// The first three characters.
    pub hint: Option<String>,
}

impl PasswordCredential {
    /// The `hint` that Graph shows of a secret with this text.
    pub fn hint_of(secret: &Secret) -> String {
        secret.expose().chars().take(3).collect()
    }
}

/// A certificate. Unknown members are kept, because the list is written whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyCredential {
    /// Its id.
    pub key_id: Option<String>,
    /// What its maker called it.
    pub display_name: Option<String>,
    /// The thumbprint, base64 of the SHA-1 (or SHA-256) of the certificate.
    pub custom_key_identifier: Option<String>,
    /// Until when it is good.
    pub end_date_time: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl KeyCredential {
    /// A certificate's SHA-1 in the spelling of `customKeyIdentifier`: hexadecimal.
    pub fn identifier(digest: &[u8]) -> String {
        digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
    }
}

/// The answer of `addPassword`: the only time that a secret is told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPassword {
    /// The secret's id.
    pub key_id: String,
    /// The secret.
    #[serde(deserialize_with = "secret")]
    pub secret_text: Secret,
    /// Until when it is good.
    pub end_date_time: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(Secret::new)
}
