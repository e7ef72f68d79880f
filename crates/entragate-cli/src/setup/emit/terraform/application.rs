//! A registration and its parts.

use super::hcl::Block;
use super::{client_id, label, named, of_application, scope_id, template};
use crate::graph::GRAPH_APP_ID;
use crate::setup::emit::value::Value;
use crate::setup::wanted::{Part, Resource, WantedApp, WantedPermissions};

/// The registration, then what hangs on it.
pub(super) fn blocks(app: &WantedApp) -> Vec<Block> {
    let part = app.part;
    let mut blocks = vec![
        Block::labelled("resource", &["azuread_application_registration", label(part)])
            .set("display_name", Value::text(&app.display_name))
            .set("sign_in_audience", Value::text("AzureADMyOrg"))
            // Access tokens of version 2, whatever endpoint a client uses; https identifier URIs need it too.
            .set("requested_access_token_version", Value::Number(2)),
    ];
    blocks.extend(identifier_uris(app));
    blocks.extend(scopes(app));
    blocks.extend(roles(app));
    blocks.extend(redirect_uris(app, "Web", &app.web_redirect_uris));
    blocks.extend(redirect_uris(app, "PublicClient", &app.public_redirect_uris));
    if app.fallback_public_client {
        let fallback = of_application("azuread_application_fallback_public_client", label(part), part);
        blocks.push(fallback.set("enabled", Value::Flag(true)));
    }
    if !app.optional_claims.is_empty() {
        let claims = of_application("azuread_application_optional_claims", label(part), part);
        let claim = |name: &&str| Block::new("access_token").set("name", Value::text(*name));
        blocks.push(app.optional_claims.iter().map(claim).fold(claims, Block::with));
    }
    blocks
}

fn identifier_uris(app: &WantedApp) -> impl Iterator<Item = Block> {
    app.identifier_uris.iter().enumerate().map(|(at, uri)| {
        let name =
            if at == 0 { label(app.part).to_owned() } else { format!("{}_{}", label(app.part), at + 1) };
        of_application("azuread_application_identifier_uri", &name, app.part)
            .set("identifier_uri", template(uri))
    })
}

fn scopes(app: &WantedApp) -> impl Iterator<Item = Block> {
    app.scopes.iter().map(|scope| {
        let name = named("scope", app, &scope.value, &scope.id);
        of_application("azuread_application_permission_scope", &name, app.part)
            .set("scope_id", Value::text(&scope.id))
            .set("value", Value::text(&scope.value))
            .set("type", Value::text("User"))
            .set("admin_consent_display_name", Value::text(&scope.title))
            .set("admin_consent_description", Value::text(&scope.description))
            .set("user_consent_display_name", Value::text(&scope.title))
            .set("user_consent_description", Value::text(&scope.description))
    })
}

fn roles(app: &WantedApp) -> impl Iterator<Item = Block> {
    app.roles.iter().map(|role| {
        let name = named("role", app, &role.value, &role.id);
        of_application("azuread_application_app_role", &name, app.part)
            .set("role_id", Value::text(&role.id))
            .set("value", Value::text(&role.value))
            .set("display_name", Value::text(&role.value))
            .set("description", Value::text(&role.description))
            .set("allowed_member_types", Value::texts(["User"]))
    })
}

fn redirect_uris(app: &WantedApp, platform: &str, uris: &[String]) -> Option<Block> {
    let name = format!("{}_{}", label(app.part), platform.to_ascii_lowercase());
    (!uris.is_empty()).then(|| {
        of_application("azuread_application_redirect_uris", &name, app.part)
            .set("type", Value::text(platform))
            .set("redirect_uris", Value::texts(uris))
    })
}

/// Permissions that are listed: what `.default` and the portal's consent button are about.
pub(super) fn access(app: &WantedApp, permissions: &WantedPermissions, api: &WantedApp) -> Block {
    let on = permissions.resource;
    let name = match on {
        Resource::Api => format!("{}_on_api", label(app.part)),
        Resource::Graph => format!("{}_on_graph", label(app.part)),
    };
    let api_id = match on {
        Resource::Api => client_id(Part::Api),
        Resource::Graph => Value::text(GRAPH_APP_ID),
    };
    let scope = |(value, id): &(String, String)| match on {
        Resource::Api => scope_id(api, value).unwrap_or_else(|| Value::text(id)),
        Resource::Graph => Value::text(id),
    };
    let names: Vec<&str> = permissions.scopes.iter().map(|(value, _)| value.as_str()).collect();
    of_application("azuread_application_api_access", &name, app.part)
        .set("api_client_id", api_id)
        .note(names.join(", "))
        .set("scope_ids", Value::List(permissions.scopes.iter().map(scope).collect()))
}
