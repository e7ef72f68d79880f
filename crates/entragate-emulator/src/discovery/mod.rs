//! Discovery documents, key documents and instance discovery.

mod instance;
mod v1;
mod v2;

use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde_json::Value;

use crate::authority::Authority;
use crate::entra::Entra;
use crate::errors;
use crate::exchange::{Answer, Exchange};
use crate::jwks;

pub(crate) use instance::answer as instance;

/// Which generation of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// `/.well-known/openid-configuration` of an authority.
pub(crate) fn answer(entra: &Entra, exchange: &Exchange, segment: &str, version: Version) -> Answer {
    document(entra, exchange, segment, |authority| {
        // An app with its own signing keys passes its id, and the key document must know it too.
        let query = match exchange.query.get("appid") {
            Some(id) => format!("?appid={}", crate::params::encode(id.as_bytes())),
            None => String::new(),
        };
        match version {
            Version::V1 => v1::document(entra, authority, &query),
            Version::V2 => v2::document(entra, authority, &query),
        }
    })
}

/// The key document of an authority.
pub(crate) fn keys(entra: &Entra, exchange: &Exchange, segment: &str, version: Version) -> Answer {
    document(entra, exchange, segment, |authority| jwks::document(entra, authority, version))
}

/// Host and port of Microsoft Graph: the emulator's own, where `/v1.0` is.
fn graph_host(entra: &Entra) -> String {
    instance::authority_of(&entra.base).unwrap_or_default()
}

fn document(
    entra: &Entra,
    exchange: &Exchange,
    segment: &str,
    write: impl FnOnce(&Authority) -> Value,
) -> Answer {
    let trace = entra.trace(&exchange.headers);
    match Authority::parse(segment, &entra.directory) {
        Ok(authority) => Answer::json(StatusCode::OK, &write(&authority))
            .with(CACHE_CONTROL, "max-age=86400, private")
            .traced(&trace)
            .cors(),
        Err(refusal) => errors::json(&refusal, &entra.base, &trace).cors(),
    }
}
