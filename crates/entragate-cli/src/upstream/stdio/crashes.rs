//! Processes that end before they have answered `initialize`: after a few of them the next one has to wait.
//!
//! Counted for each caller, because what a caller sends may be what ends the process: whoever does that waits, and
//! nobody else. A process that has answered has worked, whatever becomes of it later.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::caller::Person;

/// So many in a row are nobody's accident.
const PATIENCE: u32 = 3;
const LONGEST: Duration = Duration::from_secs(60);

/// How starting went lately.
#[derive(Debug, Default)]
pub(super) struct Crashes(Mutex<HashMap<Person, Failed>>);

/// For one caller.
#[derive(Debug)]
struct Failed {
    in_a_row: u32,
    /// A time that has passed: there is no need to rest.
    rest_until: Instant,
}

impl Crashes {
    /// How long this caller should not try.
    pub(super) fn rest(&self, person: &Person) -> Option<Duration> {
        self.0.lock().get(person)?.rest()
    }

    /// How long nobody should: what one caller alone has seen says nothing about the server, unless there are no
    /// callers to tell apart.
    pub(super) fn rest_of_all(&self) -> Option<Duration> {
        let failed = self.0.lock();
        let mut resting = failed.iter().filter_map(|(person, failed)| Some((person, failed.rest()?)));
        let (person, rest) = resting.next()?;
        let others = resting.map(|(_, rest)| rest).min();
        if person.is_nobody() { Some(rest) } else { others.map(|other| other.min(rest)) }
    }

    /// A process ended before it had answered.
    pub(super) fn note(&self, person: &Person) {
        let now = Instant::now();
        let mut failed = self.0.lock();
        // Whoever has not tried for so long begins anew, and nothing grows.
        failed.retain(|_, failed| failed.rest_until + LONGEST > now);
        let failed = failed.entry(person.clone()).or_insert(Failed { in_a_row: 0, rest_until: now });
        failed.in_a_row = failed.in_a_row.saturating_add(1);
        failed.rest_until = now
            + failed.in_a_row.checked_sub(PATIENCE).map_or(Duration::ZERO, |more| {
                Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(more)).min(LONGEST)
            });
    }

    /// One answered: the server works.
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }
}

impl Failed {
    fn rest(&self) -> Option<Duration> {
        let left = self.rest_until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn third_crash_in_a_row_makes_the_next_start_of_this_caller_wait_ever_longer() {
        let crashes = Crashes::default();
        let [alice, bob] = ["alice", "bob"].map(Person::named);
        crashes.note(&alice);
        crashes.note(&alice);
        assert_eq!(crashes.rest(&alice), None);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            crashes.note(&alice);
            assert_eq!(crashes.rest(&alice), Some(Duration::from_secs(seconds)));
            assert_eq!((crashes.rest(&bob), crashes.rest_of_all()), (None, None));
            tokio::time::advance(Duration::from_secs(seconds)).await;
            assert_eq!(crashes.rest(&alice), None);
        }
        crashes.forget();
        crashes.note(&alice);
        assert_eq!(crashes.rest(&alice), None);
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_fails_for_two_callers_is_out_of_order() {
        let crashes = Crashes::default();
        let [alice, bob, nobody] = ["alice", "bob", ""].map(Person::named);
        for _ in 0..3 {
            assert_eq!(crashes.rest_of_all(), None);
            crashes.note(&alice);
            crashes.note(&bob);
        }
        assert_eq!(crashes.rest_of_all(), Some(Duration::from_secs(1)));
        crashes.forget();
        (0..3).for_each(|_| crashes.note(&nobody));
        assert_eq!(crashes.rest_of_all(), Some(Duration::from_secs(1)));
    }
}
