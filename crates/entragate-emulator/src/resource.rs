//! The `resource` parameter (AADSTS9010010): since March 2026 it is matched against the scopes, byte for byte.

use crate::apis::Apis;
use crate::errors::Refusal;
use crate::scope::{Prefix, ScopeRequest};
use crate::settings::{ResourceMatch, ResourcePolicy, Settings};

/// AADSTS9010010 unless every API scope is fully qualified and of the one app that has `resource` as identifier URI.
pub(crate) fn check(
    resource: Option<&str>,
    scope: &ScopeRequest,
    apis: Apis<'_>,
    settings: &Settings,
) -> Result<(), Refusal> {
    let Some(resource) = resource else { return Ok(()) };
    match settings.resource_policy {
        ResourcePolicy::Ignore => Ok(()),
        ResourcePolicy::Reject901002 => Err(Refusal::ResourceUnsupported),
        ResourcePolicy::Strict if matches(resource, scope, apis, settings.resource_match) => Ok(()),
        ResourcePolicy::Strict => Err(Refusal::ResourceMismatch),
    }
}

fn matches(resource: &str, scope: &ScopeRequest, apis: Apis<'_>, how: ResourceMatch) -> bool {
    let [api] = scope.apis.as_slice() else { return false };
    let identified = apis.directory.app(&api.api).is_some_and(|app| apis.identifies(resource, app));
    identified
        && api.named.iter().all(|named| match (&named.prefix, how) {
            (Prefix::Unqualified, _) | (Prefix::Guid(_), ResourceMatch::SameUri) => false,
            (Prefix::Guid(_) | Prefix::Uri(_), ResourceMatch::SameApp) => true,
            // Graph has both forms of its URI registered, with and without the slash, and takes either for the other.
            (Prefix::Uri(prefix), ResourceMatch::SameUri) => {
                prefix.trim_end_matches('/') == resource.trim_end_matches('/')
            }
        })
}
