//! Access tokens of our own: opaque to the client, opened and not parsed, and nobody else can make one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bearer::Credential;
use super::cache::{Ends, Remembered, TokenHash};
use super::held::{Caller, Held};
use super::refused::Refused;
use crate::clock::{Clock, Timestamp};
use crate::oauth::broker::family::Families;
use crate::once::OnceError;
use crate::person::Person;
use crate::principal::Principal;
use crate::seal::{Sealable, Sealer};
use crate::secret::Secret;
use crate::trace::{TraceId, Traces};

/// What an access token says.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) id: String,
    pub(crate) family: String,
    /// The memory of the store that it was issued with.
    pub(crate) epoch: String,
    /// The MCP client.
    pub(crate) label: String,
    /// The MCP server's URL: a token for one server is refused at another (RS-19).
    pub(crate) resource: String,
    pub(crate) trace: Option<TraceId>,
    pub(crate) person: Person,
    pub(crate) expires: Timestamp,
    /// Not in tokens of earlier versions.
    #[serde(default)]
    pub(crate) issued: Option<Timestamp>,
    /// Entra's access token for the API app, where the gateway asks for other tokens on behalf of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entra: Option<String>,
}

impl Sealable for AccessToken {
    const PURPOSE: &'static str = "access/1";
    const PREFIX: &'static str = "ega_";
}

/// Whether a bearer token claims to be ours.
pub(crate) fn is_sealed(token: Credential<'_>) -> bool {
    token.bytes().starts_with(AccessToken::PREFIX.as_bytes())
}

/// The token is bad, or nothing can be said about it now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealedError {
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{0}")]
    Unavailable(#[from] OnceError),
}

/// A token that was opened before.
#[derive(Clone)]
struct Opened {
    principal: Principal,
    entra: Option<Arc<Secret>>,
    resource: Arc<str>,
    family: Arc<str>,
    epoch: Arc<str>,
    trace: Option<TraceId>,
}

impl Ends for Opened {
    fn ends(&self) -> Timestamp {
        self.principal.expires_at()
    }
}

/// Opens access tokens.
pub(crate) struct SealedTokens {
    seal: Arc<Sealer>,
    families: Arc<Families>,
    traces: Arc<Traces>,
    opened: Remembered<TokenHash, Opened>,
    clock: Arc<dyn Clock>,
}

impl SealedTokens {
    pub(crate) fn new(
        seal: Arc<Sealer>,
        families: Arc<Families>,
        traces: Arc<Traces>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { seal, families, traces, opened: Remembered::new(), clock }
    }

    /// Who calls the MCP server with the URL `resource`. No clock skew: the same gateway, or a replica beside it, has set
    /// the expiry. `hash` is [`cache::hash`] of the token.
    pub(crate) async fn verify(
        &self,
        token: Credential<'_>,
        hash: TokenHash,
        resource: &str,
    ) -> Result<Caller, SealedError> {
        let now = self.clock.now();
        let known = self.opened.get(&hash, now);
        let is_new = known.is_none();
        let opened = match known {
            Some(opened) => opened,
            None => self.open(token.read()?)?,
        };
        // Each time: what was opened for one server is known to all.
        check_resource(&opened.resource, resource)?;
        check_ended(opened.ends(), now)?;
        if let Err(error) = self.check_alive(&opened.family, &opened.epoch).await {
            if matches!(error, SealedError::Refused(_)) {
                self.opened.remove(&hash);
            }
            return Err(error);
        }
        if is_new {
            // Only a call that is let in is the first one.
            if let Some(trace) = &opened.trace {
                self.traces.first_call(trace);
            }
            self.opened.insert(hash, opened.clone(), now);
        }
        let held = Held::Sealed { hash, entra: opened.entra };
        Ok(Caller { principal: opened.principal, held })
    }

    /// What the token says, if the seal is ours.
    pub(super) fn unsealed(&self, token: &str) -> Result<AccessToken, Refused> {
        self.seal.open(token).map_err(|_| Refused::NotSealedHere)
    }

    /// It has not ended.
    pub(super) fn check_expired(&self, ends: Timestamp) -> Result<(), Refused> {
        check_ended(ends, self.clock.now())
    }

    /// Its sign-in was not ended.
    pub(super) async fn check_alive(&self, family: &str, epoch: &str) -> Result<(), SealedError> {
        if self.families.is_alive(family, epoch).await? { Ok(()) } else { Err(Refused::Revoked.into()) }
    }

    fn open(&self, token: &str) -> Result<Opened, Refused> {
        let access = self.unsealed(token)?;
        let principal = access.person.principal(access.label, access.id, access.issued, access.expires);
        Ok(Opened {
            principal,
            entra: access.entra.map(|token| Arc::new(Secret::new(token))),
            resource: access.resource.into(),
            family: access.family.into(),
            epoch: access.epoch.into(),
            trace: access.trace,
        })
    }
}

fn check_ended(ends: Timestamp, now: Timestamp) -> Result<(), Refused> {
    if now >= ends { Err(Refused::Expired(now.since(ends).as_secs())) } else { Ok(()) }
}

/// A token for one MCP server is refused at another (RS-19).
pub(super) fn check_resource(of_token: &str, resource: &str) -> Result<(), Refused> {
    if of_token == resource { Ok(()) } else { Err(Refused::Resource(of_token.to_owned())) }
}
