//! `on-behalf-of`: a token that Entra issues for another API in the caller's name, so that the server calls it as them.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entragate::{DelegatedScope, Gate, Permit};
use http::Response;
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

/// A claims challenge has some hundred characters.
const LONGEST: usize = 4 * 1024;

/// Asks for one scope.
pub(super) struct OnBehalfOf {
    gate: Gate,
    scope: DelegatedScope,
}

impl OnBehalfOf {
    pub(super) const fn new(gate: Gate, scope: DelegatedScope) -> Self {
        Self { gate, scope }
    }

    /// The value of `Authorization`, or the answer that says why there is none.
    pub(super) async fn of(&self, permit: &Permit) -> Result<HeaderValue, Box<Response<Body>>> {
        match self.gate.on_behalf_of(permit, &self.scope).await {
            Ok(token) => Ok(token.bearer()),
            Err(error) => Err(Box::new(self.gate.on_behalf_of_refusal(permit, &self.scope, &error).await)),
        }
    }

    /// The server refused the token (401): it is not used again. What the API behind the server demands of the next one,
    /// if the server says so as Microsoft's APIs do ([Microsoft: claims challenge]).
    ///
    /// [Microsoft: claims challenge]: https://learn.microsoft.com/entra/identity-platform/claims-challenge
    pub(super) fn refused(&self, permit: &Permit, headers: &HeaderMap) -> Option<String> {
        self.gate.forget_on_behalf_of(permit, &self.scope);
        headers.get_all(WWW_AUTHENTICATE).iter().find_map(claims)
    }

    /// Sends the person to sign in for it, or tells them that they have, in vain.
    pub(super) async fn challenge(&self, permit: &Permit, claims: &str) -> Response<Body> {
        let challenged = self.gate.claims_challenge(permit, Some(claims)).await;
        challenged.unwrap_or_else(|| self.gate.claims_refusal(permit, &self.scope))
    }
}

/// The claims of a challenge, if they are JSON in base64.
fn claims(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok().filter(|text| text.len() <= LONGEST)?;
    let at = text.to_ascii_lowercase().find("claims=\"")?;
    let encoded = text.get(at + "claims=\"".len()..)?.split('"').next()?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let json: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    json.get("access_token")?.as_object()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_from_microsofts_challenge_and_from_nothing_else() {
        let json = r#"{"access_token":{"nbf":{"essential":true,"value":"1765000000"}}}"#;
        let of = |text: String| claims(&HeaderValue::try_from(text).unwrap());
        let encoded = STANDARD.encode(json);
        let challenge = format!(r#"Bearer realm="", error="insufficient_claims", claims="{encoded}""#);
        assert_eq!(of(challenge).as_deref(), Some(json));
        for other in ["e30=", "x", &STANDARD.encode("[]"), &STANDARD.encode(r#"{"access_token":1}"#)] {
            assert_eq!(of(format!(r#"Bearer claims="{other}""#)), None, "{other}");
        }
        assert_eq!(of("Bearer".to_owned()), None);
    }
}
