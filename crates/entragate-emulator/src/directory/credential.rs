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
