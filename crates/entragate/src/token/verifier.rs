//! From a bearer token to a [`Principal`] ([Microsoft: access tokens, validation]).
//!
//! The signature is checked by `jsonwebtoken` with the one algorithm and the one key; what the claims must
//! say is checked here, each check with its own [`Refused`] reason.
//!
//! [Microsoft: access tokens, validation]: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;

use super::cache;
use super::header::Unverified;
use super::keys::{Keyring, Snapshot, Unavailable};
use super::refused::{Refused, shown};
use super::storm::Storms;
use crate::clock::{Clock, Timestamp};
use crate::idp::entra::claims::Claims;
use crate::idp::entra::registration::ApiApp;
use crate::json::Members;
use crate::principal::{Identity, Kind, Principal};

/// Clock skew tolerated on `exp`, `nbf` and `iat`.
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// The token is bad, or nothing can be said about it now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

pub(crate) struct Verifier {
    keyring: Arc<Keyring>,
    audiences: HashSet<String>,
    clock: Arc<dyn Clock>,
    storms: Storms,
}

impl Verifier {
    pub(crate) fn new(keyring: Arc<Keyring>, api: &ApiApp, clock: Arc<dyn Clock>) -> Self {
        // Idempotent; when an embedder installed another provider first, that one verifies just as well.
        // Without this call, feature unification in the embedder's build could leave none installed.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        Self { keyring, audiences: api.audiences().collect(), clock, storms: Storms::new() }
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Principal, VerifyError> {
        let hash = cache::hash(token);
        let now = self.clock.now();
        // Only through a snapshot fit for use, or a client that repeats one token would keep old keys alive.
        if let Some(known) = self.keyring.usable().and_then(|snapshot| snapshot.verified.get(&hash, now)) {
            return Ok(known);
        }
        let verified = self.verify_anew(token, hash).await;
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
        let unverified = Unverified::parse(token)?;
        let snapshot = self.keyring.snapshot_with(&unverified.key_id).await?;
        let principal = self.check(&unverified, &snapshot, self.clock.now())?;
        tracing::debug!(target: "entragate::token", key = shown(&unverified.key_id), "token verified");
        snapshot.verified.insert(hash, principal.clone());
        Ok(principal)
    }

    fn check(
        &self,
        token: &Unverified<'_>,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Principal, Refused> {
        check_signature(token, snapshot)?;
        let payload = token.payload_json()?;
        let claims: Claims =
            serde_json::from_slice(&payload).map_err(|e| Refused::Claims(shown(&e.to_string())))?;
        check_single_tid(&payload)?;
        check_issuer(&claims, snapshot)?;
        if claims.aud.names_graph() {
            return Err(Refused::Graph);
        }
        if !claims.aud.iter().any(|aud| self.audiences.contains(aud)) {
            return Err(Refused::Audience(shown(claims.aud.iter().next().unwrap_or_default())));
        }
        check_times(&claims, now)?;
        principal(claims)
    }
}

fn check_signature(token: &Unverified<'_>, snapshot: &Snapshot) -> Result<(), Refused> {
    let id = token.key_id.as_str();
    let key = snapshot.key(id).ok_or_else(|| Refused::UnknownKey(shown(id)))?;
    let endpoints = &snapshot.endpoints;
    // The common key set also holds the keys of personal accounts; each key names whom it may sign for.
    if let Some(issuer) = &key.issuer
        && issuer.replace("{tenantid}", &endpoints.tenant_guid) != endpoints.issuer_v2
    {
        return Err(Refused::KeyIssuer { key: shown(id), issuer: shown(issuer) });
    }
    if let (Some(of_key), Some(of_cloud)) = (&key.cloud_instance, &endpoints.cloud_instance)
        && of_key != of_cloud
    {
        return Err(Refused::KeyCloud(shown(id)));
    }
    match jsonwebtoken::crypto::verify(
        token.signature,
        token.signing_input.as_bytes(),
        &key.decoding,
        Algorithm::RS256,
    ) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Refused::Signature(shown(id))),
    }
}

/// `tid` must be there once in whatever spelling, or two parsers could read two tenants.
fn check_single_tid(payload: &[u8]) -> Result<(), Refused> {
    let unreadable = |error: &dyn std::fmt::Display| Refused::Claims(shown(&error.to_string()));
    let text = std::str::from_utf8(payload).map_err(|error| unreadable(&error))?;
    let members = Members::parse(text).map_err(|error| unreadable(&error))?;
    let spellings = members.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case("tid")).count();
    if spellings > 1 { Err(Refused::AmbiguousTenant) } else { Ok(()) }
}

/// One of the tenant's two issuers (row 8 of docs/incompatibilities), and `tid` that agrees with it.
fn check_issuer(claims: &Claims, snapshot: &Snapshot) -> Result<(), Refused> {
    let endpoints = &snapshot.endpoints;
    let is_ours = claims.iss == endpoints.issuer_v2 || Some(&claims.iss) == endpoints.issuer_v1.as_ref();
    if !is_ours {
        return Err(Refused::Issuer(shown(&claims.iss)));
    }
    match claims.tid.as_deref() {
        Some(tid) if tid == endpoints.tenant_guid => Ok(()),
        other => Err(Refused::Tenant(shown(other.unwrap_or("(none)")))),
    }
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), Refused> {
    let exp = Timestamp::from_unix(claims.exp);
    if now >= exp.plus(SKEW) {
        return Err(Refused::Expired(now.since(exp).as_secs()));
    }
    for not_before in [Some(claims.nbf), claims.iat].into_iter().flatten() {
        let not_before = Timestamp::from_unix(not_before);
        if now.plus(SKEW) < not_before {
            return Err(Refused::NotYet(not_before.since(now).as_secs()));
        }
    }
    Ok(())
}

fn principal(claims: Claims) -> Result<Principal, Refused> {
    // An ID token may name our app in `aud` and carry its roles, but no client it was issued to.
    let Some(client_id) = claims.client().map(str::to_owned) else {
        return Err(Refused::IdToken);
    };
    if claims.looks_like_id_token() {
        return Err(Refused::IdToken);
    }
    let is_app = claims.idtyp.as_deref() == Some("app");
    let scopes = if is_app { Vec::new() } else { claims.scopes() };
    let kind = match (scopes.is_empty(), claims.roles.is_empty(), claims.idtyp.as_deref()) {
        (false, _, _) => Kind::User,
        // No delegated permission: a program, and then only with an app role of its own.
        (true, false, Some("app") | None) => Kind::Application,
        _ => return Err(Refused::NoPermission),
    };
    let groups_overage = claims.has_group_overage();
    let username = claims.username().map(str::to_owned);
    let object_id = claims.oid.filter(|oid| !oid.is_empty()).ok_or(Refused::NoObjectId)?;
    Ok(Principal::new(Identity {
        kind,
        object_id,
        tenant_id: claims.tid.unwrap_or_default(),
        client_id,
        username,
        email: claims.email,
        roles: claims.roles,
        scopes,
        groups: claims.groups,
        groups_overage,
        token_id: claims.uti,
        expires_at: Timestamp::from_unix(claims.exp).plus(SKEW),
    }))
}
