//! What must be remembered between requests: which codes, sign-ins and refresh tokens were used, and which were
//! revoked. Everything else travels sealed with the client or the browser.
//!
//! Each entry has an expiry, so nothing piles up. A store says in [`Once::epoch`] since when it remembers: a refresh
//! token from before that is refused, because whether it was used or revoked is forgotten.

mod memory;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

#[cfg(feature = "redb")]
pub use self::redb::{Redb, RedbError};
#[cfg(feature = "redis")]
pub use self::redis::{Redis, RedisUrlError};
pub use memory::Memory;

/// Why a store cannot be asked. Requests that depend on it are answered with 503.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnceError {
    /// It holds as much as it may.
    #[error("the store is full")]
    Full,
    /// It cannot be reached, or failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// The answer of a store, later.
pub type OnceFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, OnceError>> + Send + 'a>>;

/// A store of small values under short keys, each with an expiry, that changes them atomically.
pub trait Once: fmt::Debug + Send + Sync + 'static {
    /// The value, unless it has expired.
    fn get<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>>;

    /// Stores `new` for `keep` if the value is `expected` (`None`: if there is none). Whether it was: of callers at
    /// once that expect the same, exactly one is told yes.
    fn swap<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        new: &'a [u8],
        keep: Duration,
    ) -> OnceFuture<'a, bool>;

    /// Removes the value and hands it out: of callers at once, exactly one gets it.
    fn take<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>>;

    /// Names the unbroken memory of this store: the same as long as nothing was forgotten before its expiry.
    fn epoch(&self) -> OnceFuture<'_, String>;
}

/// What strangers can have remembered without signing in: a return from Entra, an assertion of a client.
const OF_STRANGERS: [&str; 2] = ["state/", "jti/"];

/// By what the capacity is divided for one more entry under this key. Strangers never get the half that sign-ins,
/// refreshes and revocations need.
fn share(key: &str) -> u8 {
    if OF_STRANGERS.iter().any(|kind| key.starts_with(kind)) { 2 } else { 1 }
}
