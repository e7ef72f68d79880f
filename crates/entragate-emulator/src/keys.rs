//! Signing keys: which one signs, which ones are published, and where they come from.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::der::integers;
use crate::digest::{base64url, thumbprint};
use crate::ids::system;

/// Where signing keys come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// Fresh RSA-2048 keys at every start.
    #[default]
    Generated,
    /// Test keys in this crate, known to everybody: an instant start with the same `kid`s every time.
    Embedded,
}

/// A test key in PKCS#8, and its certificate: making one takes a signature, and the start would wait for it.
macro_rules! embedded {
    ($name:literal) => {
        (
            include_bytes!(concat!("../keys/", $name, ".der")),
            include_bytes!(concat!("../keys/", $name, "-certificate.der")),
        )
    };
}

/// The public test keys of [`KeySource::Embedded`].
const POOL: [(&[u8], &[u8]); 8] = [
    embedded!("1"),
    embedded!("2"),
    embedded!("3"),
    embedded!("4"),
    embedded!("5"),
    embedded!("6"),
    embedded!("7"),
    embedded!("8"),
];

/// Why a key could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("an RSA key could not be generated")]
    Generate,
    #[error("an RSA key does not parse")]
    Parse,
    #[error("a certificate could not be made")]
    Certificate(#[source] rcgen::Error),
}

/// An RSA key with its certificate.
pub(crate) struct SigningKey {
    pair: KeyPair,
    /// `RSAPublicKey`, PKCS#1.
    public: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
    /// `kid` and `x5t`.
    pub(crate) thumbprint: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.thumbprint).finish()
    }
}

impl SigningKey {
    fn new(pair: KeyPair) -> Result<Self, KeyError> {
        let key = Self::with_certificate(pair, Vec::new());
        let mut params = rcgen::CertificateParams::default();
        let name = "accounts.accesscontrol.emulator";
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.self_signed(&key).map_err(KeyError::Certificate)?;
        Ok(Self::with_certificate(key.pair, certificate.der().to_vec()))
    }

    fn with_certificate(pair: KeyPair, certificate: Vec<u8>) -> Self {
        let public = pair.public_key().as_ref().to_vec();
        let thumbprint = thumbprint(&certificate);
        Self { pair, public, certificate, thumbprint }
    }

    pub(crate) fn generate() -> Result<Self, KeyError> {
        Self::new(KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?)
    }

    /// PKCS#8 in base64.
    fn saved(&self) -> String {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.pair).expect("an RSA key has a PKCS#8 form");
        STANDARD.encode(der.as_ref())
    }

    fn restored(saved: &str) -> Result<Arc<Self>, KeyError> {
        let der = STANDARD.decode(saved).map_err(|_| KeyError::Parse)?;
        let pair = KeyPair::from_pkcs8(&der).map_err(|_| KeyError::Parse)?;
        Self::new(pair).map(Arc::new)
    }

    fn embedded(at: usize) -> Option<Result<Self, KeyError>> {
        let (key, certificate) = POOL.get(at)?;
        let pair = KeyPair::from_pkcs8(key).map_err(|_| KeyError::Parse);
        Some(pair.map(|pair| Self::with_certificate(pair, certificate.to_vec())))
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256: RS256.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &system::random(), message, &mut signature);
        signed.expect("an RSA key signs into a buffer of its own length");
        signature
    }

    /// Whether an RS256 signature is this key's.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public);
        key.verify(message, signature).is_ok()
    }

    /// `n` and `e` of the JWK.
    pub(crate) fn components(&self) -> (String, String) {
        let integers = integers(&self.public).unwrap_or_default();
        (base64url(integers.0), base64url(integers.1))
    }

    /// `SubjectPublicKeyInfo`: what a confused validator would use as an HMAC secret.
    pub(crate) fn public_spki(&self) -> Vec<u8> {
        let der = self.pair.public_key().as_der();
        der.map(|der: aws_lc_rs::encoding::PublicKeyX509Der<'_>| der.as_ref().to_vec()).unwrap_or_default()
    }
}

impl rcgen::PublicKeyData for SigningKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Self::sign(self, message))
    }
}

/// A [`KeyRing`] in its written form: private keys, as the file of a test system may hold them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedKeys {
    active: String,
    standby: String,
    old: Vec<String>,
    consumers: String,
    foreign: Option<String>,
    next: Option<usize>,
}

impl std::fmt::Debug for SavedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SavedKeys")
    }
}

/// The keys of the emulated cloud.
#[derive(Debug)]
pub(crate) struct KeyRing {
    /// Signs new tokens.
    pub(crate) active: Arc<SigningKey>,
    /// Published, not yet or never signing.
    pub(crate) standby: Arc<SigningKey>,
    /// Published, no longer signing.
    pub(crate) old: Vec<Arc<SigningKey>>,
    /// Belongs to the consumers issuer, published on `/common` only.
    pub(crate) consumers: Arc<SigningKey>,
    /// Belongs to another cloud instance; made and published when a hostile token first asks for it.
    pub(crate) foreign: Option<Arc<SigningKey>>,
    /// The next key of the pool; `None` when keys are generated.
    next: Option<usize>,
    /// How often keys were served: the order of the document changes every time.
    served: usize,
}

impl KeyRing {
    pub(crate) fn new(source: KeySource) -> Result<Self, KeyError> {
        let [active, standby, consumers] = match source {
            KeySource::Generated => generate_three()?,
            KeySource::Embedded => {
                let key = |at| SigningKey::embedded(at).unwrap_or_else(SigningKey::generate).map(Arc::new);
                [key(0)?, key(1)?, key(2)?]
            }
        };
        let next = (source == KeySource::Embedded).then_some(3);
        Ok(Self { active, standby, old: Vec::new(), consumers, foreign: None, next, served: 0 })
    }

    pub(crate) fn saved(&self) -> SavedKeys {
        SavedKeys {
            active: self.active.saved(),
            standby: self.standby.saved(),
            old: self.old.iter().map(|key| key.saved()).collect(),
            consumers: self.consumers.saved(),
            foreign: self.foreign.as_ref().map(|key| key.saved()),
            next: self.next,
        }
    }

    /// The keys that another process left, with the same `kid`s.
    pub(crate) fn restored(saved: &SavedKeys) -> Result<Self, KeyError> {
        let old: Result<_, _> = saved.old.iter().map(|key| SigningKey::restored(key)).collect();
        Ok(Self {
            active: SigningKey::restored(&saved.active)?,
            standby: SigningKey::restored(&saved.standby)?,
            old: old?,
            consumers: SigningKey::restored(&saved.consumers)?,
            foreign: saved.foreign.as_deref().map(SigningKey::restored).transpose()?,
            next: saved.next,
            served: 0,
        })
    }

    /// The position of a pool key that nobody has taken yet.
    pub(crate) fn reserve(&mut self) -> Option<usize> {
        let at = self.next?;
        self.next = Some(at + 1);
        Some(at)
    }

    /// Makes `key` the signing one; its predecessor stays published.
    pub(crate) fn activate(&mut self, key: Arc<SigningKey>) {
        self.old.push(std::mem::replace(&mut self.active, key));
    }

    pub(crate) fn retire(&mut self) {
        self.old.clear();
        self.foreign = None;
    }

    /// The published key of that `kid`.
    pub(crate) fn find(&self, kid: &str) -> Option<Arc<SigningKey>> {
        let mut keys = [&self.active, &self.standby].into_iter().chain(&self.old);
        keys.find(|key| key.thumbprint == kid).map(Arc::clone)
    }

    /// The published keys of a tenant, in an order that differs from the last time.
    pub(crate) fn published(&mut self) -> Vec<Arc<SigningKey>> {
        let mut keys = vec![Arc::clone(&self.active), Arc::clone(&self.standby)];
        keys.extend(self.old.iter().chain(&self.foreign).map(Arc::clone));
        self.served = self.served.wrapping_add(1);
        let by = self.served % keys.len();
        keys.rotate_left(by);
        keys
    }
}

/// A key for the position reserved in the pool, or a fresh one when the pool is used up.
pub(crate) fn next_key(reserved: Option<usize>) -> Result<Arc<SigningKey>, KeyError> {
    let pooled = reserved.and_then(SigningKey::embedded);
    pooled.unwrap_or_else(SigningKey::generate).map(Arc::new)
}

/// Three keys at once: finding primes is what start-up waits for.
fn generate_three() -> Result<[Arc<SigningKey>; 3], KeyError> {
    let threads = [(); 3].map(|()| std::thread::spawn(SigningKey::generate));
    let mut keys = Vec::with_capacity(3);
    for thread in threads {
        keys.push(Arc::new(thread.join().map_err(|_| KeyError::Generate)??));
    }
    keys.try_into().map_err(|_| KeyError::Generate)
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, KeySource, SigningKey};

    #[test]
    fn the_whole_pool_parses_and_is_stable() {
        let thumbprints: Vec<String> = (0..)
            .map_while(SigningKey::embedded)
            .map(|key| key.expect("a pool key parses").thumbprint)
            .collect();
        assert_eq!(thumbprints.len(), 8);
        let again = SigningKey::embedded(0).expect("there is one").expect("it parses");
        assert_eq!(again.thumbprint, thumbprints[0]);
        assert_eq!(again.thumbprint.len(), 27);
        let (n, e) = again.components();
        assert_eq!((n.len(), e.as_str()), (342, "AQAB"));
    }

    /// After a change of what certificates say: `UPDATE_KEYS=1 cargo test -p entragate-emulator certificates`.
    #[test]
    fn embedded_certificates_are_those_that_would_be_made() {
        for at in 0..super::POOL.len() {
            let key = SigningKey::embedded(at).expect("there is one").expect("it parses");
            let embedded = key.certificate.clone();
            let made = SigningKey::new(key.pair).expect("a certificate").certificate;
            #[expect(
                clippy::disallowed_methods,
                reason = "a switch of the test, not a setting of the program"
            )]
            if std::env::var_os("UPDATE_KEYS").is_some() {
                let path = format!("{}/keys/{}-certificate.der", env!("CARGO_MANIFEST_DIR"), at + 1);
                std::fs::write(path, &made).expect("the certificate can be written");
            }
            assert!(made == embedded, "keys/{}-certificate.der is another one", at + 1);
        }
    }

    #[test]
    fn rotation_keeps_and_retirement_drops() {
        let mut ring = KeyRing::new(KeySource::Embedded).expect("embedded keys parse");
        let first = ring.active.thumbprint.clone();
        let reserved = ring.reserve();
        ring.activate(super::next_key(reserved).expect("a key"));
        assert_ne!(ring.active.thumbprint, first);
        assert!(ring.published().iter().any(|key| key.thumbprint == first));
        ring.retire();
        assert!(ring.published().iter().all(|key| key.thumbprint != first));
    }
}
