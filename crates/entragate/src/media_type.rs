//! What a body is, and in which characters it is written (`Content-Type`, RFC 9110 §8.3); whether it is compressed
//! (`Content-Encoding`, §8.4).

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// Whether the body is in a coding that clients undo. Servers also write `none` there, or nothing, so that nobody in between
/// compresses a stream; clients ignore what they do not know.
pub fn is_compressed(headers: &HeaderMap) -> bool {
    const CODINGS: [&[u8]; 9] =
        [b"br", b"compress", b"dcb", b"dcz", b"deflate", b"gzip", b"x-compress", b"x-gzip", b"zstd"];
    let is_coding =
        |token: &[u8]| CODINGS.iter().any(|coding| token.trim_ascii().eq_ignore_ascii_case(coding));
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| value.as_bytes().split(|byte| *byte == b',').any(is_coding))
}

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

    /// Whether a client may read it as an event stream all the same, when it asked for one: some look for the words anywhere,
    /// and some do not look.
    pub(crate) fn may_be_events(&self) -> bool {
        !self.is_json()
    }

    pub(crate) fn is_json(&self) -> bool {
        self.essence() == "application/json"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_is_what_clients_undo() {
        let coded = |values: &[&'static str]| {
            let values = values.iter().map(|value| (CONTENT_ENCODING, HeaderValue::from_static(value)));
            is_compressed(&values.collect())
        };
        for compressed in [&["gzip"][..], &["identity, BR"], &["none", "x-gzip"], &["zstd ,deflate"]] {
            assert!(coded(compressed), "{compressed:?}");
        }
        for plain in [&[][..], &[""], &["none"], &["Identity"], &["utf-8", "identity, identity"]] {
            assert!(!coded(plain), "{plain:?}");
        }
    }
}
