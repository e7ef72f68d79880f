//! `grant_type=client_credentials`: a daemon with its app roles.

use super::{Call, client_auth, origin};
use crate::errors::Refusal;
use crate::exchange::Answer;
use crate::policy;
use crate::tokens::{self, Daemon};

pub(super) fn redeem(call: &Call<'_>) -> Result<Answer, Refusal> {
    let (entra, client) = (call.entra, call.client);
    let name = if call.is_v1() { "resource" } else { "scope" };
    let text = call.form.get(name).ok_or(Refusal::Missing(name))?;
    client_auth::check_confidential(call)?;
    let tenant = call.authority.tenant().unwrap_or(&client.tenant);
    if client.service_principal.absent {
        return Err(Refusal::ClientNotInTenant { client: client.id.clone(), tenant: tenant.to_owned() });
    }
    if let Some(origin) = call.origin {
        return Err(origin::refuse(origin));
    }
    let not_default = || Refusal::NotDefaultScope { scope: text.to_owned() };
    if !call.is_v1() && !text.split_ascii_whitespace().all(|word| word.ends_with("/.default")) {
        return Err(not_default());
    }
    let scope = call.required_scope()?;
    let [scopes] = scope.apis.as_slice() else {
        return Err(if scope.apis.is_empty() {
            not_default()
        } else {
            Refusal::TwoApis { scope: scope.text }
        });
    };
    scope.check_not_itself_by_uri(client)?;
    let Some(api) = entra.directory.app(&scopes.api) else { return Err(not_default()) };
    policy::check_in_tenant(entra, api, tenant)?;
    if api.assignment_required && api.assignments_of_app(client).is_empty() {
        return Err(Refusal::AppNotAssigned {
            client: client.id.clone(),
            client_name: client.display_name.clone(),
            api: api.id.clone(),
            api_name: api.display_name.clone(),
        });
    }
    let daemon = Daemon { version: call.version, client, tenant, proof: call.credentials.proof() };
    Ok(tokens::for_app(entra, &daemon, api, scopes))
}
