//! On behalf of: the API app exchanges the token that it was called with for one to another API, for the same user
//! ([Microsoft: on-behalf-of]), so that an MCP server can call Microsoft Graph as the person who called it.
//!
//! One request to Entra for each token and scope, however many calls wait for it; what it answers is kept, a token until
//! shortly before it ends, a refusal for seconds, so that a client in a loop does not become a loop at Entra
//! (AADSTS50196).
//!
//! [Microsoft: on-behalf-of]: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow

mod error;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use quick_cache::sync::Cache;
use serde::Deserialize;

pub use self::error::{OnBehalfOfError, Refusal};
use super::credential::Credential;
use super::errors::EntraError;
use super::registration::ClientId;
use crate::clock::{Clock, Timestamp};
use crate::idp::http::{Answer, Outbound};
use crate::oauth::params::encoded;
use crate::principal::{Kind, Principal};
use crate::token::cache::TokenHash;
use crate::token::held::Held;
use crate::token::keys::Keyring;
use crate::upstream::{DelegatedScope, UpstreamToken};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Tokens that are kept; at some 3 KiB each the cache stays below 16 MiB.
const CAPACITY: usize = 5_000;
/// A token is replaced before it ends, or the MCP server's call would come too late.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// How long Entra's refusal is believed: somebody may be repairing it.
const REFUSAL: Duration = Duration::from_secs(15);
/// When Entra says "later" and not when.
const LATER: u64 = 5;
/// However long Entra wants to be left alone, it is asked again after this.
const LONGEST_PAUSE: u64 = 5 * 60;

/// How the gateway asks for tokens in the name of its callers.
#[derive(Debug, Clone)]
pub struct OnBehalfOf {
    credential: Credential,
    patience: Duration,
}

impl OnBehalfOf {
    /// With the credential of the API app: tokens are for it, so nobody else may exchange them.
    pub const fn new(credential: Credential) -> Self {
        Self { credential, patience: Duration::from_secs(10) }
    }

    /// How long a call may wait for Entra; default ten seconds.
    #[must_use]
    pub const fn patience(mut self, how_long: Duration) -> Self {
        self.patience = how_long;
        self
    }

    /// What the gateway proves itself with when it asks.
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }
}

/// One token, and what it is exchanged for.
type Key = (TokenHash, DelegatedScope);

#[derive(Clone)]
struct Known {
    outcome: Result<UpstreamToken, OnBehalfOfError>,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    expires_in: u64,
}

/// Exchanges tokens, and remembers what came of it.
pub(crate) struct Exchange {
    http: Outbound,
    keyring: Arc<Keyring>,
    client: ClientId,
    options: OnBehalfOf,
    known: Cache<Key, Known>,
    clock: Arc<dyn Clock>,
}

impl Exchange {
    pub(crate) fn new(
        http: Outbound,
        keyring: Arc<Keyring>,
        client: ClientId,
        options: OnBehalfOf,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { http, keyring, client, options, known: Cache::new(CAPACITY), clock }
    }

    /// The app that asks.
    pub(crate) const fn app(&self) -> &ClientId {
        &self.client
    }

    /// A token for the scope, in the name of whoever holds this one.
    pub(crate) async fn token(
        &self,
        who: &Principal,
        held: &Held,
        scope: &DelegatedScope,
    ) -> Result<UpstreamToken, OnBehalfOfError> {
        match who.kind() {
            Kind::User => {}
            // Entra says AADSTS7000114, and only after a round trip.
            Kind::Application => return Err(OnBehalfOfError::AppOnly),
            Kind::Development => return Err(OnBehalfOfError::Development),
        }
        let (Some(hash), Some(assertion)) = (held.hash(), held.entra_token()) else {
            return Err(OnBehalfOfError::NoToken);
        };
        let key = (*hash, scope.clone());
        let now = self.clock.now();
        self.known.remove_if(&key, |known| now >= known.until);
        let asked = async { Ok::<_, Infallible>(self.ask(assertion, scope).await) };
        let Ok(known) = self.known.get_or_insert_async(&key, asked).await;
        known.outcome
    }

    /// Forgets a token that the API behind the MCP server takes no longer.
    pub(crate) fn forget(&self, held: &Held, scope: &DelegatedScope) {
        if let Some(hash) = held.hash() {
            self.known.remove(&(*hash, scope.clone()));
        }
    }

    async fn ask(&self, assertion: &str, scope: &DelegatedScope) -> Known {
        let patience = self.options.patience;
        let outcome = match tokio::time::timeout(patience, self.asked(assertion, scope)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(OnBehalfOfError::unavailable(format!("no answer within {patience:?}"), LATER)),
        };
        let now = self.clock.now();
        let until = match &outcome {
            Ok(token) => token.expires_at().before(MARGIN),
            Err(error) => {
                error.log(scope);
                now.plus(error.retry_after().unwrap_or(REFUSAL))
            }
        };
        Known { outcome, until }
    }

    async fn asked(&self, assertion: &str, scope: &DelegatedScope) -> Result<UpstreamToken, OnBehalfOfError> {
        let outage = |reason: String| OnBehalfOfError::unavailable(reason, LATER);
        let snapshot = self.keyring.snapshot().await.map_err(|error| outage(error.to_string()))?;
        let (endpoint, client, now) =
            (snapshot.endpoints.token.as_str(), self.client.as_str(), self.clock.now());
        let credential = self.options.credential.parameters(client, endpoint, now).await;
        let credential = credential.map_err(|error| OnBehalfOfError::Credential(error.to_string().into()))?;
        let mut pairs = vec![
            ("grant_type", GRANT),
            ("client_id", client),
            ("assertion", assertion),
            ("scope", scope.as_str()),
            ("requested_token_use", "on_behalf_of"),
        ];
        pairs.extend(credential.iter().map(|(name, value)| (*name, value.expose())));
        let answer = self.http.post_form(endpoint, encoded(pairs)).await;
        let answer = answer.map_err(|error| outage(error.to_string()))?;
        if answer.status != StatusCode::OK {
            return Err(refused(&answer));
        }
        let issued: Issued = serde_json::from_slice(&answer.body)
            .map_err(|_| outage("Entra's answer is not a token response".to_owned()))?;
        let expires = now.plus(Duration::from_secs(issued.expires_in));
        UpstreamToken::new(&issued.access_token, expires)
            .ok_or_else(|| outage("Entra's token cannot be sent in a header".to_owned()))
    }
}

fn refused(answer: &Answer) -> OnBehalfOfError {
    let seconds = answer.retry_after.as_ref().and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let later = seconds.unwrap_or(LATER).clamp(1, LONGEST_PAUSE);
    if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() {
        return OnBehalfOfError::unavailable(format!("status {}", answer.status), later);
    }
    EntraError::parse(&answer.body).map_or_else(
        || OnBehalfOfError::unavailable(format!("status {} without words", answer.status), later),
        |error| OnBehalfOfError::of(&error),
    )
}
