//! The tenant's signing keys and endpoints, kept fresh.
//!
//! - last known good: an outage of Entra stops nobody whose key is known;
//! - single flight: however many requests wait, one fetch runs and all share its outcome;
//! - an unknown `kid` triggers one refresh, rate-limited, so that rotation is noticed at once and a made-up
//!   `kid` cannot make us hammer Entra; while Entra cannot be asked, an unknown `kid` is "unavailable" too;
//! - refresh in the background once an hour of use, upper bound 24 hours ([Microsoft: signing key rollover]);
//! - nothing fetched yet and Entra unreachable: "unavailable" (503), never "your token is bad" (401).
//!
//! [Microsoft: signing key rollover]: https://learn.microsoft.com/entra/identity-platform/signing-key-rollover

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};

use super::cache::VerifiedTokens;
use crate::clock::{Clock, Timestamp};
use crate::idp::entra::endpoints::{DiscoveryError, Endpoints};
use crate::idp::entra::registration::{AuthorityHost, TenantId};
use crate::idp::http::{Outbound, OutboundError};

const REFRESH_AFTER: Duration = Duration::from_secs(60 * 60);
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
const MAX_KEYS: usize = 1_000;

/// Entra could not be asked, so nothing can be said about a token.
#[derive(Debug, Clone, thiserror::Error)]
#[error("Entra's discovery or keys are unavailable: {0}")]
pub(crate) struct Unavailable(Arc<FetchError>);

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Discovery(#[from] DiscoveryError),
    #[error("key set: {0}")]
    Unreachable(#[from] OutboundError),
    #[error("key set: status {0}")]
    Status(http::StatusCode),
    #[error("key set: {0}")]
    Unusable(String),
}

/// One consistent view of the tenant: endpoints, keys, and the tokens verified with these keys.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) endpoints: Endpoints,
    pub(crate) verified: Arc<VerifiedTokens>,
    pub(crate) jwks: Arc<[u8]>,
    keys: HashMap<String, Key>,
    fetched: Timestamp,
}

/// A signing key and whom it signs for.
#[derive(Clone)]
pub(crate) struct Key {
    /// Parsed once: a signature would have to do it again each time.
    pub(crate) verifying: ParsedPublicKey,
    /// Concrete, or with `{tenantid}` in place of the tenant.
    pub(crate) issuer: Option<String>,
    pub(crate) cloud_instance: Option<String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(crate) fn key(&self, id: &str) -> Option<&Key> {
        self.keys.get(id)
    }

    pub(crate) fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// A view of what was fetched at some time, by whomever.
    pub(super) fn of(endpoints: Endpoints, key_set: &[u8], fetched: Timestamp) -> Result<Self, String> {
        let (keys, jwks) = parse_keys(key_set).map_err(|error| error.to_string())?;
        Ok(Self { endpoints, verified: Arc::new(VerifiedTokens::new()), jwks, keys, fetched })
    }

    /// The key set with what Entra adds to RFC 7517: whom each key signs for.
    pub(super) fn key_set(&self) -> serde_json::Value {
        let mut set: serde_json::Value = serde_json::from_slice(&self.jwks).unwrap_or_default();
        let keys = set.get_mut("keys").and_then(serde_json::Value::as_array_mut);
        for jwk in keys.into_iter().flatten() {
            let known = jwk.get("kid").and_then(|id| id.as_str()).and_then(|id| self.keys.get(id));
            let (Some(key), Some(members)) = (known.cloned(), jwk.as_object_mut()) else { continue };
            for (name, value) in [("issuer", key.issuer), ("cloud_instance_name", key.cloud_instance)] {
                if let Some(value) = value {
                    members.insert(name.to_owned(), value.into());
                }
            }
        }
        set
    }

    pub(super) const fn fetched(&self) -> Timestamp {
        self.fetched
    }
}

/// What the last fetch left behind, guarded by the single-flight lock.
#[derive(Default)]
struct Flight {
    number: u64,
    failure: Option<(Timestamp, Unavailable)>,
    last_unknown_key: Option<Timestamp>,
}

/// Keeps the [`Snapshot`] fresh.
pub(crate) struct Keyring {
    http: Outbound,
    authority: AuthorityHost,
    tenant: TenantId,
    clock: Arc<dyn Clock>,
    current: ArcSwapOption<Snapshot>,
    /// What is used instead of asking Entra, ever.
    saved: Option<Arc<Snapshot>>,
    flight: Mutex<Flight>,
    /// Copy of `Flight::number` that can be read without the lock.
    flights: std::sync::atomic::AtomicU64,
}

impl Keyring {
    pub(crate) fn new(
        http: Outbound,
        authority: AuthorityHost,
        tenant: TenantId,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (current, flight, saved) = (ArcSwapOption::empty(), Mutex::default(), None);
        Self {
            http,
            authority,
            tenant,
            clock,
            current,
            saved,
            flight,
            flights: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Uses this and asks nobody.
    pub(crate) fn with_saved(mut self, saved: Snapshot) -> Self {
        self.saved = Some(Arc::new(saved));
        self
    }

    /// The tenant as configured: its GUID or a domain.
    pub(crate) fn tenant(&self) -> &str {
        self.tenant.as_str()
    }

    /// Whether keys were saved, so that nobody is asked.
    pub(crate) const fn is_saved(&self) -> bool {
        self.saved.is_some()
    }

    /// Where people sign in: scheme and host.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The newest snapshot without waiting, however old.
    pub(crate) fn peek(&self) -> Option<Arc<Snapshot>> {
        self.saved.clone().or_else(|| self.current.load_full())
    }

    /// A snapshot fit for use if there is one, without waiting. One that is getting old is replaced in the
    /// background.
    pub(crate) fn usable(self: &Arc<Self>) -> Option<Arc<Snapshot>> {
        if let Some(saved) = &self.saved {
            return Some(Arc::clone(saved));
        }
        let snapshot = self.peek()?;
        let age = self.age(&snapshot);
        if age >= MAX_AGE {
            return None;
        }
        if age >= REFRESH_AFTER {
            self.refresh_in_background();
        }
        Some(snapshot)
    }

    fn age(&self, snapshot: &Snapshot) -> Duration {
        self.clock.now().since(snapshot.fetched)
    }

    /// A snapshot fit for use; waits for Entra only when there is none.
    pub(crate) async fn snapshot(self: &Arc<Self>) -> Result<Arc<Snapshot>, Unavailable> {
        let seen = self.flights.load(std::sync::atomic::Ordering::Acquire);
        if let Some(snapshot) = self.usable() {
            return Ok(snapshot);
        }
        let mut flight = self.flight.lock().await;
        if flight.number != seen
            && flight.failure.is_none()
            && let Some(snapshot) = self.peek()
        {
            return Ok(snapshot);
        }
        if let Some((when, failure)) = &flight.failure {
            // Those who waited share the failure, and so do those who come within the next seconds.
            if flight.number != seen || self.clock.now().since(*when) < RETRY_INTERVAL {
                return Err(failure.clone());
            }
        }
        self.fetch(&mut flight).await
    }

    /// A snapshot that has the key, if Entra has it.
    pub(crate) async fn snapshot_with(self: &Arc<Self>, key: &str) -> Result<Arc<Snapshot>, Unavailable> {
        let seen = self.flights.load(std::sync::atomic::Ordering::Acquire);
        let snapshot = self.snapshot().await?;
        if snapshot.key(key).is_some() || self.saved.is_some() {
            return Ok(snapshot);
        }
        let mut flight = self.flight.lock().await;
        let newest = self.peek().unwrap_or(snapshot);
        if newest.key(key).is_some() {
            return Ok(newest);
        }
        let now = self.clock.now();
        let within = |interval: Duration, when: Timestamp| now.since(when) < interval;
        match &flight.failure {
            // Entra could not be asked for this key, which is no reason to refuse whoever holds its token.
            Some((when, failure)) if flight.number != seen || within(RETRY_INTERVAL, *when) => {
                return Err(failure.clone());
            }
            Some(_) => {}
            None => {
                let asked = flight.last_unknown_key.is_some_and(|when| within(UNKNOWN_KEY_INTERVAL, when));
                if flight.number != seen || asked {
                    return Ok(newest);
                }
            }
        }
        flight.last_unknown_key = Some(now);
        self.fetch(&mut flight).await
    }

    fn refresh_in_background(self: &Arc<Self>) {
        let keyring = Arc::clone(self);
        // No runtime, no background: the next use within 24 hours tries again.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let Ok(mut flight) = keyring.flight.try_lock() else {
                return;
            };
            let recently = |when: Timestamp| keyring.clock.now().since(when) < RETRY_INTERVAL;
            let failed_recently = flight.failure.as_ref().is_some_and(|(when, _)| recently(*when));
            // Of several that were started, the first may be done already.
            let is_old = keyring.peek().is_some_and(|snapshot| keyring.age(&snapshot) >= REFRESH_AFTER);
            if is_old && !failed_recently {
                let _ = keyring.fetch(&mut flight).await;
            }
        });
    }

    /// Fetches once. On failure the old snapshot stays.
    async fn fetch(&self, flight: &mut MutexGuard<'_, Flight>) -> Result<Arc<Snapshot>, Unavailable> {
        let outcome = self.fetch_snapshot().await;
        flight.number += 1;
        self.flights.store(flight.number, std::sync::atomic::Ordering::Release);
        match outcome {
            Ok(snapshot) => {
                let snapshot = Arc::new(snapshot);
                self.current.store(Some(Arc::clone(&snapshot)));
                flight.failure = None;
                tracing::debug!(keys = snapshot.keys.len(), "signing keys loaded");
                Ok(snapshot)
            }
            Err(error) => {
                let failure = Unavailable(Arc::new(error));
                let fallback = if self.peek().is_some() {
                    "the last known keys stay in use"
                } else {
                    "no token can be judged yet"
                };
                tracing::warn!(target: "entragate::keys", authority = self.authority.as_str(), reason = %failure, "{fallback}");
                flight.failure = Some((self.clock.now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn fetch_snapshot(&self) -> Result<Snapshot, FetchError> {
        let endpoints = Endpoints::discover(&self.http, &self.authority, &self.tenant).await?;
        let answer = self.http.get(endpoints.jwks.as_str()).await?;
        if answer.status != http::StatusCode::OK {
            return Err(FetchError::Status(answer.status));
        }
        let (keys, jwks) = parse_keys(&answer.body)?;
        let mut verified = Arc::new(VerifiedTokens::new());
        if let Some(previous) = self.peek() {
            let same = previous.endpoints == endpoints
                && previous.keys.len() == keys.len()
                && previous.keys.keys().all(|id| keys.contains_key(id));
            if same {
                verified = Arc::clone(&previous.verified);
            }
        }
        Ok(Snapshot { endpoints, verified, jwks, keys, fetched: self.clock.now() })
    }
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

/// Entra's keys have no `alg`; the algorithm is our policy, not the key's (RFC 8725 §3.1).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    r#use: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    issuer: Option<String>,
    cloud_instance_name: Option<String>,
}

type UsableKeys = HashMap<String, Key>;

/// An RSA key (RFC 7518 §6.3.1). Whether it has at least 2048 bits is asked when it verifies.
fn verifying(n: &str, e: &str) -> Option<ParsedPublicKey> {
    let number = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).map(<[u8]>::to_vec)
    };
    PublicKeyComponents { n: number(n)?, e: number(e)? }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .ok()
}

/// The usable keys, and the same keys as a plain RFC 7517 document for our own `jwks_uri`.
fn parse_keys(body: &[u8]) -> Result<(UsableKeys, Arc<[u8]>), FetchError> {
    let unusable = |error: &dyn std::fmt::Display| FetchError::Unusable(error.to_string());
    let set: JwkSet = serde_json::from_slice(body).map_err(|error| unusable(&error))?;
    let (mut keys, mut published) = (HashMap::new(), Vec::new());
    for jwk in set.keys.into_iter().take(MAX_KEYS) {
        let signs = jwk.kty == "RSA" && jwk.r#use.as_deref().is_none_or(|purpose| purpose == "sig");
        let (true, Some(kid), Some(n), Some(e)) = (signs, jwk.kid, jwk.n, jwk.e) else {
            continue;
        };
        let Some(verifying) = verifying(&n, &e) else {
            continue;
        };
        published.push(
            serde_json::json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e }),
        );
        keys.insert(kid, Key { verifying, issuer: jwk.issuer, cloud_instance: jwk.cloud_instance_name });
    }
    if keys.is_empty() {
        return Err(unusable(&"no usable RSA key"));
    }
    let jwks =
        serde_json::to_vec(&serde_json::json!({ "keys": published })).map_err(|error| unusable(&error))?;
    Ok((keys, jwks.into()))
}
