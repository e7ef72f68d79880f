//! Tokens that were verified already. Verifying costs more than everything else a request needs, and a
//! client sends the same token many times.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::Timestamp;
use crate::principal::Principal;

/// Entries of each kind; at about 1.5 KiB each, headers for the MCP server included, a cache stays below 16 MiB.
const CAPACITY: usize = 10_000;

/// SHA-256 of a token: the cache never holds a bearer secret.
pub(crate) type TokenHash = [u8; 32];

pub(crate) fn hash(token: &[u8]) -> TokenHash {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// Which verifier: a token that is good for one API app is not for another.
pub(crate) type Audiences = usize;

/// How often what has ended is thrown out.
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// What is remembered of a token.
pub(crate) trait Ends {
    /// From when on the token is good for nothing.
    fn ends(&self) -> Timestamp;
}

impl Ends for Principal {
    fn ends(&self) -> Timestamp {
        self.expires_at()
    }
}

/// Bounded in number, and in time: nothing of a token that nobody sends again stays much longer than the token is good.
#[derive(Debug)]
pub(crate) struct Remembered<Key, Value> {
    cache: Cache<Key, Value>,
    /// When it is swept next, in seconds since 1970.
    due: AtomicU64,
}

/// Tokens of Entra's, only as long as the key set they belong to.
pub(crate) type VerifiedTokens = Remembered<(Audiences, TokenHash), Principal>;

impl<Key: Eq + Hash, Value: Ends + Clone> Remembered<Key, Value> {
    pub(crate) fn new() -> Self {
        Self { cache: Cache::new(CAPACITY), due: AtomicU64::new(0) }
    }

    /// What is known of a token, unless it has ended since.
    pub(crate) fn get(&self, key: &Key, now: Timestamp) -> Option<Value> {
        let value = self.cache.get(key)?;
        if now >= value.ends() {
            self.cache.remove(key);
            return None;
        }
        Some(value)
    }

    pub(crate) fn insert(&self, key: Key, value: Value, now: Timestamp) {
        let due = self.due.load(Ordering::Relaxed);
        let next = now.plus(SWEEP).as_unix();
        // One of those who come at the same time.
        let is_mine = || self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now.as_unix() >= due && is_mine() {
            self.cache.retain(|_, value| now < value.ends());
        }
        self.cache.insert(key, value);
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.cache.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Until(u64);

    impl Ends for Until {
        fn ends(&self) -> Timestamp {
            Timestamp::from_unix(self.0)
        }
    }

    #[test]
    fn what_has_ended_goes_though_nobody_asks_for_it() {
        let tokens = Remembered::new();
        let at = Timestamp::from_unix;
        for token in 0..1000 {
            tokens.insert(token, Until(4_000 + token), at(1_000));
        }
        assert_eq!(tokens.cache.len(), 1000);
        // Not each time: the last sweep was a moment ago.
        tokens.insert(1000, Until(9_000), at(1_001));
        tokens.insert(1001, Until(9_000), at(4_500));
        assert_eq!(tokens.cache.len(), 1002 - 501);
        assert!(tokens.get(&500, at(4_500)).is_none() && tokens.get(&501, at(4_500)).is_some());
        assert!(tokens.get(&1000, at(9_000)).is_none(), "nor is it given out between sweeps");
    }
}
