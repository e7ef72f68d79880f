//! Token families: everything that came from one sign-in. Refresh tokens are replaced when used (AS-36); whoever comes
//! with a used one ends the family, for it may be stolen.
//!
//! Clients refresh twice at once, and lose answers. Within [`GRACE`] a used token therefore gets the same successor
//! again. Nobody waits for anybody: each request asks Entra for itself, and one atomic swap decides whose answer
//! becomes the successor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};
use crate::once::{Once, OnceError};

/// How long a used refresh token gets its successor again (K42).
pub(crate) const GRACE: Duration = Duration::from_secs(60);
/// A refresh token that is not used for so long is dead; Entra's own live as long.
pub(crate) const IDLE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How old the knowledge that a family is not revoked may be, on the way of every call.
const FRESH: Duration = Duration::from_secs(5);
/// How old it may be while the store does not answer. After that nobody knows, and calls are refused.
const STALE: Duration = Duration::from_secs(5 * 60);
/// Families that are remembered not to be revoked.
const CAPACITY: usize = 10_000;
/// Of callers that swap at once one wins each round.
const ROUNDS: usize = 32;

/// What the store holds of a family. Nothing: its first refresh token was not used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Revoked,
    Rotated { generation: u64, at: Timestamp, successor: String },
}

/// Where a refresh token stands in its family.
pub(crate) enum Standing {
    /// It is the newest. What the store holds must still be there when it is replaced.
    Newest(Newest),
    /// It was used a moment ago, and this is what it became.
    JustUsed(String),
    /// It was used before, or the family was revoked.
    Dead(Dead),
}

/// Why a family is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dead {
    /// A used token came again; the family is revoked with this.
    Reused,
    /// It was revoked before.
    Revoked,
}

/// The right to replace the newest token, once.
pub(crate) struct Newest {
    record: Option<Vec<u8>>,
    generation: u64,
}

/// How a replacement ended.
pub(crate) enum Rotation {
    /// Ours is the successor.
    Won,
    /// Another request was faster; this is its successor.
    Lost(String),
    /// The family ended in between.
    Dead(Dead),
}

/// The families of this server.
pub(crate) struct Families {
    once: Arc<dyn Once>,
    clock: Arc<dyn Clock>,
    alive: Cache<String, Timestamp>,
}

impl Families {
    pub(crate) fn new(once: Arc<dyn Once>, clock: Arc<dyn Clock>) -> Self {
        Self { once, clock, alive: Cache::new(CAPACITY) }
    }

    /// Judges a refresh token by its generation. A reused one revokes the family.
    pub(crate) async fn standing(&self, family: &str, generation: u64) -> Result<Standing, OnceError> {
        let stored = self.once.get(&key(family)).await?;
        let newest = |record| Ok(Standing::Newest(Newest { record, generation }));
        match read(stored.as_deref())? {
            Some(Record::Revoked) => Ok(Standing::Dead(Dead::Revoked)),
            None if generation == 0 => newest(None),
            Some(Record::Rotated { generation: current, .. }) if current == generation => newest(stored),
            Some(Record::Rotated { generation: current, at, successor })
                if current == generation + 1 && self.clock.now().since(at) < GRACE =>
            {
                match self.successor(&successor).await? {
                    Some(text) => Ok(Standing::JustUsed(text)),
                    None => self.reused(family).await,
                }
            }
            // Older than the last, or newer than anything that was given out.
            _ => self.reused(family).await,
        }
    }

    async fn reused(&self, family: &str) -> Result<Standing, OnceError> {
        self.revoke(family).await?;
        Ok(Standing::Dead(Dead::Reused))
    }

    /// Replaces the newest token by a successor, unless another request was faster.
    pub(crate) async fn rotate(
        &self,
        family: &str,
        newest: Newest,
        pointer: &str,
        successor: &str,
    ) -> Result<Rotation, OnceError> {
        // First the successor, then the record that names it: whoever reads the record finds it.
        self.once.swap(&next(pointer), None, successor.as_bytes(), GRACE * 2).await?;
        let record = Record::Rotated {
            generation: newest.generation + 1,
            at: self.clock.now(),
            successor: pointer.to_owned(),
        };
        if self.once.swap(&key(family), newest.record.as_deref(), &written(&record)?, IDLE).await? {
            return Ok(Rotation::Won);
        }
        self.once.take(&next(pointer)).await?;
        Ok(match self.standing(family, newest.generation).await? {
            Standing::JustUsed(successor) => Rotation::Lost(successor),
            Standing::Dead(dead) => Rotation::Dead(dead),
            // The record changed back, which no record does.
            Standing::Newest(_) => return Err(OnceError::Failed("a record went back".to_owned())),
        })
    }

    async fn successor(&self, pointer: &str) -> Result<Option<String>, OnceError> {
        let stored = self.once.get(&next(pointer)).await?;
        Ok(stored.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Ends a family: no refresh, and no call with its access tokens.
    pub(crate) async fn revoke(&self, family: &str) -> Result<(), OnceError> {
        let revoked = written(&Record::Revoked)?;
        for _ in 0..ROUNDS {
            let stored = self.once.get(&key(family)).await?;
            let is_done = stored.as_deref() == Some(revoked.as_slice());
            if is_done || self.once.swap(&key(family), stored.as_deref(), &revoked, IDLE).await? {
                // A call that read the store before may have noted it as alive meanwhile.
                self.alive.remove(family);
                return Ok(());
            }
        }
        Err(OnceError::Failed("the family could not be revoked".to_owned()))
    }

    /// Whether calls may go on: the family was not revoked, and the store remembers since `epoch`, or a revoked token
    /// would come back to life with a store that forgot. Asks every few seconds for each family in use, not for each
    /// call.
    pub(crate) async fn is_alive(&self, family: &str, epoch: &str) -> Result<bool, OnceError> {
        let now = self.clock.now();
        let known = self.alive.get(family);
        if known.is_some_and(|at| now.since(at) < FRESH) {
            return Ok(true);
        }
        match self.asked(family, epoch).await {
            Ok(false) => {
                self.alive.remove(family);
                Ok(false)
            }
            Ok(true) => {
                self.alive.insert(family.to_owned(), now);
                Ok(true)
            }
            Err(error) if known.is_some_and(|at| now.since(at) < STALE) => {
                tracing::warn!(target: "entragate::once", reason = %error, "revocations cannot be read, the last known state is used");
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn asked(&self, family: &str, epoch: &str) -> Result<bool, OnceError> {
        let stored = self.once.get(&key(family)).await?;
        Ok(read(stored.as_deref())? != Some(Record::Revoked) && self.once.epoch().await? == epoch)
    }
}

impl fmt::Debug for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Families").field("once", &self.once).finish_non_exhaustive()
    }
}

fn key(family: &str) -> String {
    format!("family/{family}")
}

fn next(pointer: &str) -> String {
    format!("next/{pointer}")
}

fn read(stored: Option<&[u8]>) -> Result<Option<Record>, OnceError> {
    let unreadable = |error: serde_json::Error| OnceError::Failed(error.to_string());
    stored.map(serde_json::from_slice).transpose().map_err(unreadable)
}

fn written(record: &Record) -> Result<Vec<u8>, OnceError> {
    serde_json::to_vec(record).map_err(|error| OnceError::Failed(error.to_string()))
}
