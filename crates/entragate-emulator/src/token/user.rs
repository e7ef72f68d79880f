//! The last checks of every grant that speaks for a user: account, scopes, consent, assignment, Conditional Access.

use super::Call;
use crate::authority::Authority;
use crate::consent::{self, Which};
use crate::directory::User;
use crate::errors::Refusal;
use crate::exchange::Answer;
use crate::grants::{ClaimsRequest, Grant};
use crate::policy;
use crate::scope::ScopeRequest;
use crate::tokens::{self, Issue};

/// A grant that passed every check.
pub(super) struct Ready<'a> {
    user: &'a User,
    grant: Grant,
    scope: ScopeRequest,
    tenant: String,
}

pub(super) fn check<'a>(call: &Call<'a>, grant: &Grant, scope: &ScopeRequest) -> Result<Ready<'a>, Refusal> {
    let (entra, client) = (call.entra, call.client);
    let gone = || Refusal::UnknownUser { tenant: entra.directory.tenant_name(&grant.tenant).to_owned() };
    let user = entra.directory.user_by_oid(&grant.oid).ok_or_else(gone)?;
    let tenant = match &call.authority {
        Authority::Tenant(tenant) => tenant.clone(),
        _ => grant.tenant.clone(),
    };
    policy::check_account(entra, user, &tenant, client)?;
    // A token is for one API: of several, the first.
    let one = ScopeRequest { apis: scope.apis.first().cloned().into_iter().collect(), ..scope.clone() };
    policy::check_scopes_exist(entra, client, &one)?;
    if !consent::asked(entra, client, user, &one, Which::Missing).is_empty() {
        return Err(consent::missing(client));
    }
    policy::check_assigned(entra, client, user, &one)?;
    policy::check_not_blocked(entra, user)?;
    policy::check_mfa(entra, user, &one, grant.mfa)?;
    let mut grant = grant.clone();
    if let Some(text) = call.form.get("claims") {
        grant.claims = grant.claims.merged(ClaimsRequest::parse(text).ok_or(Refusal::ClaimsMalformed)?);
    }
    Ok(Ready { user, grant, scope: one, tenant })
}

impl Ready<'_> {
    /// The tokens; `ends_at` is the end of the refresh token's chain, if it has one.
    pub(super) fn issue(&self, call: &Call<'_>, ends_at: Option<u64>) -> Answer {
        let issue = Issue {
            version: call.version,
            client: call.client,
            user: self.user,
            tenant: &self.tenant,
            grant: &self.grant,
            scope: &self.scope,
            ends_at,
            proof: call.credentials.proof(),
            client_info: call.form.get("client_info") == Some("1"),
        };
        tokens::for_user(call.entra, &issue)
    }
}
