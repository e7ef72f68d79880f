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

/// `2026-05-24T13:34:39Z`, as in Microsoft Graph.
pub(crate) fn iso_seconds(seconds: u64) -> String {
    let (year, month, day, hour, minute, second) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Unix seconds of a time in that form, with or without fractions of a second, in UTC.
pub(crate) fn parse_iso(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let plausible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !plausible {
        return None;
    }
    let shifted_year = year - u64::from(month <= 2);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 + day_of_year;
    let seconds = (days.checked_sub(719_468)?) * 86_400 + hour * 3600 + minute * 60 + second;
    // The 31st of a shorter month is no day.
    let (_, found_month, found_day, ..) = civil(seconds);
    ((found_month, found_day) == (month, day)).then_some(seconds)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
    Some([number(first)?, number(second)?, number(third)?])
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
    use proptest::prelude::proptest;

    use super::{iso, iso_seconds, parse_iso, timestamp};

    proptest! {
        #[test]
        fn times_are_read_as_they_are_written(seconds in 0_u64..250_000_000_000, text: String) {
            assert_eq!(parse_iso(&iso_seconds(seconds)), Some(seconds));
            assert_eq!(parse_iso(&iso(seconds)), Some(seconds));
            parse_iso(&text);
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T00:00:00", "2026-01-31T24:00:00Z"]
        {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_written_like_entra_writes_them() {
        assert_eq!(timestamp(0), "1970-01-01 00:00:00Z");
        assert_eq!(timestamp(951_782_400), "2000-02-29 00:00:00Z");
        assert_eq!(timestamp(1_795_435_505), "2026-11-23 12:05:05Z");
        assert_eq!(iso(4_102_444_799), "2099-12-31T23:59:59.0000000Z");
    }
}
