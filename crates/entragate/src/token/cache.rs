//! Tokens that were verified already. Verifying costs more than everything else a request needs, and a
//! client sends the same token many times.

use quick_cache::sync::Cache;

use crate::clock::Timestamp;
use crate::principal::Principal;

/// Entries; at about 1.5 KiB each, headers for the MCP server included, the cache stays below 16 MiB.
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

/// Bounded, and only as old as the key set it belongs to.
#[derive(Debug)]
pub(crate) struct VerifiedTokens(Cache<(Audiences, TokenHash), Principal>);

impl VerifiedTokens {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// The principal of a token verified before, unless it has expired since.
    pub(crate) fn get(&self, key: &(Audiences, TokenHash), now: Timestamp) -> Option<Principal> {
        let principal = self.0.get(key)?;
        if now >= principal.expires_at() {
            self.0.remove(key);
            return None;
        }
        Some(principal)
    }

    pub(crate) fn insert(&self, key: (Audiences, TokenHash), principal: Principal) {
        self.0.insert(key, principal);
    }
}
