//! Sign-in traces: each attempt has an id, and under it stands which leg passed, which failed and why, so that "Entra
//! was fine, a code was issued, the client never came back" can be read instead of guessed.
//!
//! Kept in memory, bounded in number and time. Nothing secret is in them: no token, code, state or user name.

mod before;
mod verdict;

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};
use crate::random::{self, NoRandomness};
use crate::rate::ClientAddress;
use before::Before;

/// Attempts that are remembered; the least used are forgotten first.
const CAPACITY: usize = 1_000;
/// How long an attempt can be looked at.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// More legs than a sign-in has, with room for repeated ones.
const MOST_LEGS: usize = 24;

/// The id of an attempt: shown on pages, in logs and in OAuth errors.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TraceId(String);

impl TraceId {
    /// 80 random bits, as people copy them.
    fn new() -> Result<Self, NoRandomness> {
        let mut id = String::new();
        for byte in random::bytes::<10>()? {
            let _ = write!(id, "{byte:02x}");
        }
        Ok(Self(id))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Leg {
    /// The client read the metadata documents.
    Discovery,
    /// The client registered.
    Registration,
    /// The browser arrived with the client's request.
    Authorize,
    /// The person was asked, and answered.
    Consent,
    /// The browser was sent to Entra.
    Entra,
    /// The browser came back from Entra.
    Callback,
    /// The client redeemed its code.
    Code,
    /// The client called the MCP server with its token.
    FirstCall,
}

impl Leg {
    /// The leg as logs and `entragate trace` name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Registration => "registration",
            Self::Authorize => "authorize",
            Self::Consent => "consent",
            Self::Entra => "entra",
            Self::Callback => "callback",
            Self::Code => "code",
            Self::FirstCall => "first_call",
        }
    }
}

impl Leg {
    /// The leg as pages name it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Discovery => "Discovery",
            Self::Registration => "Registration",
            Self::Authorize => "Authorization request",
            Self::Consent => "Consent",
            Self::Entra => "Microsoft Entra",
            Self::Callback => "Back from Microsoft Entra",
            Self::Code => "Code redeemed",
            Self::FirstCall => "First call",
        }
    }
}

/// How a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It went on.
    Passed,
    /// Somebody is awaited: the person, or Entra.
    Waiting,
    /// The sign-in ended here.
    Failed,
}

/// One leg of an attempt.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Which.
    pub leg: Leg,
    /// When, in seconds since the Unix epoch.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// What happened, in words.
    pub text: String,
}

/// One attempt to sign in.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SignIn {
    /// Its id.
    pub id: String,
    /// The client, as it calls itself.
    pub client: String,
    /// The MCP server that it is for: its public URL.
    pub resource: String,
    /// When the browser arrived.
    pub began: Timestamp,
    /// What happened so far.
    pub steps: Vec<Step>,
    /// What it comes to, and what to do.
    pub verdict: String,
}

#[derive(Clone)]
struct Attempt {
    client: String,
    resource: String,
    /// Hash of the cookie of the browser that began it; only that browser may look.
    browser: String,
    began: Timestamp,
    steps: Vec<Step>,
}

/// The attempts of the last hour.
pub(crate) struct Traces {
    attempts: Cache<String, Arc<Attempt>>,
    before: Before,
    clock: Arc<dyn Clock>,
}

impl Traces {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { attempts: Cache::new(CAPACITY), before: Before::new(), clock }
    }

    /// A client at this address read a metadata document or was told to sign in.
    pub(crate) fn discovered(&self, client: Option<ClientAddress>, what: &'static str) {
        self.before.note(client, what, self.clock.now());
    }

    /// A new attempt. What the same address did just before belongs to it, most probably.
    pub(crate) fn begin(
        &self,
        client: &str,
        resource: &str,
        browser: &str,
        from: Option<ClientAddress>,
        registered: Option<Timestamp>,
    ) -> Result<TraceId, NoRandomness> {
        let id = TraceId::new()?;
        let began = self.clock.now();
        let mut steps = self.before.steps(from, began);
        if let Some(at) = registered {
            let text = "the client has a client id of its own from this server".to_owned();
            steps.push(Step { leg: Leg::Registration, at, outcome: Outcome::Passed, text });
        }
        let (client, resource, browser) = (client.to_owned(), resource.to_owned(), browser.to_owned());
        let attempt = Attempt { client, resource, browser, began, steps };
        self.attempts.insert(id.0.clone(), Arc::new(attempt));
        Ok(id)
    }

    /// Writes down a leg, here and in the log.
    pub(crate) fn record(&self, id: &TraceId, leg: Leg, outcome: Outcome, text: &str) {
        match outcome {
            Outcome::Failed => {
                tracing::warn!(target: "entragate::signin", trace = id.as_str(), leg = leg.as_str(), outcome = "failed", reason = text);
            }
            Outcome::Passed | Outcome::Waiting => {
                tracing::info!(target: "entragate::signin", trace = id.as_str(), leg = leg.as_str(), outcome = if outcome == Outcome::Passed { "passed" } else { "waiting" }, reason = text);
            }
        }
        let Some(attempt) = self.attempts.get(&id.0) else { return };
        if attempt.steps.len() >= MOST_LEGS {
            return;
        }
        let mut attempt = Attempt::clone(&attempt);
        attempt.steps.push(Step { leg, at: self.clock.now(), outcome, text: text.to_owned() });
        self.attempts.insert(id.0.clone(), Arc::new(attempt));
    }

    /// Writes down the first call with a token of this attempt, and no later one.
    pub(crate) fn first_call(&self, id: &TraceId) {
        let Some(attempt) = self.attempts.get(&id.0) else { return };
        if !attempt.steps.iter().any(|step| step.leg == Leg::FirstCall) {
            self.record(
                id,
                Leg::FirstCall,
                Outcome::Passed,
                "the client called the MCP server with its token",
            );
        }
    }

    /// The attempt, for whoever may see all.
    pub(crate) fn get(&self, id: &str) -> Option<SignIn> {
        let now = self.clock.now();
        let attempt = self.attempts.get(id).filter(|attempt| now.since(attempt.began) < MEMORY)?;
        Some(attempt.shown(id, now))
    }

    /// The attempt, for the browser that began it.
    pub(crate) fn get_for(&self, id: &str, browser: &str) -> Option<SignIn> {
        let is_its = self.attempts.get(id).is_some_and(|attempt| attempt.browser == browser);
        if is_its { self.get(id) } else { None }
    }

    /// All attempts, the newest first.
    pub(crate) fn all(&self) -> Vec<SignIn> {
        let now = self.clock.now();
        let mut all: Vec<SignIn> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| now.since(attempt.began) < MEMORY)
            .map(|(id, attempt)| attempt.shown(&id, now))
            .collect();
        all.sort_by_key(|sign_in| std::cmp::Reverse((sign_in.began, sign_in.id.clone())));
        all
    }
}

impl Attempt {
    fn shown(&self, id: &str, now: Timestamp) -> SignIn {
        SignIn {
            id: id.to_owned(),
            client: self.client.clone(),
            resource: self.resource.clone(),
            began: self.began,
            steps: self.steps.clone(),
            verdict: verdict::verdict(&self.steps, now),
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").field("attempts", &self.attempts.len()).finish_non_exhaustive()
    }
}
