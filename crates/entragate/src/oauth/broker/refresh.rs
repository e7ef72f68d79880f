//! A client refreshes. Entra is asked every time, so that a disabled user or a removed role stops at once; whatever Entra
//! answers decides, and our own token is replaced.

use super::Broker;
use super::failure::Failure;
use super::family::{Dead, Newest, Rotation, Standing};
use super::step_up;
use super::tokens::{Issue, RefreshToken, Tokens, issue};
use super::upstream::{UpstreamGrant, redeem};
use crate::facade::Facade;
use crate::idp::entra::scopes;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::target::{self, Target};
use crate::person::Person;
use crate::random;

/// One text for whatever is wrong with the token: nobody learns whose it is, and every measured client signs in again
/// (K44, K45).
const BAD: &str =
    "the refresh token is not valid: it expired, was replaced or revoked, or belongs to another client";

const STEP_UP: &str =
    "a call on behalf of the person met a policy of Microsoft Entra that asks for more: sign in again";

const WIDER: &str = "scope is wider than the one that was granted";

/// What the client sends to refresh.
pub(crate) struct Renewal<'a> {
    pub(crate) token: &'a str,
    pub(crate) scope: Option<&'a str>,
    /// The MCP server that it names, if it names one.
    pub(crate) named: Option<&'a Target>,
}

pub(crate) async fn refresh(
    facade: &Facade,
    broker: &Broker,
    client: &Client,
    renewal: &Renewal<'_>,
) -> Result<Tokens, OAuthError> {
    let invalid = || OAuthError::new(Code::InvalidGrant, BAD);
    let token: RefreshToken = broker.seal.open(renewal.token).map_err(|_| invalid())?;
    if token.family.client != client.fingerprint || facade.entra.clock.now() >= token.expires {
        return Err(invalid());
    }
    // The MCP server moved: its tokens would be refused, and the client would refresh for ever.
    let target = facade.target(&token.family.resource).ok_or_else(invalid)?;
    target::check_same(renewal.named, target)?;
    let trace = token.family.trace.clone();
    let narrowed = narrowed(target, &token, renewal.scope)?;
    renew(facade, broker, target, token, narrowed).await.map_err(|failure| {
        tracing::warn!(target: "entragate::signin", trace = trace.as_str(), leg = "refresh", outcome = "failed", reason = failure.error.description);
        failure.at_the_token_endpoint().in_trace(&trace).error
    })
}

/// A narrower scope is fine, a wider one is not (RFC 6749 §6). Clients also replay what they were told.
fn narrowed(
    target: &Target,
    token: &RefreshToken,
    scope: Option<&str>,
) -> Result<Option<String>, OAuthError> {
    let api = target.api();
    let Some(scope) = scope else { return Ok(None) };
    let (asked, granted) =
        (scopes::names(Some(scope), api), scopes::names(token.family.scope.as_deref(), api));
    if granted.iter().any(|name| name == scopes::DEFAULT) || asked.iter().all(|name| granted.contains(name)) {
        return Ok((asked != granted).then(|| scope.to_owned()));
    }
    // Nothing of ours in it (OpenID scopes, another server's): the same as not sent.
    if asked == scopes::names(None, api) {
        return Ok(None);
    }
    Err(OAuthError::new(Code::InvalidScope, WIDER))
}

async fn renew(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    token: RefreshToken,
    narrowed: Option<String>,
) -> Result<Tokens, Failure> {
    let invalid = || Failure::told(Code::InvalidGrant, BAD);
    // Whether a token from before the store's memory was used or revoked, nobody knows any more.
    if token.epoch != broker.once.epoch().await? {
        tracing::warn!(target: "entragate::once", "a refresh token is older than the store's memory and was refused");
        return Err(invalid());
    }
    // The person has to do more than a refresh can, or the next call would end in the same demand.
    if facade.entra.on_behalf_of.is_some() && step_up::is_due(broker, &token.person).await? {
        return Err(Failure::told(Code::InvalidGrant, STEP_UP));
    }
    let newest = match broker.families.standing(&token.family.id, token.generation).await? {
        Standing::Newest(newest) => newest,
        Standing::JustUsed(successor) => return broker.seal.open(&successor).map_err(|_| invalid()),
        Standing::Dead(dead) => return Err(dead_family(&token, dead)),
    };
    let grant = UpstreamGrant::Refresh { token: &token.upstream };
    let issued = match redeem(facade, broker, target, grant, token.family.scope.as_deref()).await {
        Ok(issued) => issued,
        Err(failure) => {
            if let Some(claims) = &failure.claims {
                step_up::keep(broker, &step_up::of_refresh(&token.person), claims).await;
            }
            return Err(failure);
        }
    };
    let person = Person::of(&issued.principal);
    if person.hash() != token.person {
        tracing::error!(target: "entragate::entra", "Entra refreshed the token of one person for another");
        broker.families.revoke(&token.family.id).await?;
        return Err(invalid());
    }
    // After `.default` only Entra's answer tells what was granted.
    if let Some(narrowed) = &narrowed
        && !scopes::names(Some(narrowed), target.api())
            .iter()
            .any(|name| name == scopes::DEFAULT || person.scopes.contains(name))
    {
        return Err(Failure::told(Code::InvalidScope, WIDER));
    }
    let (family, generation) = (token.family.clone(), token.generation + 1);
    // Entra's old token stays good, so without a new one it is kept.
    let upstream = Some(issued.refresh_token.unwrap_or_else(|| token.upstream.clone()));
    let tokens = issue(
        facade,
        broker,
        target,
        Issue {
            family,
            generation,
            person,
            narrowed,
            upstream,
            entra: issued.access_token,
            ends: issued.ends,
        },
    )
    .await?;
    rotate(broker, &token, newest, tokens).await
}

async fn rotate(
    broker: &Broker,
    token: &RefreshToken,
    newest: Newest,
    tokens: Tokens,
) -> Result<Tokens, Failure> {
    let (pointer, successor) = (random::id()?, broker.seal.seal(&tokens)?);
    match broker.families.rotate(&token.family.id, newest, &pointer, &successor).await? {
        Rotation::Won => {
            tracing::info!(target: "entragate::signin", trace = token.family.trace.as_str(), leg = "refresh", outcome = "passed");
            Ok(tokens)
        }
        Rotation::Lost(successor) => {
            broker.seal.open(&successor).map_err(|_| Failure::told(Code::InvalidGrant, BAD))
        }
        Rotation::Dead(dead) => Err(dead_family(token, dead)),
    }
}

fn dead_family(token: &RefreshToken, dead: Dead) -> Failure {
    if dead == Dead::Reused {
        tracing::warn!(
            target: "entragate::signin", trace = token.family.trace.as_str(), leg = "refresh", outcome = "failed",
            "a refresh token was used again after it had been replaced: it may be stolen, so everything of this sign-in is revoked"
        );
    }
    Failure::told(Code::InvalidGrant, BAD)
}
