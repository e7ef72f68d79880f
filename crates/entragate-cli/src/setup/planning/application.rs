//! The registrations themselves.

use serde_json::{Value, json};

use super::Draft;
use super::members::Members;
use crate::graph::objects::{AppRole, Application, PermissionScope, RequiredResourceAccess, ResourceAccess};
use crate::graph::{Request, odata};
use crate::setup::existing::{ExistingApp, Standing};
use crate::setup::identifier_uri;
use crate::setup::plan::{Action, Step, Task};
use crate::setup::slot::Slot;
use crate::setup::wanted::{Part, Resource, TAG, WantedApp, WantedName, WantedTokens};

/// The registration, without what names its own id.
pub(super) fn application(draft: &mut Draft<'_>, wanted: &WantedApp) {
    let part = wanted.part;
    let existing = draft.existing(part);
    let nothing = Application::default();
    let there = existing.map_or(&nothing, |app| &app.application);
    let mut members = Members::default();
    let mut kept: Vec<String> = Vec::new();

    members.set("displayName", json!(there.display_name), name(draft, wanted, existing));
    if part == Part::Api {
        draft.notes.extend(token_version(&mut members, draft.wanted.tokens, existing));
        kept.extend(scopes(&mut members, there, wanted));
        kept.extend(roles(&mut members, there, wanted));
        optional_claims(&mut members, there, wanted);
    }
    let web = members.add("web.redirectUris", &there.web.redirect_uris, &wanted.web_redirect_uris);
    kept.extend(web);
    let public = &there.public_client.redirect_uris;
    kept.extend(members.add("publicClient.redirectUris", public, &wanted.public_redirect_uris));
    if wanted.fallback_public_client {
        let before = there.is_fallback_public_client;
        members.set("isFallbackPublicClient", json!(before), json!(true));
    }
    if !names_itself(wanted) {
        permissions(draft, &mut members, there, wanted);
    }
    draft.notes.extend(remarks(existing, wanted, &kept));
    let title = format!("{} registration \"{}\"", part.name(), display_name(existing, wanted));
    draft.steps.push(step(wanted, existing, members, title));
}

fn step(wanted: &WantedApp, existing: Option<&ExistingApp>, mut members: Members, title: String) -> Step {
    let part = wanted.part;
    let task = Task::Application { part };
    match existing {
        None => {
            members.also("signInAudience", json!("AzureADMyOrg"));
            members.also("tags", json!([TAG]));
            let path = format!("/applications(uniqueName={})", odata::literal(&wanted.unique_name));
            let request = Request::upsert(path, members.body().unwrap_or_default());
            Step::send(task, title, Action::Create, request)
                .learning([(Slot::app_id(part), "appId"), (Slot::object_id(part), "id")])
        }
        Some(app) => changed(task, title, app, &members),
    }
    .with_fields(members.fields)
}

fn changed(task: Task, title: String, app: &ExistingApp, members: &Members) -> Step {
    match members.body() {
        None => Step::keep(task, title),
        Some(body) => {
            let path = format!("/applications/{}", odata::segment(&app.application.id));
            Step::send(task, title, Action::Change, Request::patch(path, body))
        }
    }
}

/// What names the registration's own id, which is not known before it is made.
pub(super) fn own_id(draft: &mut Draft<'_>, wanted: &WantedApp) {
    if wanted.identifier_uris.is_empty() && !names_itself(wanted) {
        return;
    }
    let part = wanted.part;
    let existing = draft.existing(part);
    let nothing = Application::default();
    let there = existing.map_or(&nothing, |app| &app.application);
    let mut members = Members::default();
    let uris: Vec<String> = wanted.identifier_uris.iter().map(|uri| draft.ids.fill(uri)).collect();
    let foreign = members.add("identifierUris", &there.identifier_uris, &uris);
    if let Some(note) = note(&foreign, wanted) {
        draft.notes.push(note);
    }
    if part == Part::Api {
        draft.notes.extend(identifier_uri::remarks(draft.wanted, draft.existing));
    }
    if names_itself(wanted) {
        permissions(draft, &mut members, there, wanted);
    }
    let title = if names_itself(wanted) {
        "its Application ID URI, and its permission on itself"
    } else {
        "its Application ID URI"
    };
    let (task, title) = (Task::OwnId { part }, title.to_owned());
    let step = match (existing, members.body()) {
        (Some(app), _) => changed(task, title, app, &members),
        (None, Some(body)) => {
            let path = format!("/applications/{}", Slot::object_id(part).placeholder());
            Step::send(task, title, Action::Create, Request::patch(path, body))
        }
        (None, None) => Step::keep(task, title),
    };
    draft.steps.push(step.with_fields(members.fields));
}

fn names_itself(wanted: &WantedApp) -> bool {
    wanted.part == Part::Api && wanted.permissions.iter().any(|on| on.resource == Resource::Api)
}

fn display_name<'a>(existing: Option<&'a ExistingApp>, wanted: &'a WantedApp) -> &'a str {
    let there = existing.and_then(|app| app.application.display_name.as_deref());
    there.unwrap_or(&wanted.display_name)
}

/// An adopted registration keeps its name; another one changes it only if somebody said how it is called.
fn name(draft: &Draft<'_>, wanted: &WantedApp, existing: Option<&ExistingApp>) -> Value {
    match existing {
        Some(app) if app.standing == Standing::Adopted || draft.wanted.name == WantedName::AsItIs => {
            json!(app.application.display_name)
        }
        _ => json!(wanted.display_name),
    }
}

/// `iss` and `aud` of every token hang on it, whoever consumes it; returns what is to be said about that.
fn token_version(
    members: &mut Members,
    tokens: WantedTokens,
    existing: Option<&ExistingApp>,
) -> Option<String> {
    const NAME: &str = "api.requestedAccessTokenVersion";
    let Some(app) = existing else {
        members.set(NAME, Value::Null, json!(2));
        return None;
    };
    // `null` means 1: learn.microsoft.com/graph/api/resources/apiapplication
    let before = app.application.api.requested_access_token_version.unwrap_or(1);
    let stays = app.standing == Standing::Adopted && tokens == WantedTokens::AsAdopted;
    members.set(NAME, json!(before), if stays { json!(before) } else { json!(2) });
    match (before, stays) {
        (2, _) => None,
        (_, true) => Some(format!(
            "The API app issues access tokens of version {before}, which stays; the gateway takes both versions. \
             --v2-tokens changes it, and iss and aud with it for everybody who consumes these tokens"
        )),
        (_, false) => Some(
            "Careful: with version 2, iss and aud of the API app's access tokens change for everybody who consumes them; \
             the gateway takes both versions"
                .to_owned(),
        ),
    }
}

fn scopes(members: &mut Members, there: &Application, wanted: &WantedApp) -> Vec<String> {
    let before = &there.api.oauth2_permission_scopes;
    let mut after = before.clone();
    for scope in &wanted.scopes {
        match after.iter_mut().find(|known| known.value.as_deref() == Some(&scope.value)) {
            Some(known) => known.is_enabled = true,
            None => after.push(PermissionScope {
                id: scope.id.clone(),
                value: Some(scope.value.clone()),
                kind: Some("User".to_owned()),
                is_enabled: true,
                rest: texts(&scope.title, &scope.description),
            }),
        }
    }
    let words = |scopes: &[PermissionScope]| -> Value {
        scopes.iter().map(|scope| word(scope.value.as_deref(), &scope.id, scope.is_enabled)).collect()
    };
    members.show("api.oauth2PermissionScopes", words(before), words(&after), json!(after));
    let foreign = before.iter().filter_map(|scope| scope.value.as_ref());
    foreign
        .filter(|value| !wanted.scopes.iter().any(|scope| scope.value == **value))
        .map(|value| format!("scope {value}"))
        .collect()
}

fn texts(title: &str, description: &str) -> crate::graph::objects::Rest {
    [
        ("adminConsentDisplayName", title),
        ("adminConsentDescription", description),
        ("userConsentDisplayName", title),
        ("userConsentDescription", description),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), json!(text)))
    .collect()
}

fn word(value: Option<&str>, id: &str, is_enabled: bool) -> Value {
    let value = value.unwrap_or(id);
    json!(if is_enabled { value.to_owned() } else { format!("{value} (disabled)") })
}

fn roles(members: &mut Members, there: &Application, wanted: &WantedApp) -> Vec<String> {
    let before = &there.app_roles;
    let mut after = before.clone();
    for role in &wanted.roles {
        match after.iter_mut().find(|known| known.value.as_deref() == Some(&role.value)) {
            Some(known) => {
                known.is_enabled = true;
                if !known.is_for_people() {
                    known.allowed_member_types.push("User".to_owned());
                }
            }
            None => after.push(AppRole {
                id: role.id.clone(),
                value: Some(role.value.clone()),
                display_name: Some(role.value.clone()),
                description: Some(role.description.clone()),
                allowed_member_types: vec!["User".to_owned()],
                is_enabled: true,
                ..AppRole::default()
            }),
        }
    }
    let words = |roles: &[AppRole]| -> Value {
        let one = |role: &AppRole| {
            let word = word(role.value.as_deref(), &role.id, role.is_enabled);
            let word = word.as_str().unwrap_or_default().to_owned();
            if role.is_for_people() { word } else { format!("{word} (applications only)") }
        };
        roles.iter().map(one).collect()
    };
    members.show("appRoles", words(before), words(&after), json!(after));
    let foreign = before.iter().filter_map(|role| role.value.as_ref());
    foreign
        .filter(|value| !wanted.roles.iter().any(|role| role.value == **value))
        .map(|value| format!("role {value}"))
        .collect()
}

fn optional_claims(members: &mut Members, there: &Application, wanted: &WantedApp) {
    let mut claims = there.optional_claims.clone().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let list = claims.get("accessToken").and_then(Value::as_array).cloned().unwrap_or_default();
    let names = |list: &[Value]| -> Value { list.iter().map(|claim| claim["name"].clone()).collect() };
    let mut after = list.clone();
    for name in &wanted.optional_claims {
        if !list.iter().any(|claim| claim["name"] == *name) {
            after.push(json!({ "name": name }));
        }
    }
    let (was, is) = (names(&list), names(&after));
    claims["accessToken"] = Value::Array(after);
    members.show("optionalClaims", was, is, claims);
}

/// `requiredResourceAccess`: what `.default` and the portal's consent button are about.
fn permissions(draft: &Draft<'_>, members: &mut Members, there: &Application, wanted: &WantedApp) {
    if wanted.permissions.is_empty() {
        return;
    }
    let before = &there.required_resource_access;
    let mut after = before.clone();
    for permissions in &wanted.permissions {
        let resource = draft.ids.fill(&permissions.resource.app_id());
        let at = after.iter().position(|access| access.resource_app_id == resource).unwrap_or_else(|| {
            let access = RequiredResourceAccess { resource_app_id: resource.clone(), ..Default::default() };
            after.push(access);
            after.len() - 1
        });
        for (name, id) in &permissions.scopes {
            let id = if permissions.resource == Resource::Api { draft.scope_id(name) } else { id.clone() };
            let list = &mut after[at].resource_access;
            if !list.iter().any(|access| access.id == id) {
                list.push(ResourceAccess { id, kind: "Scope".to_owned() });
            }
        }
    }
    let words = |all: &[RequiredResourceAccess]| -> Value {
        all.iter()
            .flat_map(|access| access.resource_access.iter())
            .map(|one| json!(scope_name(draft, one)))
            .collect()
    };
    members.show("requiredResourceAccess", words(before), words(&after), json!(after));
}

/// The name of a permission, where it is known.
fn scope_name(draft: &Draft<'_>, access: &ResourceAccess) -> String {
    let wanted = draft.wanted.apps().flat_map(|app| &app.permissions).flat_map(|on| {
        on.scopes.iter().map(move |(name, id)| {
            (name, if on.resource == Resource::Api { draft.scope_id(name) } else { id.clone() })
        })
    });
    let mut wanted = wanted.filter(|(_, id)| *id == access.id);
    wanted.next().map_or_else(|| access.id.clone(), |(name, _)| name.clone())
}

/// What stays although nobody asked for it.
fn note(kept: &[String], wanted: &WantedApp) -> Option<String> {
    let list = kept.join(", ");
    (!kept.is_empty())
        .then(|| format!("The {} has more than setup knows of, which stays: {list}", wanted.part.name()))
}

fn remarks(existing: Option<&ExistingApp>, wanted: &WantedApp, kept: &[String]) -> Vec<String> {
    let mut remarks: Vec<String> = note(kept, wanted).into_iter().collect();
    let Some(existing) = existing else { return remarks };
    let (app, part) = (&existing.application, wanted.part.name());
    if app.sign_in_audience.as_deref().is_some_and(|audience| audience != "AzureADMyOrg") {
        let audience = app.sign_in_audience.as_deref().unwrap_or_default();
        remarks.push(format!(
            "The {part} takes accounts of other tenants too (signInAudience {audience}), which stays; the gateway lets in \
             its own tenant's only"
        ));
    }
    if app.token_encryption_key_id.is_some() {
        remarks.push(format!(
            "The {part} encrypts its tokens (tokenEncryptionKeyId), which no gateway can read: take that away by hand"
        ));
    }
    let single_page = &app.spa.redirect_uris;
    let wanted_uris = wanted.web_redirect_uris.iter().chain(&wanted.public_redirect_uris);
    for uri in wanted_uris.filter(|uri| single_page.contains(uri)) {
        remarks.push(format!(
            "{uri} is also registered as \"Single-page application\" (AADSTS9002327): take it away there by hand"
        ));
    }
    remarks
}
