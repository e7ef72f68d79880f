//! Who has consented to what: an administrator for everybody, the API in advance, or the user.

use crate::directory::{App, User, UserConsent};
use crate::entra::Entra;
use crate::errors::Refusal;
use crate::scope::{ApiScopes, ScopeRequest};

/// Scope values that the client may already use on the API on behalf of the user.
pub(crate) fn granted(entra: &Entra, client: &App, api: &App, user: &User) -> Vec<String> {
    let of = |list: &[crate::directory::Access], other: &App| -> Vec<String> {
        let about = list.iter().filter(|access| [&other.id, &other.name].contains(&&access.app));
        about.flat_map(|access| access.scopes.clone()).collect()
    };
    // Of this moment: the user may have consented in this very request.
    let directory = entra.state.with(|state| state.directories.current());
    let fits = |consent: &&UserConsent| {
        consent.user == user.oid && consent.client == client.id && consent.app == api.id
    };
    let own = directory.consents.iter().filter(fits).flat_map(|consent| consent.scopes.clone()).collect();
    let all = [of(&client.admin_consent, api), of(&api.preauthorized, client), own];
    api.scopes
        .iter()
        .map(|scope| scope.value.clone())
        .filter(|value| all.iter().any(|list| list.contains(value)))
        .collect()
}

/// The scope values that a request needs on one API: the named ones, or for `.default` those in the registration.
pub(crate) fn wanted(client: &App, api: &App, scopes: &ApiScopes) -> Vec<String> {
    if scopes.is_default() {
        let listed =
            client.required_access.iter().filter(|access| [&api.id, &api.name].contains(&&access.app));
        let values = listed.flat_map(|access| access.scopes.clone());
        return values.filter(|value| api.scope(value).is_some()).collect();
    }
    scopes.named.iter().map(|named| named.value.clone()).filter(|value| api.scope(value).is_some()).collect()
}

/// A permission that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) api: &'a App,
    pub(crate) value: String,
    pub(crate) admin_only: bool,
}

/// Everything the request asks for; with `only_missing`, what nobody has consented to yet.
pub(crate) fn asked<'a>(
    entra: &'a Entra,
    client: &App,
    user: &User,
    scope: &ScopeRequest,
    which: Which,
) -> Vec<Asked<'a>> {
    let mut out = Vec::new();
    for scopes in &scope.apis {
        let Some(api) = entra.directory.app(&scopes.api) else { continue };
        let granted = if which == Which::Missing { granted(entra, client, api, user) } else { Vec::new() };
        for value in wanted(client, api, scopes) {
            if !granted.contains(&value) {
                let admin_only = api.scope(&value).is_some_and(|scope| scope.admin_only);
                out.push(Asked { api, value, admin_only });
            }
        }
    }
    out
}

/// Which of the permissions asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Missing,
}

/// Remembers a user's consent.
pub(crate) fn remember(entra: &Entra, client: &App, user: &User, asked: &[Asked<'_>]) {
    entra.state.with(|state| {
        state.directories.alter(|directory| {
            for permission in asked {
                directory.consent(&user.oid, &client.id, &permission.api.id, &permission.value);
            }
        });
    });
}

/// AADSTS65001.
pub(crate) fn missing(client: &App) -> Refusal {
    Refusal::NoConsent { id: client.id.clone(), name: client.display_name.clone() }
}
