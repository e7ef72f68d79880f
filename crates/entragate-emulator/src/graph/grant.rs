//! `oauth2PermissionGrants`: consent, of an administrator for everybody or of one user. Its ids are made of the ids of
//! client, API and user.

use http::Method;
use serde_json::{Value, json};

use super::body;
use super::call::{Call, Called, done};
use super::error::GraphError;
use super::key::Key;
use super::object_id::{joined, parts};
use crate::directory::{Access, App, Directory, UserConsent};

const CONTEXT: &str = "oauth2PermissionGrants";
const FILTERABLE: [&str; 5] = ["id", "clientId", "consentType", "principalId", "resourceId"];
const READ: [&str; 5] = [
    "DelegatedPermissionGrant.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
];
const WRITE: [&str; 3] =
    ["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All", "Directory.AccessAsUser.All"];

/// Whom a grant is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    Everybody,
    User(String),
}

/// A grant by the ids of the apps, not of their service principals.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    client: String,
    api: String,
    whom: Whom,
}

pub(super) fn answer(call: &Call<'_>, key: Option<Key>, rest: &[String]) -> Called {
    if let Some(segment) = rest.first() {
        return Err(GraphError::no_segment(segment));
    }
    match (call.method(), key) {
        (&Method::GET, None) => {
            call.caller.may_read(&READ)?;
            let items = all(call.directory(), &call.caller.tenant);
            call.page(CONTEXT, items, &FILTERABLE)
        }
        (&Method::GET, Some(key)) => {
            call.caller.may_read(&READ)?;
            let items = all(call.directory(), &call.caller.tenant);
            let found = items.into_iter().find(|item| item["id"] == key.text());
            call.entity(CONTEXT, &found.ok_or_else(|| GraphError::not_found(key.text()))?)
        }
        (&Method::POST, None) => add(call),
        (&Method::PATCH, Some(key)) => update(call, key.text()),
        (&Method::DELETE, Some(key)) => {
            call.caller.may_administer(&WRITE)?;
            call.change(|directory| {
                let grant = find(directory, key.text())?;
                set(directory, &grant, None)
            })?;
            done()
        }
        _ => Err(GraphError::no_method()),
    }
}

/// Those of one client.
pub(super) fn of_client(call: &Call<'_>, client: &str) -> Called {
    call.caller.may_read(&READ)?;
    let items =
        all(call.directory(), &call.caller.tenant).into_iter().filter(|item| item["clientId"] == client);
    call.page(CONTEXT, items.collect(), &FILTERABLE)
}

fn all(directory: &Directory, tenant: &str) -> Vec<Value> {
    let here = |app: &&App| app.tenant == *tenant && !app.service_principal.absent;
    let everybody = directory.apps.iter().filter(here).flat_map(|client| {
        client.admin_consent.iter().filter_map(|access| {
            let api = directory.app(&access.app).filter(|api| !api.service_principal.absent)?;
            Some(json(client, api, &Whom::Everybody, &access.scopes))
        })
    });
    let of_users = directory.consents.iter().filter_map(|consent| {
        let (client, api) = (directory.app(&consent.client)?, directory.app(&consent.app)?);
        let user = directory.user_by_oid(&consent.user).filter(|user| user.tenant == *tenant)?;
        Some(json(client, api, &Whom::User(user.oid.clone()), &consent.scopes))
    });
    everybody.chain(of_users).collect()
}

fn json(client: &App, api: &App, whom: &Whom, scopes: &[String]) -> Value {
    let (client, api) = (client.principal_id(), api.principal_id());
    let (kind, principal, id) = match whom {
        Whom::Everybody => ("AllPrincipals", Value::Null, joined(&[&client, &api])),
        Whom::User(user) => ("Principal", user.clone().into(), joined(&[&client, &api, user])),
    };
    json!({
        "clientId": client,
        "consentType": kind,
        "id": id,
        "principalId": principal,
        "resourceId": api,
        "scope": scopes.join(" "),
    })
}

/// The grant of that id, if there is one.
fn find(directory: &Directory, id: &str) -> Result<Grant, GraphError> {
    let gone = || GraphError::not_found(id);
    let ids = parts(id).ok_or_else(gone)?;
    let (client, api, whom) = match ids.as_slice() {
        [client, api] => (client, api, Whom::Everybody),
        [client, api, user] => (client, api, Whom::User(user.clone())),
        _ => return Err(gone()),
    };
    let app = |id: &str| directory.app_of_principal(id).map(|app| app.id.clone()).ok_or_else(gone);
    let grant = Grant { client: app(client)?, api: app(api)?, whom };
    if exists(directory, &grant) { Ok(grant) } else { Err(gone()) }
}

fn exists(directory: &Directory, grant: &Grant) -> bool {
    let (Some(client), Some(api)) = (directory.app(&grant.client), directory.app(&grant.api)) else {
        return false;
    };
    match &grant.whom {
        Whom::Everybody => client.admin_consent.iter().any(|access| api.is_called(&access.app)),
        Whom::User(user) => directory.consents.iter().any(|consent| {
            consent.user == *user && consent.client == grant.client && consent.app == grant.api
        }),
    }
}

/// Replaces the scopes of a grant; without any it is gone.
fn set(directory: &mut Directory, grant: &Grant, scopes: Option<Vec<String>>) -> Result<(), GraphError> {
    let api = directory.app(&grant.api).ok_or_else(|| GraphError::not_found(&grant.api))?.clone();
    match &grant.whom {
        Whom::Everybody => {
            let client = directory.app_of_id_mut(&grant.client);
            let client = client.ok_or_else(|| GraphError::not_found(&grant.client))?;
            client.admin_consent.retain(|access| !api.is_called(&access.app));
            client.admin_consent.extend(scopes.map(|scopes| Access {
                app: api.id,
                scopes,
                roles: Vec::new(),
            }));
        }
        Whom::User(user) => {
            let is = |consent: &UserConsent| {
                consent.user == *user && consent.client == grant.client && consent.app == grant.api
            };
            directory.consents.retain(|consent| !is(consent));
            directory.consents.extend(scopes.map(|scopes| UserConsent {
                user: user.clone(),
                client: grant.client.clone(),
                app: grant.api.clone(),
                scopes,
            }));
        }
    }
    Ok(())
}

fn scopes(value: Option<&Value>) -> Result<Vec<String>, GraphError> {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(value) => body::text("scope", value)?,
    };
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split_whitespace() {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}

fn add(call: &Call<'_>) -> Called {
    call.caller.may_administer(&WRITE)?;
    let body = body::object(call.exchange)?;
    let known =
        ["clientId", "consentType", "principalId", "resourceId", "scope", "startTime", "expiryTime", "id"];
    if let Some(name) =
        body.keys().find(|name| !known.contains(&name.as_str()) && !name.starts_with("@odata."))
    {
        return Err(GraphError::invalid_property(name));
    }
    let id = |name: &str| {
        let value =
            body.get(name).filter(|value| !value.is_null()).ok_or_else(|| GraphError::missing(name))?;
        body::id(name, value)
    };
    let directory = call.directory();
    let app = |id: String| {
        let app = directory.app_of_principal(&id).filter(|_| !call.misses(&id));
        app.ok_or_else(|| GraphError::not_found(&id))
    };
    let whom = match body.get("consentType").and_then(Value::as_str) {
        Some("AllPrincipals") if body.get("principalId").is_none_or(Value::is_null) => Whom::Everybody,
        Some("AllPrincipals") => {
            return Err(GraphError::invalid_value("principalId", "it must be null for AllPrincipals."));
        }
        Some("Principal") => {
            let user = id("principalId")?;
            directory.user_by_oid(&user).ok_or_else(|| GraphError::not_found(&user))?;
            Whom::User(user)
        }
        Some(_) => return Err(GraphError::invalid_value("consentType", "it is AllPrincipals or Principal.")),
        None => return Err(GraphError::missing("consentType")),
    };
    let (client, api) = (app(id("clientId")?)?, app(id("resourceId")?)?);
    let grant = Grant { client: client.id.clone(), api: api.id.clone(), whom };
    let scopes = scopes(body.get("scope"))?;
    call.change(|directory| {
        if exists(directory, &grant) {
            return Err(GraphError::conflict("Permission entry already exists."));
        }
        set(directory, &grant, Some(scopes.clone()))
    })?;
    call.created(CONTEXT, &json(client, api, &grant.whom, &scopes))
}

fn update(call: &Call<'_>, id: &str) -> Called {
    call.caller.may_administer(&WRITE)?;
    let body = body::object(call.exchange)?;
    if let Some(name) = body.keys().find(|name| *name != "scope" && !name.starts_with("@odata.")) {
        let known = FILTERABLE.contains(&name.as_str());
        return Err(if known {
            GraphError::bad(format!("Property cannot be updated: {name}"))
        } else {
            GraphError::invalid_property(name)
        });
    }
    call.change(|directory| {
        let grant = find(directory, id)?;
        set(directory, &grant, Some(scopes(body.get("scope"))?))
    })?;
    done()
}
