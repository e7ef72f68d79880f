//! A client redeems its code. Everything is checked before the parked grant is touched, so that a stranger with a code has
//! no effect; then exactly one request gets it, and a second one with everything right ends what the first one got.

use super::Broker;
use super::callback::parking;
use super::failure::Failure;
use super::tokens::{Family, Issue, Tokens, issue};
use super::transaction::{AuthorizationCode, Grant, hashed};
use crate::facade::Facade;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::target::{self, Target};
use crate::secret::Secret;
use crate::trace::{Leg, Outcome};

/// What the client sends with a code.
pub(crate) struct Redemption<'a> {
    pub(crate) code: &'a str,
    pub(crate) verifier: &'a str,
    /// Optional in OAuth 2.1; if it is there it must be the first one (AS-30).
    pub(crate) redirect_uri: Option<&'a str>,
    /// The MCP server that it names, if it names one.
    pub(crate) named: Option<&'a Target>,
}

pub(crate) async fn redeem(
    facade: &Facade,
    broker: &Broker,
    client: &Client,
    redemption: &Redemption<'_>,
) -> Result<Tokens, OAuthError> {
    let (code, target) = check(facade, broker, client, redemption)?;
    let trace = code.trace.clone();
    let redeemed = take(facade, broker, target, code).await;
    redeemed.map_err(|failure| {
        broker.traces.record(&trace, Leg::Code, Outcome::Failed, &failure.error.description);
        failure.in_trace(&trace).error
    })
}

/// One text for whatever is wrong with the code itself: nobody learns whose it is.
const BAD: &str = "the code is not valid: it expired, was used, or belongs to another client";

fn check<'a>(
    facade: &'a Facade,
    broker: &Broker,
    client: &Client,
    redemption: &Redemption<'_>,
) -> Result<(AuthorizationCode, &'a Target), OAuthError> {
    let invalid = |text: &str| OAuthError::new(Code::InvalidGrant, text);
    let code: AuthorizationCode = broker.seal.open(redemption.code).map_err(|_| invalid(BAD))?;
    if code.client != client.fingerprint {
        tracing::warn!(target: "entragate::signin", trace = code.trace.as_str(), leg = "code", outcome = "refused", "a client came with the code of another one");
        return Err(invalid(BAD));
    }
    let target = facade.target(&code.resource).ok_or_else(|| invalid(BAD))?;
    // The client's own code: its log may lead to the trace.
    let failed = |text: &str| {
        broker.traces.record(&code.trace, Leg::Code, Outcome::Failed, text);
        Failure::told(Code::InvalidGrant, text).in_trace(&code.trace).error
    };
    if redemption.redirect_uri.is_some_and(|uri| hashed(uri) != code.redirect_uri) {
        return Err(failed("redirect_uri is not the one of the authorization request"));
    }
    if !code.challenge.fits(redemption.verifier) {
        return Err(failed(
            "code_verifier does not belong to the code_challenge: two sign-ins were mixed up",
        ));
    }
    if facade.entra.clock.now() >= code.expires {
        return Err(failed(BAD));
    }
    target::check_same(redemption.named, target)?;
    Ok((code, target))
}

async fn take(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    code: AuthorizationCode,
) -> Result<Tokens, Failure> {
    let invalid = || Failure::told(Code::InvalidGrant, BAD);
    let Some(parked) = broker.once.take(&parking(&code.id)).await? else {
        // Within its minute a code that is right in everything and has no grant was used before (AS-29).
        broker.families.revoke(&code.id).await?;
        tracing::warn!(target: "entragate::signin", trace = code.trace.as_str(), leg = "code", outcome = "failed", "a code was redeemed twice; the tokens that it bought are revoked");
        return Err(invalid());
    };
    let parked = std::str::from_utf8(&parked).map_err(|_| invalid())?;
    let grant: Grant = broker.seal.open(parked).map_err(|_| invalid())?;
    let trace = code.trace.clone();
    let family = Family {
        id: code.id,
        client: code.client,
        label: code.label,
        resource: code.resource,
        scope: code.scope,
        trace: code.trace,
    };
    let tokens = issue(
        facade,
        broker,
        target,
        Issue {
            family,
            generation: 0,
            person: grant.person,
            narrowed: None,
            upstream: grant.refresh_token,
            entra: grant.access_token.map(Secret::new),
            ends: grant.ends,
        },
    )
    .await?;
    broker.traces.record(&trace, Leg::Code, Outcome::Passed, "the client redeemed its code and has tokens");
    Ok(tokens)
}
