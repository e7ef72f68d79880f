//! `keyCredentials`: certificates, replaced whole by a `PATCH` of the application.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::assertion::certificate::Certificate;
use crate::clock;
use crate::directory::App;
use crate::graph::body;
use crate::graph::error::GraphError;
use crate::guid;

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

pub(in crate::graph) fn json(app: &App) -> Vec<Value> {
    app.certificates.iter().map(|pem| one(app, pem)).collect()
}

fn one(app: &App, pem: &str) -> Value {
    let certificate = Certificate::from_pem(pem);
    let (from, until) = certificate.as_ref().map(Certificate::validity).unwrap_or_default();
    json!({
        "customKeyIdentifier": certificate.as_ref().map(Certificate::fingerprint),
        "displayName": certificate.as_ref().and_then(Certificate::subject).map(|name| format!("CN={name}")),
        "endDateTime": clock::iso_seconds(until),
        "key": null,
        "keyId": key_id(app, pem),
        "startDateTime": clock::iso_seconds(from),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

fn key_id(app: &App, pem: &str) -> String {
    guid::derived(&format!("certificate {} of {}", pem.trim(), app.id))
}

/// A credential without `key` is one that the app has already; its `keyId` says which.
pub(in crate::graph) fn replace(app: &mut App, value: &Value) -> Result<(), GraphError> {
    let mut all = Vec::new();
    for item in body::list("keyCredentials", value)? {
        let item = body::members("keyCredentials", item, &MEMBERS)?;
        let get = |name: &str| item.get(name).filter(|value| !value.is_null());
        let pem = if let Some(key) = get("key") {
            if get("type").and_then(Value::as_str) != Some("AsymmetricX509Cert")
                || get("usage").and_then(Value::as_str) != Some("Verify")
            {
                let reason = "here a new key is of type AsymmetricX509Cert and usage Verify.";
                return Err(GraphError::invalid_value("keyCredentials", reason));
            }
            pem(&body::text("keyCredentials.key", key)?)?
        } else {
            let id = get("keyId").ok_or_else(|| GraphError::missing("keyCredentials.key"))?;
            let id = body::id("keyCredentials.keyId", id)?;
            let known = app.certificates.iter().find(|pem| key_id(app, pem) == id);
            known.cloned().ok_or_else(|| GraphError::missing("keyCredentials.key"))?
        };
        if all.contains(&pem) {
            return Err(GraphError::duplicate("keyCredentials"));
        }
        all.push(pem);
    }
    app.certificates = all;
    Ok(())
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
