//! `/token`, in the order that docs/reference/emulator.md gives under "What differs".

mod client_auth;
mod client_credentials;
mod code;
mod device;
mod origin;
mod refresh;
mod user;

use http::Method;

use crate::authority::Authority;
use crate::authorize::{check_audience, find_client};
use crate::directory::App;
use crate::entra::Entra;
use crate::errors::{self, Refusal};
use crate::exchange::{Answer, Exchange};
use crate::params::Params;
use client_auth::Credentials;

/// One request to `/token`, as far as every grant needs it.
struct Call<'a> {
    entra: &'a Entra,
    form: &'a Params,
    authority: Authority,
    client: &'a App,
    credentials: Credentials,
    /// The `Origin` header: a browser is redeeming.
    origin: Option<&'a str>,
}

/// Parameters that may occur once.
const SINGLE: [&str; 12] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "resource",
    "device_code",
];

pub(crate) fn answer(entra: &Entra, exchange: &Exchange, segment: &str) -> Answer {
    let trace = entra.trace(&exchange.headers);
    let answer = match redeem(entra, exchange, segment) {
        Ok(answer) => answer.uncached().traced(&trace),
        Err(refusal) => errors::json(&refusal, &entra.base, &trace),
    };
    match exchange.form.get("client_id").and_then(|id| entra.directory.client(id, None)) {
        Some(client) => answer.client(&client.name).cors(),
        None => answer.cors(),
    }
}

fn redeem(entra: &Entra, exchange: &Exchange, segment: &str) -> Result<Answer, Refusal> {
    let authority = Authority::parse(segment, &entra.directory)?;
    if exchange.method != Method::POST {
        let method = exchange.method.to_string();
        return Err(Refusal::Verb { accepts: "POST, OPTIONS", method });
    }
    let form = &exchange.form;
    if let Some(name) = form.duplicated(&SINGLE) {
        return Err(Refusal::Duplicated(name));
    }
    let grant_type = form.get("grant_type").ok_or(Refusal::Missing("grant_type"))?;
    let redeem_grant = match grant_type {
        "authorization_code" => code::redeem,
        "refresh_token" => refresh::redeem,
        "client_credentials" => client_credentials::redeem,
        // MSAL and RFC 8628 use the long name, older clients of Entra the short one.
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => device::redeem,
        other => return Err(Refusal::UnknownGrantType(other.to_owned())),
    };
    let (id, credentials) = client_auth::read(exchange)?;
    let client = match &exchange.document_client {
        Some(found) => found.as_ref().map_err(Refusal::clone)?,
        None => find_client(entra, &authority, &id)?,
    };
    if grant_type != "client_credentials" {
        check_audience(&authority, client)?;
    } else if matches!(authority, Authority::Common | Authority::Consumers) {
        return Err(Refusal::NotOnCommon);
    }
    let origin = exchange.header("origin");
    redeem_grant(&Call { entra, form, authority, client, credentials, origin })
}
