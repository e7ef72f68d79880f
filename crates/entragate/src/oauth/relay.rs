//! Relay mode: parameters are repaired and handed on, Entra answers the client itself, nothing is kept.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::authorize::AuthorizeRequest;
use super::broker::transaction::Prompt;
use super::error::{Code, OAuthError};
use super::params::encoded;
use super::refusal::{Refusal, translated, unavailable};
use super::target::Target;
use super::token::Grant;
use crate::facade::{Entra, Facade, Way};
use crate::idp::entra::scopes;
use crate::token::cache;
use crate::token::verifier::VerifyError;

/// The URL at Entra. Only what is named here goes there: `resource`, `prompt=consent`, `audience` and
/// everything unknown stay behind.
pub(crate) async fn authorize(facade: &Facade, request: &AuthorizeRequest<'_>) -> Result<String, OAuthError> {
    let entra = &facade.entra;
    let snapshot = entra.keyring.snapshot().await.map_err(|_| unavailable())?;
    let scope = scopes::repaired(request.scope.as_deref(), request.target.api());
    let client = client_id(entra)?;
    let mut pairs = vec![
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", request.reply.redirect_uri.as_str()),
        ("scope", scope.as_str()),
        ("code_challenge", request.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let optional = [
        ("state", request.reply.state.as_deref()),
        ("prompt", request.prompt.map(Prompt::as_str)),
        ("login_hint", request.login_hint.as_deref()),
        ("domain_hint", request.domain_hint.as_deref()),
        ("nonce", request.nonce.as_deref()),
    ];
    pairs.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    let endpoint = &snapshot.endpoints.authorization;
    let joint = if endpoint.query().is_some() { '&' } else { '?' };
    Ok(format!("{endpoint}{joint}{}", encoded(pairs)))
}

/// The one client app, which every MCP client is at Entra.
fn client_id(entra: &Entra) -> Result<&str, OAuthError> {
    match &entra.way {
        Way::Relay(client) => Ok(client.as_str()),
        Way::Broker(_) => Err(unavailable()),
    }
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
pub(crate) async fn redeem(facade: &Facade, target: &Target, grant: &Grant) -> Result<Tokens, OAuthError> {
    let entra = &facade.entra;
    let snapshot = entra.keyring.snapshot().await.map_err(|_| unavailable())?;
    let scope = scopes::repaired(grant.scope(), target.api());
    let mut pairs = vec![("client_id", client_id(entra)?), ("scope", scope.as_str())];
    pairs.extend(grant.pairs());
    let answer = entra.http.post_form(snapshot.endpoints.token.as_str(), encoded(pairs)).await.map_err(|error| {
        tracing::warn!(target: "entragate::entra", reason = %error, "Entra's token endpoint did not answer");
        unavailable()
    })?;
    if answer.status != StatusCode::OK {
        let (Refusal::Unavailable(told) | Refusal::Refused(_, told)) = translated(&answer);
        return Err(told);
    }
    let issued: Issued = serde_json::from_slice(&answer.body).map_err(|_| unavailable())?;
    check_usable(target, &issued.access_token).await?;
    let expires_in = issued.expires_in.and_then(|seconds| match seconds {
        Seconds::Number(number) => Some(number),
        Seconds::Text(text) => text.parse().ok(),
    });
    let scope = scopes::published(issued.scope.as_deref().unwrap_or_default(), target.api()).join(" ");
    let (access_token, refresh_token) = (issued.access_token, issued.refresh_token);
    Ok(Tokens { access_token, token_type: "Bearer", expires_in, scope, refresh_token })
}

/// A token that we would refuse at the next call ends here, with the reason, instead of in a successful
/// sign-in followed by endless 401 answers.
async fn check_usable(target: &Target, token: &str) -> Result<(), OAuthError> {
    let verified = target.audience.verifier.verify(token.into(), cache::hash(token.as_bytes())).await;
    let Err(VerifyError::Refused(refused)) = verified else {
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
