//! What a client may not say: who it is, where it comes from, and with which credential.
//!
//! The server believes these headers, so whatever a client sent under such a name stays behind, also with another character
//! in place of `-`, which CGI-like servers cannot tell from it (S-32). The layer in front of us has done that already; a header
//! that grants access is worth checking twice.

use http::header::{AUTHORIZATION, HeaderName};

/// Whether a header says what only the gateway may say, or could be taken for `credential`.
pub(super) fn is_claim(name: &HeaderName, credential: Option<&HeaderName>) -> bool {
    let text = name.as_str();
    starts_like(text, "x-forwarded-")
        || starts_like(text, "x-entra-")
        || text == "forwarded"
        || *name == AUTHORIZATION
        || credential.is_some_and(|credential| is_like(text, credential.as_str()))
}

/// `starts_with`, to a server that cannot tell the separators apart. Header names are lower case already.
fn starts_like(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|beginning| is_like(beginning, prefix))
}

/// The same header, to such a server.
fn is_like(name: &str, other: &str) -> bool {
    let plain = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'-' };
    name.len() == other.len() && name.bytes().map(plain).eq(other.bytes().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_recognised_in_every_spelling() {
        for name in [
            "x-forwarded-user",
            "x_forwarded_user",
            "x-forwarded_user",
            "x.forwarded.user",
            "x~forwarded!user",
            "x_entra-object_id",
            "x-forwarded-for",
            "forwarded",
            "authorization",
        ] {
            assert!(is_claim(&HeaderName::from_static(name), None), "{name}");
        }
        for name in ["x-forwardedness", "mcp-param-x-forwarded-user", "x-entr", "forwarded-x"] {
            assert!(!is_claim(&HeaderName::from_static(name), None), "{name}");
        }
    }

    #[test]
    fn a_credential_cannot_be_brought_along_in_any_spelling() {
        for name in ["x-api-key", "x_api_key", "x.api-key", "x~api'key"] {
            assert!(is_like(name, "x-api-key") && is_like(name, "x_api_key"), "{name}");
        }
        assert!(!is_like("x-api-keys", "x-api-key") && !is_like("xxapi-key", "x-api-key"));
    }
}
