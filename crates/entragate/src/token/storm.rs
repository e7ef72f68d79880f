//! The same bad token over and over: a client that does not sign in again when it is told to. It keeps getting
//! 401; the operator is told once what is going on, instead of reading the same line a thousand times.

use quick_cache::sync::Cache;

use super::cache::TokenHash;

/// Tokens that are counted; the least used are forgotten first.
const CAPACITY: usize = 1_000;
/// More than any client needs to notice.
const MANY: u32 = 10;

/// Counts refusals of each token.
pub(crate) struct Storms(Cache<TokenHash, u32>);

impl Storms {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// Counts one more refusal; true when it is time to say so.
    pub(crate) fn is_one(&self, token: TokenHash) -> bool {
        let count = self.0.get(&token).unwrap_or_default().saturating_add(1);
        self.0.insert(token, count);
        count == MANY
    }
}
