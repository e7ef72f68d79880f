//! `grant_type=authorization_code`.

use super::{Call, client_auth, origin, user};
use crate::authority::Authority;
use crate::digest::sha256_base64url;
use crate::errors::Refusal;
use crate::exchange::Answer;
use crate::grants::{Challenge, Code, Platform};
use crate::ids::is_grant_shaped;
use crate::resource;
use crate::scope::ScopeRequest;

/// How long a code lives.
const LIFETIME: u64 = 600;

pub(super) fn redeem(call: &Call<'_>) -> Result<Answer, Refusal> {
    let entra = call.entra;
    let key = call.form.get("code").ok_or(Refusal::Missing("code"))?;
    if !is_grant_shaped(key) {
        return Err(Refusal::Malformed);
    }
    let code = entra.state.with(|state| state.codes.get(key).cloned()).ok_or(Refusal::CodeInvalid)?;
    // The class of a client that did not get this code cannot be told from it.
    if code.grant.client == call.client.id {
        client_auth::check(call, code.grant.platform)?;
        origin::check(call, code.grant.platform)?;
        if code.grant.platform == Platform::Spa && code.challenge.is_none() {
            return Err(Refusal::SpaNeedsPkce);
        }
    }
    check_state(call, key, &code)?;
    let scope = scope(call, &code)?;
    let ready = user::check(call, &code.grant, &scope)?;
    consume(call, key)?;
    Ok(ready.issue(call, None))
}

/// Replay, expiry, client, revocation, tenant, redirect URI, PKCE: in this order.
fn check_state(call: &Call<'_>, key: &str, code: &Code) -> Result<(), Refusal> {
    if code.redeemed {
        return Err(Refusal::CodeRedeemed);
    }
    if call.entra.now() >= code.issued_at + LIFETIME {
        return Err(Refusal::CodeExpired);
    }
    if code.grant.client != call.client.id {
        return Err(Refusal::CodeInvalid);
    }
    if code.grant.revoked {
        return Err(Refusal::Revoked);
    }
    let same_tenant = match &call.authority {
        Authority::Tenant(tenant) => *tenant == code.grant.tenant,
        shared => *shared == code.authority,
    };
    if !same_tenant {
        return Err(Refusal::CodeOfOtherTenant);
    }
    check_redirect_uri(call, code)?;
    check_verifier(call, code).inspect_err(|_| {
        if call.entra.settings().consume_code_on_bad_verifier {
            // The refusal stands whether or not somebody else was faster.
            consume(call, key).ok();
        }
    })
}

fn check_redirect_uri(call: &Call<'_>, code: &Code) -> Result<(), Refusal> {
    let sent = call.form.get("redirect_uri");
    match (sent, &code.redirect_uri) {
        (None, Some(_)) => Err(Refusal::Missing("redirect_uri")),
        (Some(sent), Some(expected)) if sent != expected => {
            Err(Refusal::ReplyMismatch { sent: sent.to_owned(), expected: expected.clone() })
        }
        _ => Ok(()),
    }
}

/// A verifier without a challenge is refused as well: it means that the challenge got lost on the way.
fn check_verifier(call: &Call<'_>, code: &Code) -> Result<(), Refusal> {
    let fits = match (call.form.get("code_verifier"), &code.challenge) {
        (None, None) => true,
        (Some(verifier), Some(Challenge::Plain(challenge))) => verifier == challenge,
        (Some(verifier), Some(Challenge::S256(challenge))) => {
            sha256_base64url(verifier.as_bytes()) == *challenge
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    if fits { Ok(()) } else { Err(Refusal::VerifierMismatch) }
}

/// What is asked for now, or what was asked for at `/authorize`.
fn scope(call: &Call<'_>, code: &Code) -> Result<ScopeRequest, Refusal> {
    let (entra, form) = (call.entra, call.form);
    if call.is_v1() {
        let asked = call.scope()?.map(|scope| scope.with_oidc_of(&code.grant.scope));
        let scope = asked.unwrap_or_else(|| code.grant.scope.clone());
        scope.check_not_itself_by_uri(call.client)?;
        return Ok(scope);
    }
    if form.has("scope") && form.get("scope").is_none_or(|text| text.trim().is_empty()) {
        return Err(Refusal::ScopeEmpty);
    }
    let scope = call.scope()?.unwrap_or_else(|| code.grant.scope.clone());
    if form.has("scope") && scope.apis.len() > 1 {
        return Err(Refusal::TwoApis { scope: scope.text });
    }
    resource::check(form.get("resource"), &scope, entra.apis(), &entra.settings())?;
    scope.check_not_itself_by_uri(call.client)?;
    Ok(scope)
}

/// Marks the code as used; of two requests at once, one comes too late.
fn consume(call: &Call<'_>, key: &str) -> Result<(), Refusal> {
    let before = call
        .entra
        .state
        .with(|state| state.codes.get_mut(key).map(|code| std::mem::replace(&mut code.redeemed, true)));
    if before == Some(false) { Ok(()) } else { Err(Refusal::CodeRedeemed) }
}
