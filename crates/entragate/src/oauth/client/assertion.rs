//! `private_key_jwt` (RFC 7523 §2.2): a client signs with a key that its metadata document names (CI-06). The key set of
//! a `jwks_uri` is fetched under the same rules as the document.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::document::KeySource;
use crate::facade::Facade;
use crate::oauth::broker::Broker;
use crate::oauth::broker::transaction::hashed;
use crate::oauth::error::{Code, OAuthError};

/// The one value of `client_assertion_type`.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Signatures that are taken; metadata lists them.
pub(crate) const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
];
/// An assertion is made for one request.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 60);
const SKEW: Duration = Duration::from_secs(60);
const LONGEST: usize = 16 * 1024;

/// Why an assertion proves nothing.
#[derive(Debug)]
pub(crate) enum AssertionError {
    Bad(&'static str),
    /// Nothing can be said now.
    Unavailable(Box<OAuthError>),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: u64,
    jti: String,
    nbf: Option<u64>,
    iat: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one == name),
        }
    }
}

/// Whom the assertion is about, before anything is verified: it says which keys to verify it with.
pub(crate) fn subject(assertion: &str) -> Option<String> {
    if assertion.len() > LONGEST {
        return None;
    }
    jsonwebtoken::dangerous::insecure_decode::<Claims>(assertion).ok().map(|data| data.claims.sub)
}

pub(crate) async fn verify(
    facade: &Facade,
    broker: &Broker,
    client_id: &str,
    keys: &KeySource,
    assertion: &str,
) -> Result<(), AssertionError> {
    use AssertionError::Bad;
    if assertion.is_empty() || assertion.len() > LONGEST {
        return Err(Bad("the client_assertion is missing or too long"));
    }
    let header = jsonwebtoken::decode_header(assertion)
        .map_err(|_| Bad("the client_assertion is not a signed JWT"))?;
    if !ALGORITHMS.iter().any(|(_, known)| *known == header.alg) {
        return Err(Bad("the client_assertion is signed with an algorithm that is not taken here"));
    }
    let set = key_set(broker, keys).await?;
    let candidates = candidates(&set, header.kid.as_deref());
    let claims = candidates
        .into_iter()
        .find_map(|key| signed(assertion, header.alg, key))
        .ok_or(Bad("the client_assertion is not signed with a key of the client's"))?;
    check_claims(facade, &claims, client_id)?;
    // Each assertion counts once.
    let now = facade.entra.clock.now().as_unix();
    let (key, keep) =
        (format!("jti/{}", hashed(&format!("{client_id}\n{}", claims.jti))), claims.exp.saturating_sub(now));
    let first =
        broker.once.swap(&key, None, b"", Duration::from_secs(keep) + SKEW).await.map_err(|error| {
            AssertionError::Unavailable(Box::new(crate::oauth::broker::failure::Failure::from(error).error))
        })?;
    if first { Ok(()) } else { Err(Bad("the client_assertion was used before")) }
}

async fn key_set(broker: &Broker, keys: &KeySource) -> Result<JwkSet, AssertionError> {
    let text = match keys {
        KeySource::Inline(text) => text.clone(),
        KeySource::Url(url) => {
            let documents = broker.clients.documents.as_ref();
            let documents = documents.ok_or(AssertionError::Bad("key sets are not read here"))?;
            documents.key_set(url).await.map_err(|text| {
                AssertionError::Unavailable(Box::new(OAuthError::new(Code::TemporarilyUnavailable, text)))
            })?
        }
    };
    serde_json::from_str(&text).map_err(|_| AssertionError::Bad("the client's key set is not usable"))
}

/// The key that is named, or all when none is.
fn candidates<'a>(set: &'a JwkSet, kid: Option<&str>) -> Vec<&'a Jwk> {
    match kid {
        Some(kid) => set.keys.iter().filter(|key| key.common.key_id.as_deref() == Some(kid)).collect(),
        None => set.keys.iter().take(10).collect(),
    }
}

fn signed(assertion: &str, algorithm: Algorithm, key: &Jwk) -> Option<Claims> {
    // Idempotent; when an embedder installed another provider first, that one verifies just as well. Without this call,
    // feature unification in the embedder's build could leave none installed.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let key = DecodingKey::from_jwk(key).ok()?;
    let mut validation = Validation::new(algorithm);
    // Times and audience are judged below, by our clock and against two names.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Claims>(assertion, &key, &validation).ok().map(|data| data.claims)
}

fn check_claims(facade: &Facade, claims: &Claims, client_id: &str) -> Result<(), AssertionError> {
    use AssertionError::Bad;
    let base = facade.gate.base_url();
    if claims.iss != client_id || claims.sub != client_id {
        return Err(Bad("iss and sub of the client_assertion must be the client_id"));
    }
    // RFC 7523 says the token endpoint, its successor the issuer; clients do either.
    if !claims.aud.contains(base.as_str()) && !claims.aud.contains(&base.join("/oauth/token")) {
        return Err(Bad("aud of the client_assertion must be this server's issuer"));
    }
    let (now, skew) = (facade.entra.clock.now().as_unix(), SKEW.as_secs());
    if now >= claims.exp.saturating_add(skew) {
        return Err(Bad("the client_assertion expired"));
    }
    if claims.exp > now.saturating_add(LONGEST_LIFE.as_secs() + skew) {
        return Err(Bad("the client_assertion lives longer than ten minutes"));
    }
    if [claims.nbf, claims.iat].into_iter().flatten().any(|time| time > now.saturating_add(skew)) {
        return Err(Bad("the client_assertion is not valid yet: compare the clocks"));
    }
    if claims.jti.is_empty() {
        return Err(Bad("the client_assertion has no jti"));
    }
    Ok(())
}
