//! The clock: the one place that reads the system's time, and the two ways Entra writes a time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 by the system's clock.
#[expect(clippy::disallowed_methods, reason = "the emulator's only reading of the system clock")]
pub(crate) fn system_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `2026-05-24 13:34:39Z`, as in error bodies.
pub(crate) fn timestamp(seconds: u64) -> String {
    let (year, month, day, hour, minute, second) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-05-24T13:34:39.0000000Z`, as in AADSTS700082.
pub(crate) fn iso(seconds: u64) -> String {
    let (year, month, day, hour, minute, second) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.0000000Z")
}

/// Days to year, month and day in the proleptic Gregorian calendar (Hinnant's algorithm, years from 1970 on).
fn civil(seconds: u64) -> (u64, u64, u64, u64, u64, u64) {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day, rest / 3600, rest % 3600 / 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::{iso, timestamp};

    #[test]
    fn times_are_written_like_entra_writes_them() {
        assert_eq!(timestamp(0), "1970-01-01 00:00:00Z");
        assert_eq!(timestamp(951_782_400), "2000-02-29 00:00:00Z");
        assert_eq!(timestamp(1_795_435_505), "2026-11-23 12:05:05Z");
        assert_eq!(iso(4_102_444_799), "2099-12-31T23:59:59.0000000Z");
    }
}
