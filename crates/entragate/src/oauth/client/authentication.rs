//! Which client asks at the token and revocation endpoints, and whether it is itself (RFC 6749 §2.3, AS-32).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::assertion;
use super::documents::When;
use super::{Authentication, Client};
use crate::facade::Facade;
use crate::oauth::broker::Broker;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::params::Params;
use crate::secret::Secret;

fn unknown_client() -> OAuthError {
    OAuthError {
        status: StatusCode::UNAUTHORIZED,
        ..OAuthError::new(Code::InvalidClient, "client_id is not known here: register again")
    }
}

/// The client that asks, wherever its id is, and what it brings to prove it.
struct Claimed {
    id: String,
    secret: Option<Secret>,
    assertion: Option<String>,
}

/// `assertion`: what is signed, where that counts.
fn claimed(headers: &HeaderMap, params: &Params, assertion: Option<&str>) -> Result<Claimed, OAuthError> {
    if headers.get_all(AUTHORIZATION).iter().count() > 1 {
        return Err(OAuthError::new(Code::InvalidRequest, "the Authorization header is repeated"));
    }
    let basic = match headers.get(AUTHORIZATION) {
        Some(value) => Some(basic(value).ok_or_else(unknown_client)?),
        None => None,
    };
    let secret = params.get("client_secret");
    if [basic.is_some(), secret.is_some(), assertion.is_some()].into_iter().filter(|way| *way).count() > 1 {
        return Err(OAuthError::new(
            Code::InvalidRequest,
            "two ways of client authentication in one request",
        ));
    }
    let assertion = assertion.map(str::to_owned);
    match (params.get("client_id"), basic) {
        // The id may be in the Basic header only (docs/clients.md K25).
        (None, Some((id, secret))) => Ok(Claimed { id, secret, assertion }),
        (Some(in_body), Some((id, secret))) if in_body == id => Ok(Claimed { id, secret, assertion }),
        (Some(id), None) => Ok(Claimed { id: id.to_owned(), secret: secret.map(Secret::new), assertion }),
        // RFC 7521 §4.2: the assertion's subject stands for the id.
        (None, None) => match assertion {
            Some(text) => Ok(Claimed {
                id: assertion::subject(&text).ok_or_else(unknown_client)?,
                secret: None,
                assertion: Some(text),
            }),
            None => Err(unknown_client()),
        },
        (Some(_), Some(_)) => Err(unknown_client()),
    }
}

/// In relay mode the client is public: its id is compared, a secret or an assertion that it may send is not looked at and
/// never handed on (AADSTS700025).
pub(crate) fn check_client(expected: &str, headers: &HeaderMap, params: &Params) -> Result<(), OAuthError> {
    if claimed(headers, params, None)?.id == expected { Ok(()) } else { Err(unknown_client()) }
}

/// The client, if it is who it says.
pub(crate) async fn authenticated(
    facade: &Facade,
    broker: &Broker,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Client, OAuthError> {
    let claimed = claimed(headers, params, params.get("client_assertion"))?;
    let client = broker.clients.resolve(&broker.seal, &claimed.id, When::Token).await;
    let client = client.map_err(|error| error.at_token())?;
    let failed = |reason: &str| {
        tracing::warn!(target: "entragate::signin", client = client.label, reason, "a client did not authenticate");
        let error = OAuthError::new(Code::InvalidClient, format!("client authentication failed: {reason}"));
        OAuthError { status: StatusCode::UNAUTHORIZED, ..error }
    };
    match &client.authentication {
        Authentication::None => Ok(client),
        Authentication::Secret(secret) => {
            let given = claimed.secret.as_ref().map(|given| given.expose().as_bytes()).unwrap_or_default();
            if verify_slices_are_equal(given, secret.expose().as_bytes()).is_ok() {
                return Ok(client);
            }
            Err(failed("the client_secret is missing or wrong"))
        }
        Authentication::PrivateKeyJwt(keys) => {
            if params.get("client_assertion_type") != Some(assertion::TYPE) {
                return Err(failed("client_assertion_type must name a JWT bearer assertion"));
            }
            let given = claimed.assertion.as_deref().unwrap_or_default();
            match assertion::verify(facade, broker, &claimed.id, keys, given).await {
                Ok(()) => Ok(client),
                Err(assertion::AssertionError::Bad(reason)) => Err(failed(reason)),
                Err(assertion::AssertionError::Unavailable(error)) => Err(*error),
            }
        }
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. An empty secret is none.
fn basic(value: &HeaderValue) -> Option<(String, Option<Secret>)> {
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        // `+` is a space in a form.
        let text = text.replace('+', " ");
        Some(percent_encoding::percent_decode_str(&text).decode_utf8().ok()?.into_owned())
    };
    let secret = plain(secret)?;
    Some((plain(id)?, (!secret.is_empty()).then(|| Secret::new(secret))))
}
