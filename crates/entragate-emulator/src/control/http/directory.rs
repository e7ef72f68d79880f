//! Changes of the directory: `/users/{name}` and `/apps/{app}/…`.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{BadInput, Called, bad, body};
use crate::control::{Control, index};
use crate::directory::ChangeError;
use crate::exchange::Exchange;
use crate::params::decode_segment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChange {
    disabled: bool,
}

/// Without a role it is default access.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    principal: String,
    role: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    secrets: Vec<String>,
}

pub(super) fn call(control: &Control, exchange: &Exchange, segments: &[&str]) -> Option<Called> {
    let changed = match (&exchange.method, segments) {
        (&Method::PATCH, ["users", user]) => disable(control, exchange, &decode_segment(user)),
        (&Method::POST, ["apps", app, action]) => of_app(control, exchange, &decode_segment(app), action)?,
        _ => return None,
    };
    Some(changed.map(|()| json!({})))
}

fn of_app(control: &Control, exchange: &Exchange, app: &str, action: &str) -> Option<Result<(), BadInput>> {
    Some(match action {
        "assign" => body(exchange, index::ASSIGN).and_then(|wanted: Assignment| {
            control.assign(app, &wanted.principal, wanted.role.as_deref()).map_err(|error| refused(&error))
        }),
        "unassign" => body(exchange, index::ASSIGN).and_then(|wanted: Assignment| {
            control.unassign(app, &wanted.principal, wanted.role.as_deref()).map_err(|error| refused(&error))
        }),
        "revoke-consent" => control.revoke_consent(app).map_err(|error| refused(&error)),
        "secrets" => body(exchange, index::SECRETS).and_then(|wanted: Secrets| {
            let secrets: Vec<&str> = wanted.secrets.iter().map(String::as_str).collect();
            control.set_secrets(app, &secrets).map_err(|error| refused(&error))
        }),
        _ => return None,
    })
}

fn disable(control: &Control, exchange: &Exchange, user: &str) -> Result<(), BadInput> {
    let wanted: UserChange = body(exchange, index::USER)?;
    control.disable_user(user, wanted.disabled).map_err(|error| refused(&error))
}

fn refused(error: &ChangeError) -> BadInput {
    let hint = match error {
        ChangeError::UnknownUser(_) => "GET /__emulator lists the users",
        ChangeError::UnknownGroup(_) => "the directory file lists the groups",
        ChangeError::UnknownApp(_) => "GET /__emulator lists the apps",
        ChangeError::UnknownPrincipal(_) => "GET /__emulator lists users and apps; groups go by their name",
        ChangeError::UnknownRole { .. } => "an app has the roles that the directory gives it",
        ChangeError::NotAssigned { .. } => "name the user, group or app that holds the assignment",
    };
    bad(error.to_string(), hint)
}
