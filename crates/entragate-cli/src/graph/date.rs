//! The dates of Graph: RFC 3339, in UTC.

use entragate::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A date such as `2027-01-31T12:00:00Z`.
pub fn parse(text: &str) -> Option<Timestamp> {
    let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(date.unix_timestamp()).ok().map(Timestamp::from_unix)
}

/// The same the other way round; times beyond the year 9999 are the last one that can be written.
pub fn print(when: Timestamp) -> String {
    const LAST: i64 = 253_402_300_799;
    let seconds = i64::try_from(when.as_unix()).unwrap_or(LAST).min(LAST);
    let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    date.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_back() {
        let when = Timestamp::from_unix(1_801_483_200);
        assert_eq!(print(when), "2027-02-01T12:00:00Z");
        assert_eq!(parse("2027-02-01T12:00:00Z"), Some(when));
        assert_eq!(parse("2027-02-01T13:00:00.1234567+01:00"), Some(when));
        for bad in ["", "2027-02-01", "yesterday", "1812-01-01T00:00:00Z"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(print(Timestamp::from_unix(u64::MAX)), "9999-12-31T23:59:59Z");
    }
}
