//! The signed assertion: who calls, in a JWT that the MCP server verifies with a library (RFC 7519, ES256).
//!
//! The keys are made of the ring that seals, for this issuer only: replicas have the same, and two gateways with one ring
//! have different ones. The first key signs, all are published, each under its thumbprint (RFC 7638).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use super::token::UpstreamToken;
use crate::clock::{Clock, Timestamp};
use crate::principal::{Kind, Principal};
use crate::random;
use crate::seal::SealKeys;

/// How long an assertion lives; whoever steals one has that long.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// One that ends sooner than this is not sent again: clocks differ, and requests take time.
const MARGIN: Duration = Duration::from_secs(60);

/// Why there is no assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// The gate has no keys for it.
    #[error("this gate signs no assertions (GateBuilder::assertion_keys)")]
    NotConfigured,
    /// Authentication is off.
    #[error("nobody signed in: authentication is off")]
    Development,
    /// The operating system gives no randomness, or the cipher failed.
    #[error("an assertion cannot be signed at the moment")]
    Signing,
}

/// Signs for one issuer.
pub(crate) struct Assertions {
    issuer: String,
    keys: Vec<Key>,
    clock: Arc<dyn Clock>,
}

struct Key {
    pair: EcdsaKeyPair,
    public: Value,
    /// The encoded header, the same for every assertion.
    header: String,
}

/// The last assertion about a caller, kept beside what was verified about them, and no longer than that.
#[derive(Default)]
pub(crate) struct Slot(ArcSwapOption<Signed>);

struct Signed {
    audience: String,
    token: UpstreamToken,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.load().is_some() { "Slot(signed)" } else { "Slot(empty)" })
    }
}

/// What the MCP server reads.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    oid: &'a str,
    tid: &'a str,
    azp: &'a str,
    /// `user` or `app`, as in Entra's own tokens.
    idtyp: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    roles: &'a [String],
    #[serde(skip_serializing_if = "String::is_empty")]
    scp: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    groups: &'a [String],
    /// As in Entra's own tokens: they are more than fit, so that none is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    hasgroups: Option<bool>,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
}

impl Assertions {
    pub(crate) fn new(ring: &SealKeys, issuer: &str, clock: Arc<dyn Clock>) -> Self {
        Self { issuer: issuer.to_owned(), keys: ring.keys_of("assertion es256", issuer, Key::of), clock }
    }

    /// The public keys, the one that signs first.
    pub(crate) fn jwks(&self) -> impl Iterator<Item = &Value> {
        self.keys.iter().map(|key| &key.public)
    }

    /// An assertion about the caller for an audience: the last one, as long as it lasts.
    pub(crate) fn of(&self, who: &Principal, audience: &str) -> Result<UpstreamToken, AssertionError> {
        if who.is_development() {
            return Err(AssertionError::Development);
        }
        let now = self.clock.now();
        if let Some(signed) = &*who.assertion().0.load()
            && signed.audience == audience
            && now < signed.token.expires_at().before(MARGIN)
        {
            return Ok(signed.token.clone());
        }
        let token = self.signed(who, audience, now)?;
        let signed = Signed { audience: audience.to_owned(), token: token.clone() };
        who.assertion().0.store(Some(Arc::new(signed)));
        Ok(token)
    }

    fn signed(
        &self,
        who: &Principal,
        audience: &str,
        now: Timestamp,
    ) -> Result<UpstreamToken, AssertionError> {
        let failed = || AssertionError::Signing;
        // Never longer than the token that it stands for says, whatever the gateway tolerates.
        let expires = now.plus(LIFE).min(who.ends_at());
        let claims = Claims {
            iss: &self.issuer,
            aud: audience,
            sub: who.object_id(),
            oid: who.object_id(),
            tid: who.tenant_id(),
            azp: who.client_id(),
            idtyp: if who.kind() == Kind::Application { "app" } else { "user" },
            preferred_username: who.username(),
            email: who.email(),
            roles: who.roles(),
            scp: who.scopes().join(" "),
            groups: who.groups(),
            hasgroups: who.has_group_overage().then_some(true),
            iat: now.as_unix(),
            nbf: now.as_unix(),
            exp: expires.as_unix(),
            jti: random::id().map_err(|_| failed())?,
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| failed())?;
        let key = self.keys.first().ok_or_else(failed)?;
        let mut token = format!("{}.{}", key.header, URL_SAFE_NO_PAD.encode(claims));
        let signature = key.pair.sign(&random::source(), token.as_bytes()).map_err(|_| failed())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        UpstreamToken::new(&token, expires).ok_or_else(failed)
    }
}

impl Key {
    /// `None` for one in 2^32 numbers: those that are zero or beyond the order of the curve.
    fn of(scalar: &[u8; 32]) -> Option<Self> {
        let point = PrivateKey::from_private_key(&ECDH_P256, scalar).ok()?.compute_public_key().ok()?;
        let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, scalar, point.as_ref()).ok()?;
        // 0x04, x, y (SEC 1 §2.3.3).
        let (x, y) = point.as_ref().get(1..)?.split_at_checked(32)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // RFC 7638 §3.2: these members, in this order, without white space.
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let id = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": id }).to_string();
        let public =
            json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": x, "y": y });
        Some(Self { pair, public, header: URL_SAFE_NO_PAD.encode(header) })
    }
}
