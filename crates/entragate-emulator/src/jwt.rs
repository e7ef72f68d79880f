//! Compact JWS, made by hand so that hostile ones can be made too.

use serde_json::{Map, Value};

use crate::digest::{base64url, sha256};
use crate::keys::SigningKey;

/// A JSON object whose members keep their order.
pub(crate) type Object = Map<String, Value>;

/// The two parts that are signed.
pub(crate) fn signing_input(header: &Object, payload: &[u8]) -> String {
    let header = Value::Object(header.clone()).to_string();
    format!("{}.{}", base64url(header.as_bytes()), base64url(payload))
}

/// A token signed with RS256, whatever its header claims.
pub(crate) fn sign(key: &SigningKey, header: &Object, payload: &[u8]) -> String {
    let input = signing_input(header, payload);
    let signature = key.sign(input.as_bytes());
    format!("{input}.{}", base64url(&signature))
}

/// The signature covers the hash of the nonce while the header shows the nonce: only Graph itself can verify it.
pub(crate) fn sign_for_graph(key: &SigningKey, header: &Object, payload: &[u8]) -> String {
    let nonce = header.get("nonce").and_then(Value::as_str).unwrap_or_default();
    let mut hashed = header.clone();
    hashed.insert("nonce".into(), base64url(&sha256(nonce.as_bytes())).into());
    let signature = key.sign(signing_input(&hashed, payload).as_bytes());
    format!("{}.{}", signing_input(header, payload), base64url(&signature))
}

/// A good token of these claims.
pub(crate) fn sign_claims(key: &SigningKey, header: &Object, claims: &Object) -> String {
    sign(key, header, Value::Object(claims.clone()).to_string().as_bytes())
}

/// The JOSE header of a token version: only version 1 repeats the thumbprint.
pub(crate) fn header(key: &SigningKey, version: u8) -> Object {
    let mut header = Object::new();
    header.insert("typ".into(), "JWT".into());
    header.insert("alg".into(), "RS256".into());
    if version == 1 {
        header.insert("x5t".into(), key.thumbprint.clone().into());
    }
    header.insert("kid".into(), key.thumbprint.clone().into());
    header
}
