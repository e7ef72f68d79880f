//! The store of one process: forgotten when it ends.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::{Once, OnceError, OnceFuture, share};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::random;

/// Entries; at about 1 KiB each a full store takes 256 MiB.
const CAPACITY: usize = 250_000;

/// Remembers in this process only.
pub struct Memory {
    entries: Mutex<Entries>,
    epoch: Result<String, random::NoRandomness>,
    clock: Arc<dyn Clock>,
    capacity: usize,
}

#[derive(Default)]
struct Entries {
    map: HashMap<String, Entry>,
    /// As many entries as make the next look for expired ones worth it.
    sweep_at: usize,
    /// The last look. Within a second nothing more expires.
    swept: Option<Timestamp>,
}

struct Entry {
    value: Vec<u8>,
    expires: Timestamp,
}

impl Memory {
    /// An empty store with the computer's clock.
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// An empty store with another clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::shared(Arc::new(clock))
    }

    pub(crate) fn shared(clock: Arc<dyn Clock>) -> Self {
        Self { entries: Mutex::default(), epoch: random::id(), clock, capacity: CAPACITY }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Entries {
    fn live(&mut self, key: &str, now: Timestamp) -> Option<&Entry> {
        if self.map.get(key).is_some_and(|entry| now >= entry.expires) {
            self.map.remove(key);
        }
        self.map.get(key)
    }

    /// Room for one more: forgets the expired when there are many, in amortised constant time.
    fn make_room(&mut self, capacity: usize, now: Timestamp) -> Result<(), OnceError> {
        if self.map.len() >= self.sweep_at.clamp(1_000.min(capacity), capacity) && self.swept != Some(now) {
            self.map.retain(|_, entry| now < entry.expires);
            self.sweep_at = self.map.len() * 2;
            self.swept = Some(now);
        }
        if self.map.len() >= capacity { Err(OnceError::Full) } else { Ok(()) }
    }
}

impl Once for Memory {
    fn get<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut entries = self.entries.lock().await;
            Ok(entries.live(key, self.clock.now()).map(|entry| entry.value.clone()))
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        new: &'a [u8],
        keep: Duration,
    ) -> OnceFuture<'a, bool> {
        Box::pin(async move {
            let mut entries = self.entries.lock().await;
            let now = self.clock.now();
            if entries.live(key, now).map(|entry| entry.value.as_slice()) != expected {
                return Ok(false);
            }
            if expected.is_none() {
                entries.make_room(self.capacity / usize::from(share(key)), now)?;
            }
            let entry = Entry { value: new.to_vec(), expires: now.plus(keep) };
            entries.map.insert(key.to_owned(), entry);
            Ok(true)
        })
    }

    fn take<'a>(&'a self, key: &'a str) -> OnceFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut entries = self.entries.lock().await;
            let now = self.clock.now();
            Ok(entries.map.remove(key).filter(|entry| now < entry.expires).map(|entry| entry.value))
        })
    }

    fn epoch(&self) -> OnceFuture<'_, String> {
        Box::pin(async move { self.epoch.clone().map_err(|error| OnceError::Failed(error.to_string())) })
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn entries_are_swapped_taken_and_expire() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        let store = Memory::shared(clock.clone());
        let minute = Duration::from_secs(60);
        assert!(store.swap("a", None, b"1", minute).await.unwrap());
        assert!(!store.swap("a", None, b"2", minute).await.unwrap());
        assert!(!store.swap("a", Some(b"2"), b"3", minute).await.unwrap());
        assert!(store.swap("a", Some(b"1"), b"2", minute).await.unwrap());
        assert_eq!(store.get("a").await.unwrap().as_deref(), Some(b"2".as_slice()));
        clock.advance(minute);
        assert_eq!(store.get("a").await.unwrap(), None);
        assert!(store.swap("a", None, b"1", minute).await.unwrap());
        assert_eq!(store.take("a").await.unwrap().as_deref(), Some(b"1".as_slice()));
        assert_eq!(store.take("a").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_full_store_refuses_and_makes_room_when_entries_expire() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        let store = Memory { capacity: 1_000, ..Memory::shared(clock.clone()) };
        let minute = Duration::from_secs(60);
        for number in 0..1_000 {
            assert!(store.swap(&format!("{number}"), None, b"", minute).await.unwrap());
        }
        assert!(matches!(store.swap("more", None, b"", minute).await, Err(OnceError::Full)));
        clock.advance(minute);
        assert!(store.swap("more", None, b"", minute).await.unwrap());
    }

    #[tokio::test]
    async fn strangers_leave_room_for_sign_ins_and_revocations() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        let store = Memory { capacity: 1_000, ..Memory::shared(clock.clone()) };
        let minute = Duration::from_secs(60);
        for number in 0..500 {
            assert!(store.swap(&format!("state/{number}"), None, b"", minute).await.unwrap());
        }
        for key in ["state/more", "jti/more"] {
            assert!(matches!(store.swap(key, None, b"", minute).await, Err(OnceError::Full)), "{key}");
        }
        assert!(store.swap("family/1", None, b"", minute).await.unwrap());
        clock.advance(minute);
        assert!(store.swap("state/more", None, b"", minute).await.unwrap());
    }
}
