//! The store of several processes: a Redis or Valkey server.
//!
//! What the server must be told, because nobody can see from here that it forgets:
//!
//! - `maxmemory-policy noeviction`: a server that evicts forgets what was used. When it is full, sign-ins are
//!   answered with 503 instead.
//! - `appendonly yes`, or no persistence at all: a restart from a snapshot goes back to an earlier memory with the
//!   same epoch.
//!
//! One server or one managed endpoint that looks like one; a cluster that redirects is not followed. The user needs
//! `GET`, `SET`, `DEL`, `PING`, `EVALSHA` and `SCRIPT LOAD` on the prefix.

mod url;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, Script};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

pub use self::url::RedisUrlError;
use super::{Once, OnceError, OnceFuture};
use crate::random;
use crate::secret::Secret;

/// How long a request waits for the server, connecting included. Then it fails, it does not hang.
const PATIENCE: Duration = Duration::from_secs(2);

/// Unused for so long, a connection is tried first: servers and firewalls close idle ones, and the first sign-in
/// after a quiet hour should not be the one that finds out.
const IDLE: Duration = Duration::from_secs(10);

/// How long that try may take, so that there is time left to connect again.
const TRY: Duration = Duration::from_millis(500);

/// Longer than anything is kept; a larger expiry would overflow on the server.
const LONGEST_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1_000;

/// Compare and swap. Only the server can do both at once.
const SWAP: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// What GETDEL does. Azure Cache for Redis is version 6.0, which does not have it.
const TAKE: &str = "
local value = redis.call('GET', KEYS[1])
if value then redis.call('DEL', KEYS[1]) end
return value";

/// The epoch in force: the one offered if there is none.
const EPOCH: &str = "
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then return ARGV[1] end
return redis.call('GET', KEYS[1])";

/// Remembers in a Redis or Valkey server that several gateways share.
///
/// It connects with the first request and again whenever the connection is lost; until then requests fail within
/// two seconds. `rediss://` is TLS by rustls, with the trust store of the operating system.
///
/// A change whose answer got lost fails, even if the server made it: nothing is sent twice.
pub struct Redis {
    client: Client,
    prefix: String,
    line: Mutex<Option<Line>>,
    swap: Script,
    take: Script,
    epoch: Script,
}

/// A connection that all requests share.
struct Line {
    connection: MultiplexedConnection,
    broken: Arc<AtomicBool>,
    used: Instant,
}

impl Line {
    async fn answers(&mut self) -> bool {
        let ping = redis::cmd("PING");
        let answer = timeout(TRY, ping.query_async::<String>(&mut self.connection)).await;
        matches!(answer, Ok(Ok(_)))
    }
}

impl Redis {
    /// The server of a URL, `redis://[[user]:password@]host[:port][/database]` or `rediss://…`. All keys start with
    /// `prefix`. Does not connect yet, so the server may be down.
    pub fn new(url: &Secret, prefix: &str) -> Result<Self, RedisUrlError> {
        Ok(Self {
            client: url::client(url)?,
            prefix: prefix.to_owned(),
            line: Mutex::default(),
            swap: Script::new(SWAP),
            take: Script::new(TAKE),
            epoch: Script::new(EPOCH),
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The connection, or a new one.
    // Not redis's own ConnectionManager: it must be made inside a runtime, and after a refused password it stays
    // refused until the process ends.
    async fn line(&self) -> RedisResult<(MultiplexedConnection, Arc<AtomicBool>)> {
        let mut slot = self.line.lock().await;
        // Out of its slot while it is tried: a request that is given up in between leaves no dead one behind.
        let mut kept = slot.take().filter(|line| !line.broken.load(Ordering::Relaxed));
        if let Some(line) = &mut kept
            && line.used.elapsed() >= IDLE
            && !line.answers().await
        {
            kept = None;
        }
        let mut line = match kept {
            Some(line) => line,
            None => self.connect().await?,
        };
        line.used = Instant::now();
        let handle = (line.connection.clone(), Arc::clone(&line.broken));
        *slot = Some(line);
        Ok(handle)
    }

    async fn connect(&self) -> RedisResult<Line> {
        // Whoever asks has one limit for everything.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Line { connection, broken: Arc::default(), used: Instant::now() })
    }

    /// Asks the server within the limit, and drops a connection that turned out to be no good.
    async fn ask<T, F>(&self, question: impl FnOnce(MultiplexedConnection) -> F) -> Result<T, OnceError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let mut used = None;
        let answer = timeout(PATIENCE, async {
            let (connection, broken) = self.line().await?;
            used = Some(broken);
            question(connection).await
        })
        .await;
        let is_lost = match &answer {
            Ok(Ok(_)) => false,
            Ok(Err(error)) => error.is_io_error() || error.is_unrecoverable_error(),
            Err(_) => true,
        };
        if is_lost && let Some(broken) = used {
            broken.store(true, Ordering::Relaxed);
        }
        match answer {
            Ok(answer) => answer.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.failed_because("no answer in time")),
        }
    }

    /// Without the server's own words: for an unknown command it repeats the arguments, and AUTH has the password.
    fn failed(&self, error: &RedisError) -> OnceError {
        match (error.kind(), error.code()) {
            (_, Some("OOM")) => OnceError::Full,
            (ErrorKind::AuthenticationFailed, _) => {
                self.failed_because("the user or the password is refused")
            }
            (_, Some(code)) => self.failed_because(&format!("the server answers {code}")),
            _ => match error.detail() {
                Some(detail) if error.is_io_error() => self.failed_because(detail),
                _ if error.is_io_error() => self.failed_because(&error.to_string()),
                _ => self.failed_because(error.category()),
            },
        }
    }

    fn failed_because(&self, reason: &str) -> OnceError {
        OnceError::Failed(format!("Redis at {}: {reason}", self.client.get_connection_info().addr()))
    }
}

impl Once for Redis {
    fn get<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(self.ask(move |mut connection| async move {
            redis::cmd("GET").arg(self.key(key)).query_async(&mut connection).await
        }))
    }

    fn swap<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        new: &'a [u8],
        keep: Duration,
    ) -> OnceFuture<'a, bool> {
        let key = self.key(key);
        let keep = milliseconds(keep);
        Box::pin(self.ask(move |mut connection| async move {
            if let Some(expected) = expected {
                let mut swap = self.swap.key(key);
                return swap.arg(expected).arg(new).arg(keep).invoke_async(&mut connection).await;
            }
            let mut set = redis::cmd("SET");
            set.arg(key).arg(new).arg("NX").arg("PX").arg(keep);
            Ok(set.query_async::<Option<String>>(&mut connection).await?.is_some())
        }))
    }

    fn take<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(self.ask(move |mut connection| async move {
            self.take.key(self.key(key)).invoke_async(&mut connection).await
        }))
    }

    // Not cached: a server that was flushed must not look unbroken, not even for a second.
    fn epoch(&self) -> OnceFuture<'_, String> {
        Box::pin(async move {
            let offer = random::id().map_err(|error| OnceError::Failed(error.to_string()))?;
            self.ask(move |mut connection| async move {
                self.epoch.key(self.key("epoch")).arg(offer).invoke_async(&mut connection).await
            })
            .await
        })
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client knows the password.
        let server = self.client.get_connection_info().addr().to_string();
        f.debug_struct("Redis").field("server", &server).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// At least one, because Redis refuses an expiry of zero.
fn milliseconds(keep: Duration) -> u64 {
    u64::try_from(keep.as_millis()).unwrap_or(LONGEST_MS).clamp(1, LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiries_are_within_what_redis_takes() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_secs(60)), 60_000);
        assert_eq!(milliseconds(Duration::MAX), LONGEST_MS);
    }

    #[test]
    fn debug_says_nothing_about_the_password() {
        let store = Redis::new(&Secret::new("redis://anna:hunter2@redis.contoso.com"), "entragate:").unwrap();
        let shown = format!("{store:?}");
        assert_eq!(shown, r#"Redis { server: "redis.contoso.com:6379", prefix: "entragate:", .. }"#);
    }
}
