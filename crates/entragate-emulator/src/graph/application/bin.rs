//! `/directory/deletedItems`: deleted registrations can be restored, or deleted for good.

use http::Method;
use serde_json::{Value, json};

use super::json::application;
use crate::clock;
use crate::directory::App;
use crate::graph::call::{Call, Called, check_id, done};
use crate::graph::error::GraphError;
use crate::graph::key::Key;

pub(in crate::graph) fn answer(call: &Call<'_>, key: Option<&Key>, rest: &[String]) -> Called {
    if key.map(Key::text) != Some("deletedItems") {
        return Err(GraphError::no_segment("directory"));
    }
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let deleted = |app: &App| {
        let mut object = application(call.directory(), app);
        object["deletedDateTime"] = Value::from(clock::iso_seconds(call.now));
        object
    };
    match (call.method(), rest.as_slice()) {
        (&Method::GET, ["microsoft.graph.application" | "graph.application"]) => {
            call.caller.may_read_apps()?;
            let items = own(call).map(deleted).collect();
            call.page("applications", items, &super::FILTERABLE)
        }
        (&Method::GET, [id]) => {
            call.caller.may_read_apps()?;
            let mut object = deleted(find(call, id)?);
            object["@odata.type"] = json!("#microsoft.graph.application");
            call.entity("directoryObjects", &object)
        }
        (&Method::POST, [id, "restore"]) => {
            let app = find(call, id)?;
            call.caller.may_write_app(app)?;
            let app = app.clone();
            call.change(|directory| {
                directory.deleted_apps.retain(|gone| gone.id != app.id);
                directory.apps.push(app.clone());
                Ok(())
            })?;
            call.entity("directoryObjects", &application(call.directory(), &app))
        }
        (&Method::DELETE, [id]) => {
            let app = find(call, id)?;
            call.caller.may_write_app(app)?;
            call.change(|directory| {
                directory.deleted_apps.retain(|gone| gone.id != app.id);
                Ok(())
            })?;
            done()
        }
        _ => Err(GraphError::no_segment("deletedItems")),
    }
}

fn own<'a>(call: &'a Call<'_>) -> impl Iterator<Item = &'a App> {
    call.directory().deleted_apps.iter().filter(|app| app.tenant == call.caller.tenant)
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a App, GraphError> {
    check_id(id)?;
    let found = own(call).find(|app| app.registration_id().eq_ignore_ascii_case(id));
    found.ok_or_else(|| GraphError::not_found(id))
}
