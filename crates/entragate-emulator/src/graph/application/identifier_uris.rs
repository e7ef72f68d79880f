//! Which identifier URIs an app may have ([Microsoft, identifier URI restrictions]).
//!
//! [Microsoft, identifier URI restrictions]: https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions

use url::Url;

use crate::directory::{App, Directory, Tenant};
use crate::graph::error::GraphError;
use crate::settings::IdentifierUriPolicy;

const TARGET: &str = "identifierUris";

/// Checks the URIs that `after` has and `before` has not; all of them when the app goes back to version 1 tokens.
pub(super) fn check(
    directory: &Directory,
    before: &App,
    after: &App,
    policy: IdentifierUriPolicy,
) -> Result<(), GraphError> {
    let back_to_v1 = before.token_version == 2 && after.token_version == 1;
    let fresh = |uri: &&String| back_to_v1 || !before.identifier_uris.contains(uri);
    let Some(tenant) = directory.tenant(&after.tenant) else { return Ok(()) };
    for (at, uri) in after.identifier_uris.iter().enumerate() {
        if after.identifier_uris[..at].contains(uri) {
            return Err(GraphError::duplicate(TARGET));
        }
        if fresh(&uri) {
            check_one(tenant, after, uri, policy)?;
        }
        check_unique(directory, after, uri)?;
    }
    Ok(())
}

fn check_one(tenant: &Tenant, app: &App, uri: &str, policy: IdentifierUriPolicy) -> Result<(), GraphError> {
    let invalid = |reason: &str| GraphError::invalid_value(TARGET, &format!("'{uri}' {reason}"));
    let parsed = Url::parse(uri).map_err(|_| invalid("must be an absolute URI."))?;
    if uri.len() > 255 {
        return Err(invalid("must not be longer than 255 characters."));
    }
    if uri.ends_with('/') {
        return Err(invalid("must not end with a slash."));
    }
    if parsed.fragment().is_some() || uri.contains('*') || uri.contains(char::is_whitespace) {
        return Err(invalid("must have no fragment, no wildcard and no spaces."));
    }
    let on_verified_domain = parsed.host_str().is_some_and(|host| is_verified(tenant, host));
    if matches!(parsed.scheme(), "https" | "http") && !on_verified_domain {
        return Err(GraphError::detailed(
            "HostNameNotOnVerifiedDomain",
            TARGET,
            format!(
                "Values of identifierUris property must use a verified domain of the organization or its subdomain: \
                 '{uri}'"
            ),
        ));
    }
    check_policy(tenant, app, uri, on_verified_domain, policy)
}

fn is_verified(tenant: &Tenant, host: &str) -> bool {
    let domains = tenant.domains.iter().chain([&tenant.initial_domain]);
    domains.into_iter().any(|domain| {
        let rest = host.to_ascii_lowercase();
        rest.strip_suffix(domain.as_str()).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
    })
}

/// Both policies spare apps that get version 2 tokens.
fn check_policy(
    tenant: &Tenant,
    app: &App,
    uri: &str,
    on_verified_domain: bool,
    policy: IdentifierUriPolicy,
) -> Result<(), GraphError> {
    if app.token_version == 2 {
        return Ok(());
    }
    let lower = uri.to_ascii_lowercase();
    let (plain, in_tenant) = (format!("api://{}", app.id), format!("api://{}/{}", tenant.id, app.id));
    let names =
        |id: &str| lower.strip_prefix("api://").is_some_and(|rest| rest.split('/').any(|part| part == id));
    let refusal = match policy {
        IdentifierUriPolicy::Off => return Ok(()),
        IdentifierUriPolicy::Standard if on_verified_domain || names(&app.id) || names(&tenant.id) => {
            return Ok(());
        }
        IdentifierUriPolicy::Standard => format!(
            "Failed to add identifier URI {uri}. All newly added URIs must contain a tenant verified domain, tenant ID, or \
             app ID, as per the default tenant policy of your organization."
        ),
        IdentifierUriPolicy::Strict if lower == plain || lower == in_tenant => return Ok(()),
        IdentifierUriPolicy::Strict => format!(
            "The newly added URI {uri} must comply with the format 'api://{{appId}}' or 'api://{{tenantId}}/{{appId}}' as \
             per the default app management policy of your organization. If the requestedAccessTokenVersion is set to 2, \
             this restriction may not apply."
        ),
    };
    let message = format!(
        "{refusal} See https://aka.ms/identifier-uri-addition-error for more information on this error."
    );
    Err(GraphError::bad(message).because("InvalidValue", TARGET))
}

/// Unique in the tenant; where either app is for several tenants, everywhere.
fn check_unique(directory: &Directory, app: &App, uri: &str) -> Result<(), GraphError> {
    let same = |other: &&App| {
        let near =
            other.tenant == app.tenant || other.audience.is_multi_tenant() || app.audience.is_multi_tenant();
        other.id != app.id
            && near
            && other.identifier_uris.iter().any(|known| known.eq_ignore_ascii_case(uri))
    };
    match directory.apps.iter().find(same) {
        None => Ok(()),
        Some(_) => Err(GraphError::detailed(
            "ObjectConflict",
            TARGET,
            "Another object with the same value for property identifierUris already exists.",
        )),
    }
}
