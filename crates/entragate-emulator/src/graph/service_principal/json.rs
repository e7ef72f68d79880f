//! A service principal as Graph shows it.

use serde_json::{Value, json};

use crate::directory::{App, ManagedIdentity};
use crate::graph::application::{audience, roles_json, scopes_json, stored};
use crate::graph::credential::{certificate, password};

pub(super) fn of_app(app: &App) -> Value {
    let principal = &app.service_principal;
    let stored = |name: &str| stored(&principal.stored, name);
    let names: Vec<&String> = [&app.id].into_iter().chain(&app.identifier_uris).collect();
    let uris = [&app.web_redirect_uris, &app.spa_redirect_uris, &app.public_redirect_uris];
    let enabled = |permissions: Vec<Value>| -> Vec<Value> {
        permissions.into_iter().filter(|permission| permission["isEnabled"] == true).collect()
    };
    let owner = app.owner_organization.as_ref().unwrap_or(&app.tenant);
    json!({
        "id": app.principal_id(),
        "deletedDateTime": null,
        "accountEnabled": !principal.disabled,
        "alternativeNames": [],
        "appDisplayName": app.display_name,
        "appDescription": null,
        "appId": app.id,
        "applicationTemplateId": null,
        "appOwnerOrganizationId": owner,
        "appRoleAssignmentRequired": app.assignment_required,
        "createdDateTime": app.created.as_deref().unwrap_or("2026-01-01T00:00:00Z"),
        "description": stored("description"),
        "disabledByMicrosoftStatus": null,
        "displayName": app.display_name,
        "homepage": stored("homepage"),
        "loginUrl": stored("loginUrl"),
        "logoutUrl": stored("logoutUrl"),
        "notes": stored("notes"),
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": stored("preferredSingleSignOnMode"),
        "preferredTokenSigningKeyThumbprint": null,
        "replyUrls": uris.into_iter().flatten().collect::<Vec<_>>(),
        "servicePrincipalNames": names,
        "servicePrincipalType": "Application",
        "signInAudience": audience(app.audience),
        "tags": principal.tags,
        "tokenEncryptionKeyId": app.token_encryption_key,
        "samlSingleSignOnSettings": null,
        "addIns": [],
        "appRoles": enabled(roles_json(app)),
        "info": null,
        "keyCredentials": if app.owner_organization.is_some() { certificate::json(app) } else { Vec::new() },
        "oauth2PermissionScopes": enabled(scopes_json(app)),
        "passwordCredentials": if app.owner_organization.is_some() { password::json(app) } else { Vec::new() },
        "resourceSpecificApplicationPermissions": [],
        "verifiedPublisher": { "displayName": null, "verifiedPublisherId": null, "addedDateTime": null },
    })
}

pub(super) fn of_identity(identity: &ManagedIdentity) -> Value {
    json!({
        "id": identity.object_id,
        "deletedDateTime": null,
        "accountEnabled": true,
        "alternativeNames": ["isExplicit=True"],
        "appDisplayName": null,
        "appId": identity.client_id,
        "appOwnerOrganizationId": null,
        "appRoleAssignmentRequired": false,
        "displayName": identity.name,
        "replyUrls": [],
        "servicePrincipalNames": [identity.client_id],
        "servicePrincipalType": "ManagedIdentity",
        "signInAudience": null,
        "tags": [],
        "appRoles": [],
        "keyCredentials": [],
        "oauth2PermissionScopes": [],
        "passwordCredentials": [],
    })
}
