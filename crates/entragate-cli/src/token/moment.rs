//! `--at`: a point in time as people write it.

use entragate::Timestamp;
use toml::value::{Date, Datetime, Offset, Time};

/// Parses RFC 3339 with an offset, or seconds since the epoch.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Timestamp::from_unix(seconds));
    }
    let written = || "write it as 2026-01-31T12:00:00Z, or as seconds since 1970".to_owned();
    let moment: Datetime = text.parse().map_err(|_| written())?;
    let (Some(date), Some(time), Some(offset)) = (moment.date, moment.time, moment.offset) else {
        return Err(written());
    };
    let seconds = days(date) * 86_400 + seconds_of_day(time) - offset_seconds(offset);
    u64::try_from(seconds).map(Timestamp::from_unix).map_err(|_| "it is before 1970".to_owned())
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days(date: Date) -> i64 {
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

fn seconds_of_day(time: Time) -> i64 {
    i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or_default())
}

const fn offset_seconds(offset: Offset) -> i64 {
    match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => minutes as i64 * 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds_since_1970() {
        for (text, seconds) in [
            ("0", 0),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2026-01-31T13:00:00+01:00", 1_769_860_800),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(parse(text), Ok(Timestamp::from_unix(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "now", "2026-01-31", "2026-01-31T12:00:00", "12:00:00", "-1", "1969-12-31T00:00:00Z"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
