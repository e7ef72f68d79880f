//! The head of a request, as it goes to the MCP server (RFC 9112 §3).

use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::hop::{HopByHop, tokens};

/// Nearly always enough, with a small body behind it.
const USUAL: usize = 2 * 1024;

/// Written as it is put together: every header is looked at once. Where the body ends is not for a header to say, so
/// [`super::Outgoing`] says it.
pub(in super::super) struct RequestHead {
    pub(super) method: Method,
    pub(super) written: BytesMut,
    /// The client said how long the body is.
    pub(super) had_length: bool,
}

impl RequestHead {
    /// A request for `target` of the server that is known as `host`.
    pub(in super::super) fn new(method: Method, target: &PathAndQuery, host: &HeaderValue) -> Self {
        let mut head = Self { written: BytesMut::with_capacity(USUAL), method, had_length: false };
        for piece in [head.method.as_str(), " ", target.as_str(), " HTTP/1.1\r\n"] {
            head.written.extend_from_slice(piece.as_bytes());
        }
        head.add(&HOST, host);
        head
    }

    /// Another header.
    pub(in super::super) fn add(&mut self, name: &HeaderName, value: &HeaderValue) {
        for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            self.written.extend_from_slice(piece);
        }
    }

    /// What a client says to the server: all but what it says to the gateway, and what the gateway says instead.
    ///
    /// Where the page lies that calls (`Origin`) is for the gateway to judge, and has been: the server knows its own
    /// address, and would refuse the origins that the gateway allows.
    pub(in super::super) fn pass_on(
        &mut self,
        headers: &HeaderMap,
        is_replaced: impl Fn(&HeaderName) -> bool,
    ) {
        let hop = HopByHop::named_by(headers.get_all(CONNECTION).into_iter().map(HeaderValue::as_bytes));
        for (name, value) in headers {
            if *name == CONTENT_LENGTH {
                self.had_length = true;
            } else if *name == TE && tokens(value.as_bytes()).any(is_trailers) {
                // The one transfer coding that goes on. TE has to be named in Connection (RFC 9110 §10.1.4).
                self.written.extend_from_slice(b"te: trailers\r\nconnection: te\r\n");
            } else if *name != HOST && *name != ORIGIN && !hop.has(name.as_str()) && !is_replaced(name) {
                self.add(name, value);
            }
        }
    }
}

/// `trailers`, with or without parameters.
fn is_trailers(token: &[u8]) -> bool {
    let name = token.split(|byte| *byte == b';').next().unwrap_or_default();
    name.trim_ascii().eq_ignore_ascii_case(b"trailers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(headers: &[(&'static str, &'static str)]) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let host = HeaderValue::from_static("mcp.internal");
        let mut head = RequestHead::new(Method::POST, &PathAndQuery::from_static("/mcp?a=1"), &host);
        head.pass_on(&headers, |name| name == "authorization");
        String::from_utf8(head.written.to_vec()).unwrap()
    }

    const BEGINNING: &str = "POST /mcp?a=1 HTTP/1.1\r\nhost: mcp.internal\r\n";

    #[test]
    fn nothing_of_the_clients_connection_goes_on() {
        let passed = passed_on(&[
            ("connection", "keep-alive, X-One"),
            ("x-one", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic eA=="),
            ("te", "gzip;q=1"),
            ("transfer-encoding", "chunked"),
            ("content-length", "7"),
            ("upgrade", "h2c"),
            ("host", "gateway.test"),
            ("origin", "https://claude.ai"),
            ("authorization", "Bearer x"),
            ("mcp-param-x", "stays"),
        ]);
        assert_eq!(passed, format!("{BEGINNING}mcp-param-x: stays\r\n"));
    }

    #[test]
    fn te_trailers_is_the_only_te_that_goes_on() {
        let passed = passed_on(&[("te", "gzip, Trailers;q=0.5"), ("connection", "TE, keep-alive")]);
        assert_eq!(passed, format!("{BEGINNING}te: trailers\r\nconnection: te\r\n"));
    }
}
