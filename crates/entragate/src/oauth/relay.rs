//! Relay mode: parameters are repaired and handed on, Entra answers the client itself, nothing is kept.

use std::fmt::Write as _;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use url::Url;

use super::authorize::AuthorizeRequest;
use super::error::{Code, OAuthError, sanitised};
use super::params::encoded;
use super::token::Grant;
use crate::base_url::is_loopback;
use crate::facade::{Entra, Facade};
use crate::idp::entra::errors::{EntraError, Remedy};
use crate::idp::entra::scopes;
use crate::idp::http::Answer;
use crate::token::verifier::VerifyError;

/// The URL at Entra. Only what is named here goes there: `resource`, `prompt=consent`, `audience` and
/// everything unknown stay behind.
pub(crate) async fn authorize(facade: &Facade, request: &AuthorizeRequest) -> Result<String, OAuthError> {
    let entra = &facade.entra;
    let snapshot = entra.keyring.snapshot().await.map_err(|_| unavailable())?;
    let scope = scopes::repaired(request.scope.as_deref(), &entra.api);
    let mut pairs = vec![
        ("client_id", entra.client.as_str()),
        ("response_type", "code"),
        ("redirect_uri", request.redirect_uri.as_str()),
        ("scope", scope.as_str()),
        ("code_challenge", request.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let optional = [
        ("state", request.state.as_deref()),
        ("prompt", request.prompt),
        ("login_hint", request.login_hint.as_deref()),
        ("domain_hint", request.domain_hint.as_deref()),
        ("nonce", request.nonce.as_deref()),
    ];
    pairs.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    let endpoint = &snapshot.endpoints.authorization;
    let joint = if endpoint.query().is_some() { '&' } else { '?' };
    Ok(format!("{endpoint}{joint}{}", encoded(pairs)))
}

/// What the client gets. `id_token` is left out: its issuer is Entra, not us, and no MCP client asked for it.
#[derive(Serialize)]
pub(crate) struct Tokens {
    access_token: String,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    expires_in: Option<Seconds>,
    scope: Option<String>,
    refresh_token: Option<String>,
}

/// v2 endpoints write numbers, v1 endpoints strings.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

/// Redeems a grant at Entra. `scope` always goes along: a refresh without it ends in AADSTS90009 after an
/// hour. `resource`, `Origin` and a secret never do.
pub(crate) async fn redeem(facade: &Facade, grant: &Grant) -> Result<Tokens, OAuthError> {
    let entra = &facade.entra;
    let snapshot = entra.keyring.snapshot().await.map_err(|_| unavailable())?;
    let scope = scopes::repaired(grant.scope(), &entra.api);
    let mut pairs = vec![("client_id", entra.client.as_str()), ("scope", scope.as_str())];
    pairs.extend(grant.pairs());
    let answer = entra.http.post_form(snapshot.endpoints.token.as_str(), encoded(pairs)).await.map_err(|error| {
        tracing::warn!(target: "entragate::entra", reason = %error, "Entra's token endpoint did not answer");
        unavailable()
    })?;
    if answer.status != StatusCode::OK {
        return Err(translated(&answer));
    }
    let issued: Issued = serde_json::from_slice(&answer.body).map_err(|_| unavailable())?;
    check_usable(entra, &issued.access_token).await?;
    let expires_in = issued.expires_in.and_then(|seconds| match seconds {
        Seconds::Number(number) => Some(number),
        Seconds::Text(text) => text.parse().ok(),
    });
    let scope = scopes::published(issued.scope.as_deref().unwrap_or_default(), &entra.api).join(" ");
    let (access_token, refresh_token) = (issued.access_token, issued.refresh_token);
    Ok(Tokens { access_token, token_type: "Bearer", expires_in, scope, refresh_token })
}

/// A token that we would refuse at the next call ends here, with the reason, instead of in a successful
/// sign-in followed by endless 401 answers.
async fn check_usable(entra: &Entra, token: &str) -> Result<(), OAuthError> {
    let Err(VerifyError::Refused(refused)) = entra.verifier.verify(token).await else {
        return Ok(());
    };
    tracing::warn!(target: "entragate::token", check = refused.check(), reason = %refused, "Entra issued a token that this server refuses");
    let text = format!(
        "Entra signed the user in, but its token is not usable here: {refused}. Check the app registrations"
    );
    let error = OAuthError::new(Code::InvalidRequest, text);
    Err(OAuthError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "server_error".into(),
        retry_after: None,
        ..error
    })
}

fn unavailable() -> OAuthError {
    OAuthError::new(
        Code::TemporarilyUnavailable,
        "Microsoft Entra does not answer at the moment, try again shortly",
    )
}

/// Entra's error in the client's language. Status and code survive, except where a measured client would
/// then do the wrong thing (docs/clients.md K44, K47):
/// - throttling and outages: 503 with `Retry-After`;
/// - "the user must come back" in any spelling: 400 `invalid_grant`, on which every client signs in anew;
/// - a fault of the registration, which Entra calls `invalid_client`: 500 `server_error`, because clients
///   throw their own registration away on `invalid_client`.
fn translated(answer: &Answer) -> OAuthError {
    if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() {
        let retry_after = answer.retry_after.clone();
        let known = unavailable();
        return OAuthError { retry_after: retry_after.or(known.retry_after), ..known };
    }
    let Some(error) = EntraError::parse(&answer.body) else {
        return unavailable();
    };
    let explanation = error.explanation();
    let (status, code) = match (error.error.as_str(), explanation.map(|known| known.remedy)) {
        (_, Some(Remedy::SignInAgain))
        | ("interaction_required" | "login_required" | "consent_required", _) => {
            (StatusCode::BAD_REQUEST, "invalid_grant")
        }
        // RFC 6749 §5.2 calls a redirect_uri that differs from the authorize leg `invalid_grant`.
        ("invalid_client", Some(Remedy::Client)) => (StatusCode::BAD_REQUEST, "invalid_grant"),
        ("invalid_client" | "unauthorized_client", _) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        (code, _) => (answer.status, code),
    };
    let description = described(&error);
    tracing::warn!(
        target: "entragate::entra",
        aadsts = error.aadsts(), suberror = error.suberror, correlation_id = error.correlation_id,
        answered = code, reason = description, "Entra refused a grant"
    );
    let uri = error.error_uri.clone().filter(|uri| is_web(uri) && sanitised(uri) == *uri);
    OAuthError { status, code: sanitised(code), description, uri, retry_after: None }
}

/// https, or the emulated Entra on this machine.
fn is_web(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => url.host().is_some_and(|host| is_loopback(&host)),
        _ => false,
    })
}

/// Entra's sentence without personal data, then what to do, then the id under which an administrator
/// finds the attempt.
fn described(error: &EntraError) -> String {
    let words =
        error.sentence().split_whitespace().map(|word| if word.contains('@') { "(user)" } else { word });
    let mut text = words.collect::<Vec<_>>().join(" ");
    if let Some(known) = error.explanation() {
        text.push_str(" [Entragate: ");
        text.push_str(known.hint);
        if known.row > 0 {
            let _ = write!(text, "; see row {} of docs/incompatibilities", known.row);
        }
        text.push(']');
    }
    if let Some(id) = &error.correlation_id {
        let _ = write!(text, " Correlation ID: {id}");
    }
    sanitised(&text)
}
