//! Which redirect URIs can be registered ([Microsoft, reply URL restrictions]).
//!
//! [Microsoft, reply URL restrictions]: https://learn.microsoft.com/entra/identity-platform/reply-url

use serde_json::Value;

use super::body;
use super::error::GraphError;
use crate::directory::{App, Audience};
use crate::grants::Platform;

/// The list of a platform, checked.
pub(super) fn read(app: &App, platform: Platform, value: &Value) -> Result<Vec<String>, GraphError> {
    let target = target(platform);
    let uris = body::texts(target, value)?;
    let personal = app.audience == Audience::MultipleOrgsAndPersonal;
    let limit = if personal { 100 } else { 256 };
    if uris.len() > limit {
        return Err(GraphError::invalid_value(target, &format!("there may be {limit} of them.")));
    }
    for (at, uri) in uris.iter().enumerate() {
        if uris[..at].contains(uri) {
            return Err(GraphError::duplicate(target));
        }
        check(uri, platform, personal)
            .map_err(|reason| GraphError::invalid_value(target, &format!("'{uri}' {reason}")))?;
    }
    Ok(uris)
}

fn target(platform: Platform) -> &'static str {
    match platform {
        Platform::Web => "web.redirectUris",
        Platform::Spa => "spa.redirectUris",
        Platform::Public => "publicClient.redirectUris",
    }
}

fn check(uri: &str, platform: Platform, personal: bool) -> Result<(), &'static str> {
    let (scheme, rest) = uri.split_once(':').ok_or("must be an absolute URI.")?;
    let scheme = scheme.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(allowed) {
        return Err("must be an absolute URI.");
    }
    if uri.len() > 256 {
        return Err("must not be longer than 256 characters.");
    }
    if uri.contains(['!', '$', '\'', '(', ')', ',', ';']) || uri.contains(char::is_whitespace) {
        return Err("must have none of ! $ ' ( ) , ; and no spaces.");
    }
    if uri.contains('#') {
        return Err("must have no fragment.");
    }
    if personal && uri.contains(['?', '*']) {
        return Err("may have a query or wildcard only for work and school accounts.");
    }
    if matches!(scheme.as_str(), "http" | "https") {
        return check_web(&scheme, rest);
    }
    match platform {
        Platform::Public => Ok(()),
        Platform::Web | Platform::Spa => Err("must start with https, or with http for localhost."),
    }
}

fn check_web(scheme: &str, rest: &str) -> Result<(), &'static str> {
    let rest = rest.strip_prefix("//").ok_or("must have a host.")?;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.starts_with('[') {
        return Err("must not have an IPv6 address.");
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_ascii_lowercase();
    if host.is_empty() || authority.contains('@') {
        return Err("must have a host.");
    }
    if scheme == "http" && !["localhost", "127.0.0.1"].contains(&host.as_str()) {
        return Err("must start with https; http is for localhost and 127.0.0.1.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::check;
    use crate::grants::Platform::{Public, Spa, Web};

    proptest! {
        #[test]
        fn any_text_is_judged(uri: String, web in "https?:(//)?[a-z\\[@:?/#]{0,9}") {
            check(&uri, Web, false).ok();
            check(&web, Spa, true).ok();
        }
    }

    #[test]
    fn http_is_for_this_machine_and_other_schemes_for_public_clients() {
        for (uri, platform) in [
            ("https://gw.contoso.test/auth/callback", Web),
            ("http://localhost:8080/callback", Web),
            ("http://127.0.0.1/callback", Public),
            ("cursor://anysphere.cursor-mcp/oauth/callback", Public),
            ("urn:ietf:wg:oauth:2.0:oob", Public),
            ("http://localhost:6274/oauth/callback", Spa),
        ] {
            assert_eq!(check(uri, platform, false), Ok(()), "{uri}");
        }
        for (uri, platform) in [
            ("http://gw.contoso.test/callback", Web),
            ("http://localhost.evil.test/callback", Web),
            ("http://localhost@evil.test/", Web),
            ("http://[::1]/callback", Public),
            ("cursor://x", Spa),
            ("cursor://x", Web),
            ("urn:ietf:wg:oauth:2.0:oob", Web),
            ("https://x/#y", Web),
            ("https://x/(y)", Web),
            ("/callback", Public),
            ("https:///x", Web),
        ] {
            assert!(check(uri, platform, false).is_err(), "{uri}");
        }
    }
}
