//! Processes that end as soon as they have begun: after a few of them the next one has to wait.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A process that ends by itself within this time has not worked.
pub(super) const QUICK: Duration = Duration::from_secs(10);
/// So many in a row are nobody's accident.
const PATIENCE: u32 = 3;
const LONGEST: Duration = Duration::from_secs(60);

/// How starting went lately.
#[derive(Debug, Default)]
pub(super) struct Crashes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    in_a_row: u32,
    rest_until: Option<Instant>,
}

impl Crashes {
    /// How long nobody should try.
    pub(super) fn rest(&self) -> Option<Duration> {
        let until = self.0.lock().rest_until?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// A process did not come up, or not for long.
    pub(super) fn note(&self) {
        let mut state = self.0.lock();
        state.in_a_row = state.in_a_row.saturating_add(1);
        if let Some(more) = state.in_a_row.checked_sub(PATIENCE) {
            let rest = Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(more)).min(LONGEST);
            state.rest_until = Some(Instant::now() + rest);
        }
    }

    /// One worked.
    pub(super) fn forget(&self) {
        *self.0.lock() = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn third_crash_in_a_row_makes_the_next_start_wait_ever_longer() {
        let crashes = Crashes::default();
        crashes.note();
        crashes.note();
        assert_eq!(crashes.rest(), None);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            crashes.note();
            assert_eq!(crashes.rest(), Some(Duration::from_secs(seconds)));
            tokio::time::advance(Duration::from_secs(seconds)).await;
            assert_eq!(crashes.rest(), None);
        }
        crashes.forget();
        crashes.note();
        assert_eq!(crashes.rest(), None);
    }
}
