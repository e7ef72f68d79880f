//! Headers that belong to one connection, and that a proxy therefore does not pass on (RFC 9110 §7.6.1).

/// Whatever `Connection` says.
const ALWAYS: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// What is said to the recipient of the content, which no sender may name in `Connection` (RFC 9110 §7.6.1): it has been judged,
/// and must arrive. How their names begin.
const NEVER: [&[u8]; 3] = [b"accept", b"content-", b"mcp-"];

/// The headers of one message that belong to its connection.
pub(super) struct HopByHop<'a> {
    /// By `Connection`, nearly always none.
    named: Vec<&'a [u8]>,
}

impl<'a> HopByHop<'a> {
    /// `connection`: every value of the header.
    pub(super) fn named_by(connection: impl Iterator<Item = &'a [u8]>) -> Self {
        // `close` and `keep-alive`, nearly all there is in practice, name no header: no allocation.
        let is_name = |token: &&[u8]| {
            !token.eq_ignore_ascii_case(b"close")
                && !token.eq_ignore_ascii_case(b"keep-alive")
                && !NEVER.iter().any(|start| begins_with(token, start))
        };
        Self { named: connection.flat_map(tokens).filter(is_name).collect() }
    }

    /// Whether a header stays behind.
    pub(super) fn has(&self, name: &str) -> bool {
        ALWAYS.iter().any(|always| always.eq_ignore_ascii_case(name))
            || self.named.iter().any(|named| named.eq_ignore_ascii_case(name.as_bytes()))
    }
}

fn begins_with(token: &[u8], start: &[u8]) -> bool {
    token.get(..start.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(start))
}

/// The members of a comma-separated list.
pub(super) fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_belongs_to_it() {
        let hop = HopByHop::named_by([b"keep-alive, X-One".as_slice(), b"x-two , close"].into_iter());
        for name in ["x-one", "X-Two", "Connection", "keep-alive", "te", "Transfer-Encoding", "upgrade"] {
            assert!(hop.has(name), "{name}");
        }
        for name in ["x-three", "close", "mcp-param-x", "content-length", "trailer"] {
            assert!(!hop.has(name), "{name}");
        }
    }

    #[test]
    fn what_is_said_to_the_recipient_does_not_belong_to_the_connection() {
        let named: &[u8] =
            b"Content-Type, accept, Accept-Encoding, MCP-Method, mcp-session-id, x-mcp-a, content";
        let hop = HopByHop::named_by([named].into_iter());
        for name in ["content-type", "accept", "accept-encoding", "mcp-method", "Mcp-Session-Id"] {
            assert!(!hop.has(name), "{name}");
        }
        assert!(hop.has("x-mcp-a") && hop.has("content"));
    }
}
