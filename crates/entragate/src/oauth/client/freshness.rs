//! How long a fetched document may be used again (RFC 9111 §4.2), within our own bounds (CI-08).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName};

/// Also for `no-store`: the authorization request and the token request that follows it must see the same
/// document, and a stranger's headers must not make us fetch more often than this.
const SHORTEST: Duration = Duration::from_secs(5 * 60);
/// A client that withdrew a redirect URI must not be believed for longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long an answer with these headers is fresh. One that says nothing about it is fresh for the
/// shortest time.
pub(crate) fn fresh_for(headers: &HeaderMap) -> Duration {
    stated(headers).unwrap_or_default().saturating_sub(age(headers)).clamp(SHORTEST, LONGEST)
}

/// What the server says. We are a shared cache: the document is the same for all who sign in.
fn stated(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let (mut shared, mut private) = (None, None);
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return None,
            "s-maxage" => &mut shared,
            "max-age" => &mut private,
            _ => continue,
        };
        // Of two that contradict each other the shorter holds; an unreadable one means stale (RFC 9111 §4.2.1).
        let stated = seconds(value.trim().trim_matches('"')).unwrap_or_default();
        *place = Some(place.map_or(stated, |other: Duration| other.min(stated)));
    }
    shared.or(private).or_else(|| expires(headers))
}

/// `Expires`, measured by the server's own clock.
fn expires(headers: &HeaderMap) -> Option<Duration> {
    let date = |name: HeaderName| -> Option<SystemTime> {
        httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
    };
    date(EXPIRES)?.duration_since(date(DATE)?).ok()
}

fn age(headers: &HeaderMap) -> Duration {
    headers.get(AGE).and_then(|age| seconds(age.to_str().ok()?.trim())).unwrap_or_default()
}

fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than a number holds is a very long time.
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds_of(headers: &[(&'static str, &str)]) -> u64 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        fresh_for(&map).as_secs()
    }

    #[test]
    fn freshness_is_what_the_server_says_within_bounds() {
        for (headers, expected) in [
            (&[][..], 300),
            (&[("cache-control", "max-age=3600")], 3600),
            (&[("cache-control", "public, Max-Age=\"3600\"")], 3600),
            (&[("cache-control", "max-age=0")], 300),
            (&[("cache-control", "max-age=31536000, immutable")], 86_400),
            (&[("cache-control", "max-age=99999999999999999999999")], 86_400),
            (&[("cache-control", "max-age=3600, s-maxage=7200")], 7200),
            (&[("cache-control", "max-age=7200"), ("cache-control", "max-age=600")], 600),
            (&[("cache-control", "max-age=3600, no-store")], 300),
            (&[("cache-control", "no-cache, max-age=3600")], 300),
            (&[("cache-control", "max-age=soon")], 300),
            (&[("cache-control", "max-age=-1")], 300),
            (&[("cache-control", "max-age=3600"), ("age", "600")], 3000),
            (&[("cache-control", "max-age=3600"), ("age", "99999")], 300),
            (&[("cache-control", "max-age=3600"), ("expires", "0")], 3600),
            (&[("expires", "0")], 300),
            (&[("expires", "Wed, 25 Nov 2026 12:00:00 GMT")], 300),
            (
                &[
                    ("date", "Wed, 25 Nov 2026 11:00:00 GMT"),
                    ("expires", "Wed, 25 Nov 2026 12:00:00 GMT"),
                    ("age", "60"),
                ],
                3540,
            ),
            (&[("date", "Wed, 25 Nov 2026 12:00:00 GMT"), ("expires", "Wed, 25 Nov 2026 11:00:00 GMT")], 300),
        ] {
            assert_eq!(seconds_of(headers), expected, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_leaves_the_bounds(control in "[ -~]{0,60}", age in "[ -~]{0,20}", expires in "[ -~]{0,40}") {
            let seconds = seconds_of(&[("cache-control", &control), ("age", &age), ("expires", &expires)]);
            prop_assert!((300..=86_400).contains(&seconds));
        }
    }
}
