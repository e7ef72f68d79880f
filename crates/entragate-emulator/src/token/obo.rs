//! `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`, on behalf of: an API exchanges the access token it was called
//! with for one to another API, for the same user.

use super::{Call, client_auth, origin, user};
use crate::assertion::Assertion;
use crate::errors::Refusal;
use crate::exchange::Answer;
use crate::grants::{ClaimsRequest, Grant, Platform};
use crate::resource;
use crate::scope::ScopeRequest;
use crate::tokens::access;

pub(super) fn redeem(call: &Call<'_>) -> Result<Answer, Refusal> {
    let assertion = call.form.get("assertion").ok_or(Refusal::Missing("assertion"))?;
    match call.form.get("requested_token_use") {
        Some("on_behalf_of") => {}
        Some(_) => return Err(Refusal::Unsupported("requested_token_use")),
        None => return Err(Refusal::Missing("requested_token_use")),
    }
    client_auth::check_confidential(call)?;
    if let Some(origin) = call.origin {
        return Err(origin::refuse(origin));
    }
    let assertion = Assertion::parse(assertion).ok_or(Refusal::AssertionMalformed)?;
    check_signature(call, &assertion)?;
    check_claims(call, &assertion)?;
    let grant = grant(call, &assertion, scope(call)?)?;
    let ready = user::check(call, &grant, &grant.scope)?;
    Ok(ready.issue(call, None))
}

/// AADSTS50013: the emulator's own signature, over an issuer of the tenant that is asked. A token for Microsoft Graph fails
/// here too, like everywhere.
fn check_signature(call: &Call<'_>, assertion: &Assertion) -> Result<(), Refusal> {
    let entra = call.entra;
    let kid = assertion.header("kid").unwrap_or_default();
    let refuse = |reason| Refusal::UserAssertionSignature { reason, thumbprint: kid.to_owned() };
    let key = entra.state.with(|state| state.keys.find(kid));
    let key = key.ok_or_else(|| refuse("The key was not found."))?;
    if assertion.header("alg") != Some("RS256")
        || !key.verify(assertion.input.as_bytes(), &assertion.signature)
    {
        return Err(refuse("The provided signature value did not match the expected signature value."));
    }
    let (issuer, tenant) = (assertion.text("iss"), assertion.text("tid").unwrap_or_default());
    let ours = call.authority.tenant().is_none_or(|asked| asked == tenant)
        && (issuer == Some(&entra.v2_issuer(tenant)) || issuer == Some(&entra.v1_issuer(tenant)));
    if ours { Ok(()) } else { Err(refuse("The issuer is not that of the tenant.")) }
}

/// AADSTS240002, 500131, 500133 and 7000114, in this order.
fn check_claims(call: &Call<'_>, assertion: &Assertion) -> Result<(), Refusal> {
    let client = call.client;
    // An ID token says nothing of a client: it is for the client.
    if assertion.text("azp").or_else(|| assertion.text("appid")).is_none() {
        return Err(Refusal::UserAssertionIsIdToken);
    }
    let is_client = |audience: &str| {
        let bare = |uri: &str| uri.trim_end_matches('/').to_owned();
        audience.eq_ignore_ascii_case(&client.id)
            || client.identifier_uris.iter().any(|uri| bare(uri) == bare(audience))
    };
    let audiences = assertion.audiences();
    if !audiences.iter().any(|audience| is_client(audience)) {
        let (audience, client) = (audiences.join(", "), client.id.clone());
        return Err(Refusal::UserAssertionAudience { audience, client });
    }
    if !assertion.is_current(call.entra.now()) {
        return Err(Refusal::UserAssertionTime);
    }
    match assertion.text("scp") {
        None | Some("" | "/") => Err(Refusal::UserAssertionAppOnly { client: client.id.clone() }),
        Some(_) => Ok(()),
    }
}

fn scope(call: &Call<'_>) -> Result<ScopeRequest, Refusal> {
    let scope = call.required_scope()?;
    if scope.apis.len() > 1 {
        return Err(Refusal::TwoApis { scope: scope.text });
    }
    if !call.is_v1() {
        let (entra, named) = (call.entra, call.form.get("resource"));
        resource::check(named, &scope, entra.apis(), &entra.settings())?;
    }
    scope.check_not_itself_by_uri(call.client)?;
    Ok(scope)
}

/// What the exchange, and a refresh after it, goes on with.
fn grant(call: &Call<'_>, assertion: &Assertion, scope: ScopeRequest) -> Result<Grant, Refusal> {
    let oid = assertion.text("oid").unwrap_or_default();
    let entra = call.entra;
    let user = entra.directory.user_by_oid(oid);
    let tenant = assertion.text("tid").unwrap_or_default();
    let gone = || Refusal::UnknownUser { tenant: entra.directory.tenant_name(tenant).to_owned() };
    let user = user.ok_or_else(gone)?;
    Ok(Grant {
        tenant: assertion.text("tid").unwrap_or(&user.tenant).to_owned(),
        client: call.client.id.clone(),
        platform: Platform::Web,
        oid: user.oid.clone(),
        scope,
        nonce: None,
        claims: ClaimsRequest::default(),
        mfa: assertion.text("aio").is_some_and(access::tells_of_mfa),
        session: entra.random(crate::ids::Random::guid),
        signed_in_at: assertion.number("iat").unwrap_or_else(|| entra.now()),
        revoked: false,
    })
}
