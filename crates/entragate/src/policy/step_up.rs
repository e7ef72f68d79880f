//! One fruitless step-up is enough (docs/clients.md K51): a client that was sent to sign in for more scopes
//! and comes back with a new token that lacks them would be sent again, and again. It gets a tool error
//! instead.

use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::Timestamp;
use crate::principal::Principal;

/// Challenges that are remembered; the oldest are forgotten first.
const CAPACITY: usize = 10_000;
/// After this time an administrator may have granted the scope, and it is worth another try.
const MEMORY: Duration = Duration::from_secs(10 * 60);

/// Whom we sent to sign in for what, with which token they came.
pub(crate) struct StepUps(Cache<(String, String), Challenged>);

#[derive(Clone)]
struct Challenged {
    token_id: Option<String>,
    at: Timestamp,
}

impl StepUps {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// Whether this caller, with this client, was challenged for these missing scopes before and has signed in since, in vain. If not,
    /// the challenge that follows is remembered.
    pub(crate) fn is_fruitless(&self, who: &Principal, missing: &[String], now: Timestamp) -> bool {
        let person_at_client = [who.tenant_id(), who.object_id(), who.client_id()].join("/");
        let key = (person_at_client, missing.join(" "));
        let token_id = who.token_id().map(str::to_owned);
        if let Some(before) = self.0.get(&key)
            && now.since(before.at) < MEMORY
        {
            // The same token again is a client that has not signed in yet.
            return before.token_id.is_some() && before.token_id != token_id;
        }
        self.0.insert(key, Challenged { token_id, at: now });
        false
    }
}
