//! What an app proves itself with, and the identities that Azure vouches for.

use serde::{Deserialize, Serialize};

use super::app::is_default;
use crate::clock;

/// A client secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The secret itself: everything here is a fixture.
    pub value: String,
    /// Past its end date, whatever that is: AADSTS7000222.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expired: bool,
    /// `keyId`, a GUID; made from app and secret where it is not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: Option<String>,
    /// `displayName`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: Option<String>,
    /// `startDateTime`, such as `2026-01-31T00:00:00Z`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub starts: Option<String>,
    /// `endDateTime`: from then on, AADSTS7000222.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ends: Option<String>,
}

impl Secret {
    /// Whether it is past its end at this emulated time.
    pub(crate) fn has_ended(&self, now: u64) -> bool {
        self.expired || self.ends.as_deref().and_then(clock::parse_iso).is_some_and(|end| end <= now)
    }
}

/// A certificate whose key signs client assertions. In a directory file, the PEM text alone will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "KeyCredentialForm", into = "KeyCredentialForm")]
pub struct KeyCredential {
    /// The certificate in PEM.
    pub pem: String,
    /// `keyId`, a GUID; made from app and certificate where it is not given.
    pub id: Option<String>,
    /// `displayName`; where it is not given, the certificate's subject.
    pub name: Option<String>,
}

impl From<&str> for KeyCredential {
    fn from(pem: &str) -> Self {
        Self { pem: pem.to_owned(), ..Self::default() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum KeyCredentialForm {
    Pem(String),
    Named(NamedKeyCredential),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedKeyCredential {
    pem: String,
    #[serde(default, skip_serializing_if = "is_default")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    name: Option<String>,
}

impl From<KeyCredentialForm> for KeyCredential {
    fn from(form: KeyCredentialForm) -> Self {
        match form {
            KeyCredentialForm::Pem(pem) => Self { pem, ..Self::default() },
            KeyCredentialForm::Named(NamedKeyCredential { pem, id, name }) => Self { pem, id, name },
        }
    }
}

impl From<KeyCredential> for KeyCredentialForm {
    fn from(KeyCredential { pem, id, name }: KeyCredential) -> Self {
        match (id, name) {
            (None, None) => Self::Pem(pem),
            (id, name) => Self::Named(NamedKeyCredential { pem, id, name }),
        }
    }
}

/// A federated identity credential: the token of another issuer in place of a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedCredential {
    /// What the portal calls it.
    pub name: String,
    /// Its id, a GUID; made from app and name where it is not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: Option<String>,
    /// `description`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// `iss`, byte for byte; [`FederatedCredential::THIS_ISSUER`] stands for the v2 issuer of the app's tenant here, as
    /// for managed identities.
    pub issuer: String,
    /// `sub`, byte for byte; of a managed identity, its object id.
    pub subject: String,
    /// `aud`: one of these.
    pub audiences: Vec<String>,
    /// The issuer's key document, since the emulator fetches none; needless for the emulator's own issuer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub jwks: Option<String>,
}

impl FederatedCredential {
    /// The placeholder in [`FederatedCredential::issuer`].
    pub const THIS_ISSUER: &'static str = "{issuer}";
}

/// A user-assigned managed identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedIdentity {
    /// Unique name.
    pub name: String,
    /// Client id, a GUID: what its tokens are asked for with.
    pub client_id: String,
    /// Object id of its service principal, a GUID: `sub` and `oid` of its tokens.
    pub object_id: String,
    /// The tenant of the subscription it lives in.
    pub tenant: String,
}

#[cfg(test)]
mod tests {
    use super::KeyCredential;
    use crate::Directory;
    use crate::fixtures::{API, CLIENT_CERTIFICATE};

    #[test]
    fn named_certificates_and_bare_ones_stand_side_by_side_in_a_file() {
        let mut directory = Directory::fixtures();
        let api = directory.apps.iter_mut().find(|app| app.id == API).expect("an app");
        let named = KeyCredential { name: Some("gateway".to_owned()), ..CLIENT_CERTIFICATE.into() };
        api.certificates = vec![CLIENT_CERTIFICATE.into(), named];
        let text = directory.to_toml();
        assert_eq!(Directory::from_toml(&text).expect("it parses"), directory);
        let misspelt = text.replace("name = \"gateway\"", "nmae = \"gateway\"");
        assert!(misspelt != text && Directory::from_toml(&misspelt).is_err());
    }
}
