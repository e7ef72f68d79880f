//! `/token`, in the order that docs/reference/emulator.md gives under "What differs".

mod client_auth;
mod client_credentials;
mod code;
mod device;
mod obo;
mod origin;
mod refresh;
mod user;

use http::Method;

use crate::authority::Authority;
use crate::authorize::{check_audience, find_client};
use crate::directory::App;
use crate::discovery::Version;
use crate::entra::Entra;
use crate::errors::{self, Refusal};
use crate::exchange::{Answer, Exchange};
use crate::params::Params;
use crate::scope::ScopeRequest;
use crate::v1;
use client_auth::Credentials;

/// One request to `/token`, as far as every grant needs it.
struct Call<'a> {
    entra: &'a Entra,
    /// Of the endpoint.
    version: Version,
    form: &'a Params,
    authority: Authority,
    client: &'a App,
    credentials: Credentials,
    /// The `Origin` header: a browser is redeeming.
    origin: Option<&'a str>,
}

impl Call<'_> {
    fn is_v1(&self) -> bool {
        self.version == Version::V1
    }

    /// What this request itself asks for: `scope`, or on the v1 endpoint `resource`.
    fn scope(&self) -> Result<Option<ScopeRequest>, Refusal> {
        let apis = self.entra.apis();
        if self.is_v1() {
            let asked = self.form.get("resource").is_some();
            return asked.then(|| v1::scope(self.form, apis, &self.authority)).transpose();
        }
        let text = self.form.get("scope").filter(|text| !text.trim().is_empty());
        text.map(|text| ScopeRequest::parse(text, apis, &self.authority)).transpose()
    }

    /// The same where nothing earlier could stand in for it.
    fn required_scope(&self) -> Result<ScopeRequest, Refusal> {
        let name = if self.is_v1() { "resource" } else { "scope" };
        self.scope()?.ok_or(Refusal::Missing(name))
    }
}

const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Parameters that may occur once.
const SINGLE: [&str; 14] = [
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
    "assertion",
    "requested_token_use",
];

pub(crate) fn answer(entra: &Entra, exchange: &Exchange, segment: &str, version: Version) -> Answer {
    let trace = entra.trace(&exchange.headers);
    let answer = match redeem(entra, exchange, segment, version) {
        Ok(answer) => answer.uncached().traced(&trace),
        Err(refusal) => errors::json(&called(refusal, exchange, version), &entra.base, &trace),
    };
    match exchange.form.get("client_id").and_then(|id| entra.directory.client(id, None)) {
        Some(client) => answer.client(&client.name).cors(),
        None => answer.cors(),
    }
}

/// On behalf of, as everywhere on the v1 endpoint, a demand for more proof is an `interaction_required` (Microsoft,
/// "OAuth 2.0 On-Behalf-Of flow", error response).
fn called(refusal: Refusal, exchange: &Exchange, version: Version) -> Refusal {
    let on_behalf = exchange.form.get("grant_type") == Some(ON_BEHALF_OF);
    if refusal.suberror() == Some("basic_action") && (on_behalf || version == Version::V1) {
        return Refusal::Interaction(Box::new(refusal));
    }
    refusal
}

fn redeem(entra: &Entra, exchange: &Exchange, segment: &str, version: Version) -> Result<Answer, Refusal> {
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
        ON_BEHALF_OF => obo::redeem,
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
    redeem_grant(&Call { entra, version, form, authority, client, credentials, origin })
}
