//! Keys in a file: to judge a token where Entra cannot be reached, or as it was at another time.

use serde::Deserialize;
use serde_json::{Value, json};

use super::keys::Snapshot;
use crate::clock::Timestamp;
use crate::idp::entra::endpoints::Endpoints;
use crate::idp::entra::registration::{AuthorityHost, TenantId};

/// Why a text holds no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedKeysError {
    /// Neither of the two forms.
    #[error("neither saved keys nor a key set (RFC 7517): {0}")]
    Form(#[from] serde_json::Error),
}

/// A tenant's discovery document and key set. Nothing in it is secret.
#[derive(Debug, Clone)]
pub struct SavedKeys {
    /// Nothing for a bare key set, which does not say whose it is.
    discovery: Option<Discovery>,
    key_set: Value,
}

#[derive(Debug, Clone)]
struct Discovery {
    document: Value,
    issuer_v1: Option<String>,
    saved_at: Timestamp,
}

/// The file: what was saved, or an RFC 7517 key set as Entra serves it.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Saved {
        saved_at: Timestamp,
        openid_configuration: Value,
        #[serde(default)]
        issuer_v1: Option<String>,
        jwks: Value,
    },
    KeySet {
        keys: Vec<Value>,
    },
}

impl SavedKeys {
    /// Reads what [`SavedKeys::to_json`] wrote, or a plain key set.
    pub fn parse(text: &str) -> Result<Self, SavedKeysError> {
        Ok(match serde_json::from_str(text)? {
            File::Saved { saved_at, openid_configuration, issuer_v1, jwks } => Self {
                discovery: Some(Discovery { document: openid_configuration, issuer_v1, saved_at }),
                key_set: jwks,
            },
            File::KeySet { keys } => Self { discovery: None, key_set: json!({ "keys": keys }) },
        })
    }

    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let discovery = Discovery {
            document: snapshot.endpoints.document(),
            issuer_v1: snapshot.endpoints.issuer_v1.clone(),
            saved_at: snapshot.fetched(),
        };
        Self { discovery: Some(discovery), key_set: snapshot.key_set() }
    }

    /// One file with all of it.
    pub fn to_json(&self) -> String {
        let document = match &self.discovery {
            Some(Discovery { document, issuer_v1, saved_at }) => json!({
                "saved_at": saved_at,
                "openid_configuration": document,
                "issuer_v1": issuer_v1,
                "jwks": self.key_set,
            }),
            None => self.key_set.clone(),
        };
        format!("{document:#}\n")
    }

    /// When they were saved; a bare key set does not say.
    pub fn saved_at(&self) -> Option<Timestamp> {
        self.discovery.as_ref().map(|discovery| discovery.saved_at)
    }

    pub(crate) fn snapshot(&self, authority: &AuthorityHost, tenant: &TenantId) -> Result<Snapshot, String> {
        let key_set = self.key_set.to_string();
        let (document, issuer_v1, saved_at) = match &self.discovery {
            Some(Discovery { document, issuer_v1, saved_at }) => {
                (document.clone(), issuer_v1.clone(), *saved_at)
            }
            None => assumed(authority, tenant)?,
        };
        let endpoints = Endpoints::saved(document, issuer_v1, tenant).map_err(|error| error.to_string())?;
        Snapshot::of(endpoints, key_set.as_bytes(), saved_at)
    }
}

/// What a bare key set leaves out. The issuer of v1 tokens is documented for the public cloud only.
fn assumed(
    authority: &AuthorityHost,
    tenant: &TenantId,
) -> Result<(Value, Option<String>, Timestamp), String> {
    let Some(guid) = tenant.as_guid() else {
        return Err(format!(
            "a bare key set does not say which tenant {tenant} is: name the tenant by its GUID, or save the keys with --save-keys"
        ));
    };
    let host = authority.as_str();
    let issuer_v2 = format!("{host}/{guid}/v2.0");
    let issuer_v1 = (host == AuthorityHost::PUBLIC).then(|| format!("https://sts.windows.net/{guid}/"));
    let document = json!({
        "issuer": issuer_v2,
        "authorization_endpoint": format!("{host}/{guid}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{host}/{guid}/oauth2/v2.0/token"),
        "jwks_uri": format!("{host}/{guid}/discovery/v2.0/keys"),
    });
    Ok((document, issuer_v1, Timestamp::from_unix(0)))
}
