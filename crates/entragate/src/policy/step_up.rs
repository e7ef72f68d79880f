//! One fruitless step-up is enough (docs/clients.md K51): a client that was sent to sign in for more scopes
//! and comes back with a new token that lacks them would be sent again, and again. It gets a tool error
//! instead.

use std::time::Duration;

use quick_cache::sync::Cache;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::principal::Principal;

/// Challenges that are remembered; the oldest are forgotten first.
const CAPACITY: usize = 10_000;
/// After this time an administrator may have granted the scope, and it is worth another try.
const MEMORY: Duration = Duration::from_secs(10 * 60);
/// Challenges in that time that demand values of the same claims: the authentication contexts of a few tools, but not an API
/// that is never content.
const MOST_DEMANDS: u32 = 3;

/// Whom we sent to sign in for what, with which token they came.
pub(crate) struct StepUps(Cache<(String, String), Challenged>);

#[derive(Clone)]
struct Challenged {
    token_id: Option<String>,
    at: Timestamp,
    /// The last newer token with which they came back, and how many there were.
    newest: Option<String>,
    returned: u32,
}

impl StepUps {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// Whether this caller, with this client, was challenged for these missing scopes before and has signed in since, in vain. If not,
    /// the challenge that follows is remembered.
    pub(crate) fn is_fruitless(&self, who: &Principal, missing: &[String], now: Timestamp) -> bool {
        self.returned(who, &missing.join(" "), now) > 0
    }

    /// The same of what an API demands of the next token (a claims challenge). Its values may differ each time, as a time
    /// does, so it is also counted how often they came back and were sent for the same claims.
    pub(crate) fn is_fruitless_demand(&self, who: &Principal, claims: Option<&str>, now: Timestamp) -> bool {
        let Some(claims) = claims else { return self.returned(who, "sign in again", now) > 0 };
        let names = format!("claims {}", names(claims));
        let often = self.returned(who, &names, now) >= MOST_DEMANDS;
        self.returned(who, claims, now) > 0 || often
    }

    /// How many newer tokens they have come back with, this one included, since they were first sent for `what`. The token
    /// that they had then is a client that has not signed in yet, and so is every other one from before: people have
    /// several for one client.
    fn returned(&self, who: &Principal, what: &str, now: Timestamp) -> u32 {
        let person_at_client = [who.tenant_id(), who.object_id(), who.client_id()].join("/");
        let key = (person_at_client, what.to_owned());
        let token_id = who.token_id().map(str::to_owned);
        let Some(mut before) = self.0.get(&key).filter(|before| now.since(before.at) < MEMORY) else {
            self.0.insert(key, Challenged { token_id, at: now, newest: None, returned: 0 });
            return 0;
        };
        let is_newer = who.issued_at().is_some_and(|issued| issued >= before.at);
        if before.token_id.is_none() || before.token_id == token_id || !is_newer {
            return 0;
        }
        if before.newest != token_id {
            before.newest = token_id;
            before.returned = before.returned.saturating_add(1);
            self.0.insert(key, before.clone());
        }
        before.returned
    }
}

/// The claims that are demanded, without their values: `access_token.nbf`, for what cannot be read the text itself.
fn names(claims: &str) -> String {
    let Ok(Value::Object(parts)) = serde_json::from_str(claims) else { return claims.to_owned() };
    let mut names: Vec<String> = Vec::new();
    for (part, demanded) in &parts {
        match demanded {
            Value::Object(demanded) => names.extend(demanded.keys().map(|claim| format!("{part}.{claim}"))),
            _ => names.push(part.clone()),
        }
    }
    names.sort();
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_known_by_their_names() {
        let one = names(r#"{"access_token":{"nbf":{"essential":true,"value":"1"},"acrs":{"value":"c1"}}}"#);
        assert_eq!(one, "access_token.acrs access_token.nbf");
        assert_eq!(one, names(r#"{"access_token":{"acrs":null,"nbf":{"value":"2"}}}"#));
        assert_eq!(names("no json"), "no json");
    }
}
