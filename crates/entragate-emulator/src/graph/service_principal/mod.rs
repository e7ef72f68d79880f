//! `/servicePrincipals`: the apps and managed identities that the caller's tenant has.

mod json;
mod write;

use http::Method;
use serde_json::Value;

use super::call::{Call, Called, check_id, done};
use super::error::GraphError;
use super::key::Key;
use super::{assignment, grant};
use crate::directory::{App, ManagedIdentity};

const CONTEXT: &str = "servicePrincipals";

const FILTERABLE: [&str; 9] = [
    "id",
    "appId",
    "displayName",
    "servicePrincipalNames",
    "servicePrincipalType",
    "accountEnabled",
    "appOwnerOrganizationId",
    "appRoleAssignmentRequired",
    "tags",
];

/// A service principal: of an app, or a managed identity.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    App(&'a App),
    Identity(&'a ManagedIdentity),
}

impl Found<'_> {
    pub(super) fn object_id(&self) -> String {
        match self {
            Self::App(app) => app.principal_id(),
            Self::Identity(identity) => identity.object_id.clone(),
        }
    }

    fn app_id(&self) -> &str {
        match self {
            Self::App(app) => &app.id,
            Self::Identity(identity) => &identity.client_id,
        }
    }
}

pub(super) fn answer(call: &Call<'_>, key: Option<Key>, rest: &[String]) -> Called {
    let Some(key) = key else { return collection(call) };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (call.method(), rest.as_slice()) {
        (&Method::GET, []) => {
            call.caller.may_read_apps()?;
            call.entity(CONTEXT, &json(find(call, &key)?))
        }
        (&Method::PATCH, []) => write::update_or_create(call, &key),
        (&Method::DELETE, []) => {
            let id = writable(call, &key)?;
            call.change(|directory| {
                directory.remove_principal(&id);
                Ok(())
            })?;
            done()
        }
        (_, []) => Err(GraphError::no_method()),
        (_, ["appRoleAssignedTo", rest @ ..]) => {
            let Found::App(app) = resolve(call, &key)? else { return Err(GraphError::not_found(key.text())) };
            assignment::on_resource(call, app, rest)
        }
        (_, ["appRoleAssignments", rest @ ..]) => {
            assignment::of_principal(call, &resolve(call, &key)?.object_id(), rest)
        }
        (&Method::GET, ["oauth2PermissionGrants"]) => {
            grant::of_client(call, &resolve(call, &key)?.object_id())
        }
        (&Method::GET, ["owners"]) => {
            call.caller.may_read_apps()?;
            find(call, &key)?;
            call.page("directoryObjects", Vec::new(), &["id"])
        }
        (_, [segment, ..]) => Err(GraphError::no_segment(segment)),
    }
}

fn collection(call: &Call<'_>) -> Called {
    match *call.method() {
        Method::GET => {
            call.caller.may_read_apps()?;
            let visible = all(call).filter(|found| !call.misses(&found.object_id()));
            let items = visible.map(json).collect();
            call.page(CONTEXT, items, &FILTERABLE)
        }
        Method::POST => write::create(call),
        _ => Err(GraphError::no_method()),
    }
}

fn json(found: Found<'_>) -> Value {
    match found {
        Found::App(app) => json::of_app(app),
        Found::Identity(identity) => json::of_identity(identity),
    }
}

fn all<'a>(call: &'a Call<'_>) -> impl Iterator<Item = Found<'a>> {
    let tenant = &call.caller.tenant;
    let here = move |app: &&App| {
        !app.service_principal.absent && (app.tenant == *tenant || app.audience.is_multi_tenant())
    };
    let identities = call.directory().managed_identities.iter().filter(move |known| known.tenant == *tenant);
    call.directory().apps.iter().filter(here).map(Found::App).chain(identities.map(Found::Identity))
}

/// The service principal of that key, unless this look misses it.
fn find<'a>(call: &'a Call<'_>, key: &Key) -> Result<Found<'a>, GraphError> {
    let found = existing(call, key)?.filter(|found| !call.misses(&found.object_id()));
    found.ok_or_else(|| GraphError::not_found(key.text()))
}

/// The same for who may read it.
fn resolve<'a>(call: &'a Call<'_>, key: &Key) -> Result<Found<'a>, GraphError> {
    call.caller.may_read_apps()?;
    find(call, key)
}

fn existing<'a>(call: &'a Call<'_>, key: &Key) -> Result<Option<Found<'a>>, GraphError> {
    check_id(key.text())?;
    Ok(match key {
        Key::Id(id) => all(call).find(|found| found.object_id().eq_ignore_ascii_case(id)),
        Key::Alternate { name, value } if name == "appId" => {
            all(call).find(|found| found.app_id().eq_ignore_ascii_case(value))
        }
        Key::Alternate { name, .. } => {
            let message = format!("The key '{name}' is not a key of the resource 'ServicePrincipal'.");
            return Err(GraphError::bad(message));
        }
    })
}

/// The id of the app whose service principal the caller may change.
fn writable(call: &Call<'_>, key: &Key) -> Result<String, GraphError> {
    let Found::App(app) = resolve(call, key)? else { return Err(GraphError::denied()) };
    call.caller.may_write_app(app)?;
    Ok(app.id.clone())
}
