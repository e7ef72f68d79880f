//! An application as Graph shows it.

use serde_json::{Value, json};

use super::{access, claims};
use crate::directory::{App, Audience, Directory, GroupClaims, Principals, Role, Scope};
use crate::graph::credential::{certificate, password};

pub(in crate::graph) fn application(directory: &Directory, app: &App) -> Value {
    let tenant = directory.tenant(&app.tenant);
    let stored = |name: &str| stored(&app.stored, name);
    json!({
        "id": app.registration_id(),
        "deletedDateTime": null,
        "appId": app.id,
        "applicationTemplateId": stored("applicationTemplateId"),
        "disabledByMicrosoftStatus": null,
        "createdDateTime": app.created.as_deref().unwrap_or("2026-01-01T00:00:00Z"),
        "displayName": app.display_name,
        "description": stored("description"),
        "groupMembershipClaims": group_claims(app),
        "identifierUris": app.identifier_uris,
        "isDeviceOnlyAuthSupported": stored("isDeviceOnlyAuthSupported"),
        "isFallbackPublicClient": if app.fallback_public_client { json!(true) } else { Value::Null },
        "notes": app.notes,
        "publisherDomain": tenant.map(|tenant| tenant.domains.first().unwrap_or(&tenant.initial_domain)),
        "serviceManagementReference": stored("serviceManagementReference"),
        "signInAudience": audience(app.audience),
        "tags": app.tags,
        "tokenEncryptionKeyId": app.token_encryption_key,
        "uniqueName": app.unique_name,
        "samlMetadataUrl": stored("samlMetadataUrl"),
        "defaultRedirectUri": stored("defaultRedirectUri"),
        "certification": null,
        "requestSignatureVerification": null,
        "servicePrincipalLockConfiguration": stored("servicePrincipalLockConfiguration"),
        "addIns": or(stored("addIns"), json!([])),
        "api": api(directory, app),
        "appRoles": roles(app),
        "info": or(stored("info"), json!({
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
            "termsOfServiceUrl": null,
        })),
        "keyCredentials": certificate::json(app),
        "optionalClaims": claims::json(app),
        "parentalControlSettings": or(stored("parentalControlSettings"), json!({
            "countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow",
        })),
        "passwordCredentials": password::json(app),
        "publicClient": { "redirectUris": app.public_redirect_uris },
        "requiredResourceAccess": access::required_json(directory, app),
        "verifiedPublisher": { "displayName": null, "verifiedPublisherId": null, "addedDateTime": null },
        "web": web(app),
        "spa": { "redirectUris": app.spa_redirect_uris },
    })
}

/// A property that is only stored; `null` where it is not.
pub(in crate::graph) fn stored(properties: &std::collections::BTreeMap<String, String>, name: &str) -> Value {
    properties.get(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

fn or(value: Value, otherwise: Value) -> Value {
    if value.is_null() { otherwise } else { value }
}

fn api(directory: &Directory, app: &App) -> Value {
    // An app without a version gets version 1 tokens, and Graph shows that it has none.
    let named = app.stored.contains_key("api.requestedAccessTokenVersion");
    let version = if app.token_version == 1 && !named { Value::Null } else { json!(app.token_version) };
    json!({
        "acceptMappedClaims": stored(&app.stored, "api.acceptMappedClaims"),
        "knownClientApplications": app.known_clients,
        "requestedAccessTokenVersion": version,
        "oauth2PermissionScopes": scopes(app),
        "preAuthorizedApplications": access::preauthorized_json(directory, app),
    })
}

fn web(app: &App) -> Value {
    let uri = |uri: &String| json!({ "uri": uri, "index": null });
    json!({
        "homePageUrl": stored(&app.stored, "web.homePageUrl"),
        "logoutUrl": stored(&app.stored, "web.logoutUrl"),
        "redirectUris": app.web_redirect_uris,
        "implicitGrantSettings": {
            "enableAccessTokenIssuance": app.implicit_access_tokens,
            "enableIdTokenIssuance": app.implicit_id_tokens,
        },
        "redirectUriSettings": app.web_redirect_uris.iter().map(uri).collect::<Vec<_>>(),
    })
}

pub(in crate::graph) fn scopes(app: &App) -> Vec<Value> {
    let scope = |scope: &Scope| {
        json!({
            "adminConsentDescription": scope.admin_consent_description,
            "adminConsentDisplayName": scope.admin_consent_name,
            "id": app.scope_id(scope),
            "isEnabled": !scope.disabled,
            "type": if scope.admin_only { "Admin" } else { "User" },
            "userConsentDescription": scope.user_consent_description,
            "userConsentDisplayName": scope.user_consent_name,
            "value": scope.value,
        })
    };
    app.scopes.iter().map(scope).collect()
}

pub(in crate::graph) fn roles(app: &App) -> Vec<Value> {
    let role = |role: &Role| {
        let members = match role.members {
            Principals::User => json!(["User"]),
            Principals::Application => json!(["Application"]),
            Principals::Both => json!(["User", "Application"]),
        };
        json!({
            "allowedMemberTypes": members,
            "description": role.description.as_ref().or(role.display_name.as_ref()).unwrap_or(&role.value),
            "displayName": role.display_name.as_ref().unwrap_or(&role.value),
            "id": app.role_id(role),
            "isEnabled": !role.disabled,
            "origin": "Application",
            "value": role.value,
        })
    };
    app.roles.iter().map(role).collect()
}

fn group_claims(app: &App) -> Value {
    match app.group_claims {
        GroupClaims::None => stored(&app.stored, "groupMembershipClaims"),
        GroupClaims::SecurityGroup => "SecurityGroup".into(),
        GroupClaims::ApplicationGroup => "ApplicationGroup".into(),
        GroupClaims::All => "All".into(),
    }
}

pub(in crate::graph) fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::MyOrg => "AzureADMyOrg",
        Audience::MultipleOrgs => "AzureADMultipleOrgs",
        Audience::MultipleOrgsAndPersonal => "AzureADandPersonalMicrosoftAccount",
    }
}
