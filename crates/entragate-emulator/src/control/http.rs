//! `/__emulator`: the control plane as JSON over HTTP, for loopback peers that call it by a name of this machine.
//! `index.rs` lists the controls, docs/reference/emulator.md describes them.
//!
//! What is wrong with a call comes back as 400 `{"error", "hint"}`.

mod directory;

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderName, Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::Url;

use super::{Control, index};
use crate::errors;
use crate::exchange::{Answer, Exchange};
use crate::fault::{Fault, FaultError};
use crate::mint::MintRequest;
use crate::params::decode_segment;
use crate::settings::Settings;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AutoLogin {
    user: Option<String>,
}

/// What was wrong with a call.
struct BadInput {
    error: String,
    hint: String,
}

type Called = Result<Value, BadInput>;

pub(crate) fn answer(control: &Control, peer: IpAddr, exchange: &Exchange, path: &str) -> Response<Body> {
    let error = |status, error: &str, hint: &str| {
        Answer::json(status, &json!({ "error": error, "hint": hint })).uncached().response
    };
    if !peer.to_canonical().is_loopback() {
        return error(
            StatusCode::FORBIDDEN,
            "the control plane answers loopback only",
            "call it from this machine",
        );
    }
    // A name of some other site that was made to mean this machine comes from a page of that site.
    if !is_our_host(exchange, control.base()) {
        return error(
            StatusCode::FORBIDDEN,
            "the control plane answers no such Host",
            "call it as 127.0.0.1, localhost, [::1] or by the emulator's public URL",
        );
    }
    // A proxy on this machine speaks for anybody.
    if exchange.headers.keys().any(is_of_a_proxy) {
        return error(StatusCode::FORBIDDEN, "the control plane answers no proxies", "call it directly");
    }
    // A page of some other site must not steer the emulator through the visitor's browser.
    if exchange.header("origin").is_some_and(|origin| origin != control.base()) {
        return error(
            StatusCode::FORBIDDEN,
            "cross-origin call of the control plane",
            "send no Origin header",
        );
    }
    match call(control, exchange, path) {
        Some(Ok(body)) => Answer::json(StatusCode::OK, &body).uncached().response,
        Some(Err(bad)) => error(StatusCode::BAD_REQUEST, &bad.error, &bad.hint),
        None => error(StatusCode::NOT_FOUND, "no such control", "GET /__emulator lists what there is"),
    }
}

/// What proxies add: RFC 9110 (section 7.6.3), RFC 7239, and what came before it.
fn is_of_a_proxy(header: &HeaderName) -> bool {
    let name = header.as_str();
    matches!(name, "via" | "forwarded" | "x-real-ip") || name.starts_with("x-forwarded-")
}

/// Whether the `Host` is a name of loopback or that of the emulator's own URL; the port does not matter.
fn is_our_host(exchange: &Exchange, base: &str) -> bool {
    let mut hosts = exchange.headers.get_all(HOST).iter();
    let (Some(sent), None) = (hosts.next(), hosts.next()) else { return false };
    let sent = sent.to_str().ok().filter(|sent| !sent.contains('@'));
    let Some(sent) = sent.and_then(|sent| sent.parse::<Authority>().ok()) else { return false };
    let host = sent.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = address.parse::<IpAddr>()
        && address.to_canonical().is_loopback()
    {
        return true;
    }
    let own = Url::parse(base).ok();
    host.eq_ignore_ascii_case("localhost")
        || own.as_ref().and_then(Url::host_str).is_some_and(|own| host.eq_ignore_ascii_case(own))
}

fn call(control: &Control, exchange: &Exchange, path: &str) -> Option<Called> {
    let get = exchange.method == Method::GET;
    let post = exchange.method == Method::POST;
    let delete = exchange.method == Method::DELETE;
    let done = || Ok(json!({}));
    let segments: Vec<&str> = path.split('/').collect();
    Some(match segments.as_slice() {
        [""] if get => Ok(status(control)),
        ["clock"] if get => Ok(json!({ "now": control.now() })),
        ["clock"] if post => body(exchange, index::CLOCK).map(|advance: Advance| {
            control.advance(Duration::from_secs(advance.advance_seconds));
            json!({ "now": control.now() })
        }),
        ["keys", "rotate"] if post => {
            control.rotate_keys();
            done()
        }
        ["keys", "retire"] if post => {
            control.retire_keys();
            done()
        }
        ["reset"] if post => {
            control.reset();
            done()
        }
        ["settings"] if get => Ok(json!(control.settings())),
        ["settings"] if exchange.method == Method::PATCH => patch_settings(control, exchange),
        ["faults"] if get => Ok(json!(control.cloud.state.with(|state| state.faults.clone()))),
        ["faults"] if post => inject(control, exchange),
        ["faults"] if delete => {
            control.clear_faults();
            done()
        }
        ["requests"] if get => Ok(json!(control.requests())),
        ["requests"] if delete => {
            control.clear_requests();
            done()
        }
        ["tokens"] if get => Ok(json!(control.issued())),
        ["tokens"] if post => mint(control, exchange),
        ["users", user, "revoke"] if post => revoke(control, &decode_segment(user)),
        ["auto-login"] if post => auto_login(control, exchange),
        segments => return directory::call(control, exchange, segments),
    })
}

/// Names, ids and controls, enough to find one's way.
fn status(control: &Control) -> Value {
    let directory = control.directory();
    let apps: Map<String, Value> =
        directory.apps.iter().map(|app| (app.name.clone(), app.id.clone().into())).collect();
    let users: Vec<Value> = directory
        .users
        .iter()
        .map(|user| json!({ "name": user.name, "upn": user.upn, "oid": user.oid, "tenant": user.tenant }))
        .collect();
    let tenants: Vec<Value> = directory
        .tenants
        .iter()
        .map(|tenant| json!({ "id": tenant.id, "name": tenant.name, "domain": tenant.initial_domain }))
        .collect();
    json!({
        "url": control.base(),
        "now": control.now(),
        "tenants": tenants,
        "apps": apps,
        "users": users,
        "controls": index::CONTROLS,
    })
}

/// The members sent replace those that are there; the rest stays.
fn patch_settings(control: &Control, exchange: &Exchange) -> Called {
    let patch: Map<String, Value> = body(exchange, index::SETTINGS)?;
    let mut merged = json!(control.settings());
    for (name, value) in patch {
        merged[name] = value;
    }
    let settings: Settings = serde_json::from_value(merged)
        .map_err(|error| bad(error.to_string(), "GET /__emulator/settings shows every member"))?;
    if let Some(user) = &settings.auto_login {
        known_user(control, user)?;
    }
    control.set(|current| *current = settings);
    Ok(json!(control.settings()))
}

fn inject(control: &Control, exchange: &Exchange) -> Called {
    let fault: Fault = body(exchange, index::FAULT)?;
    control.try_inject(fault).map(|()| json!({})).map_err(|error| match &error {
        FaultError::UnknownCode(_) => {
            let codes: Vec<String> = errors::codes().iter().map(u32::to_string).collect();
            bad(error.to_string(), &format!("the codes known are {}", codes.join(", ")))
        }
        FaultError::NoRefusals => bad(error.to_string(), &format!("for example {}", index::REFUSAL)),
    })
}

fn mint(control: &Control, exchange: &Exchange) -> Called {
    let request: MintRequest = body(exchange, index::MINT)?;
    let token = control.try_mint(&request);
    token
        .map(|token| json!({ "token": token }))
        .map_err(|error| bad(error.to_string(), "GET /__emulator lists apps and users"))
}

fn revoke(control: &Control, user: &str) -> Called {
    known_user(control, user)?;
    control.revoke_user(user);
    Ok(json!({}))
}

fn auto_login(control: &Control, exchange: &Exchange) -> Called {
    let wanted: AutoLogin = body(exchange, index::AUTO_LOGIN)?;
    if let Some(user) = &wanted.user {
        known_user(control, user)?;
    }
    control.auto_login(wanted.user.as_deref());
    Ok(json!({ "user": wanted.user }))
}

fn known_user(control: &Control, user: &str) -> Result<(), BadInput> {
    let known = control.directory().user(user).map(|_| ());
    known.ok_or_else(|| bad(format!("no user is called `{user}`"), "GET /__emulator lists the users"))
}

/// The JSON body; `example` is what to send instead.
fn body<T: DeserializeOwned>(exchange: &Exchange, example: &str) -> Result<T, BadInput> {
    // By way of a map, because serde would take an array of the members' values as well.
    let object = serde_json::from_slice(&exchange.body).map(Value::Object);
    object.and_then(serde_json::from_value).map_err(|error| {
        bad(error.to_string(), &format!("the body is one JSON object, for example {example}"))
    })
}

fn bad(error: String, hint: &str) -> BadInput {
    BadInput { error, hint: hint.to_owned() }
}
