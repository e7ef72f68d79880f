//! Headers that belong to one connection, and that a proxy therefore takes out (RFC 9110 §7.6.1).

use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRANSFER_ENCODING, UPGRADE,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Prepares a client's headers for the upstream connection.
pub(super) fn strip_request(headers: &mut HeaderMap) {
    let trailers = headers.get_all(TE).iter().any(|value| tokens(value).any(is_trailers));
    strip_hop_by_hop(headers);
    if trailers {
        // The one transfer coding we do pass on. TE has to be named in Connection (RFC 9110 §10.1.4).
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Prepares the upstream's headers for the client connection.
pub(super) fn strip_response(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    if is_event_stream(headers) && !headers.contains_key(X_ACCEL_BUFFERING) {
        // nginx in front of us would hold events back until its buffer is full.
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
}

/// Whether the body is a stream of server-sent events.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    const MEDIA_TYPE: &[u8] = b"text/event-stream";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(MEDIA_TYPE)
    })
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        // `close` and `keep-alive`, nearly all there is in practice, name nothing to remove: no allocation.
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(tokens)
            .filter(|token| {
                !token.eq_ignore_ascii_case(b"close") && !token.eq_ignore_ascii_case(b"keep-alive")
            })
            .filter_map(|token| HeaderName::from_bytes(token).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [
        KEEP_ALIVE,
        PROXY_CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHENTICATION_INFO,
        PROXY_AUTHORIZATION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// The members of a comma-separated list.
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// `trailers`, with or without parameters.
fn is_trailers(token: &[u8]) -> bool {
    let name = token.split(|byte| *byte == b';').next().unwrap_or_default();
    name.trim_ascii().eq_ignore_ascii_case(b"trailers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn connection_and_everything_it_names_is_removed() {
        let mut headers = map(&[
            ("connection", "keep-alive, X-One"),
            ("connection", "x-two , close"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic eA=="),
            ("proxy-connection", "keep-alive"),
            ("te", "gzip;q=1"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("mcp-param-x", "stays"),
        ]);
        strip_request(&mut headers);
        assert_eq!(headers, map(&[("mcp-param-x", "stays")]));
    }

    #[test]
    fn te_trailers_is_the_only_te_that_goes_on() {
        let mut headers = map(&[("te", "gzip, Trailers;q=0.5"), ("connection", "TE, keep-alive")]);
        strip_request(&mut headers);
        assert_eq!(headers, map(&[("te", "trailers"), ("connection", "te")]));
    }

    #[test]
    fn event_streams_tell_nginx_not_to_buffer() {
        let mut headers = map(&[("content-type", "Text/Event-Stream; charset=utf-8")]);
        strip_response(&mut headers);
        assert_eq!(headers.get("x-accel-buffering").unwrap(), "no");
        let mut headers = map(&[("content-type", "text/event-stream"), ("x-accel-buffering", "yes")]);
        strip_response(&mut headers);
        assert_eq!(headers.get("x-accel-buffering").unwrap(), "yes");
        let mut headers = map(&[("content-type", "application/json")]);
        strip_response(&mut headers);
        assert!(!headers.contains_key("x-accel-buffering"));
    }
}
