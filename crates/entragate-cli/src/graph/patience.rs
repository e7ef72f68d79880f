//! How long to wait for Graph: when it is busy, and when it has not heard yet of what it was told a second ago.

use std::time::Duration;

/// Waits between tries: doubling, each no longer than `longest`.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The wait after the first try.
    pub first: Duration,
    /// No wait is longer, not even one that Graph asks for.
    pub longest: Duration,
    /// How often a request is sent.
    pub tries: u32,
}

impl Patience {
    /// The wait after a try, counted from 0; `None` when it was the last one, or when Graph asks for more.
    pub(super) fn wait(&self, tried: u32, asked: Option<Duration>) -> Option<Duration> {
        if tried + 1 >= self.tries {
            return None;
        }
        match asked {
            Some(asked) if asked > self.longest => None,
            Some(asked) => Some(asked),
            None => Some((self.first * 2u32.saturating_pow(tried.min(16))).min(self.longest)),
        }
    }
}

impl Default for Patience {
    /// About a minute in all: replication takes seconds, seldom more.
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(30), tries: 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let patience = Patience { first: Duration::from_secs(1), longest: Duration::from_secs(3), tries: 4 };
        let waits: Vec<_> =
            (0..4).map(|tried| patience.wait(tried, None).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(1), Some(2), Some(3), None]);
        assert_eq!(patience.wait(0, Some(Duration::from_secs(2))), Some(Duration::from_secs(2)));
        assert_eq!(patience.wait(0, Some(Duration::from_secs(4))), None);
    }
}
