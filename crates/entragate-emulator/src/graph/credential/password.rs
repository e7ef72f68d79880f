//! `passwordCredentials`: made by `addPassword`, which shows the secret once, and ended by `removePassword`.

use http::StatusCode;
use serde_json::{Value, json};

use crate::clock;
use crate::directory::{App, Secret};
use crate::exchange::Answer;
use crate::graph::application::draft;
use crate::graph::body;
use crate::graph::call::{Call, Called, done};
use crate::graph::error::GraphError;

/// Two years, without an end of the caller's.
const LIFETIME: u64 = 730 * 86_400;

const MEMBERS: [&str; 7] =
    ["displayName", "startDateTime", "endDateTime", "keyId", "secretText", "hint", "customKeyIdentifier"];

pub(in crate::graph) fn json(app: &App) -> Vec<Value> {
    app.secrets.iter().map(|secret| one(app, secret, &Value::Null)).collect()
}

fn one(app: &App, secret: &Secret, text: &Value) -> Value {
    let end = if secret.expired { "2025-01-01T00:00:00Z" } else { "2099-12-31T00:00:00Z" };
    json!({
        "customKeyIdentifier": null,
        "displayName": secret.name,
        "endDateTime": secret.ends.as_deref().unwrap_or(end),
        "hint": secret.value.chars().take(3).collect::<String>(),
        "keyId": app.secret_id(secret),
        "secretText": text,
        "startDateTime": secret.starts.as_deref().unwrap_or("2024-01-01T00:00:00Z"),
    })
}

pub(in crate::graph) fn add(call: &Call<'_>, app: &str) -> Called {
    let body =
        if call.exchange.body.is_empty() { crate::jwt::Object::new() } else { body::object(call.exchange)? };
    let empty = json!({});
    let wanted = body.get("passwordCredential").filter(|value| !value.is_null()).unwrap_or(&empty);
    let wanted = body::members("passwordCredential", wanted, &MEMBERS)?;
    let date = |name: &str, otherwise: u64| match wanted.get(name).filter(|value| !value.is_null()) {
        None => Ok(otherwise),
        Some(value) => {
            let text = body::text(name, value)?;
            clock::parse_iso(&text).ok_or_else(|| {
                GraphError::bad(format!(
                    "Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'."
                ))
            })
        }
    };
    let starts = date("startDateTime", call.now)?;
    let ends = date("endDateTime", starts + LIFETIME)?;
    if ends <= starts {
        return Err(GraphError::invalid_value(
            "passwordCredential.endDateTime",
            "it must be after the start.",
        ));
    }
    let (id, text) =
        call.entra.random(|random| (random.guid(), format!("{}8Q~{}", random.opaque(2), random.opaque(25))));
    let secret = Secret {
        value: text.clone(),
        id: Some(id),
        name: body::optional("displayName", wanted.get("displayName").unwrap_or(&Value::Null))?,
        starts: Some(clock::iso_seconds(starts)),
        ends: Some(clock::iso_seconds(ends)),
        ..Secret::default()
    };
    let object = call.change(|directory| {
        let app = draft(directory, app)?;
        app.secrets.push(secret.clone());
        Ok(one(app, &secret, &text.into()))
    })?;
    let mut answer = json!({ "@odata.context": format!("{}/v1.0/$metadata#microsoft.graph.passwordCredential", call.entra.base) });
    for (name, value) in object.as_object().into_iter().flatten() {
        answer[name] = value.clone();
    }
    Ok(Answer::json(StatusCode::OK, &answer))
}

pub(in crate::graph) fn remove(call: &Call<'_>, app: &str) -> Called {
    let body = body::object(call.exchange)?;
    let id = body::id("keyId", body.get("keyId").ok_or_else(|| GraphError::missing("keyId"))?)?;
    call.change(|directory| {
        let app = draft(directory, app)?;
        let ids: Vec<String> = app.secrets.iter().map(|secret| app.secret_id(secret)).collect();
        let at = ids.iter().position(|known| *known == id);
        app.secrets.remove(
            at.ok_or_else(|| GraphError::bad(format!("No password credential found with keyId '{id}'.")))?,
        );
        Ok(())
    })?;
    done()
}

/// A list in a body may leave credentials out, but not bring new ones.
pub(in crate::graph) fn keep(app: &mut App, value: &Value) -> Result<(), GraphError> {
    let mut kept = Vec::new();
    for item in body::list("passwordCredentials", value)? {
        let item = body::members("passwordCredentials", item, &MEMBERS)?;
        let id = item.get("keyId").map(|id| body::id("keyId", id)).transpose()?;
        let known = app.secrets.iter().find(|secret| Some(app.secret_id(secret)) == id);
        kept.push(known.cloned().ok_or_else(|| {
            GraphError::bad("New password credentials must be generated with service actions.")
        })?);
    }
    app.secrets = kept;
    Ok(())
}
