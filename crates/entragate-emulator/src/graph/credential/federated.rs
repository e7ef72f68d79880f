//! `federatedIdentityCredentials` of an application.

use http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::directory::{App, FederatedCredential};
use crate::graph::application::{draft, find, writable};
use crate::graph::body;
use crate::graph::call::{Call, Called, done};
use crate::graph::error::GraphError;
use crate::graph::key::Key;
use crate::jwt::Object;

const MEMBERS: [&str; 7] =
    ["id", "name", "issuer", "subject", "audiences", "description", "claimsMatchingExpression"];
const MOST: usize = 20;

pub(in crate::graph) fn answer(call: &Call<'_>, app: &Key, key: Option<Key>) -> Called {
    match (call.method(), key) {
        (&Method::GET, None) => {
            call.caller.may_read_apps()?;
            let app = find(call, app)?;
            let items =
                app.federated_credentials.iter().map(|credential| json(call, app, credential)).collect();
            call.page(&context(app), items, &["id", "name", "issuer", "subject"])
        }
        (&Method::GET, Some(key)) => {
            call.caller.may_read_apps()?;
            let app = find(call, app)?;
            let at = position(app, &key).ok_or_else(|| GraphError::not_found(key.text()))?;
            call.entity(&context(app), &json(call, app, &app.federated_credentials[at]))
        }
        (&Method::POST, None) => add(call, &writable(call, app)?, None),
        (&Method::PATCH, Some(key)) => update(call, &writable(call, app)?, &key),
        (&Method::DELETE, Some(key)) => {
            let app = writable(call, app)?;
            call.change(|directory| {
                let app = draft(directory, &app)?;
                let at = position(app, &key).ok_or_else(|| GraphError::not_found(key.text()))?;
                app.federated_credentials.remove(at);
                Ok(())
            })?;
            done()
        }
        _ => Err(GraphError::no_method()),
    }
}

fn context(app: &App) -> String {
    format!("applications('{}')/federatedIdentityCredentials", app.registration_id())
}

fn json(call: &Call<'_>, app: &App, credential: &FederatedCredential) -> Value {
    let issuer = match credential.issuer.as_str() {
        FederatedCredential::THIS_ISSUER => call.entra.v2_issuer(&app.tenant),
        issuer => issuer.to_owned(),
    };
    json!({
        "id": app.federated_id(credential),
        "name": credential.name,
        "issuer": issuer,
        "subject": credential.subject,
        "description": credential.description,
        "audiences": credential.audiences,
    })
}

fn position(app: &App, key: &Key) -> Option<usize> {
    app.federated_credentials.iter().position(|credential| {
        app.federated_id(credential).eq_ignore_ascii_case(key.text()) || credential.name == key.text()
    })
}

fn add(call: &Call<'_>, id: &str, name: Option<&str>) -> Called {
    let mut body = body::object(call.exchange)?;
    if let Some(name) = name {
        body.insert("name".into(), name.into());
    }
    let credential = FederatedCredential { id: Some(call.fresh_id()), ..FederatedCredential::default() };
    let credential = applied(call, credential, &body)?;
    call.change(|directory| {
        let app = draft(directory, id)?;
        if app.federated_credentials.len() >= MOST {
            let message = format!("There may be {MOST} federated identity credentials on an application.");
            return Err(GraphError::bad(message));
        }
        app.federated_credentials.push(credential.clone());
        check_unique(app, &credential)
    })?;
    let directory = call.changed();
    let app = directory.app(id).ok_or_else(|| GraphError::not_found(id))?;
    call.created(&context(app), &json(call, app, &credential))
}

/// With `Prefer: create-if-missing`, a name that is not there yet becomes one.
fn update(call: &Call<'_>, id: &str, key: &Key) -> Called {
    let app = call.directory().app(id).ok_or_else(|| GraphError::not_found(id))?;
    let Some(at) = position(app, key) else {
        return match key {
            Key::Alternate { name, value } if name == "name" && call.creates_if_missing() => {
                add(call, id, Some(value))
            }
            _ => Err(GraphError::not_found(key.text())),
        };
    };
    let before = app.federated_credentials[at].clone();
    let body = body::object(call.exchange)?;
    let after = applied(call, before.clone(), &body)?;
    if after.name != before.name {
        return Err(GraphError::bad("Property cannot be updated: name"));
    }
    call.change(|directory| {
        let app = draft(directory, id)?;
        let at = position(app, key).ok_or_else(|| GraphError::not_found(key.text()))?;
        app.federated_credentials[at] = after.clone();
        check_unique(app, &after)
    })?;
    done()
}

fn applied(
    call: &Call<'_>,
    mut credential: FederatedCredential,
    body: &Object,
) -> Result<FederatedCredential, GraphError> {
    if let Some(name) =
        body.keys().find(|name| !MEMBERS.contains(&name.as_str()) && !name.starts_with("@odata."))
    {
        return Err(GraphError::invalid_property(name));
    }
    let text = |name: &str, current: &String| match body.get(name) {
        None if !current.is_empty() => Ok(current.clone()),
        value => body::required(name, value),
    };
    credential.name = text("name", &credential.name)?;
    credential.issuer = text("issuer", &credential.issuer)?;
    credential.subject = text("subject", &credential.subject)?;
    if let Some(value) = body.get("description") {
        credential.description = body::optional("description", value)?;
    }
    if let Some(value) = body.get("audiences") {
        credential.audiences = body::texts("audiences", value)?;
    }
    if credential.audiences.len() != 1 {
        return Err(GraphError::invalid_value("audiences", "there must be exactly one."));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !(3..=120).contains(&credential.name.len()) || !credential.name.bytes().all(fits) {
        let reason = "it must have 3 to 120 letters, digits, hyphens and underscores.";
        return Err(GraphError::invalid_value("name", reason));
    }
    // The emulator may speak http, and its own tokens count.
    let own = call.entra.v2_issuer(&call.caller.tenant) == credential.issuer
        || credential.issuer == FederatedCredential::THIS_ISSUER;
    let https = Url::parse(&credential.issuer).is_ok_and(|url| url.scheme() == "https");
    if !own && !https {
        return Err(GraphError::invalid_value("issuer", "it must be an https URL."));
    }
    Ok(credential)
}

fn check_unique(app: &App, credential: &FederatedCredential) -> Result<(), GraphError> {
    let same_name = app.federated_credentials.iter().filter(|other| other.name == credential.name);
    if same_name.count() > 1 {
        let message = format!("FederatedIdentityCredential with name {} already exists.", credential.name);
        return Err(GraphError::conflict(message));
    }
    let same = |other: &&FederatedCredential| {
        (&other.issuer, &other.subject) == (&credential.issuer, &credential.subject)
    };
    if app.federated_credentials.iter().filter(same).count() > 1 {
        let message =
            "Issuer and subject combination already exists for this Managed Identity or application.";
        return Err(GraphError::conflict(message));
    }
    Ok(())
}
