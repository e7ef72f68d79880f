//! What the client gets: an opaque access token and a refresh token, both sealed.

use std::time::Duration;

use axum::body::Body;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::Broker;
use super::failure::Failure;
use super::family::IDLE;
use crate::clock::Timestamp;
use crate::facade::Facade;
use crate::idp::entra::scopes;
use crate::oauth::client::Fingerprint;
use crate::oauth::error::json;
use crate::oauth::target::Target;
use crate::person::Person;
use crate::random;
use crate::seal::Sealable;
use crate::secret::Secret;
use crate::token::sealed::AccessToken;
use crate::trace::TraceId;

/// The token response (RFC 6749 §5.1).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tokens {
    access_token: String,
    token_type: String,
    expires_in: u64,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl Sealable for Tokens {
    const PURPOSE: &'static str = "tokens/1";
    const PREFIX: &'static str = "";
}

impl Tokens {
    pub(crate) fn response(&self) -> Response<Body> {
        json(StatusCode::OK, self)
    }
}

/// A refresh token: it wraps Entra's and is bound to client and resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    pub(crate) family: Family,
    /// How often the family's token was replaced.
    pub(crate) generation: u64,
    /// Since when the store remembers.
    pub(crate) epoch: String,
    /// Who signed in; nobody else's token may come back from Entra.
    pub(crate) person: String,
    /// Entra's refresh token.
    pub(crate) upstream: String,
    pub(crate) expires: Timestamp,
}

impl Sealable for RefreshToken {
    const PURPOSE: &'static str = "refresh/1";
    const PREFIX: &'static str = "egr_";
}

/// What all tokens of one sign-in have in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) id: String,
    pub(crate) client: Fingerprint,
    pub(crate) label: String,
    pub(crate) resource: String,
    /// As the client asked for it at the beginning.
    pub(crate) scope: Option<String>,
    pub(crate) trace: TraceId,
}

/// What is issued for.
pub(crate) struct Issue {
    pub(crate) family: Family,
    pub(crate) generation: u64,
    pub(crate) person: Person,
    /// Narrower than the family's, for this access token only (RFC 6749 §6).
    pub(crate) narrowed: Option<String>,
    pub(crate) upstream: Option<String>,
    /// Entra's access token, where it is kept.
    pub(crate) entra: Option<Secret>,
    /// When Entra's access token ends: ours never outlives it.
    pub(crate) ends: Timestamp,
}

/// Seals both tokens.
pub(crate) async fn issue(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    issue: Issue,
) -> Result<Tokens, Failure> {
    let Issue { family, generation, mut person, narrowed, upstream, entra: kept, ends } = issue;
    let entra = &facade.entra;
    let now = entra.clock.now();
    let life = broker.access_life.min(ends.since(now));
    if life == Duration::ZERO {
        return Err(Failure::unavailable());
    }
    let wanted = narrowed.as_deref().or(family.scope.as_deref());
    let names = scopes::names(wanted, target.api());
    // No more than was asked for and approved, whatever else Entra has on record.
    if !names.iter().any(|name| name == scopes::DEFAULT) {
        person.scopes.retain(|scope| names.contains(scope));
    }
    let scope = scopes::told(wanted, &person.scopes, target.api());
    let epoch = broker.once.epoch().await?;
    let refresh_token = match upstream {
        Some(upstream) => Some(broker.seal.seal(&RefreshToken {
            family: family.clone(),
            generation,
            epoch: epoch.clone(),
            person: person.hash(),
            upstream,
            expires: now.plus(IDLE),
        })?),
        None => None,
    };
    let access_token = broker.seal.seal(&AccessToken {
        id: random::id()?,
        family: family.id,
        epoch,
        label: family.label,
        resource: family.resource,
        trace: Some(family.trace),
        person,
        expires: now.plus(life),
        issued: Some(now),
        entra: kept.map(|token| token.expose().to_owned()),
    })?;
    Ok(Tokens {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in: life.as_secs(),
        scope,
        refresh_token,
    })
}
