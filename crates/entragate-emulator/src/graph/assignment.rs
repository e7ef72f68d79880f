//! App role assignments: `appRoleAssignedTo` of an API, `appRoleAssignments` of whoever holds them.

use http::Method;
use serde_json::{Value, json};

use super::body;
use super::call::{Call, Called, done};
use super::error::GraphError;
use super::object_id;
use crate::directory::{App, Assignment, Directory, Principal, PrincipalKind, Principals};

/// The role of an assignment without one.
pub(super) const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

const FILTERABLE: [&str; 6] =
    ["id", "appRoleId", "principalId", "principalDisplayName", "resourceId", "principalType"];

/// Everything that is assigned to one API.
pub(super) fn on_resource(call: &Call<'_>, api: &App, rest: &[&str]) -> Called {
    match (call.method(), rest) {
        (&Method::GET, []) => {
            let items = api.assignments.iter().filter_map(|held| json(call.directory(), api, held)).collect();
            call.page(
                &format!("servicePrincipals('{}')/appRoleAssignedTo", api.principal_id()),
                items,
                &FILTERABLE,
            )
        }
        (&Method::POST, []) => add(call, None, Some(&api.principal_id())),
        (method, [id]) => one(call, method, id),
        _ => Err(GraphError::no_method()),
    }
}

/// Everything that one user, group or service principal holds.
pub(super) fn of_principal(call: &Call<'_>, holder: &str, rest: &[&str]) -> Called {
    match (call.method(), rest) {
        (&Method::GET, []) => {
            let directory = call.directory();
            let of = |api: &App| {
                let held = api.assignments.iter().filter_map(|held| json(directory, api, held));
                held.filter(|object| object["principalId"] == holder).collect::<Vec<_>>()
            };
            let items = directory.apps.iter().flat_map(of).collect();
            call.page("appRoleAssignments", items, &FILTERABLE)
        }
        (&Method::POST, []) => add(call, Some(holder), None),
        (method, [id]) => one(call, method, id),
        _ => Err(GraphError::no_method()),
    }
}

fn json(directory: &Directory, api: &App, held: &Assignment) -> Option<Value> {
    let principal = directory.principal_called(&held.principal)?;
    let role = held.role.as_ref().and_then(|value| api.roles.iter().find(|role| role.value == *value));
    let role = role.map_or_else(|| DEFAULT_ACCESS.to_owned(), |role| api.role_id(role));
    Some(json!({
        "id": object_id::of_assignment(&principal.id, &api.id, &role),
        "deletedDateTime": null,
        "appRoleId": role,
        "createdDateTime": "2026-01-01T00:00:00Z",
        "principalDisplayName": principal.display_name,
        "principalId": principal.id,
        "principalType": principal.kind.name(),
        "resourceDisplayName": api.display_name,
        "resourceId": api.principal_id(),
    }))
}

/// The app and the position of the assignment of that id.
fn find(directory: &Directory, id: &str) -> Option<(String, usize)> {
    directory.apps.iter().find_map(|api| {
        let is = |held: &Assignment| json(directory, api, held).is_some_and(|object| object["id"] == id);
        Some((api.id.clone(), api.assignments.iter().position(is)?))
    })
}

fn one(call: &Call<'_>, method: &Method, id: &str) -> Called {
    match *method {
        Method::GET => {
            let found = find(call.directory(), id);
            let object = found.and_then(|(app, at)| {
                let api = call.directory().app(&app)?;
                json(call.directory(), api, api.assignments.get(at)?)
            });
            call.entity("appRoleAssignments", &object.ok_or_else(|| GraphError::not_found(id))?)
        }
        Method::DELETE => {
            may_write(call)?;
            call.change(|directory| {
                let gone = || GraphError::bad("EntitlementGrant being updated or deleted is not found.");
                let (app, at) = find(directory, id).ok_or_else(gone)?;
                directory.app_of_id_mut(&app).ok_or_else(gone)?.assignments.remove(at);
                Ok(())
            })?;
            done()
        }
        _ => Err(GraphError::no_method()),
    }
}

/// Microsoft's page names both permissions.
fn may_write(call: &Call<'_>) -> Result<(), GraphError> {
    call.caller.may_administer(&["AppRoleAssignment.ReadWrite.All"])?;
    call.caller.may_read_apps()
}

fn add(call: &Call<'_>, holder: Option<&str>, resource: Option<&str>) -> Called {
    may_write(call)?;
    let body = body::object(call.exchange)?;
    let known = ["principalId", "resourceId", "appRoleId", "id", "principalType", "principalDisplayName"];
    if let Some(name) =
        body.keys().find(|name| !known.contains(&name.as_str()) && !name.starts_with("@odata."))
    {
        return Err(GraphError::invalid_property(name));
    }
    let id = |name: &str| body::id(name, body.get(name).ok_or_else(|| GraphError::missing(name))?);
    let (principal_id, resource_id) = (id("principalId")?, id("resourceId")?);
    let role_id = if body.contains_key("appRoleId") { id("appRoleId")? } else { DEFAULT_ACCESS.to_owned() };
    let mismatch = |path: Option<&str>, sent: &str| path.is_some_and(|path| path != sent);
    if mismatch(holder, &principal_id) || mismatch(resource, &resource_id) {
        return Err(GraphError::bad("Not a valid reference update."));
    }
    let directory = call.directory();
    // What is not replicated yet is as unknown as what does not exist.
    let known = |id: &str| !call.misses(id);
    let principal = directory.principal(&principal_id).filter(|principal| known(&principal.id));
    let api = directory.app_of_principal(&resource_id).filter(|api| known(&api.principal_id()));
    let (Some(principal), Some(api)) = (principal, api) else {
        return Err(GraphError::bad("Not a valid reference update."));
    };
    let held = Assignment { principal: principal.name.clone(), role: role(call, api, &principal, &role_id)? };
    let api_id = api.id.clone();
    let object = call.change(|directory| {
        let gone = || GraphError::not_found(&resource_id);
        let api = directory.app(&api_id).ok_or_else(gone)?.clone();
        let object = json(directory, &api, &held).ok_or_else(|| GraphError::not_found(&principal_id))?;
        let known = |other: &Assignment| {
            json(directory, &api, other).is_some_and(|other| other["id"] == object["id"])
        };
        if api.assignments.iter().any(known) {
            let message = "Permission being assigned already exists on the object";
            return Err(GraphError::bad(message).because("InvalidUpdate", "appRoleAssignment"));
        }
        directory.app_of_id_mut(&api_id).ok_or_else(gone)?.assignments.push(held);
        Ok(object)
    })?;
    call.created("appRoleAssignments", &object)
}

/// The value of the role, if the principal may hold it.
fn role(call: &Call<'_>, api: &App, principal: &Principal, id: &str) -> Result<Option<String>, GraphError> {
    if id == DEFAULT_ACCESS {
        return Ok(None);
    }
    let found = api.roles.iter().find(|role| api.role_id(role) == id && !role.disabled);
    let found = found.filter(|_| !call.misses(id));
    let role = found.ok_or_else(|| {
        GraphError::bad("Permission being assigned was not found on application")
            .because("InvalidUpdate", "appRoleId")
    })?;
    let fits = match principal.kind {
        PrincipalKind::ServicePrincipal => role.members != Principals::User,
        PrincipalKind::User | PrincipalKind::Group => role.members != Principals::Application,
    };
    if !fits {
        let reason = format!("the role '{}' cannot be held by a {}.", role.value, principal.kind.name());
        return Err(GraphError::invalid_value("appRoleId", &reason));
    }
    Ok(Some(role.value.clone()))
}
