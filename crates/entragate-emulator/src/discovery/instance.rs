//! Instance discovery: MSAL asks whether a host belongs to the cloud. Here, only the emulator's does.

use http::StatusCode;
use serde_json::json;
use url::Url;

use crate::entra::Entra;
use crate::errors::{self, Refusal};
use crate::exchange::{Answer, Exchange};

pub(crate) fn answer(entra: &Entra, exchange: &Exchange) -> Answer {
    let trace = entra.trace(&exchange.headers);
    let Some(endpoint) = exchange.query.get("authorization_endpoint") else {
        return errors::json(&Refusal::Missing("authorization_endpoint"), &entra.base, &trace).cors();
    };
    let own = authority_of(&entra.base);
    // MSAL for Python leaves the port out.
    let asked = authority_of(endpoint).filter(|asked| own.as_ref().is_some_and(|own| is_same(asked, own)));
    let segment = Url::parse(endpoint).ok().and_then(|url| url.path_segments()?.next().map(str::to_owned));
    let (Some(host), Some(segment), Some(_)) = (own, segment, asked) else {
        return errors::json(&Refusal::UnknownInstance, &entra.base, &trace).cors();
    };
    let body = json!({
        "tenant_discovery_endpoint": format!("{}/{segment}/v2.0/.well-known/openid-configuration", entra.base),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    });
    Answer::json(StatusCode::OK, &body).traced(&trace).cors()
}

/// Whether they are equal, or only the port is missing.
fn is_same(asked: &str, own: &str) -> bool {
    own.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Host and explicit port.
pub(super) fn authority_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}
