//! Towards Entra: one confidential client, one redirect URI, our own PKCE pair, and scopes qualified by GUID so that one
//! registration can be both client and API.

use http::StatusCode;
use serde::Deserialize;

use super::Broker;
use super::failure::{ADMINISTRATOR, Failure, OPERATOR};
use super::transaction::Consented;
use crate::clock::Timestamp;
use crate::facade::Facade;
use crate::idp::entra::scopes;
use crate::oauth::error::Code;
use crate::oauth::params::encoded;
use crate::oauth::refusal::{Refusal, translated};
use crate::oauth::target::Target;
use crate::policy::decide::Admission;
use crate::principal::{Kind, Principal};
use crate::secret::Secret;
use crate::token::cache;
use crate::token::claimed::SKEW;
use crate::token::verifier::VerifyError;

/// The one redirect URI that Entra knows, below the base URL.
pub(crate) const CALLBACK: &str = "/auth/callback";

/// The URL of Entra's sign-in. Only what is named here goes there.
pub(crate) async fn authorize_url(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    consented: &Consented,
    state: &str,
) -> Result<String, Failure> {
    let entra = &facade.entra;
    let snapshot = entra.keyring.snapshot().await.map_err(|_| Failure::unavailable())?;
    let asked = &consented.asked;
    let scope = scopes::repaired_by_id(asked.scope.as_deref(), target.api());
    let (callback, challenge) = (facade.gate.base_url().join(CALLBACK), consented.upstream_challenge());
    let mut pairs = vec![
        ("client_id", broker.client.as_str()),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", callback.as_str()),
        ("scope", scope.as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("state", state),
    ];
    let optional = [
        ("prompt", asked.prompt.map(super::transaction::Prompt::as_str)),
        ("login_hint", asked.login_hint.as_deref()),
        ("domain_hint", asked.domain_hint.as_deref()),
        ("claims", consented.claims.as_deref()),
    ];
    pairs.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    let endpoint = &snapshot.endpoints.authorization;
    let joint = if endpoint.query().is_some() { '&' } else { '?' };
    Ok(format!("{endpoint}{joint}{}", encoded(pairs)))
}

/// What Entra gave, checked.
pub(crate) struct Issued {
    pub(crate) principal: Principal,
    pub(crate) refresh_token: Option<String>,
    /// Entra's access token, where it is kept.
    pub(crate) access_token: Option<Secret>,
    /// When Entra's access token ends.
    pub(crate) ends: Timestamp,
}

/// A grant at Entra's token endpoint.
pub(crate) enum UpstreamGrant<'a> {
    Code { code: &'a str, verifier: &'a str },
    Refresh { token: &'a str },
}

#[derive(Deserialize)]
struct Answered {
    access_token: String,
    refresh_token: Option<String>,
}

/// Redeems a grant. The token that comes back is verified at once: what this server would refuse at the first call ends
/// here, with the setting to change.
pub(crate) async fn redeem(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    grant: UpstreamGrant<'_>,
    scope: Option<&str>,
) -> Result<Issued, Failure> {
    let entra = &facade.entra;
    let snapshot = entra.keyring.snapshot().await.map_err(|_| Failure::unavailable())?;
    let endpoint = snapshot.endpoints.token.as_str();
    let client_id = broker.client.as_str();
    let credential = broker.credential.parameters(client_id, endpoint, entra.clock.now()).await;
    let credential = credential.map_err(|error| {
        tracing::error!(target: "entragate::entra", reason = %error, "the credential towards Entra cannot be used");
        let fix = "Look at the gateway's log: its client secret, certificate or workload identity is not readable.";
        Failure::shown(Code::ServerError, "This gateway cannot identify itself to Microsoft Entra", OPERATOR, fix)
    })?;
    // Always: a refresh without it ends in AADSTS90009 after an hour.
    let scope = scopes::repaired_by_id(scope, target.api());
    let callback = facade.gate.base_url().join(CALLBACK);
    let mut pairs = vec![("client_id", client_id), ("scope", scope.as_str())];
    match grant {
        UpstreamGrant::Code { code, verifier } => pairs.extend([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", callback.as_str()),
            ("code_verifier", verifier),
        ]),
        UpstreamGrant::Refresh { token } => {
            pairs.extend([("grant_type", "refresh_token"), ("refresh_token", token)]);
        }
    }
    pairs.extend(credential.iter().map(|(name, value)| (*name, value.expose())));
    let answer = entra.http.post_form(endpoint, encoded(pairs)).await.map_err(|error| {
        tracing::warn!(target: "entragate::entra", reason = %error, "Entra's token endpoint did not answer");
        Failure::unavailable()
    })?;
    if answer.status != StatusCode::OK {
        return Err(match translated(&answer) {
            Refusal::Unavailable(told) => Failure::of_outage(told),
            Refusal::Refused(error, told) => Failure::of_entra(&error, told),
        });
    }
    let answered: Answered = serde_json::from_slice(&answer.body).map_err(|_| Failure::unavailable())?;
    let principal = verified(target, &answered.access_token).await?;
    // Without the tolerance for clocks, which is Entra's token's alone.
    let ends = principal.expires_at().before(SKEW);
    // Whoever does not ask on behalf of people has no use for their tokens.
    let access_token = entra.on_behalf_of.is_some().then(|| Secret::new(answered.access_token));
    Ok(Issued { principal, refresh_token: answered.refresh_token, access_token, ends })
}

async fn verified(target: &Target, token: &str) -> Result<Principal, Failure> {
    let principal = match target.audience.verifier.verify(token.into(), cache::hash(token.as_bytes())).await {
        Ok(principal) => principal,
        Err(VerifyError::Unavailable(_)) => return Err(Failure::unavailable()),
        Err(VerifyError::Refused(refused)) => {
            tracing::warn!(target: "entragate::token", check = refused.check(), reason = %refused, "Entra issued a token that this server refuses");
            let what = format!("Entra signed you in, but its token is not usable here: {refused}");
            let fix = "Check AZURE_CLIENT_ID, and the API app registration: under Expose an API it needs a scope, under Manifest no tokenEncryptionKeyId.";
            return Err(Failure::shown(Code::ServerError, &what, ADMINISTRATOR, fix));
        }
    };
    if principal.kind() != Kind::User {
        let what = "Entra signed you in, but its token carries no delegated permission for this server";
        let fix = "Expose a scope on the API app registration (Expose an API), name it in ENTRAGATE_ENTRA_SCOPES, and grant it to the client app (API permissions).";
        return Err(Failure::shown(Code::ServerError, what, ADMINISTRATOR, fix));
    }
    let required = target.api().required_scopes();
    match target.policy().admits(&principal, required) {
        Admission::Welcome => Ok(principal),
        Admission::NoScope(missing) => {
            let what =
                format!("Entra signed you in without the scope {} that this server needs", missing.join(" "));
            let fix = "Expose the scope on the API app registration (Expose an API) and grant it to the client app (API permissions, then admin consent), or correct ENTRAGATE_ENTRA_SCOPES.";
            Err(Failure::shown(Code::AccessDenied, &what, ADMINISTRATOR, fix))
        }
        Admission::NotNamed => {
            let what = "You are signed in, but no rule of this server is for you";
            let fix = "Its rules name other users or tenants, or programs only. Name the user by object id in a rule of the gateway, if they are to use it.";
            Err(Failure::shown(Code::AccessDenied, what, OPERATOR, fix))
        }
        Admission::NoRole(roles) => {
            let what = format!(
                "You are signed in, but you have none of the app roles that this server asks for: {}",
                roles.join(", ")
            );
            let fix = "Assign you, or a group that you are a direct member of, one of these roles: Entra admin center, Enterprise applications, the API app, Users and groups.";
            Err(Failure::shown(Code::AccessDenied, &what, ADMINISTRATOR, fix))
        }
    }
}
