//! What the gate can give a permitted request on its way to the MCP server.

use axum::body::Body;
use http::Response;

use super::Gate;
use crate::idp::entra::obo::OnBehalfOfError;
use crate::oauth::broker::step_up;
use crate::person::person_hash;
use crate::principal::Permit;
use crate::token::held::Held;
use crate::upstream::{AssertionError, DelegatedScope, NoEntraToken, UpstreamToken, outage, refusal};

impl Gate {
    /// A token that Entra issues for another API in the name of the caller (on behalf of), for example to call Microsoft
    /// Graph as the person who called a tool. Kept until shortly before it ends; however many calls ask at once, Entra is
    /// asked once. What to answer on an error: [`Gate::on_behalf_of_refusal`].
    pub async fn on_behalf_of(
        &self,
        permit: &Permit,
        scope: &DelegatedScope,
    ) -> Result<UpstreamToken, OnBehalfOfError> {
        let Some(entra) = &self.0.entra else { return Err(OnBehalfOfError::Development) };
        let exchange = entra.on_behalf_of.as_ref().ok_or(OnBehalfOfError::NotConfigured)?;
        // Only the app that a token is for may ask with it (AADSTS500131), and the credential is of one app.
        let audience = permit.resource().and_then(|resource| resource.audience.as_ref());
        if audience.is_none_or(|audience| audience.api.id() != exchange.app()) {
            return Err(OnBehalfOfError::NotConfigured);
        }
        exchange.token(permit.principal(), permit.held(), scope).await
    }

    /// Forgets the token of [`Gate::on_behalf_of`]: its API takes it no longer, although it has not ended (continuous
    /// access evaluation).
    pub fn forget_on_behalf_of(&self, permit: &Permit, scope: &DelegatedScope) {
        if let Some(exchange) = self.0.entra.as_ref().and_then(|entra| entra.on_behalf_of.as_ref()) {
            exchange.forget(permit.held(), scope);
        }
    }

    /// The answer to a call that cannot go on for want of a token: a tool error that says why and whose job it is; 401
    /// with the claims where signing in again helps, once; 503 where trying again does.
    pub async fn on_behalf_of_refusal(
        &self,
        permit: &Permit,
        scope: &DelegatedScope,
        error: &OnBehalfOfError,
    ) -> Response<Body> {
        let text = error.public_text(scope);
        match error {
            OnBehalfOfError::Unavailable { retry_after, .. } => {
                outage(permit.message(), &text, retry_after.as_secs())
            }
            OnBehalfOfError::Interaction { claims, .. } => {
                let challenged = self.claims_challenge(permit, claims.as_deref()).await;
                challenged.unwrap_or_else(|| refusal(permit, &text))
            }
            OnBehalfOfError::NoToken => {
                let challenged = self.claims_challenge(permit, None).await;
                challenged.unwrap_or_else(|| refusal(permit, &text))
            }
            _ => refusal(permit, &text),
        }
    }

    /// 401 that sends the person to sign in again, with what Entra or an API behind the MCP server demands of the next
    /// token (a claims challenge: JSON). In broker mode the next sign-in asks Entra for it.
    ///
    /// `None` when this caller was sent before and came back with a new token that does not help: a client would go round
    /// in circles, so tell the person instead.
    pub async fn claims_challenge(&self, permit: &Permit, claims: Option<&str>) -> Option<Response<Body>> {
        let entra = self.0.entra.as_ref()?;
        let (who, resource) = (permit.principal(), permit.resource()?);
        if resource.step_ups.is_fruitless_demand(who, claims, entra.clock.now()) {
            return None;
        }
        if let (Some(broker), Some(claims), Held::Sealed { .. }) = (entra.way.broker(), claims, permit.held())
        {
            let person = person_hash(who.tenant_id(), who.object_id());
            step_up::keep(broker, &step_up::of_call(&person), claims).await;
        }
        tracing::info!(
            target: "entragate::on_behalf_of",
            object_id = who.object_id(),
            claims = claims.is_some(),
            "the person is sent to sign in again"
        );
        let text = "What is behind this server asks for more than this sign-in brought: sign in again";
        Some(resource.challenge.insufficient_claims(text, claims))
    }

    /// The answer to a call whose [`Gate::claims_challenge`] was in vain: a tool error that says so.
    pub fn claims_refusal(&self, permit: &Permit, scope: &DelegatedScope) -> Response<Body> {
        let text = format!(
            "Not possible: {} asks for more than your sign-in brought, and signing in again did not bring it. The operator of this server, or an administrator of your Microsoft Entra tenant, can find out what it is.",
            scope.api()
        );
        refusal(permit, &text)
    }

    /// Who calls, in a JWT that the gateway signs for an audience, the MCP server; it verifies with the keys at
    /// `{base}/oauth/jwks`, the base URL being the issuer. Signed anew every few minutes.
    pub fn assertion(&self, permit: &Permit, audience: &str) -> Result<UpstreamToken, AssertionError> {
        let Some(entra) = &self.0.entra else { return Err(AssertionError::Development) };
        let assertions = entra.assertions.as_ref().ok_or(AssertionError::NotConfigured)?;
        assertions.of(permit.principal(), audience)
    }

    /// Entra's token that the caller came with, to be passed on. MCP forbids to pass a token on that was issued for the
    /// gateway; this is for an MCP server that is the same API to Entra, with the same audience, and nobody else.
    pub fn entra_token(&self, permit: &Permit) -> Result<UpstreamToken, NoEntraToken> {
        match permit.held() {
            Held::Nothing => Err(NoEntraToken::Development),
            Held::Sealed { .. } => Err(NoEntraToken::Sealed),
            held @ Held::Entra { .. } => held
                .entra_token()
                .and_then(|token| UpstreamToken::new(token, permit.principal().expires_at()))
                .ok_or(NoEntraToken::Forgotten),
        }
    }
}
