//! `grant_type=refresh_token`: bound to user and client, not to an API, and never used up.

use super::{Call, client_auth, origin, user};
use crate::clock;
use crate::errors::Refusal;
use crate::exchange::Answer;
use crate::grants::RefreshToken;
use crate::ids::is_grant_shaped;
use crate::resource;
use crate::scope::{ScopeRequest, token_for_itself};
use crate::settings::{RefreshWithoutScope, ResourcePolicy};

/// Unused for so long, a refresh token expires.
const IDLE: u64 = 90 * 86_400;

pub(super) fn redeem(call: &Call<'_>) -> Result<Answer, Refusal> {
    let entra = call.entra;
    let key = call.form.get("refresh_token").ok_or(Refusal::Missing("refresh_token"))?;
    if !is_grant_shaped(key) {
        return Err(Refusal::Malformed);
    }
    let found = entra.state.with(|state| state.refresh_tokens.get(key).cloned());
    let token = found.ok_or(Refusal::RefreshTokenInvalid)?;
    // The class of a client that did not get this token cannot be told from it.
    if token.grant.client == call.client.id {
        client_auth::check(call, token.grant.platform)?;
        origin::check(call, token.grant.platform)?;
    }
    check_state(call, &token)?;
    let scope = scope(call, &token)?;
    let ready = user::check(call, &token.grant, &scope)?;
    let now = entra.now();
    entra.state.with(|state| {
        if let Some(stored) = state.refresh_tokens.get_mut(key) {
            stored.last_used = now;
        }
    });
    Ok(ready.issue(call, token.ends_at))
}

fn check_state(call: &Call<'_>, token: &RefreshToken) -> Result<(), Refusal> {
    let now = call.entra.now();
    let issued = || clock::iso(token.issued_at);
    if token.ends_at.is_some_and(|end| now >= end) {
        return Err(Refusal::RefreshTokenOfSpaEnded { issued: issued() });
    }
    if now >= token.last_used + IDLE {
        return Err(Refusal::RefreshTokenIdle { issued: issued() });
    }
    if token.grant.client != call.client.id {
        return Err(Refusal::RefreshTokenInvalid);
    }
    if token.grant.revoked { Err(Refusal::Revoked) } else { Ok(()) }
}

/// Without `scope`, Entra falls back to a default: "itself" when client and API are one app, which is AADSTS90009.
fn scope(call: &Call<'_>, token: &RefreshToken) -> Result<ScopeRequest, Refusal> {
    let (entra, settings) = (call.entra, call.entra.settings());
    if call.is_v1() {
        let asked = call.scope()?.map(|scope| scope.with_oidc_of(&token.grant.scope));
        let scope = asked.unwrap_or_else(|| token.grant.scope.clone());
        scope.check_not_itself_by_uri(call.client)?;
        return Ok(scope);
    }
    let resource = call.form.get("resource");
    let Some(scope) = call.scope()? else { return default_scope(call, token, resource) };
    resource::check(resource, &scope, entra.apis(), &settings)?;
    scope.check_not_itself_by_uri(call.client)?;
    Ok(scope)
}

fn default_scope(
    call: &Call<'_>,
    token: &RefreshToken,
    resource: Option<&str>,
) -> Result<ScopeRequest, Refusal> {
    let settings = call.entra.settings();
    let original = &token.grant.scope;
    match (resource, settings.resource_policy) {
        (None, _) | (_, ResourcePolicy::Ignore) => {}
        (Some(_), ResourcePolicy::Reject901002) => return Err(Refusal::ResourceUnsupported),
        (Some(resource), ResourcePolicy::Strict) if resource.eq_ignore_ascii_case(&call.client.id) => {
            return Err(token_for_itself(call.client));
        }
        // The original scopes do not count here: nothing in this request qualifies an API.
        (Some(_), ResourcePolicy::Strict) => return Err(Refusal::ResourceMismatch),
    }
    let itself = original.apis.iter().any(|api| api.api == call.client.id);
    if itself || settings.refresh_without_scope == RefreshWithoutScope::Reject90009 {
        return Err(token_for_itself(call.client));
    }
    Ok(original.clone())
}
