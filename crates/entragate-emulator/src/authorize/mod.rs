//! `/authorize`: what cannot be trusted ends on a page, then errors go back to the client, and after sign-in they are pages
//! again unless `prompt=none`. Which of several errors comes first is tested in tests/it/order.rs.

mod back;
mod finish;
mod ordered;
mod redirect;
mod request;
mod sign_in;

use http::Method;

use crate::authority::Authority;
use crate::directory::{App, Audience};
use crate::discovery::Version;
use crate::entra::Entra;
use crate::errors::{self, Refusal, Trace};
use crate::exchange::{Answer, Exchange};
use crate::params::Params;

pub(crate) use ordered::answer as ordered;

/// Longer query strings end in AADSTS90015.
const QUERY_LIMIT: usize = 6 * 1024;

/// A value, or the answer that ends the request early.
type Step<T> = Result<T, Box<Answer>>;

/// One request to `/authorize`.
struct Visit<'a> {
    entra: &'a Entra,
    exchange: &'a Exchange,
    /// Of the endpoint.
    version: Version,
    params: Params,
    trace: Trace,
}

impl<'a> Visit<'a> {
    fn of(entra: &'a Entra, exchange: &'a Exchange, version: Version) -> Self {
        let posted = if exchange.method == Method::POST { exchange.form.clone() } else { Params::default() };
        let params = exchange.query.clone().and(posted);
        Self { entra, exchange, version, params, trace: entra.trace(&exchange.headers) }
    }

    fn page(&self, refusal: &Refusal) -> Box<Answer> {
        Box::new(errors::page(refusal, &self.trace))
    }
}

pub(crate) fn answer(entra: &Entra, exchange: &Exchange, segment: &str, version: Version) -> Answer {
    let visit = Visit::of(entra, exchange, version);
    let (authority, client) = match whom(&visit, segment) {
        Ok(known) => known,
        Err(refusal) => return *visit.page(&refusal),
    };
    let answer = run(&visit, &authority, client).unwrap_or_else(|stopped| *stopped);
    answer.client(&client.name).uncached().traced(&visit.trace)
}

/// Tenant, verb, client, audience: none of it may be answered to the client's redirect URI.
fn whom<'a>(visit: &Visit<'a>, segment: &str) -> Result<(Authority, &'a App), Refusal> {
    let (entra, params) = (visit.entra, &visit.params);
    let authority = Authority::parse(segment, &entra.directory)?;
    let method = &visit.exchange.method;
    if ![Method::GET, Method::HEAD, Method::POST].contains(method) {
        return Err(Refusal::Verb { accepts: "GET, POST", method: method.to_string() });
    }
    if visit.exchange.raw_query.len() > QUERY_LIMIT && method != Method::POST {
        return Err(Refusal::QueryTooLong);
    }
    if let Some(name) = params.duplicated(&["client_id", "redirect_uri"]) {
        return Err(Refusal::Duplicated(name));
    }
    let id = params.get("client_id").ok_or(Refusal::Missing("client_id"))?;
    let client = match &visit.exchange.document_client {
        Some(found) => found.as_ref().map_err(Refusal::clone)?,
        None => find_client(entra, &authority, id)?,
    };
    check_audience(&authority, client)?;
    Ok((authority, client))
}

/// AADSTS700016, and AADSTS7000112 for a client that was disabled.
pub(crate) fn find_client<'a>(entra: &'a Entra, authority: &Authority, id: &str) -> Result<&'a App, Refusal> {
    let client = entra.directory.client(id, authority.tenant()).ok_or_else(|| Refusal::UnknownClient {
        client: id.to_owned(),
        tenant: entra.directory.tenant_name(authority.segment()).to_owned(),
    })?;
    if client.service_principal.disabled {
        return Err(Refusal::ClientDisabled { id: client.id.clone(), name: client.display_name.clone() });
    }
    Ok(client)
}

/// AADSTS50194 for a single-tenant app on a shared authority.
pub(crate) fn check_audience(authority: &Authority, client: &App) -> Result<(), Refusal> {
    match (authority, client.audience) {
        (Authority::Consumers, _) => {
            Err(Refusal::NotForConsumers { id: client.id.clone(), name: client.display_name.clone() })
        }
        (Authority::Common | Authority::Organizations, Audience::MyOrg) => {
            Err(Refusal::SingleTenant { id: client.id.clone(), name: client.display_name.clone() })
        }
        _ => Ok(()),
    }
}

fn run(visit: &Visit<'_>, authority: &Authority, client: &App) -> Step<Answer> {
    let back = back::of(visit, client)?;
    let request = request::read(visit, authority, client, back)?;
    let signed_in = sign_in::sign_in(visit, &request)?;
    let answer = finish::finish(visit, &request, &signed_in).unwrap_or_else(|stopped| *stopped);
    let answer = answer.user(&signed_in.user.name);
    Ok(match &signed_in.cookie {
        Some(cookie) => answer.cookie(cookie),
        None => answer,
    })
}
