//! Which kinds of answer a client takes.

use http::HeaderMap;
use http::header::ACCEPT;

/// What the `Accept` header allows. Absent, it allows everything (RFC 9110 §12.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accepted {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(ACCEPT).iter().peekable();
        if values.peek().is_none() {
            return Self { json: true, events: true };
        }
        let mut accepted = Self { json: false, events: false };
        for range in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
            let essence = range.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            let is = |names: [&[u8]; 3]| names.iter().any(|name| essence.eq_ignore_ascii_case(name));
            accepted.json |= is([b"application/json", b"application/*", b"*/*"]);
            accepted.events |= is([b"text/event-stream", b"text/*", b"*/*"]);
        }
        accepted
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn media_ranges_are_read_without_their_parameters() {
        for (value, json, events) in [
            ("application/json, text/event-stream", true, true),
            ("Application/JSON;q=0.9,text/*", true, true),
            ("*/*", true, true),
            ("application/json", true, false),
            ("text/event-stream", false, true),
            ("text/html", false, false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]);
            assert_eq!(Accepted::of(&headers), Accepted { json, events }, "{value}");
        }
        assert_eq!(Accepted::of(&HeaderMap::new()), Accepted { json: true, events: true });
    }
}
