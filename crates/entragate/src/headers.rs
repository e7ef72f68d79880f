//! Headers that may not reach the MCP server as the client sent them: credentials, and everything that
//! could be mistaken for the identity the gateway vouches for.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, FORWARDED, HeaderName, PROXY_AUTHORIZATION};

/// Prefixes of headers by which proxies and platforms tell a server who calls.
const PREFIXES: [&str; 25] = [
    "x-forwarded-",
    "x-entra-",
    "x-entragate-",
    "x-ms-",   // App Service and its siblings
    "x-auth-", // oauth2-proxy (`x-auth-request-`), Louketo (`x-auth-userid`, `x-auth-token`)
    "x-user-",
    "x-authenticated-",
    "remote-",
    "x-remote-",
    "x-webauth-",
    "x-authentik-",
    "x-authelia-",
    "x-vouch-",
    "x-pomerium-",
    "x-consumer-",
    "x-credential-",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-amzn-oidc-",
    "x-amzn-mtls-", // Application Load Balancer
    "cf-access-",
    "tailscale-user-",
    "ssl-client-",
    "x-ssl-client-",
    "oidc-", // mod_auth_openidc: `OIDC_CLAIM_sub`
];
const NAMES: [&str; 29] = [
    "dpop",
    "client-cert", // RFC 9440
    "client-cert-chain",
    "kubeflow-userid",
    "x-real-ip",
    "x-user",
    "x-client-cert",
    "x-client-dn",
    "x-client-verify",
    "x-arr-clientcert",        // App Service
    "x-endpoint-api-userinfo", // Google Cloud Endpoints and API Gateway
    "x-apigateway-api-userinfo",
    "x-authorization",
    "x-access-token",
    "x-id-token",
    "x-original-url",
    "x-rewrite-url",
    "x-email",
    "x-roles",
    "x-role",
    "x-groups",
    "x-userid",
    "x-userinfo",
    "x-username",
    "x-client-ip",
    "true-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Headers that are checked or set on the way and may not come in a second spelling.
const ONE_SPELLING: [&str; 6] =
    ["content-encoding", "content-length", "content-type", "host", "last-event-id", "transfer-encoding"];

/// Removes them, also where another character stands for `-`: WSGI and CGI servers cannot tell `X_Forwarded_User` from
/// `X-Forwarded-User`, nor `Mcp_Session_Id` from the session id that was checked, and some (PHP, Apache before 2.4) take
/// every character that is no letter or digit for `_`.
pub(crate) fn remove_untrusted(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    // Normally empty, then nothing is allocated.
    let untrusted: Vec<HeaderName> = headers.keys().filter(|name| is_untrusted(name)).cloned().collect();
    for name in untrusted {
        headers.remove(name);
    }
}

/// What the names in the lists begin with; most headers of a call begin with something else.
const INITIALS: &[u8] = b"cdkorstx";

fn is_listed(name: &str) -> bool {
    name.as_bytes().first().is_some_and(|initial| INITIALS.contains(initial))
        && (NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

fn is_untrusted(name: &HeaderName) -> bool {
    if [&AUTHORIZATION, &PROXY_AUTHORIZATION, &COOKIE, &FORWARDED].contains(&name) {
        return true;
    }
    let name = name.as_str();
    let is_odd = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    if !name.contains(is_odd) {
        return is_listed(name);
    }
    let dashed = name.replace(is_odd, "-");
    is_listed(&dashed)
        || dashed.starts_with("mcp-")
        || ONE_SPELLING.contains(&dashed.as_str())
        || ["authorization", "proxy-authorization", "cookie", "forwarded"].contains(&dashed.as_str())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn identity_cannot_be_brought_along_in_any_spelling() {
        for name in [
            "authorization",
            "cookie",
            "dpop",
            "forwarded",
            "x-forwarded-user",
            "x_forwarded_user",
            "x-forwarded_groups",
            "x-forwarded-for",
            "x-entra-object-id",
            "x-ms-client-principal-id",
            "x-ms-token-aad-access-token",
            "x-auth-request-email",
            "remote-user",
            "remote_user",
            "x-user-id",
            "mcp_session_id",
            "x.forwarded.user",
            "x~forwarded!user",
            "mcp*session|id",
            "content'type",
            "client-cert",
            "client_cert_chain",
            "x-arr-clientcert",
            "oidc_claim_sub",
            "x-auth-userid",
            "x-vouch-user",
            "x-username",
            "x_userid",
            "x-authelia-x",
            "x-endpoint-api-userinfo",
            "x-apigateway-api-userinfo",
            "x-amzn-mtls-clientcert",
            "kubeflow-userid",
            "x-authorization",
            "x-access-token",
            "x-id-token",
            "x-client-dn",
            "x-client-verify",
            "x-http-method",
            "x-roles",
            "x-http-method-override",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_static("mallory"),
            );
            remove_untrusted(&mut headers);
            assert!(headers.is_empty(), "{name} got through");
        }
    }

    #[test]
    fn no_listed_name_is_missed_for_its_initial() {
        for name in PREFIXES.iter().chain(&NAMES) {
            assert!(is_listed(name), "{name}");
        }
    }

    #[test]
    fn everything_else_passes() {
        for name in [
            "mcp-session-id",
            "mcp-param-x",
            "traceparent",
            "accept",
            "last-event-id",
            "x-custom",
            "user-agent",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("v"));
            remove_untrusted(&mut headers);
            assert_eq!(headers.len(), 1, "{name} was removed");
        }
    }
}
