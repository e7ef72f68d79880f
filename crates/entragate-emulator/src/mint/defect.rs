//! What can be wrong with a token.

use std::sync::Arc;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Draft;
use crate::digest::base64url;
use crate::fixtures::GRAPH;
use crate::jwt::{self, Object};
use crate::keys::{self, SigningKey};

/// A reason to refuse a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Defect {
    /// `alg: none`, no signature.
    AlgNone,
    /// HS256 with the RSA public key (SPKI, DER) as the secret.
    AlgHs256,
    /// No `kid`.
    KidMissing,
    /// A `kid` that is nowhere published.
    KidUnknown,
    /// One bit of the signature is wrong.
    BadSignature,
    /// Signed with a key of the consumers issuer, for the tenant's issuer.
    ConsumersKey,
    /// `tid` of another tenant than `iss`.
    WrongTid,
    /// `tid` twice, in two casings.
    DuplicateTid,
    /// Signed with a key whose `cloud_instance_name` is another cloud's. The key is published from then on.
    WrongCloudInstance,
    /// `exp` an hour ago.
    Expired,
    /// `nbf` in an hour.
    NotYetValid,
    /// No `exp`.
    NoExp,
    /// No `nbf`.
    NoNbf,
    /// `exp` is a string.
    StringExp,
    /// `aud` is an array.
    AudArray,
    /// Five parts: encrypted.
    Jwe,
    /// For Microsoft Graph: `nonce` in the header and a signature over its hash.
    GraphNonce,
    /// An ID token for the client.
    IdToken,
    /// Issuer and `tid` of the second tenant.
    OtherTenant,
    /// `aud` is another API.
    SiblingApp,
    /// Neither `scp` nor `roles`.
    NoScpNoRoles,
    /// `crit` with an extension nobody knows.
    CritHeader,
}

/// The tenant that is not the token's.
fn other_tenant(draft: &Draft<'_>) -> String {
    let own = draft.claims.get("tid").and_then(Value::as_str).unwrap_or_default();
    let other = draft.entra.directory.tenants.iter().find(|tenant| tenant.id != own);
    other.map_or_else(|| "99999999-9999-4999-8999-999999999999".to_owned(), |tenant| tenant.id.clone())
}

/// An API that is not the token's.
fn sibling(draft: &Draft<'_>) -> String {
    let apps =
        || draft.entra.directory.apps.iter().filter(|app| app.id != draft.api.id && !app.scopes.is_empty());
    let found = apps().find(|app| app.name == "SIBLING").or_else(|| apps().next());
    found.map_or_else(|| "99999999-9999-4999-8999-999999999999".to_owned(), |app| app.id.clone())
}

pub(super) fn spoil_claims(draft: &mut Draft<'_>) {
    let now = draft.entra.now();
    let mut set = |name: &str, value: Value| draft.claims.insert(name.into(), value);
    match draft.request.defect {
        Some(Defect::Expired) => {
            set("iat", json!(now - 7200));
            set("nbf", json!(now - 7200));
            set("exp", json!(now - 3600));
        }
        Some(Defect::NotYetValid) => {
            set("nbf", json!(now + 3600));
            set("exp", json!(now + 7200));
        }
        Some(Defect::NoExp) => remove(draft, &["exp"]),
        Some(Defect::NoNbf) => remove(draft, &["nbf"]),
        Some(Defect::NoScpNoRoles) => remove(draft, &["scp", "roles"]),
        Some(Defect::StringExp) => {
            let exp = draft.claims.get("exp").map(ToString::to_string).unwrap_or_default();
            draft.claims.insert("exp".into(), exp.into());
        }
        Some(Defect::AudArray) => {
            let aud = draft.claims.get("aud").cloned().unwrap_or_default();
            draft.claims.insert("aud".into(), json!([aud]));
        }
        Some(Defect::WrongTid) => {
            let other = other_tenant(draft);
            draft.claims.insert("tid".into(), other.into());
        }
        Some(Defect::OtherTenant) => {
            let other = other_tenant(draft);
            let entra = draft.entra;
            let issuer = if draft.version == 1 { entra.v1_issuer(&other) } else { entra.v2_issuer(&other) };
            draft.claims.insert("iss".into(), issuer.into());
            draft.claims.insert("tid".into(), other.into());
        }
        Some(Defect::SiblingApp) => {
            let other = sibling(draft);
            draft.claims.insert("aud".into(), other.into());
        }
        Some(Defect::GraphNonce) => {
            draft.claims.insert("aud".into(), GRAPH.into());
        }
        Some(Defect::IdToken) => id_token(draft),
        _ => {}
    }
}

fn remove(draft: &mut Draft<'_>, names: &[&str]) {
    for name in names {
        draft.claims.shift_remove(*name);
    }
}

/// What the client would get for itself: no `scp`, and its own id as `aud`.
fn id_token(draft: &mut Draft<'_>) {
    remove(draft, &["scp", "roles", "azp", "azpacr", "appid", "appidacr"]);
    draft.claims.insert("aud".into(), draft.client.id.clone().into());
    draft.claims.insert("nonce".into(), draft.entra.random(|random| random.opaque(16)).into());
}

/// The payload as text, because a map cannot hold a claim twice.
pub(super) fn payload(draft: &Draft<'_>) -> String {
    let text = Value::Object(draft.claims.clone()).to_string();
    match (draft.request.defect, text.strip_suffix('}')) {
        (Some(Defect::DuplicateTid), Some(open)) => format!(r#"{open},"TID":"{}"}}"#, other_tenant(draft)),
        _ => text,
    }
}

pub(super) fn key(draft: &Draft<'_>) -> Arc<SigningKey> {
    let state = &draft.entra.state;
    match draft.request.defect {
        Some(Defect::ConsumersKey) => state.with(|state| Arc::clone(&state.keys.consumers)),
        Some(Defect::WrongCloudInstance) => {
            if let Some(key) = state.with(|state| state.keys.foreign.clone()) {
                return key;
            }
            let reserved = state.with(|state| state.keys.reserve());
            let key = keys::next_key(reserved).expect("a key was made at start, so another one can be");
            state.with(|state| Arc::clone(state.keys.foreign.get_or_insert(key)))
        }
        _ => state.with(|state| Arc::clone(&state.keys.active)),
    }
}

pub(super) fn spoil_header(draft: &Draft<'_>, header: &mut Object) {
    let opaque = |bytes| draft.entra.random(|random| random.opaque(bytes));
    let mut set = |name: &str, value: Value| header.insert(name.into(), value);
    match draft.request.defect {
        Some(Defect::AlgNone) => {
            set("alg", "none".into());
        }
        Some(Defect::AlgHs256) => {
            set("alg", "HS256".into());
        }
        Some(Defect::KidMissing) => {
            header.shift_remove("kid");
            header.shift_remove("x5t");
        }
        Some(Defect::KidUnknown) => {
            set("kid", opaque(20).into());
        }
        Some(Defect::GraphNonce) => {
            set("nonce", opaque(32).into());
        }
        Some(Defect::CritHeader) => {
            set("crit", json!(["urn:example:unknown"]));
            set("urn:example:unknown", true.into());
        }
        Some(Defect::Jwe) => {
            set("alg", "RSA-OAEP".into());
            set("enc", "A256CBC-HS512".into());
            set("cty", "JWT".into());
        }
        _ => {}
    }
}

/// Signs, or pretends to.
pub(super) fn seal(draft: &Draft<'_>, key: &SigningKey, header: &Object, payload: &[u8]) -> String {
    let input = jwt::signing_input(header, payload);
    match draft.request.defect {
        Some(Defect::AlgNone) => format!("{input}."),
        Some(Defect::AlgHs256) => {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, &key.public_spki());
            format!("{input}.{}", base64url(hmac::sign(&secret, input.as_bytes()).as_ref()))
        }
        Some(Defect::BadSignature) => {
            let mut signature = key.sign(input.as_bytes());
            if let Some(byte) = signature.get_mut(100) {
                *byte ^= 1;
            }
            format!("{input}.{}", base64url(&signature))
        }
        Some(Defect::GraphNonce) => jwt::sign_for_graph(key, header, payload),
        Some(Defect::Jwe) => draft.entra.random(|random| {
            let head = base64url(Value::Object(header.clone()).to_string().as_bytes());
            let parts = [256, 16, payload.len().next_multiple_of(16), 32].map(|bytes| random.opaque(bytes));
            format!("{head}.{}", parts.join("."))
        }),
        _ => jwt::sign(key, header, payload),
    }
}
