//! A registration.

use super::{app_id_parameter, filled, once_known};
use crate::graph::GRAPH_APP_ID;
use crate::setup::emit::value::Value;
use crate::setup::planning::CREDENTIAL_NAME;
use crate::setup::wanted::{
    Part, Resource, TAG, Wanted, WantedApp, WantedCredential, WantedPermissions, WantedRole, WantedScope,
};

/// `uniqueName` is how Graph's extension, and setup, find it again.
pub(super) fn application(wanted: &Wanted, app: &WantedApp) -> Value {
    let mut members = vec![
        ("uniqueName", Value::text(&app.unique_name)),
        ("displayName", Value::text(&app.display_name)),
        ("signInAudience", Value::text("AzureADMyOrg")),
        ("tags", Value::texts([TAG])),
    ];
    if !app.identifier_uris.is_empty() {
        let uris = Value::List(app.identifier_uris.iter().map(|uri| filled(uri)).collect());
        members.push(("identifierUris", once_known(app.part, &uris, 1)));
    }
    if app.part == Part::Api {
        members.push(("api", api(wanted, app)));
        members.push(("appRoles", Value::List(app.roles.iter().map(role).collect())));
    }
    if !app.optional_claims.is_empty() {
        let claims = app.optional_claims.iter().map(|name| Value::Object(vec![("name", Value::text(*name))]));
        members.push(("optionalClaims", Value::Object(vec![("accessToken", Value::List(claims.collect()))])));
    }
    members.extend(platform("web", &app.web_redirect_uris));
    members.extend(platform("publicClient", &app.public_redirect_uris));
    members.push(("isFallbackPublicClient", Value::Flag(app.fallback_public_client)));
    if !app.permissions.is_empty() {
        members.push(("requiredResourceAccess", access(&app.permissions)));
    }
    if app.part == wanted.authenticated()
        && let WantedCredential::Certificate { certificate, .. } = &wanted.credential
    {
        members.push(("keyCredentials", Value::List(vec![key(certificate)])));
    }
    Value::Object(members)
}

fn api(wanted: &Wanted, app: &WantedApp) -> Value {
    let mut members = vec![
        // Access tokens of version 2, whatever endpoint a client uses; https identifier URIs need it too.
        ("requestedAccessTokenVersion", Value::Number(2)),
        ("oauth2PermissionScopes", Value::List(app.scopes.iter().map(scope).collect())),
    ];
    if let Some(client) = &wanted.client {
        let scopes = Value::texts(app.scopes.iter().map(|scope| &scope.id));
        let entry = Value::Object(vec![
            ("appId", Value::code(app_id_parameter(client.part))),
            ("delegatedPermissionIds", scopes),
        ]);
        let list = Value::List(vec![entry]);
        members.push(("preAuthorizedApplications", once_known(client.part, &list, 2)));
    }
    Value::Object(members)
}

fn scope(scope: &WantedScope) -> Value {
    Value::Object(vec![
        ("id", Value::text(&scope.id)),
        ("value", Value::text(&scope.value)),
        ("type", Value::text("User")),
        ("isEnabled", Value::Flag(true)),
        ("adminConsentDisplayName", Value::text(&scope.title)),
        ("adminConsentDescription", Value::text(&scope.description)),
        ("userConsentDisplayName", Value::text(&scope.title)),
        ("userConsentDescription", Value::text(&scope.description)),
    ])
}

fn role(role: &WantedRole) -> Value {
    Value::Object(vec![
        ("id", Value::text(&role.id)),
        ("value", Value::text(&role.value)),
        ("displayName", Value::text(&role.value)),
        ("description", Value::text(&role.description)),
        ("allowedMemberTypes", Value::texts(["User"])),
        ("isEnabled", Value::Flag(true)),
    ])
}

fn platform(name: &'static str, uris: &[String]) -> Option<(&'static str, Value)> {
    (!uris.is_empty()).then(|| (name, Value::Object(vec![("redirectUris", Value::texts(uris))])))
}

/// Also emptied in the first deployment: it names the API app's id, in broker mode within the API app.
fn access(permissions: &[WantedPermissions]) -> Value {
    let entry = |on: &WantedPermissions| {
        let resource = match on.resource {
            Resource::Api => Value::code(app_id_parameter(Part::Api)),
            Resource::Graph => Value::text(GRAPH_APP_ID),
        };
        let scope = |(_, id): &(String, String)| {
            Value::Object(vec![("id", Value::text(id)), ("type", Value::text("Scope"))])
        };
        Value::Object(vec![
            ("resourceAppId", resource),
            ("resourceAccess", Value::List(on.scopes.iter().map(scope).collect())),
        ])
    };
    let list = Value::List(permissions.iter().map(entry).collect());
    once_known(Part::Api, &list, 1)
}

fn key(certificate: &str) -> Value {
    Value::Object(vec![
        ("type", Value::text("AsymmetricX509Cert")),
        ("usage", Value::text("Verify")),
        ("displayName", Value::text(CREDENTIAL_NAME)),
        ("key", Value::text(certificate)),
    ])
}
