//! Sealed values: what the gateway hands out and wants back unchanged and unread.
//!
//! There is no database. A registered client is a sealed record inside its `client_id`; the `state` that goes to
//! Entra, codes, access tokens and refresh tokens are sealed records too (AES-256-GCM). The purpose is
//! authenticated data, so that a value sealed as one thing never opens as another, and so is the issuer, so that
//! two gateways with the same key do not take each other's values.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::random;
use crate::secret::Secret;

/// Characters of a key's secret: as many as the bytes of the cipher's key.
const SHORTEST: usize = 32;
/// Bytes that say which key sealed a value.
const KEY_ID: usize = 4;

/// Why a key ring cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealKeyError {
    /// No key at all.
    #[error("there is no key")]
    Empty,
    /// A key that could be guessed.
    #[error("a key needs at least {0} characters")]
    Short(usize),
    /// The same key twice, which would hide that one is missing.
    #[error("a key is there twice")]
    Repeated,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
}

/// A ring of secrets: the first seals, all open. Independent of every secret of Entra's.
///
/// Replicas share it. To rotate, put a new one in front, and remove the old one when what it sealed has expired.
#[derive(Clone)]
pub struct SealKeys(Vec<Secret>);

impl SealKeys {
    /// A ring of secrets with at least 32 characters each.
    pub fn new<I: IntoIterator<Item = Secret>>(secrets: I) -> Result<Self, SealKeyError> {
        let secrets: Vec<Secret> = secrets.into_iter().collect();
        if secrets.is_empty() {
            return Err(SealKeyError::Empty);
        }
        if secrets.iter().any(|secret| secret.expose().len() < SHORTEST) {
            return Err(SealKeyError::Short(SHORTEST));
        }
        for (at, secret) in secrets.iter().enumerate() {
            if secrets.iter().take(at).any(|other| other.expose() == secret.expose()) {
                return Err(SealKeyError::Repeated);
            }
        }
        Ok(Self(secrets))
    }

    /// A fresh key, as text that [`SealKeys::new`] takes.
    pub fn generate() -> Result<Secret, SealKeyError> {
        random::unguessable().map(Secret::new).map_err(|_| SealKeyError::Randomness)
    }

    /// Keys for tags over what is not secret, one for each of the ring.
    pub(crate) fn hmac_keys(&self, purpose: &str) -> Vec<hmac::Key> {
        let key = |secret: &Secret| {
            let bytes = derived::<32>(secret, &[b"entragate hmac", purpose.as_bytes()]);
            hmac::Key::new(hmac::HMAC_SHA256, &bytes)
        };
        self.0.iter().map(key).collect()
    }

    /// Keys of another kind, one for each of the ring, for one purpose and issuer. `make` may turn bytes down that are no
    /// such key, and is given others.
    pub(crate) fn keys_of<K>(
        &self,
        purpose: &str,
        issuer: &str,
        make: impl Fn(&[u8; 32]) -> Option<K>,
    ) -> Vec<K> {
        let key = |secret: &Secret| {
            (0..=u8::MAX).find_map(|attempt| {
                let info: [&[u8]; 5] =
                    [b"entragate ", purpose.as_bytes(), &[0], issuer.as_bytes(), &[0, attempt]];
                make(&derived(secret, &info))
            })
        };
        self.0.iter().filter_map(key).collect()
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKeys({} keys)", self.0.len())
    }
}

/// A record that can be sealed.
pub(crate) trait Sealable: Serialize + DeserializeOwned {
    /// What it is, and the version of its shape: a value of another purpose or version does not open.
    const PURPOSE: &'static str;
    /// How the sealed text begins, for people and for secret scanners.
    const PREFIX: &'static str;
}

/// Not one of ours: made up, changed, of another purpose, or sealed with a key that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed here")]
pub(crate) struct NotSealedHere;

/// Nothing can be sealed: the cipher or the system's randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be sealed at the moment")]
pub(crate) struct CannotSeal;

/// Seals and opens for one issuer.
pub(crate) struct Sealer {
    keys: Vec<Key>,
    issuer: String,
}

struct Key {
    id: [u8; KEY_ID],
    cipher: RandomizedNonceKey,
}

impl Sealer {
    pub(crate) fn new(keys: &SealKeys, issuer: &str) -> Self {
        let key = |secret: &Secret| Key {
            id: derived(secret, &[b"entragate seal id"]),
            cipher: RandomizedNonceKey::new(
                &AES_256_GCM,
                &derived::<32>(secret, &[b"entragate seal aes-256-gcm"]),
            )
            .expect("an AES-256 key has 32 bytes"),
        };
        Self { keys: keys.0.iter().map(key).collect(), issuer: issuer.to_owned() }
    }

    /// The record as text that only [`Sealer::open`] reads.
    pub(crate) fn seal<T: Sealable>(&self, record: &T) -> Result<String, CannotSeal> {
        let key = self.keys.first().ok_or(CannotSeal)?;
        let mut sealed = serde_json::to_vec(record).map_err(|_| CannotSeal)?;
        let aad = self.aad::<T>();
        let nonce =
            key.cipher.seal_in_place_append_tag(Aad::from(aad), &mut sealed).map_err(|_| CannotSeal)?;
        let mut bytes = Vec::with_capacity(KEY_ID + NONCE_LEN + sealed.len());
        bytes.extend_from_slice(&key.id);
        bytes.extend_from_slice(nonce.as_ref());
        bytes.extend_from_slice(&sealed);
        Ok(format!("{}{}", T::PREFIX, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The record, if it was sealed here as one of its kind.
    pub(crate) fn open<T: Sealable>(&self, text: &str) -> Result<T, NotSealedHere> {
        let encoded = text.strip_prefix(T::PREFIX).ok_or(NotSealedHere)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| NotSealedHere)?;
        let (id, rest) = bytes.split_at_checked(KEY_ID).ok_or(NotSealedHere)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or(NotSealedHere)?;
        for key in self.keys.iter().filter(|key| key.id == id) {
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealedHere)?;
            let mut sealed = sealed.to_vec();
            if let Ok(record) = key.cipher.open_in_place(nonce, Aad::from(self.aad::<T>()), &mut sealed) {
                return serde_json::from_slice(record).map_err(|_| NotSealedHere);
            }
        }
        Err(NotSealedHere)
    }

    fn aad<T: Sealable>(&self) -> Vec<u8> {
        [T::PURPOSE.as_bytes(), &[0], self.issuer.as_bytes()].concat()
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({} keys)", self.keys.len())
    }
}

/// HKDF-SHA256 (RFC 5869): one secret, a different key for each use.
fn derived<const N: usize>(secret: &Secret, info: &[&[u8]]) -> [u8; N] {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"entragate");
    let mut key = [0; N];
    salt.extract(secret.expose().as_bytes())
        .expand(info, Length(N))
        .and_then(|okm| okm.fill(&mut key))
        .expect("HKDF yields up to 255 blocks");
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct One(String);
    impl Sealable for One {
        const PURPOSE: &'static str = "one/1";
        const PREFIX: &'static str = "x_";
    }
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Other(String);
    impl Sealable for Other {
        const PURPOSE: &'static str = "other/1";
        const PREFIX: &'static str = "x_";
    }

    fn secret(c: char) -> Secret {
        Secret::new(String::from(c).repeat(40))
    }

    fn sealer(secrets: &str, issuer: &str) -> Sealer {
        Sealer::new(&SealKeys::new(secrets.chars().map(secret)).unwrap(), issuer)
    }

    #[test]
    fn a_record_opens_for_its_purpose_and_issuer_only() {
        let seal = sealer("a", "https://a.test");
        let text = seal.seal(&One("hello".into())).unwrap();
        assert_eq!(seal.open::<One>(&text), Ok(One("hello".into())));
        assert_eq!(seal.open::<Other>(&text), Err(NotSealedHere));
        assert_eq!(sealer("a", "https://b.test").open::<One>(&text), Err(NotSealedHere));
        assert!(!text.contains("hello"));
        assert_ne!(text, seal.seal(&One("hello".into())).unwrap(), "two seals of one record are alike");
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = sealer("a", "i").seal(&One("x".into())).unwrap();
        let rotated = sealer("ba", "i");
        assert_eq!(rotated.open::<One>(&old), Ok(One("x".into())));
        let new = rotated.seal(&One("y".into())).unwrap();
        assert_eq!(sealer("b", "i").open::<One>(&new), Ok(One("y".into())));
        assert_eq!(sealer("a", "i").open::<One>(&new), Err(NotSealedHere));
        assert_eq!(sealer("b", "i").open::<One>(&old), Err(NotSealedHere));
    }

    #[test]
    fn a_ring_that_protects_nothing_is_refused() {
        let new = |secrets: Vec<Secret>| SealKeys::new(secrets).unwrap_err();
        assert_eq!(new(vec![]), SealKeyError::Empty);
        assert_eq!(new(vec![secret('a'), Secret::new("short")]), SealKeyError::Short(SHORTEST));
        assert_eq!(new(vec![secret('a'), secret('a')]), SealKeyError::Repeated);
        assert!(SealKeys::new([SealKeys::generate().unwrap()]).is_ok());
        assert_eq!(format!("{:?}", SealKeys::new([secret('a')]).unwrap()), "SealKeys(1 keys)");
    }

    proptest! {
        #[test]
        fn whatever_is_changed_does_not_open(at in 2_usize..80, to in "[A-Za-z0-9_-]", text in "\\PC{0,60}") {
            let seal = sealer("a", "i");
            let sealed = seal.seal(&One("0123456789".repeat(3))).unwrap();
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != sealed);
            // The last character of base64 may carry bits that mean nothing; decoding is strict about them.
            prop_assert_eq!(seal.open::<One>(&changed), Err(NotSealedHere));
            prop_assert_eq!(seal.open::<One>(&text), Err(NotSealedHere));
            prop_assert_eq!(seal.open::<One>(&format!("x_{text}")), Err(NotSealedHere));
        }
    }
}
