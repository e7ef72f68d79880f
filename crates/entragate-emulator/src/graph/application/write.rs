//! Properties of an application, from JSON into the directory. What is not named stays; lists are replaced whole.

use serde_json::Value;

use super::{access, claims, identifier_uris, permissions};
use crate::directory::{App, Audience, Directory, GroupClaims};
use crate::grants::Platform;
use crate::graph::credential::{certificate, password};
use crate::graph::error::GraphError;
use crate::graph::{body, redirect_uris};
use crate::jwt::Object;
use crate::settings::IdentifierUriPolicy;

const READ_ONLY: [&str; 9] = [
    "id",
    "appId",
    "createdDateTime",
    "deletedDateTime",
    "publisherDomain",
    "applicationTemplateId",
    "disabledByMicrosoftStatus",
    "certification",
    "verifiedPublisher",
];

/// Kept as they come, and of no effect here.
const STORED: [&str; 12] = [
    "description",
    "info",
    "addIns",
    "defaultRedirectUri",
    "isDeviceOnlyAuthSupported",
    "parentalControlSettings",
    "samlMetadataUrl",
    "serviceManagementReference",
    "servicePrincipalLockConfiguration",
    "requestSignatureVerification",
    "authenticationBehaviors",
    "nativeAuthenticationApisEnabled",
];

/// The app with the body's properties, checked against the directory.
pub(super) fn applied(
    directory: &Directory,
    before: &App,
    body: &Object,
    policy: IdentifierUriPolicy,
) -> Result<App, GraphError> {
    let mut app = before.clone();
    // Whom it is for decides how many redirect URIs there may be, and what it exposes may be what it requires.
    for first in ["signInAudience", "appRoles", "api"] {
        if let Some(value) = body.get(first) {
            set(directory, before, &mut app, first, value)?;
        }
    }
    for (name, value) in body {
        if !["signInAudience", "appRoles", "api"].contains(&name.as_str()) && !name.starts_with("@odata.") {
            set(directory, before, &mut app, name, value)?;
        }
    }
    permissions::check(before, &app)?;
    identifier_uris::check(directory, before, &app, policy)?;
    if app.audience == Audience::MultipleOrgsAndPersonal && app.token_version != 2 {
        let reason = "apps for personal accounts need version 2.";
        return Err(GraphError::invalid_value("api.requestedAccessTokenVersion", reason));
    }
    Ok(app)
}

fn set(
    directory: &Directory,
    before: &App,
    app: &mut App,
    name: &str,
    value: &Value,
) -> Result<(), GraphError> {
    match name {
        "displayName" => {
            app.display_name = body::required(name, Some(value))?;
            if app.display_name.chars().count() > 256 {
                return Err(GraphError::invalid_value(name, "it must not be longer than 256 characters."));
            }
        }
        "uniqueName" => {
            let wanted = body::optional(name, value)?;
            if before.unique_name.is_some() && wanted != before.unique_name {
                return Err(GraphError::bad("Property cannot be updated: uniqueName"));
            }
            app.unique_name = wanted;
        }
        "signInAudience" => app.audience = audience(value)?,
        "identifierUris" => app.identifier_uris = body::texts(name, value)?,
        "api" => set_api(before, app, value)?,
        "appRoles" => app.roles = permissions::roles(value)?,
        "web" => set_web(app, value)?,
        "spa" => {
            if let Some(uris) = body::members(name, value, &["redirectUris"])?.get("redirectUris") {
                app.spa_redirect_uris = redirect_uris::read(app, Platform::Spa, uris)?;
            }
        }
        "publicClient" => {
            if let Some(uris) = body::members(name, value, &["redirectUris"])?.get("redirectUris") {
                app.public_redirect_uris = redirect_uris::read(app, Platform::Public, uris)?;
            }
        }
        "isFallbackPublicClient" => app.fallback_public_client = body::flag(name, value)?,
        "requiredResourceAccess" => app.required_access = access::required(directory, app, value)?,
        "optionalClaims" => claims::apply(app, value)?,
        "groupMembershipClaims" => set_group_claims(app, value)?,
        "tags" => app.tags = body::texts(name, value)?,
        "notes" => app.notes = body::optional(name, value)?,
        "tokenEncryptionKeyId" => {
            app.token_encryption_key = if value.is_null() { None } else { Some(body::id(name, value)?) };
        }
        "keyCredentials" => certificate::replace(app, value)?,
        "passwordCredentials" => password::keep(app, value)?,
        name if READ_ONLY.contains(&name) => return Err(GraphError::read_only(name)),
        name if STORED.contains(&name) => store(app, name, value),
        name => return Err(GraphError::invalid_property(name)),
    }
    Ok(())
}

fn store(app: &mut App, name: &str, value: &Value) {
    if value.is_null() {
        app.stored.remove(name);
    } else {
        app.stored.insert(name.to_owned(), value.to_string());
    }
}

fn audience(value: &Value) -> Result<Audience, GraphError> {
    match value.as_str() {
        Some("AzureADMyOrg") => Ok(Audience::MyOrg),
        Some("AzureADMultipleOrgs") => Ok(Audience::MultipleOrgs),
        Some("AzureADandPersonalMicrosoftAccount") => Ok(Audience::MultipleOrgsAndPersonal),
        Some("PersonalMicrosoftAccount") => Err(GraphError::invalid_value(
            "signInAudience",
            "apps for personal accounts alone are not emulated.",
        )),
        _ => Err(GraphError::invalid_value("signInAudience", "there is no such audience.")),
    }
}

fn set_api(before: &App, app: &mut App, value: &Value) -> Result<(), GraphError> {
    const MEMBERS: [&str; 5] = [
        "requestedAccessTokenVersion",
        "oauth2PermissionScopes",
        "preAuthorizedApplications",
        "knownClientApplications",
        "acceptMappedClaims",
    ];
    for (name, value) in body::members("api", value, &MEMBERS)? {
        match name.as_str() {
            "requestedAccessTokenVersion" => {
                let name = "api.requestedAccessTokenVersion";
                app.token_version = match value {
                    Value::Null => 1,
                    value if value == 1 => 1,
                    value if value == 2 => 2,
                    Value::Number(_) => return Err(GraphError::invalid_value(name, "there are 1 and 2.")),
                    _ => return Err(GraphError::schema(name)),
                };
                store(app, name, value);
            }
            "oauth2PermissionScopes" => app.scopes = permissions::scopes(value)?,
            "preAuthorizedApplications" => app.preauthorized = access::preauthorized(before, value)?,
            "knownClientApplications" => app.known_clients = body::ids("api.knownClientApplications", value)?,
            _ => store(app, "api.acceptMappedClaims", value),
        }
    }
    Ok(())
}

fn set_web(app: &mut App, value: &Value) -> Result<(), GraphError> {
    const MEMBERS: [&str; 5] =
        ["redirectUris", "implicitGrantSettings", "homePageUrl", "logoutUrl", "redirectUriSettings"];
    for (name, value) in body::members("web", value, &MEMBERS)? {
        match name.as_str() {
            "redirectUris" => app.web_redirect_uris = redirect_uris::read(app, Platform::Web, value)?,
            "implicitGrantSettings" => {
                let members = ["enableIdTokenIssuance", "enableAccessTokenIssuance"];
                let settings = body::members("web.implicitGrantSettings", value, &members)?;
                if let Some(value) = settings.get("enableIdTokenIssuance") {
                    app.implicit_id_tokens = body::flag("enableIdTokenIssuance", value)?;
                }
                if let Some(value) = settings.get("enableAccessTokenIssuance") {
                    app.implicit_access_tokens = body::flag("enableAccessTokenIssuance", value)?;
                }
            }
            "redirectUriSettings" => {}
            other => {
                body::optional(other, value)?;
                store(app, &format!("web.{other}"), value);
            }
        }
    }
    Ok(())
}

fn set_group_claims(app: &mut App, value: &Value) -> Result<(), GraphError> {
    app.group_claims = match body::optional("groupMembershipClaims", value)?.as_deref() {
        None | Some("None") => GroupClaims::None,
        Some("SecurityGroup") => GroupClaims::SecurityGroup,
        Some("ApplicationGroup") => GroupClaims::ApplicationGroup,
        Some("All") => GroupClaims::All,
        Some(_) => {
            let reason = "here it is None, SecurityGroup, ApplicationGroup or All.";
            return Err(GraphError::invalid_value("groupMembershipClaims", reason));
        }
    };
    // `null` and `None` mean the same, and Graph shows which of them it was.
    let none = if value.as_str() == Some("None") { value } else { &Value::Null };
    store(app, "groupMembershipClaims", none);
    Ok(())
}
