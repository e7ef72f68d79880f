//! The form of a token and its JOSE header, read before anything is trusted (RFC 7515 §4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::refused::{Refused, shown};
use super::step::Step;

/// Entra's largest tokens (200 groups, many roles) stay below 16 KiB.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

/// What an access token may call itself, or nothing (RFC 7519 §5.1, RFC 9068 §2.1).
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// A compact JWS taken apart; nothing is verified yet.
pub(crate) struct Parts<'a> {
    header: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: &'a str,
    pub(crate) signing_input: &'a str,
}

/// The JOSE header.
#[derive(Deserialize)]
pub(crate) struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
    nonce: Option<IgnoredAny>,
}

/// Nothing longer is taken apart.
pub(crate) const fn check_length(token: &str) -> Result<(), Refused> {
    if token.len() > MAX_TOKEN { Err(Refused::TooLong(MAX_TOKEN)) } else { Ok(()) }
}

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a str) -> Result<Self, Refused> {
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        match parts.as_slice() {
            [header, payload, signature] => {
                let signing_input = &token[..header.len() + 1 + payload.len()];
                Ok(Self { header, payload, signature, signing_input })
            }
            [_, _, _, _, _] => Err(Refused::Encrypted),
            _ => Err(Refused::Malformed("not three parts")),
        }
    }

    pub(crate) fn header(&self) -> Result<Header, Refused> {
        let json =
            URL_SAFE_NO_PAD.decode(self.header).map_err(|_| Refused::Malformed("header is not base64url"))?;
        serde_json::from_slice(&json).map_err(|_| Refused::Malformed("header is not JSON"))
    }

    pub(crate) fn payload_json(&self) -> Result<String, Refused> {
        let json = URL_SAFE_NO_PAD.decode(self.payload);
        let json = json.map_err(|_| Refused::Malformed("payload is not base64url"))?;
        String::from_utf8(json).map_err(|_| Refused::Malformed("payload is not UTF-8"))
    }
}

impl Header {
    /// Empty when there is none, which [`STEPS`] refuse.
    pub(crate) fn key_id(&self) -> &str {
        self.kid.as_deref().unwrap_or_default()
    }
}

/// What the header must say.
pub(crate) const STEPS: [Step<Header>; 5] = [
    // One algorithm, chosen by us: not by the header, not by the key.
    Step {
        check: "algorithm",
        found: |header| shown(&header.alg),
        judge: |header| match header.alg.as_str() {
            "RS256" => Ok(()),
            other => Err(Refused::Algorithm(shown(other))),
        },
    },
    // Entra writes `JWT`. Proofs, logout tokens and the like are signed with the same keys (RFC 8725 §3.11).
    Step {
        check: "type",
        found: |header| header.typ.as_deref().map_or_else(|| "no `typ`".to_owned(), shown),
        judge: |header| match &header.typ {
            Some(typ) if !TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)) => {
                Err(Refused::Type(shown(typ)))
            }
            _ => Ok(()),
        },
    },
    Step {
        check: "crit",
        found: |header| if header.crit.is_some() { "`crit` is there" } else { "no `crit`" }.to_owned(),
        judge: |header| if header.crit.is_some() { Err(Refused::Critical) } else { Ok(()) },
    },
    // Graph signs over a hashed `nonce`, so the signature can never verify here: say why instead.
    Step {
        check: "graph_token",
        found: |header| {
            if header.nonce.is_some() { "`nonce` in the header" } else { "no `nonce` in the header" }
                .to_owned()
        },
        judge: |header| if header.nonce.is_some() { Err(Refused::Graph) } else { Ok(()) },
    },
    Step {
        check: "kid_missing",
        found: |header| match header.key_id() {
            "" => "no `kid`".to_owned(),
            id => shown(id),
        },
        judge: |header| if header.key_id().is_empty() { Err(Refused::NoKeyId) } else { Ok(()) },
    },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::step;
    use super::*;

    fn parse(token: &str) -> Result<Header, Refused> {
        check_length(token)?;
        let header = Parts::of(token)?.header()?;
        step::all(&STEPS, &header)?;
        Ok(header)
    }

    proptest! {
        #[test]
        fn total_on_any_text(token in "[ -~]{0,200}") {
            let _ = parse(&token);
        }

        #[test]
        fn total_on_dotted_base64(header in "[A-Za-z0-9_-]{0,40}", payload in "[A-Za-z0-9_-]{0,40}") {
            let _ = parse(&format!("{header}.{payload}.x"));
        }
    }
}
