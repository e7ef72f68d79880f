//! `static`: a credential of the MCP server's own, the same for every caller.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::config::StaticCredential;

/// How often the file is looked at. A secret that was replaced works for a while beside its successor.
const LOOK: Duration = Duration::from_secs(5);

/// The credential, as it was read last.
pub(super) struct Fixed {
    credential: StaticCredential,
    value: ArcSwap<HeaderValue>,
    since: Instant,
    /// When the file is to be looked at again, in milliseconds of `since`.
    next: AtomicU64,
}

impl Fixed {
    pub(super) fn new(credential: StaticCredential) -> Self {
        let value = ArcSwap::from_pointee(credential.value.clone());
        Self { credential, value, since: Instant::now(), next: AtomicU64::new(millis(LOOK)) }
    }

    pub(super) const fn header(&self) -> &HeaderName {
        &self.credential.header
    }

    /// The value of the header.
    pub(super) fn value(&self) -> HeaderValue {
        if let Some(path) = &self.credential.file {
            self.look(path);
        }
        HeaderValue::clone(&self.value.load())
    }

    /// Reads the file again, one caller every few seconds; what is broken or gone leaves the last good value in use.
    fn look(&self, path: &Path) {
        let now = millis(self.since.elapsed());
        let next = self.next.load(Ordering::Relaxed);
        let again = now + millis(LOOK);
        if now < next
            || self.next.compare_exchange(next, again, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let parsed = read.and_then(|text| {
            let header = self.credential.header.clone();
            StaticCredential::parse(header, &text, None).map_err(|error| error.to_string())
        });
        match parsed {
            Ok(new) if new.value != **self.value.load() => {
                tracing::info!("upstream.credential_file was replaced");
                self.value.store(Arc::new(new.value));
            }
            Ok(_) => {}
            Err(reason) => {
                tracing::warn!(
                    reason,
                    "upstream.credential_file cannot be used; the last credential stays in use"
                );
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_replaced_file_is_noticed_and_a_broken_one_leaves_the_last_value() {
        let path = std::env::temp_dir().join(format!("entragate-fixed-{}", std::process::id()));
        std::fs::write(&path, "first").unwrap();
        let header = HeaderName::from_static("x-api-key");
        let fixed = Fixed::new(StaticCredential::parse(header, "first", Some(path.clone())).unwrap());
        std::fs::write(&path, "second\n").unwrap();
        assert_eq!(fixed.value(), "first");
        tokio::time::advance(LOOK).await;
        assert_eq!(fixed.value(), "second");
        std::fs::write(&path, "").unwrap();
        tokio::time::advance(LOOK).await;
        assert_eq!(fixed.value(), "second");
        std::fs::remove_file(&path).unwrap();
        tokio::time::advance(LOOK).await;
        assert_eq!(fixed.value(), "second");
        assert!(fixed.value().is_sensitive());
    }
}
