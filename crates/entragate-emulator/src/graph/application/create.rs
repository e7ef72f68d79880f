//! Registering an app, changing one, and both at once: `PATCH` with `Prefer: create-if-missing`.

use super::{CONTEXT, access, draft, existing, json, read, writable, write};
use crate::clock;
use crate::directory::{App, ServicePrincipal};
use crate::graph::call::{Call, Called, done};
use crate::graph::error::GraphError;
use crate::graph::key::Key;
use crate::jwt::Object;

pub(super) fn create(call: &Call<'_>) -> Called {
    call.caller.may_create_apps(call.settings.users_may_register_apps)?;
    add(call, &read(call)?, None)
}

/// An upsert finds what it made, replicated or not.
pub(super) fn update_or_create(call: &Call<'_>, key: &Key) -> Called {
    if let Key::Alternate { name, value } = key
        && name == "uniqueName"
        && call.creates_if_missing()
    {
        if existing(call, key)?.is_none() {
            call.caller.may_create_apps(call.settings.users_may_register_apps)?;
            return add(call, &read(call)?, Some(value));
        }
        return update(call, key, &existing(call, key)?.map(|app| app.id.clone()).unwrap_or_default());
    }
    let id = writable(call, key)?;
    update(call, key, &id)
}

fn update(call: &Call<'_>, key: &Key, id: &str) -> Called {
    let current = call.directory().app(id).ok_or_else(|| GraphError::not_found(key.text()))?;
    call.caller.may_write_app(current)?;
    let body = read(call)?;
    // Looked at before the state is locked for the change.
    if access::preauthorized_ids(&body).iter().any(|id| call.misses(id)) {
        return Err(access::unknown());
    }
    let fresh = call.change(|directory| {
        let before = draft(directory, id)?.clone();
        let after = write::applied(directory, &before, &body, call.settings.identifier_uri_policy)?;
        check_unique_name(directory, &after)?;
        *draft(directory, id)? = after.clone();
        access::follow(directory, &before, &after);
        let known = before.permission_ids();
        Ok(after.permission_ids().into_iter().filter(|id| !known.contains(id)).collect::<Vec<_>>())
    })?;
    for id in fresh {
        call.delay(&id);
    }
    done()
}

fn add(call: &Call<'_>, body: &Object, unique_name: Option<&String>) -> Called {
    let (id, object_id) = (call.fresh_id(), call.fresh_id());
    if !body.contains_key("displayName") {
        return Err(GraphError::missing("displayName"));
    }
    let blank = App {
        name: id.clone(),
        tenant: call.caller.tenant.clone(),
        object_id: Some(object_id.clone()),
        unique_name: unique_name.cloned(),
        token_version: 1,
        service_principal: ServicePrincipal { absent: true, ..ServicePrincipal::default() },
        owners: vec![call.caller.name().to_owned()],
        created: Some(clock::iso_seconds(call.now)),
        id: id.clone(),
        ..App::default()
    };
    call.change(|directory| {
        let app = write::applied(directory, &blank, body, call.settings.identifier_uri_policy)?;
        check_unique_name(directory, &app)?;
        directory.apps.push(app);
        Ok(())
    })?;
    call.delay(&object_id);
    let directory = call.changed();
    let app = directory.app(&id).ok_or_else(|| GraphError::not_found(&id))?;
    call.created(CONTEXT, &json::application(&directory, app))
}

fn check_unique_name(directory: &crate::directory::Directory, app: &App) -> Result<(), GraphError> {
    let taken = |other: &&App| {
        other.id != app.id && other.tenant == app.tenant && other.unique_name == app.unique_name
    };
    if app.unique_name.is_none() || directory.apps.iter().find(taken).is_none() {
        return Ok(());
    }
    let message = "Another object with the same value for property uniqueName already exists.";
    Err(GraphError::conflict(message).because("ObjectConflict", "uniqueName"))
}
