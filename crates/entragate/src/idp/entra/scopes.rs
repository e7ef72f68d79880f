//! Scope repair: whatever a client asks for becomes exactly what Entra accepts.
//!
//! Clients send nothing (AADSTS900144), OIDC scopes only, bare names (looked up on Microsoft Graph,
//! AADSTS650053), another server's scopes (AADSTS28000), or `.default` next to named scopes
//! (AADSTS70011). Towards Entra there is always one resource, fully qualified, plus `openid profile
//! offline_access`: without `offline_access` people sign in again every hour.

use super::registration::ApiApp;

/// Added towards Entra and never published, because seven clients answer a published `offline_access`
/// with `prompt=consent` (docs/clients.md K12).
const ALWAYS: [&str; 3] = ["openid", "profile", "offline_access"];
const OIDC: [&str; 6] = ["openid", "profile", "email", "offline_access", "address", "phone"];
/// Every permission that the client app was granted.
pub(crate) const DEFAULT: &str = ".default";
/// OpenID scopes that Entra lacks: it would look them up on Microsoft Graph (AADSTS650053).
const LACKING: [&str; 2] = ["address", "phone"];

/// The `scope` to send to Entra, qualified by the Application ID URI.
pub(crate) fn repaired(requested: Option<&str>, api: &ApiApp) -> String {
    towards_entra(requested, api, api.identifier_uri())
}

/// The `scope` to send to Entra when the API app may ask for a token for itself: qualified by its GUID, the only form
/// that Entra takes then (AADSTS90009, row 4 of docs/incompatibilities).
pub(crate) fn repaired_by_id(requested: Option<&str>, api: &ApiApp) -> String {
    towards_entra(requested, api, api.id().as_str())
}

fn towards_entra(requested: Option<&str>, api: &ApiApp, resource: &str) -> String {
    let mut extra_oidc: Vec<&str> = Vec::new();
    for scope in requested.unwrap_or_default().split_ascii_whitespace() {
        let is_extra = OIDC.contains(&scope) && !ALWAYS.contains(&scope) && !LACKING.contains(&scope);
        if is_extra && !extra_oidc.contains(&scope) {
            extra_oidc.push(scope);
        }
    }
    let mut parts: Vec<String> =
        names(requested, api).iter().map(|name| format!("{resource}/{name}")).collect();
    parts.extend(ALWAYS.iter().chain(&extra_oidc).map(|&scope| scope.to_owned()));
    parts.join(" ")
}

/// The permissions of our API that a request amounts to, by short name; `.default` alone for every granted one.
pub(crate) fn names(requested: Option<&str>, api: &ApiApp) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut wants_default = false;
    for scope in requested.unwrap_or_default().split_ascii_whitespace() {
        if OIDC.contains(&scope) {
            continue;
        }
        match short_name(scope, api) {
            Some(DEFAULT) => wants_default = true,
            Some(name) if !names.iter().any(|known| known == name) => names.push(name.to_owned()),
            _ => {}
        }
    }
    let required = api.required_scopes();
    if names.is_empty() && !wants_default && !required.is_empty() {
        return required.to_vec();
    }
    // `.default` already contains every named permission, and must stand alone (AADSTS70011).
    if names.is_empty() || (wants_default && required.is_empty()) {
        return vec![DEFAULT.to_owned()];
    }
    names
}

/// Whether the request can only mean this app: it asks for every scope that is published for it, and says whose they
/// are. Without named scopes, any scope that says so.
pub(crate) fn mean(requested: &str, api: &ApiApp) -> bool {
    let qualified: Vec<&str> = requested
        .split_ascii_whitespace()
        .filter(|scope| scope.contains('/'))
        .filter_map(|scope| short_name(scope, api))
        .collect();
    match api.required_scopes() {
        [] => !qualified.is_empty(),
        required => required.iter().all(|scope| qualified.contains(&scope.as_str())),
    }
}

/// Granted permissions in the client's own vocabulary: some clients refuse more than they asked for, and all replay what
/// they were told (docs/clients.md K40).
pub(crate) fn told(requested: Option<&str>, granted: &[String], api: &ApiApp) -> String {
    let asked: Vec<&str> = requested
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter(|scope| !OIDC.contains(scope) && short_name(scope, api).is_some())
        .collect();
    if asked.is_empty() {
        return api.qualified_scopes().join(" ");
    }
    let is_granted = |scope: &&&str| {
        short_name(scope, api).is_some_and(|name| name == DEFAULT || granted.iter().any(|have| have == name))
    };
    let told: Vec<&str> = asked.iter().filter(is_granted).copied().collect();
    told.join(" ")
}

/// The API scopes of a granted `scope` value, as published: what Entra adds is left out, because some
/// clients refuse more than they asked for and replay what they were given (docs/clients.md K40).
pub(crate) fn published(granted: &str, api: &ApiApp) -> Vec<String> {
    let names: Vec<&str> = granted
        .split_ascii_whitespace()
        .filter(|scope| !OIDC.contains(scope))
        .filter_map(|s| short_name(s, api))
        .collect();
    let qualified: Vec<String> = names
        .iter()
        .filter(|name| **name != DEFAULT)
        .map(|name| format!("{}/{name}", api.identifier_uri()))
        .collect();
    if qualified.is_empty() || api.required_scopes().is_empty() { api.qualified_scopes() } else { qualified }
}

/// The scope's name within our API, whichever spelling qualifies it; `None` for another resource's scope.
fn short_name<'a>(scope: &'a str, api: &ApiApp) -> Option<&'a str> {
    for prefix in api.scope_prefixes() {
        let rest = scope.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
        if let Some(name) = rest {
            // `{uri}//name` is how a scope of a URI with a trailing slash is written.
            let name = name.strip_prefix('/').unwrap_or(name);
            return (!name.is_empty() && !name.contains('/')).then_some(name);
        }
    }
    (!scope.contains("://") && !scope.contains('/')).then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::entra::registration::ClientId;

    const GUID: &str = "a0000000-0000-4000-8000-000000000001";
    const TAIL: &str = " openid profile offline_access";

    fn api(scopes: &[&str]) -> ApiApp {
        ApiApp::new(ClientId::parse(GUID).unwrap())
            .with_identifier_uris(["api://tools"])
            .unwrap()
            .with_scopes(scopes.iter().copied())
            .unwrap()
    }

    #[test]
    fn every_request_becomes_one_qualified_resource() {
        let named = api(&["access"]);
        for (requested, expected) in [
            (None, "api://tools/access"),
            (Some(""), "api://tools/access"),
            (Some("openid email profile"), "api://tools/access"),
            (Some("offline_access"), "api://tools/access"),
            (Some("openid address phone"), "api://tools/access"),
            (Some("access"), "api://tools/access"),
            (Some("access access"), "api://tools/access"),
            (Some("api://tools/access"), "api://tools/access"),
            (Some("api://a0000000-0000-4000-8000-000000000001/access"), "api://tools/access"),
            (Some("a0000000-0000-4000-8000-000000000001/access"), "api://tools/access"),
            (Some("api://tools//access"), "api://tools/access"),
            (Some("access admin"), "api://tools/access api://tools/admin"),
            (Some("api://tools/.default access"), "api://tools/access"),
            (Some("api://tools/.default"), "api://tools/.default"),
            (Some("https://graph.microsoft.com/User.Read"), "api://tools/access"),
            (Some("https://graph.microsoft.com/User.Read access"), "api://tools/access"),
            (Some("api://other/access"), "api://tools/access"),
            (Some("  access\t offline_access "), "api://tools/access"),
        ] {
            let repaired = repaired(requested, &named);
            let email = if requested.is_some_and(|r| r.contains("email")) { " email" } else { "" };
            assert_eq!(repaired, format!("{expected}{TAIL}{email}"), "{requested:?}");
        }
    }

    #[test]
    fn default_never_stands_beside_named_scopes_70011() {
        for requested in
            ["api://tools/.default access", "access .default", "api://tools/.default api://tools/admin"]
        {
            for api in [api(&[]), api(&["access"])] {
                let repaired = repaired(Some(requested), &api);
                let of_api: Vec<_> = repaired.split(' ').filter(|s| s.starts_with("api://")).collect();
                let has_default = of_api.iter().any(|scope| scope.ends_with("/.default"));
                assert!(!has_default || of_api.len() == 1, "{repaired}");
            }
        }
    }

    #[test]
    fn granted_scopes_are_told_in_the_published_vocabulary() {
        assert_eq!(published("api://tools/access openid profile", &api(&["access"])), ["api://tools/access"]);
        assert_eq!(published("api://tools/access api://tools/.default", &api(&[])), ["api://tools/.default"]);
        assert_eq!(
            published(&format!("{GUID}/access {GUID}/admin"), &api(&["access"])),
            ["api://tools/access", "api://tools/admin"]
        );
    }
}
