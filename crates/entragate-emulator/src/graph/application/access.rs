//! `requiredResourceAccess` and `api.preAuthorizedApplications`, which name permissions by id; the directory has them by
//! value. An id that stands for nothing the directory has is kept as it is.

use serde_json::{Value, json};

use crate::directory::{Access, App, Directory};
use crate::fixtures::GRAPH;
use crate::graph::body;
use crate::graph::error::GraphError;
use crate::guid;
use crate::jwt::Object;

const REQUIRED: &str = "requiredResourceAccess";
const GRANTED: &str = "requiredResourceAccess.resourceAccess";
const PREAUTHORIZED: &str = "api.preAuthorizedApplications";

/// Id of the other app.
fn app_id(directory: &Directory, access: &Access) -> String {
    directory.app(&access.app).map_or(&access.app, |app| &app.id).clone()
}

fn scope_id(api: Option<&App>, value: &String) -> String {
    let scope =
        api.and_then(|api| Some(api.scope_id(api.scopes.iter().find(|scope| scope.value == *value)?)));
    scope.unwrap_or_else(|| value.clone())
}

fn role_id(api: Option<&App>, value: &String) -> String {
    let role = api.and_then(|api| Some(api.role_id(api.roles.iter().find(|role| role.value == *value)?)));
    role.unwrap_or_else(|| value.clone())
}

pub(super) fn required_json(directory: &Directory, app: &App) -> Vec<Value> {
    let one = |access: &Access| {
        let api = directory.app(&access.app);
        let scopes = access.scopes.iter().map(|value| json!({ "id": scope_id(api, value), "type": "Scope" }));
        let roles = access.roles.iter().map(|value| json!({ "id": role_id(api, value), "type": "Role" }));
        json!({
            "resourceAppId": app_id(directory, access),
            "resourceAccess": scopes.chain(roles).collect::<Vec<_>>(),
        })
    };
    app.required_access.iter().map(one).collect()
}

pub(super) fn preauthorized_json(directory: &Directory, app: &App) -> Vec<Value> {
    let one = |access: &Access| {
        let ids: Vec<String> = access.scopes.iter().map(|value| scope_id(Some(app), value)).collect();
        json!({ "appId": app_id(directory, access), "delegatedPermissionIds": ids })
    };
    app.preauthorized.iter().map(one).collect()
}

/// `draft` is the app itself as it is becoming, since an app may require its own permissions.
pub(super) fn required(directory: &Directory, draft: &App, value: &Value) -> Result<Vec<Access>, GraphError> {
    let list = body::list(REQUIRED, value)?;
    if list.len() > 50 {
        return Err(GraphError::invalid_value(REQUIRED, "there may be 50 resources."));
    }
    let mut all: Vec<Access> = Vec::new();
    for item in list {
        let object = body::members(REQUIRED, item, &["resourceAppId", "resourceAccess"])?;
        let id = object
            .get("resourceAppId")
            .ok_or_else(|| GraphError::missing("requiredResourceAccess.resourceAppId"))?;
        let id = body::id("requiredResourceAccess.resourceAppId", id)?;
        if all.iter().any(|known| known.app == id) {
            return Err(GraphError::duplicate("requiredResourceAccess.resourceAppId"));
        }
        let api = if draft.id == id { Some(draft) } else { directory.app(&id) };
        let permissions =
            object.get("resourceAccess").map_or(Ok(&[][..]), |list| body::list(GRANTED, list))?;
        if permissions.is_empty() {
            return Err(GraphError::missing(GRANTED));
        }
        let mut access = Access { app: id, ..Access::default() };
        for permission in permissions {
            add(&mut access, api, permission)?;
        }
        all.push(access);
    }
    Ok(all)
}

fn add(access: &mut Access, api: Option<&App>, permission: &Value) -> Result<(), GraphError> {
    let object = body::members(GRANTED, permission, &["id", "type"])?;
    let get = |name: &str| object.get(name).ok_or_else(|| GraphError::missing(&format!("{GRANTED}.{name}")));
    let id = body::id(&format!("{GRANTED}.id"), get("id")?)?;
    let (list, value) = match get("type")?.as_str() {
        Some("Scope") => {
            let scope = api.and_then(|api| api.scopes.iter().find(|scope| api.scope_id(scope) == id));
            (&mut access.scopes, scope.map(|scope| scope.value.clone()))
        }
        Some("Role") => {
            let role = api.and_then(|api| api.roles.iter().find(|role| api.role_id(role) == id));
            (&mut access.roles, role.map(|role| role.value.clone()))
        }
        _ => return Err(GraphError::schema("requiredResourceAccess.resourceAccess.type")),
    };
    // Of Microsoft's own APIs the directory knows a part only.
    if value.is_none() && api.is_some_and(|api| api.owner_organization.is_none() && api.id != GRAPH) {
        let reason = format!("the resource '{}' has no permission '{id}' of that type.", access.app);
        return Err(GraphError::invalid_value(GRANTED, &reason));
    }
    let value = value.unwrap_or(id);
    if list.contains(&value) {
        return Err(GraphError::duplicate(GRANTED));
    }
    list.push(value);
    Ok(())
}

/// The permissions must be there and enabled before the call: Entra does not see those of the same call.
pub(super) fn preauthorized(before: &App, value: &Value) -> Result<Vec<Access>, GraphError> {
    let mut all: Vec<Access> = Vec::new();
    for item in body::list(PREAUTHORIZED, value)? {
        let object = body::members(PREAUTHORIZED, item, &["appId", "delegatedPermissionIds"])?;
        let id =
            object.get("appId").ok_or_else(|| GraphError::missing("api.preAuthorizedApplications.appId"))?;
        let id = body::id("api.preAuthorizedApplications.appId", id)?;
        if all.iter().any(|known| known.app == id) {
            return Err(GraphError::duplicate("api.preAuthorizedApplications.appId"));
        }
        let ids = object.get("delegatedPermissionIds").unwrap_or(&Value::Null);
        let mut scopes = Vec::new();
        for id in body::ids("api.preAuthorizedApplications.delegatedPermissionIds", ids)? {
            let known = before.scopes.iter().find(|scope| before.scope_id(scope) == id && !scope.disabled);
            scopes.push(known.ok_or_else(unknown)?.value.clone());
        }
        all.push(Access { app: id, scopes, roles: Vec::new() });
    }
    Ok(all)
}

/// The permissions that a body preauthorizes clients for, as far as it is readable.
pub(super) fn preauthorized_ids(body: &Object) -> Vec<String> {
    let clients =
        body.get("api").and_then(|api| api.get("preAuthorizedApplications")).and_then(Value::as_array);
    let ids =
        clients.into_iter().flatten().filter_map(|client| client.get("delegatedPermissionIds")?.as_array());
    ids.flatten().filter_map(|id| guid::parse(id.as_str()?)).collect()
}

pub(super) fn unknown() -> GraphError {
    GraphError::detailed(
        "InvalidValue",
        "api.preAuthorizedApplications.delegatedPermissionIds",
        "Property api.preAuthorizedApplications.delegatedPermissionIds has a Permission Id that cannot be found in the \
         AppPermissions sets.",
    )
}

/// Renamed permissions keep their ids, so what names them by id follows them; removed ones are gone from there.
pub(super) fn follow(directory: &mut Directory, before: &App, after: &App) {
    let renamed_scope = |value: &String| {
        let Some(old) = before.scopes.iter().find(|scope| scope.value == *value) else {
            return Some(value.clone());
        };
        let id = before.scope_id(old);
        after.scopes.iter().find(|scope| after.scope_id(scope) == id).map(|scope| scope.value.clone())
    };
    let renamed_role = |value: &String| {
        let Some(old) = before.roles.iter().find(|role| role.value == *value) else {
            return Some(value.clone());
        };
        let id = before.role_id(old);
        after.roles.iter().find(|role| after.role_id(role) == id).map(|role| role.value.clone())
    };
    for app in &mut directory.apps {
        for access in app.required_access.iter_mut().filter(|access| before.is_called(&access.app)) {
            access.scopes = access.scopes.iter().filter_map(renamed_scope).collect();
            access.roles = access.roles.iter().filter_map(renamed_role).collect();
        }
        app.required_access.retain(|access| !access.scopes.is_empty() || !access.roles.is_empty());
        if app.id == after.id {
            for access in &mut app.preauthorized {
                access.scopes = access.scopes.iter().filter_map(renamed_scope).collect();
            }
            app.assignments.retain_mut(|held| match &held.role {
                None => true,
                Some(role) => {
                    let renamed = renamed_role(role);
                    held.role.clone_from(&renamed);
                    renamed.is_some()
                }
            });
        }
    }
}
