//! Making a service principal of an app, changing one, and both at once.

use serde_json::Value;

use super::{CONTEXT, existing, json, writable};
use crate::directory::{App, ServicePrincipal};
use crate::graph::body;
use crate::graph::call::{Call, Called, done};
use crate::graph::error::GraphError;
use crate::graph::key::Key;
use crate::guid;
use crate::jwt::Object;

const READ_ONLY: [&str; 10] = [
    "id",
    "deletedDateTime",
    "appDisplayName",
    "appOwnerOrganizationId",
    "createdDateTime",
    "signInAudience",
    "servicePrincipalType",
    "oauth2PermissionScopes",
    "disabledByMicrosoftStatus",
    "verifiedPublisher",
];

/// Kept as they come, and of no effect here.
const STORED: [&str; 12] = [
    "description",
    "homepage",
    "info",
    "loginUrl",
    "logoutUrl",
    "notes",
    "notificationEmailAddresses",
    "preferredSingleSignOnMode",
    "preferredTokenSigningKeyThumbprint",
    "samlSingleSignOnSettings",
    "customSecurityAttributes",
    "alternativeNames",
];

pub(super) fn create(call: &Call<'_>) -> Called {
    let body = body::object(call.exchange)?;
    let id = body.get("appId").filter(|id| !id.is_null()).ok_or_else(|| GraphError::missing("appId"))?;
    let id = body::id("appId", id)?;
    add(call, &id, &body)
}

pub(super) fn update_or_create(call: &Call<'_>, key: &Key) -> Called {
    let body = body::object(call.exchange)?;
    if let Key::Alternate { name, value } = key
        && name == "appId"
        && call.creates_if_missing()
        && existing(call, key)?.is_none()
    {
        return add(call, &guid::parse(value).unwrap_or_default(), &body);
    }
    let id = writable(call, key)?;
    call.change(|directory| {
        let app = directory.app_of_id_mut(&id).ok_or_else(|| GraphError::not_found(&id))?;
        apply(app, &body)
    })?;
    done()
}

fn add(call: &Call<'_>, id: &str, body: &Object) -> Called {
    call.caller.may_create_apps(call.settings.users_may_register_apps)?;
    let app = call.directory().client(id, Some(&call.caller.tenant));
    let app = app.filter(|app| app.owner_organization.is_some() || !call.misses(&app.registration_id()));
    let app = app.ok_or_else(|| no_application(id))?;
    if call.caller.has(&["Application.ReadWrite.OwnedBy"]) || call.caller.user.is_some() {
        call.caller.may_write_app(app)?;
    }
    let object_id = call.fresh_id();
    let made = ServicePrincipal { object_id: Some(object_id.clone()), ..ServicePrincipal::default() };
    let object = call.change(|directory| {
        let app = directory.app_of_id_mut(id).ok_or_else(|| no_application(id))?;
        if !app.service_principal.absent {
            return Err(GraphError::conflict(format!(
                "The service principal cannot be created, updated, or restored because the service principal name {id} is \
                 already in use."
            )));
        }
        app.service_principal = made;
        apply(app, body)?;
        Ok(json::of_app(app))
    })?;
    call.delay(&object_id);
    call.created(CONTEXT, &object)
}

fn no_application(id: &str) -> GraphError {
    let message =
        format!("The appId '{id}' of the service principal does not reference a valid application object.");
    GraphError::bad(message).because("NoBackingApplicationObject", "appId")
}

fn apply(app: &mut App, body: &Object) -> Result<(), GraphError> {
    for (name, value) in body {
        match name.as_str() {
            "appId" if value.as_str().is_some_and(|id| app.id.eq_ignore_ascii_case(id)) => {}
            "accountEnabled" => {
                app.service_principal.disabled = !value.as_bool().ok_or_else(|| GraphError::schema(name))?;
            }
            "appRoleAssignmentRequired" => {
                app.assignment_required = value.as_bool().ok_or_else(|| GraphError::schema(name))?;
            }
            "tags" => app.service_principal.tags = body::texts(name, value)?,
            // It is the application's.
            "displayName" => {
                body::text(name, value)?;
            }
            name if name.starts_with("@odata.") => {}
            name if READ_ONLY.contains(&name) || name == "appId" => return Err(GraphError::read_only(name)),
            name if STORED.contains(&name) => store(app, name, value),
            name => return Err(GraphError::invalid_property(name)),
        }
    }
    Ok(())
}

fn store(app: &mut App, name: &str, value: &Value) {
    if value.is_null() {
        app.service_principal.stored.remove(name);
    } else {
        app.service_principal.stored.insert(name.to_owned(), value.to_string());
    }
}
