//! Client assertions (RFC 7523): a JWT in place of a client secret, signed by the client's own certificate or by an issuer
//! that a federated identity credential names.

pub(crate) mod certificate;
mod federated;
pub(crate) mod jwks;
mod own;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::authority::Authority;
use crate::clock;
use crate::directory::App;
use crate::entra::Entra;
use crate::errors::Refusal;
use crate::jwt::Object;

/// Clocks may differ by so much.
const SKEW: u64 = 300;

/// A compact JWS, taken apart but not believed.
#[derive(Debug)]
pub(crate) struct Assertion {
    header: Object,
    claims: Object,
    /// What is signed.
    pub(crate) input: String,
    pub(crate) signature: Vec<u8>,
}

/// Whether the assertion speaks for the client. What it is shows in its issuer: the client itself, or a URL. A `jti` may
/// come again; Entra does not remember them.
pub(crate) fn check(
    entra: &Entra,
    authority: &Authority,
    client: &App,
    assertion: &str,
) -> Result<(), Refusal> {
    let assertion = Assertion::parse(assertion).ok_or(Refusal::AssertionMalformed)?;
    if assertion.text("iss").is_some_and(|issuer| issuer.contains("://")) {
        federated::check(entra, client, &assertion)
    } else {
        own::check(entra, authority, client, &assertion)
    }
}

impl Assertion {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (input, signature) = text.rsplit_once('.')?;
        let (header, payload) = input.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let object = |part: &str| serde_json::from_slice::<Object>(&decode(part)?).ok();
        Some(Self {
            header: object(header)?,
            claims: object(payload)?,
            input: input.to_owned(),
            signature: decode(signature)?,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// `aud`, which may be one string or several.
    pub(crate) fn audiences(&self) -> Vec<&str> {
        let audience = self.claims.get("aud");
        let several = audience.and_then(Value::as_array).into_iter().flatten();
        several.chain(audience).filter_map(Value::as_str).collect()
    }

    /// Seconds. MSAL for Python writes them with a fraction, as RFC 7519 allows.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast saturates, and what lies outside is no time anyway"
    )]
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let value = self.claims.get(name)?;
        value.as_u64().or_else(|| value.as_f64().map(|seconds| seconds as u64))
    }

    /// From when, and until when.
    fn validity(&self) -> (u64, u64) {
        (self.number("nbf").unwrap_or_default(), self.number("exp").unwrap_or_default())
    }

    pub(crate) fn is_current(&self, now: u64) -> bool {
        let (from, until) = self.validity();
        from <= now.saturating_add(SKEW) && now < until.saturating_add(SKEW)
    }

    /// AADSTS700024.
    fn check_time(&self, now: u64) -> Result<(), Refusal> {
        if self.is_current(now) {
            return Ok(());
        }
        let (from, until) = self.validity();
        let [now, from, until] = [now, from, until].map(clock::iso);
        Err(Refusal::AssertionTime { now, from, until })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::Assertion;

    proptest! {
        #[test]
        fn parsing_is_total(text: String) {
            Assertion::parse(&text);
        }
    }

    #[test]
    fn three_parts_with_two_objects_are_an_assertion() {
        assert!(Assertion::parse("e30.e30.").is_some());
        for text in ["", ".", "..", "e30.e30", "e30.W10.", "e30.e30.e30.e30", "!.e30."] {
            assert!(Assertion::parse(text).is_none(), "{text}");
        }
    }
}
