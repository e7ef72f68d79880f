//! `api.oauth2PermissionScopes` and `appRoles`: replaced whole, and what is enabled cannot go.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::directory::{App, Principals, Role, Scope};
use crate::graph::body;
use crate::graph::error::GraphError;

const SCOPE_MEMBERS: [&str; 11] = [
    "id",
    "value",
    "type",
    "isEnabled",
    "adminConsentDisplayName",
    "adminConsentDescription",
    "userConsentDisplayName",
    "userConsentDescription",
    "origin",
    "lang",
    "isPrivate",
];
const ROLE_MEMBERS: [&str; 8] =
    ["id", "value", "displayName", "description", "allowedMemberTypes", "isEnabled", "origin", "lang"];

const SCOPES: &str = "api.oauth2PermissionScopes";
const ROLES: &str = "appRoles";

pub(super) fn scopes(value: &Value) -> Result<Vec<Scope>, GraphError> {
    body::list(SCOPES, value)?.iter().map(scope).collect()
}

fn scope(value: &Value) -> Result<Scope, GraphError> {
    let object = body::members(SCOPES, value, &SCOPE_MEMBERS)?;
    let get = |name: &str| object.get(name).unwrap_or(&Value::Null);
    let admin_only = match get("type").as_str() {
        Some("Admin") => true,
        Some("User") => false,
        _ if get("type").is_null() => false,
        _ => return Err(GraphError::schema("api.oauth2PermissionScopes.type")),
    };
    Ok(Scope {
        value: checked_value(
            SCOPES,
            body::required("api.oauth2PermissionScopes.value", object.get("value"))?,
        )?,
        id: Some(permission_id(SCOPES, object.get("id"))?),
        admin_only,
        disabled: !enabled(get("isEnabled"))?,
        admin_consent_name: body::optional(SCOPES, get("adminConsentDisplayName"))?,
        admin_consent_description: body::optional(SCOPES, get("adminConsentDescription"))?,
        user_consent_name: body::optional(SCOPES, get("userConsentDisplayName"))?,
        user_consent_description: body::optional(SCOPES, get("userConsentDescription"))?,
    })
}

pub(super) fn roles(value: &Value) -> Result<Vec<Role>, GraphError> {
    body::list(ROLES, value)?.iter().map(role).collect()
}

fn role(value: &Value) -> Result<Role, GraphError> {
    let object = body::members(ROLES, value, &ROLE_MEMBERS)?;
    let get = |name: &str| object.get(name).unwrap_or(&Value::Null);
    let members = body::texts("appRoles.allowedMemberTypes", get("allowedMemberTypes"))?;
    let has = |kind: &str| members.iter().any(|member| member == kind);
    if members.iter().any(|member| !["User", "Application"].contains(&member.as_str())) {
        return Err(GraphError::invalid_value(
            "appRoles.allowedMemberTypes",
            "it may name User and Application.",
        ));
    }
    let members = match (has("User"), has("Application")) {
        (true, true) => Principals::Both,
        (true, false) => Principals::User,
        (false, true) => Principals::Application,
        (false, false) => return Err(GraphError::missing("appRoles.allowedMemberTypes")),
    };
    Ok(Role {
        value: checked_value(ROLES, body::required("appRoles.value", object.get("value"))?)?,
        id: Some(permission_id(ROLES, object.get("id"))?),
        members,
        disabled: !enabled(get("isEnabled"))?,
        display_name: Some(body::required("appRoles.displayName", object.get("displayName"))?),
        description: Some(body::required("appRoles.description", object.get("description"))?),
    })
}

fn permission_id(list: &str, value: Option<&Value>) -> Result<String, GraphError> {
    let name = format!("{list}.id");
    let id = body::id(&name, value.filter(|id| !id.is_null()).ok_or_else(|| GraphError::missing(&name))?)?;
    if id == super::super::assignment::DEFAULT_ACCESS {
        Err(GraphError::invalid_value(&name, "it must not be zero."))
    } else {
        Ok(id)
    }
}

fn enabled(value: &Value) -> Result<bool, GraphError> {
    if value.is_null() { Ok(true) } else { body::flag("isEnabled", value) }
}

/// At most 120 characters, no spaces, no dot in front ([Microsoft Graph, permissionScope]).
///
/// [Microsoft Graph, permissionScope]: https://learn.microsoft.com/graph/api/resources/permissionscope
fn checked_value(list: &str, value: String) -> Result<String, GraphError> {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || br"!#$%&'()*+,-./:;<=>?@[]^_`{|}~".contains(&byte);
    if value.len() <= 120 && !value.starts_with('.') && value.bytes().all(allowed) {
        return Ok(value);
    }
    let reason = format!("'{value}' must have at most 120 characters, no spaces and no dot in front.");
    Err(GraphError::invalid_value(&format!("{list}.value"), &reason))
}

/// What a permission was, whatever its kind.
struct Known {
    value: String,
    enabled: bool,
}

fn known(app: &App) -> BTreeMap<(&'static str, String), Known> {
    let scopes = app.scopes.iter().map(|scope| {
        let known = Known { value: scope.value.clone(), enabled: !scope.disabled };
        ((SCOPES, app.scope_id(scope)), known)
    });
    let roles = app.roles.iter().map(|role| {
        let known = Known { value: role.value.clone(), enabled: !role.disabled };
        ((ROLES, app.role_id(role)), known)
    });
    scopes.chain(roles).collect()
}

/// What may be there twice, and what may not go from `before` to `after`.
pub(super) fn check(before: &App, after: &App) -> Result<(), GraphError> {
    unique(SCOPES, after.scopes.iter().map(|scope| (after.scope_id(scope), &scope.value)))?;
    unique(ROLES, after.roles.iter().map(|role| (after.role_id(role), &role.value)))?;
    let (old, new) = (known(before), known(after));
    for ((list, id), was) in &old {
        let same = new.get(&(*list, id.clone())).is_some_and(|is| is.value == was.value);
        if was.enabled && !same {
            return Err(GraphError::detailed(
                "CannotDeleteOrUpdateEnabledEntitlement",
                list,
                "Permission (scope or role) cannot be deleted or updated unless disabled first.",
            ));
        }
    }
    for scope in &after.scopes {
        let id = after.scope_id(scope);
        if after.roles.iter().any(|role| after.role_id(role) == id && role.value != scope.value) {
            return Err(GraphError::duplicate("api.oauth2PermissionScopes.id"));
        }
    }
    Ok(())
}

fn unique<'a>(list: &str, permissions: impl Iterator<Item = (String, &'a String)>) -> Result<(), GraphError> {
    let (mut ids, mut values) = (Vec::new(), Vec::new());
    for (id, value) in permissions {
        if ids.contains(&id) {
            return Err(GraphError::duplicate(&format!("{list}.id")));
        }
        if values.contains(&value) {
            return Err(GraphError::duplicate(&format!("{list}.value")));
        }
        ids.push(id);
        values.push(value);
    }
    Ok(())
}
