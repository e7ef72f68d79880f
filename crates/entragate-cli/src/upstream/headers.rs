//! Headers of an answer that say how it is to be passed on, or are not.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE, WWW_AUTHENTICATE};

const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whether the body is a stream of server-sent events.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    const MEDIA_TYPE: &[u8] = b"text/event-stream";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(MEDIA_TYPE)
    })
}

/// What a client would take for the gateway's word: a challenge names where to sign in and for what, at any status
/// (a 403 of `insufficient_scope` is one), and a cookie would be sent to the gateway and to every server behind it.
pub(super) fn keep_back(headers: &mut HeaderMap) {
    for name in [WWW_AUTHENTICATE, SET_COOKIE] {
        if headers.remove(&name).is_some() {
            tracing::debug!(%name, "a header of the MCP server was not passed on");
        }
    }
}

/// nginx in front of us would hold the events of a stream back until its buffer is full, unless the server says otherwise.
pub(super) fn forbid_buffering(headers: &mut HeaderMap) {
    if !headers.contains_key(X_ACCEL_BUFFERING) {
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_type(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn event_streams_are_recognised_in_any_spelling() {
        assert!(is_event_stream(&of_type("Text/Event-Stream; charset=utf-8")));
        assert!(is_event_stream(&of_type("text/event-stream")));
        assert!(!is_event_stream(&of_type("application/json")));
        assert!(!is_event_stream(&HeaderMap::new()));
    }

    #[test]
    fn the_server_may_ask_for_buffers() {
        let mut headers = HeaderMap::new();
        forbid_buffering(&mut headers);
        assert_eq!(headers.get(X_ACCEL_BUFFERING).unwrap(), "no");
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("yes"));
        forbid_buffering(&mut headers);
        assert_eq!(headers.get(X_ACCEL_BUFFERING).unwrap(), "yes");
    }
}
