//! Client authentication: what was presented, and whether the platform wants it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Call;
use crate::assertion;
use crate::errors::Refusal;
use crate::exchange::Exchange;
use crate::grants::Platform;
use crate::params::Params;
use crate::tokens::access::ClientProof;

/// What the client presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    None,
    Secret(String),
    Assertion {
        /// `client_assertion_type`.
        kind: Option<String>,
        jwt: String,
    },
}

/// The only type there is (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

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
    let credentials = match (secret.or(basic.map(|(_, secret)| secret)), form.get("client_assertion")) {
        (Some(secret), _) => Credentials::Secret(secret),
        (None, Some(jwt)) => Credentials::Assertion {
            kind: form.get("client_assertion_type").map(str::to_owned),
            jwt: jwt.to_owned(),
        },
        (None, None) => Credentials::None,
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
    /// What the token says about them, once they are checked.
    pub(super) fn proof(&self) -> ClientProof {
        match self {
            Self::None => ClientProof::None,
            Self::Secret(_) => ClientProof::Secret,
            Self::Assertion { .. } => ClientProof::Certificate,
        }
    }
}

/// The platform of the redirect URI decides what must and must not be presented.
pub(super) fn check(call: &Call<'_>, platform: Platform) -> Result<(), Refusal> {
    match (platform, &call.credentials) {
        (Platform::Public | Platform::Spa, Credentials::None) => Ok(()),
        (Platform::Public | Platform::Spa, _) => Err(Refusal::ClientIsPublic),
        (Platform::Web, _) => check_confidential(call),
    }
}

/// AADSTS7000218, 7000215, 7000222, and what assertions are refused with.
pub(super) fn check_confidential(call: &Call<'_>) -> Result<(), Refusal> {
    let (client, id) = (call.client, || call.client.id.clone());
    match &call.credentials {
        Credentials::None => Err(Refusal::CredentialMissing),
        Credentials::Assertion { kind: None, .. } => Err(Refusal::Missing("client_assertion_type")),
        Credentials::Assertion { kind: Some(kind), jwt } if kind == JWT_BEARER => {
            assertion::check(call.entra, &call.authority, client, jwt)
        }
        Credentials::Assertion { .. } => Err(Refusal::Unsupported("client_assertion_type")),
        Credentials::Secret(sent) => match client.secrets.iter().find(|secret| secret.value == *sent) {
            Some(secret) if secret.has_ended(call.entra.now()) => {
                Err(Refusal::SecretExpired { client: id() })
            }
            Some(_) => Ok(()),
            None => Err(Refusal::SecretWrong { client: id() }),
        },
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
