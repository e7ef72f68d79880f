//! Whose key signed, and whether it did.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::header::Parts;
use super::keys::{Key, Snapshot};
use super::refused::{Refused, shown};
use super::step::Step;
use crate::idp::entra::endpoints::Endpoints;

/// A token and the key that its header names.
pub(crate) struct Signed<'a> {
    parts: &'a Parts<'a>,
    id: &'a str,
    key: &'a Key,
    endpoints: &'a Endpoints,
}

impl<'a> Signed<'a> {
    pub(crate) fn with(parts: &'a Parts<'a>, id: &'a str, snapshot: &'a Snapshot) -> Result<Self, Refused> {
        let key = snapshot.key(id).ok_or_else(|| Refused::UnknownKey(shown(id)))?;
        Ok(Self { parts, id, key, endpoints: &snapshot.endpoints })
    }
}

/// What the key must be, and that it signed these very bytes.
pub(crate) fn steps<'a>() -> [Step<Signed<'a>>; 3] {
    [
        Step {
            check: "key_issuer",
            found: |signed| {
                signed.key.issuer.as_deref().map_or_else(|| "the key names none".to_owned(), shown)
            },
            judge: check_key_issuer,
        },
        Step {
            check: "key_cloud",
            found: |signed| {
                signed.key.cloud_instance.as_deref().map_or_else(|| "the key names none".to_owned(), shown)
            },
            judge: check_key_cloud,
        },
        Step {
            check: "signature",
            // Nothing of a signature is ever shown.
            found: |_| "RS256 over header and payload".to_owned(),
            judge: check_signature,
        },
    ]
}

/// The common key set also holds the keys of personal accounts; each key names whom it may sign for.
fn check_key_issuer(signed: &Signed<'_>) -> Result<(), Refused> {
    match &signed.key.issuer {
        Some(issuer)
            if issuer.replace("{tenantid}", &signed.endpoints.tenant_guid) != signed.endpoints.issuer_v2 =>
        {
            Err(Refused::KeyIssuer { key: shown(signed.id), issuer: shown(issuer) })
        }
        _ => Ok(()),
    }
}

fn check_key_cloud(signed: &Signed<'_>) -> Result<(), Refused> {
    match (&signed.key.cloud_instance, &signed.endpoints.cloud_instance) {
        (Some(of_key), Some(of_cloud)) if of_key != of_cloud => Err(Refused::KeyCloud(shown(signed.id))),
        _ => Ok(()),
    }
}

fn check_signature(signed: &Signed<'_>) -> Result<(), Refused> {
    let Parts { signature, signing_input, .. } = signed.parts;
    let refused = || Refused::Signature(shown(signed.id));
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| refused())?;
    signed.key.verifying.verify_sig(signing_input.as_bytes(), &signature).map_err(|_| refused())
}
