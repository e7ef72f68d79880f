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
/// OpenID scopes that Entra lacks: it would look them up on Microsoft Graph (AADSTS650053).
const LACKING: [&str; 2] = ["address", "phone"];

/// The `scope` to send to Entra.
pub(crate) fn repaired(requested: Option<&str>, api: &ApiApp) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut wants_default = false;
    let mut extra_oidc: Vec<&str> = Vec::new();
    for scope in requested.unwrap_or_default().split_ascii_whitespace() {
        if OIDC.contains(&scope) {
            if !ALWAYS.contains(&scope) && !LACKING.contains(&scope) && !extra_oidc.contains(&scope) {
                extra_oidc.push(scope);
            }
            continue;
        }
        match short_name(scope, api) {
            Some(".default") => wants_default = true,
            Some(name) if !names.contains(&name) => names.push(name),
            _ => {}
        }
    }
    let resource = api.identifier_uri();
    let mut parts: Vec<String> = if names.is_empty() && !wants_default {
        api.qualified_scopes()
    } else if names.is_empty() || (wants_default && api.required_scopes().is_empty()) {
        // `.default` already contains every named permission, and must stand alone (AADSTS70011).
        vec![format!("{resource}/.default")]
    } else {
        names.iter().map(|name| format!("{resource}/{name}")).collect()
    };
    parts.extend(ALWAYS.iter().chain(&extra_oidc).map(|&scope| scope.to_owned()));
    parts.join(" ")
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
        .filter(|name| **name != ".default")
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
