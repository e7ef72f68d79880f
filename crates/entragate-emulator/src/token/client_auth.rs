//! Client authentication: what was presented, and whether the platform wants it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::directory::App;
use crate::errors::Refusal;
use crate::exchange::Exchange;
use crate::grants::Platform;
use crate::params::Params;

/// What the client presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    None,
    Secret(String),
    Assertion,
}

/// The client's id and credentials, from the body or HTTP Basic; both at once are fine if they agree.
pub(super) fn read(exchange: &Exchange) -> Result<(String, Credentials), Refusal> {
    let form = &exchange.form;
    let basic = exchange.header("authorization").and_then(basic);
    let in_body = form.get("client_id");
    if let (Some((id, _)), Some(in_body)) = (&basic, in_body)
        && !id.eq_ignore_ascii_case(in_body)
    {
        return Err(Refusal::Malformed);
    }
    let id = in_body.map(str::to_owned).or_else(|| basic.as_ref().map(|(id, _)| id.clone()));
    let id = id.ok_or(Refusal::Missing("client_id"))?;
    let secret = form.get("client_secret").map(str::to_owned);
    let credentials = match (secret.or(basic.map(|(_, secret)| secret)), form.has("client_assertion")) {
        (Some(secret), _) => Credentials::Secret(secret),
        (None, true) => Credentials::Assertion,
        (None, false) => Credentials::None,
    };
    Ok((id, credentials))
}

/// Id and secret of an HTTP Basic header, each URL-encoded first (RFC 6749, section 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let at = decoded.iter().position(|byte| *byte == b':')?;
    let (id, secret) = (decoded.get(..at)?, decoded.get(at + 1..)?);
    let unencoded = |half: &[u8]| {
        let params = Params::parse(&[b"x=", half].concat());
        params.get("x").map(str::to_owned)
    };
    // An empty secret is no credential at all.
    Some((unencoded(id)?, unencoded(secret)?))
}

impl Credentials {
    /// The platform of the redirect URI decides what must and must not be presented.
    pub(super) fn check(&self, client: &App, platform: Platform) -> Result<(), Refusal> {
        match (platform, self) {
            (Platform::Public | Platform::Spa, Self::None) => Ok(()),
            (Platform::Public | Platform::Spa, _) => Err(Refusal::ClientIsPublic),
            (Platform::Web, _) => self.check_confidential(client),
        }
    }

    /// AADSTS7000218, 7000215, 7000222.
    pub(super) fn check_confidential(&self, client: &App) -> Result<(), Refusal> {
        let sent = match self {
            Self::None => return Err(Refusal::CredentialMissing),
            Self::Assertion => return Err(Refusal::AssertionInvalid),
            Self::Secret(sent) => sent,
        };
        let id = || client.id.clone();
        match client.secrets.iter().find(|secret| secret.value == *sent) {
            Some(secret) if secret.expired => Err(Refusal::SecretExpired { client: id() }),
            Some(_) => Ok(()),
            None => Err(Refusal::SecretWrong { client: id() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::basic;

    #[test]
    fn basic_halves_are_url_decoded() {
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(basic("Basic aWQ6cyUzQSUyMmM="), pair("id", "s:\"c"));
        assert_eq!(basic("basic YTpiOmM="), pair("a", "b:c"));
        for other in ["Bearer x", "Basic", "Basic !", "Basic YQ==", "Basic YTo="] {
            assert_eq!(basic(other), None, "{other}");
        }
    }
}
