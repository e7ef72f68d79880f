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
            !token.eq_ignore_ascii_case(b"close") && !token.eq_ignore_ascii_case(b"keep-alive")
        };
        Self { named: connection.flat_map(tokens).filter(is_name).collect() }
    }

    /// Whether a header stays behind.
    pub(super) fn has(&self, name: &str) -> bool {
        ALWAYS.iter().any(|always| always.eq_ignore_ascii_case(name))
            || self.named.iter().any(|named| named.eq_ignore_ascii_case(name.as_bytes()))
    }
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
}
