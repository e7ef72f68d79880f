//! Randomness: the one place that asks the operating system for it.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The operating system has no randomness to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub(crate) struct NoRandomness;

/// A fresh HMAC-SHA256 key.
#[expect(clippy::disallowed_methods, reason = "the one drawer of randomness")]
pub(crate) fn hmac_key() -> Result<hmac::Key, NoRandomness> {
    hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(|_| NoRandomness)
}

/// Fresh random bytes.
#[expect(clippy::disallowed_methods, reason = "the one drawer of randomness")]
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// The source itself, for signatures that blind themselves with it.
#[expect(clippy::disallowed_methods, reason = "the one drawer of randomness")]
pub(crate) fn source() -> SystemRandom {
    SystemRandom::new()
}

/// 256 random bits in 43 URL-safe characters: more than anybody guesses (RFC 6749 §10.10).
pub(crate) fn unguessable() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// 128 random bits in 22 URL-safe characters: an id that nobody else has.
pub(crate) fn id() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<16>()?))
}
