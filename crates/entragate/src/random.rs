//! Randomness: the one place that asks the operating system for it.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;

/// A fresh HMAC-SHA256 key; `None` when the operating system has no randomness to give.
#[expect(clippy::disallowed_methods, reason = "the one drawer of randomness")]
pub(crate) fn hmac_key() -> Option<hmac::Key> {
    hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()
}
