//! `Content-Type`: what a body is, and in which characters it is written (RFC 9110 §8.3).

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

/// In lower case. Nothing, where there is none or it is no text.
#[derive(Debug, Default)]
pub(crate) struct MediaType(String);

impl MediaType {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers.get(CONTENT_TYPE).map(Self::from).unwrap_or_default()
    }

    /// Without parameters.
    pub(crate) fn essence(&self) -> &str {
        self.0.split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn is_event_stream(&self) -> bool {
        self.essence() == "text/event-stream"
    }

    /// Whether every `charset` in it is UTF-8, however it is taken apart. It is where nothing is said: JSON has no other
    /// (RFC 8259 §8.1), and neither have event streams.
    pub(crate) fn is_utf8(&self) -> bool {
        let (_, parameters) = self.0.split_once(';').unwrap_or_default();
        parameters.split("charset").skip(1).all(|rest| {
            let value = rest.strip_prefix('=').unwrap_or_default();
            let value =
                value.strip_prefix('"').map_or(value, |quoted| quoted.split('"').next().unwrap_or_default());
            matches!(value.split(';').next().unwrap_or_default().trim_end(), "utf-8" | "utf8")
        })
    }
}

impl From<&HeaderValue> for MediaType {
    fn from(value: &HeaderValue) -> Self {
        Self(value.to_str().unwrap_or_default().to_ascii_lowercase())
    }
}
