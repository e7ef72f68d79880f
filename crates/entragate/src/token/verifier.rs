//! From a bearer token to a [`Principal`].
//!
//! The signature is checked by AWS-LC with the one algorithm and the one key; what header, key and claims must
//! say is checked by the steps of [`super::header`], [`super::signed`] and [`super::claimed`].

use std::collections::HashSet;
use std::sync::Arc;

use super::bearer::Credential;
use super::cache;
use super::claimed::{self, Claimed};
use super::header::{self, Parts};
use super::keys::{Keyring, Unavailable};
use super::refused::{Refused, shown};
use super::signed::{self, Signed};
use super::step;
use super::storm::Storms;
use crate::clock::Clock;
use crate::idp::entra::registration::ApiApp;
use crate::principal::Principal;

/// The token is bad, or nothing can be said about it now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

pub(crate) struct Verifier {
    pub(super) keyring: Arc<Keyring>,
    pub(super) audiences: HashSet<String>,
    /// Tells what it has verified from what other verifiers with the same keys have.
    which: cache::Audiences,
    pub(super) clock: Arc<dyn Clock>,
    storms: Storms,
}

impl Verifier {
    pub(crate) fn new(
        keyring: Arc<Keyring>,
        api: &ApiApp,
        which: cache::Audiences,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { keyring, audiences: api.audiences().collect(), which, clock, storms: Storms::new() }
    }

    /// `hash` is [`cache::hash`] of the token, which the caller may need too.
    pub(crate) async fn verify(
        &self,
        token: Credential<'_>,
        hash: cache::TokenHash,
    ) -> Result<Principal, VerifyError> {
        let now = self.clock.now();
        // Only through a snapshot fit for use, or a client that repeats one token would keep old keys alive.
        if let Some(known) =
            self.keyring.usable().and_then(|snapshot| snapshot.verified.get(&(self.which, hash), now))
        {
            return Ok(known);
        }
        // In a box, so that a call with a token that is known makes no room for it.
        let verified = match token.read() {
            Ok(token) => Box::pin(self.verify_anew(token, hash)).await,
            Err(refused) => Err(refused.into()),
        };
        if let Err(VerifyError::Refused(refused)) = &verified
            && self.storms.is_one(hash)
        {
            tracing::warn!(
                target: "entragate::token",
                check = "storm",
                reason = %refused,
                "the same token was refused ten times: a client does not sign in again although it is told to"
            );
        }
        verified
    }

    async fn verify_anew(&self, token: &str, hash: cache::TokenHash) -> Result<Principal, VerifyError> {
        header::check_length(token)?;
        let parts = Parts::of(token)?;
        let header = parts.header()?;
        step::all(&header::STEPS, &header)?;
        let key_id = header.key_id();
        let snapshot = self.keyring.snapshot_with(key_id).await?;
        let signed = Signed::with(&parts, key_id, &snapshot)?;
        step::all(&signed::steps(), &signed)?;
        let payload = parts.payload_json()?;
        let now = self.clock.now();
        let claimed = Claimed::read(&payload, &snapshot.endpoints, &self.audiences, now)?;
        step::all(&claimed::steps(), &claimed)?;
        let principal = claimed::principal(&claimed.claims)?;
        tracing::debug!(
            target: "entragate::token",
            key = shown(key_id),
            agent_blueprint = principal.agent_blueprint(),
            "token verified"
        );
        snapshot.verified.insert((self.which, hash), principal.clone(), now);
        Ok(principal)
    }
}
