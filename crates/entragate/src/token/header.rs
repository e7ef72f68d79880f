//! The JOSE header, read before anything is trusted (RFC 7515 §4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::refused::{Refused, shown};

/// Entra's largest tokens (200 groups, many roles) stay below 16 KiB.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

/// What an access token may call itself, or nothing (RFC 7519 §5.1, RFC 9068 §2.1).
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// A compact JWS taken apart; nothing is verified yet.
pub(crate) struct Unverified<'a> {
    pub(crate) key_id: String,
    pub(crate) signing_input: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
    nonce: Option<IgnoredAny>,
}

impl<'a> Unverified<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, Refused> {
        if token.len() > MAX_TOKEN {
            return Err(Refused::TooLong(MAX_TOKEN));
        }
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let (header, payload, signature) = match parts.as_slice() {
            [header, payload, signature] => (*header, *payload, *signature),
            [_, _, _, _, _] => return Err(Refused::Encrypted),
            _ => return Err(Refused::Malformed("not three parts")),
        };
        let json =
            URL_SAFE_NO_PAD.decode(header).map_err(|_| Refused::Malformed("header is not base64url"))?;
        let parsed: Header =
            serde_json::from_slice(&json).map_err(|_| Refused::Malformed("header is not JSON"))?;
        // One algorithm, chosen by us: not by the header, not by the key.
        if parsed.alg != "RS256" {
            return Err(Refused::Algorithm(shown(&parsed.alg)));
        }
        // Entra writes `JWT`. Proofs, logout tokens and the like are signed with the same keys (RFC 8725 §3.11).
        if let Some(typ) = parsed.typ.filter(|typ| !TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)))
        {
            return Err(Refused::Type(shown(&typ)));
        }
        if parsed.crit.is_some() {
            return Err(Refused::Critical);
        }
        // Graph signs over a hashed `nonce`, so the signature can never verify here: say why instead.
        if parsed.nonce.is_some() {
            return Err(Refused::Graph);
        }
        let key_id = parsed.kid.filter(|kid| !kid.is_empty()).ok_or(Refused::NoKeyId)?;
        Ok(Self { key_id, signing_input: &token[..header.len() + 1 + payload.len()], payload, signature })
    }

    pub(crate) fn payload_json(&self) -> Result<Vec<u8>, Refused> {
        URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| Refused::Malformed("payload is not base64url"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn total_on_any_text(token in "[ -~]{0,200}") {
            let _ = Unverified::parse(&token);
        }

        #[test]
        fn total_on_dotted_base64(header in "[A-Za-z0-9_-]{0,40}", payload in "[A-Za-z0-9_-]{0,40}") {
            let _ = Unverified::parse(&format!("{header}.{payload}.x"));
        }
    }
}
