//! `/applications`: registrations of the caller's tenant, and the bin below `/directory/deletedItems`.

mod access;
mod bin;
mod claims;
mod create;
mod identifier_uris;
mod json;
mod permissions;
mod write;

use http::Method;

use super::body;
use super::call::{Call, Called, check_id, done};
use super::credential::{federated, password};
use super::error::GraphError;
use super::key::Key;
use crate::directory::{App, Directory};

pub(super) use bin::answer as deleted;
pub(super) use json::{audience, roles as roles_json, scopes as scopes_json, stored};

const FILTERABLE: [&str; 10] = [
    "id",
    "appId",
    "displayName",
    "uniqueName",
    "identifierUris",
    "signInAudience",
    "publisherDomain",
    "createdDateTime",
    "tags",
    "web/redirectUris",
];

const CONTEXT: &str = "applications";

pub(super) fn answer(call: &Call<'_>, key: Option<Key>, rest: &[String]) -> Called {
    let Some(key) = key else { return collection(call) };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (call.method(), rest.as_slice()) {
        (&Method::GET, []) => {
            call.caller.may_read_apps()?;
            call.entity(CONTEXT, &json::application(call.directory(), find(call, &key)?))
        }
        (&Method::PATCH, []) => create::update_or_create(call, &key),
        (&Method::DELETE, []) => delete(call, &key),
        (_, []) => Err(GraphError::no_method()),
        (&Method::POST, ["addPassword" | "microsoft.graph.addPassword"]) => {
            password::add(call, &writable(call, &key)?)
        }
        (&Method::POST, ["removePassword" | "microsoft.graph.removePassword"]) => {
            password::remove(call, &writable(call, &key)?)
        }
        (&Method::GET, ["owners"]) => owners(call, &key),
        (_, [segment, ..]) if segment.starts_with("federatedIdentityCredentials") => {
            let path = super::key::Path::from_segments(rest.iter().map(|&part| part.to_owned()).collect());
            federated::answer(call, &key, path.key)
        }
        (_, [segment, ..]) => Err(GraphError::no_segment(segment)),
    }
}

fn collection(call: &Call<'_>) -> Called {
    match *call.method() {
        Method::GET => {
            call.caller.may_read_apps()?;
            let visible = all(call).filter(|app| !call.misses(&app.registration_id()));
            let items = visible.map(|app| json::application(call.directory(), app)).collect();
            call.page(CONTEXT, items, &FILTERABLE)
        }
        Method::POST => create::create(call),
        _ => Err(GraphError::no_method()),
    }
}

/// The registrations that the tenant has; of other people's apps it has service principals only.
fn all<'a>(call: &'a Call<'_>) -> impl Iterator<Item = &'a App> {
    let own = |app: &&App| app.tenant == call.caller.tenant && app.owner_organization.is_none();
    call.directory().apps.iter().filter(own)
}

/// The registration of that key, unless this look misses it.
pub(super) fn find<'a>(call: &'a Call<'_>, key: &Key) -> Result<&'a App, GraphError> {
    let app = existing(call, key)?.filter(|app| !call.misses(&app.registration_id()));
    app.ok_or_else(|| GraphError::not_found(key.text()))
}

fn existing<'a>(call: &'a Call<'_>, key: &Key) -> Result<Option<&'a App>, GraphError> {
    Ok(match key {
        Key::Id(id) => {
            check_id(id)?;
            all(call).find(|app| app.registration_id().eq_ignore_ascii_case(id))
        }
        Key::Alternate { name, value } if name == "appId" => {
            check_id(value)?;
            all(call).find(|app| app.id.eq_ignore_ascii_case(value))
        }
        Key::Alternate { name, value } if name == "uniqueName" => {
            all(call).find(|app| app.unique_name.as_ref() == Some(value))
        }
        Key::Alternate { name, .. } => {
            return Err(GraphError::bad(format!(
                "The key '{name}' is not a key of the resource 'Application'."
            )));
        }
    })
}

/// The id of the registration, which the caller may change.
pub(super) fn writable(call: &Call<'_>, key: &Key) -> Result<String, GraphError> {
    call.caller.may_read_apps()?;
    let app = find(call, key)?;
    call.caller.may_write_app(app)?;
    Ok(app.id.clone())
}

/// The app of that id in the directory that is being changed.
pub(super) fn draft<'a>(directory: &'a mut Directory, id: &str) -> Result<&'a mut App, GraphError> {
    directory.app_of_id_mut(id).ok_or_else(|| GraphError::not_found(id))
}

fn delete(call: &Call<'_>, key: &Key) -> Called {
    let id = writable(call, key)?;
    call.change(|directory| {
        directory.remove_app(&id);
        Ok(())
    })?;
    done()
}

fn owners(call: &Call<'_>, key: &Key) -> Called {
    call.caller.may_read_apps()?;
    let owners = find(call, key)?.owners.iter().filter_map(|name| call.directory().principal_called(name));
    let items = owners.map(|owner| super::people::principal_json(&owner)).collect();
    call.page("directoryObjects", items, &["id"])
}

/// Reads the body after the right to write was checked.
fn read(call: &Call<'_>) -> Result<crate::jwt::Object, GraphError> {
    body::object(call.exchange)
}
