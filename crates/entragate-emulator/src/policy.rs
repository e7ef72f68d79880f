//! What stands between a signed-in user and a token: the tenant, the account, the scopes' existence, assignment,
//! Conditional Access.

use crate::directory::{App, User};
use crate::entra::Entra;
use crate::errors::Refusal;
use crate::scope::{ApiScopes, ScopeRequest};

/// AADSTS50020 and AADSTS50057. `tenant` is the one signed in to.
pub(crate) fn check_account(entra: &Entra, user: &User, tenant: &str, client: &App) -> Result<(), Refusal> {
    if user.tenant != tenant {
        return Err(Refusal::ForeignUser {
            user: user.upn.clone(),
            idp: entra.v1_issuer(user.home()),
            tenant: entra.directory.tenant_name(tenant).to_owned(),
            id: client.id.clone(),
            name: client.display_name.clone(),
        });
    }
    if user.disabled { Err(Refusal::UserDisabled) } else { Ok(()) }
}

/// AADSTS650052 and AADSTS500014 for an API that the tenant has no service principal of, or disabled it.
pub(crate) fn check_in_tenant(entra: &Entra, api: &App, tenant: &str) -> Result<(), Refusal> {
    if api.service_principal.absent {
        let tenant = entra.directory.tenant_name(tenant).to_owned();
        return Err(Refusal::ApiNotInTenant { name: api.display_name.clone(), tenant });
    }
    if api.service_principal.disabled {
        return Err(Refusal::ApiDisabled { api: api.id.clone() });
    }
    Ok(())
}

/// AADSTS650053 for scopes that their API does not have, AADSTS650057 for `.default` of an API the client never listed.
pub(crate) fn check_scopes_exist(entra: &Entra, client: &App, scope: &ScopeRequest) -> Result<(), Refusal> {
    for scopes in &scope.apis {
        let Some(api) = entra.directory.app(&scopes.api) else { continue };
        check_in_tenant(entra, api, &api.tenant)?;
        check_listed(client, api, scopes)?;
        let unknown =
            scopes.named.iter().find(|named| !named.is_default() && api.scope(&named.value).is_none());
        if let Some(named) = unknown {
            return Err(Refusal::UnknownScope {
                client: client.display_name.clone(),
                scope: named.value.clone(),
                api: api.id.clone(),
            });
        }
    }
    Ok(())
}

fn check_listed(client: &App, api: &App, scopes: &ApiScopes) -> Result<(), Refusal> {
    let about_api = |access: &&crate::directory::Access| [&api.id, &api.name].contains(&&access.app);
    let listed = client.required_access.iter().chain(&client.admin_consent).any(|access| about_api(&access));
    let preauthorized =
        api.preauthorized.iter().any(|access| [&client.id, &client.name].contains(&&access.app));
    // Microsoft's own clients list nothing here; what was consented to counts.
    let foreign = client.owner_organization.is_some();
    if !scopes.is_default() || listed || preauthorized || foreign || api.id == client.id {
        return Ok(());
    }
    let valid: Vec<&str> = client.required_access.iter().map(|access| access.app.as_str()).collect();
    Err(Refusal::ApiNotListed {
        client: client.id.clone(),
        value: scopes.named.first().map(crate::scope::Named::text).unwrap_or_default(),
        api: api.id.clone(),
        listed: valid.join(", "),
    })
}

/// AADSTS50105 where the client or an API demands an assignment that the user does not have.
pub(crate) fn check_assigned(
    entra: &Entra,
    client: &App,
    user: &User,
    scope: &ScopeRequest,
) -> Result<(), Refusal> {
    let apis = scope.apis.iter().filter_map(|scopes| entra.directory.app(&scopes.api));
    for app in apis.chain([client]) {
        if app.assignment_required && entra.directory.user_assignments(app, user).is_empty() {
            return Err(Refusal::NotAssigned { id: app.id.clone(), name: app.display_name.clone() });
        }
    }
    Ok(())
}

/// AADSTS53003.
pub(crate) fn check_not_blocked(entra: &Entra, user: &User) -> Result<(), Refusal> {
    let settings = entra.settings();
    let blocked = user.ca_blocked || settings.ca_blocked_users.iter().any(|called| user.is_called(called));
    if blocked { Err(Refusal::Blocked) } else { Ok(()) }
}

/// AADSTS50076, unless the sign-in had a second factor.
pub(crate) fn check_mfa(entra: &Entra, user: &User, scope: &ScopeRequest, done: bool) -> Result<(), Refusal> {
    let settings = entra.settings();
    let required =
        user.mfa_required || settings.mfa_required_users.iter().any(|called| user.is_called(called));
    if required && !done { Err(Refusal::MfaRequired { api: scope.target().api }) } else { Ok(()) }
}
