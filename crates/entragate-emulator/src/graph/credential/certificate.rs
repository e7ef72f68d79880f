//! `keyCredentials`: certificates, replaced whole by a `PATCH` of the application.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::assertion::certificate::Certificate;
use crate::clock;
use crate::directory::{App, KeyCredential};
use crate::graph::body;
use crate::graph::error::GraphError;

const MEMBERS: [&str; 9] = [
    "keyId",
    "type",
    "usage",
    "key",
    "displayName",
    "startDateTime",
    "endDateTime",
    "customKeyIdentifier",
    "hasExtendedValue",
];

/// In characters; what is longer is accepted and shortened (Microsoft Graph, resource type keyCredential).
const LONGEST_NAME: usize = 90;

pub(in crate::graph) fn json(app: &App) -> Vec<Value> {
    app.certificates.iter().map(|credential| one(app, credential)).collect()
}

fn one(app: &App, credential: &KeyCredential) -> Value {
    let certificate = Certificate::from_pem(&credential.pem);
    let subject = || Some(format!("CN={}", certificate.as_ref()?.subject()?));
    let (from, until) = certificate.as_ref().map(Certificate::validity).unwrap_or_default();
    json!({
        "customKeyIdentifier": certificate.as_ref().map(Certificate::fingerprint),
        "displayName": credential.name.clone().or_else(subject),
        "endDateTime": clock::iso_seconds(until),
        "key": null,
        "keyId": app.certificate_id(credential),
        "startDateTime": clock::iso_seconds(from),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

pub(in crate::graph) fn replace(app: &mut App, value: &Value) -> Result<(), GraphError> {
    let mut all: Vec<KeyCredential> = Vec::new();
    for item in body::list("keyCredentials", value)? {
        let credential = read(app, item)?;
        let is_same = |other: &KeyCredential| {
            other.pem == credential.pem || app.certificate_id(other) == app.certificate_id(&credential)
        };
        if all.iter().any(is_same) {
            return Err(GraphError::duplicate("keyCredentials"));
        }
        all.push(credential);
    }
    app.certificates = all;
    Ok(())
}

/// A credential without `key` is one that the app has already; its `keyId` says which.
fn read(app: &App, item: &Value) -> Result<KeyCredential, GraphError> {
    let item = body::members("keyCredentials", item, &MEMBERS)?;
    let get = |name: &str| item.get(name).filter(|value| !value.is_null());
    let id = get("keyId").map(|id| body::id("keyCredentials.keyId", id)).transpose()?;
    let mut credential = if let Some(key) = get("key") {
        if get("type").and_then(Value::as_str) != Some("AsymmetricX509Cert")
            || get("usage").and_then(Value::as_str) != Some("Verify")
        {
            let reason = "here a new key is of type AsymmetricX509Cert and usage Verify.";
            return Err(GraphError::invalid_value("keyCredentials", reason));
        }
        KeyCredential { pem: pem(&body::text("keyCredentials.key", key)?)?, id, name: None }
    } else {
        let known = app.certificates.iter().find(|known| Some(app.certificate_id(known)) == id);
        known.cloned().ok_or_else(|| GraphError::missing("keyCredentials.key"))?
    };
    if let Some(name) = get("displayName") {
        let name = body::text("keyCredentials.displayName", name)?;
        credential.name = Some(name.chars().take(LONGEST_NAME).collect());
    }
    Ok(credential)
}

/// PEM of the base64 of a certificate, or of the base64 of its PEM text.
fn pem(base64: &str) -> Result<String, GraphError> {
    let invalid = || GraphError::invalid_value("keyCredentials.key", "it is no RSA certificate in base64.");
    let bytes = STANDARD.decode(base64.split_whitespace().collect::<String>()).map_err(|_| invalid())?;
    let pem = match String::from_utf8(bytes.clone()) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => text,
        _ => {
            let body = STANDARD.encode(&bytes);
            let lines: Vec<&str> =
                (0..body.len()).step_by(64).map(|at| &body[at..body.len().min(at + 64)]).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        }
    };
    Certificate::from_pem(&pem).map(|_| pem).ok_or_else(invalid)
}
