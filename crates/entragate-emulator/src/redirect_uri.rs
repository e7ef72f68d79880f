//! Which redirect URIs match: exact, except for the port of a loopback host.

use crate::directory::App;
use crate::errors::Refusal;
use crate::grants::Platform;

/// A redirect URI that belongs to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matched {
    /// Where answers go: as sent, with a `/` where there is no path.
    pub(crate) target: String,
    pub(crate) platform: Platform,
}

/// Matches what was sent; without it, the service picks a registered one.
pub(crate) fn resolve(app: &App, sent: Option<&str>) -> Result<Matched, Refusal> {
    if sent.is_some_and(|uri| Parts::of(uri).is_none()) {
        return Err(Refusal::RedirectMalformed);
    }
    let web = app.web_redirect_uris.iter().map(|uri| (uri, Platform::Web));
    let spa = app.spa_redirect_uris.iter().map(|uri| (uri, Platform::Spa));
    let public = app.public_redirect_uris.iter().map(|uri| (uri, Platform::Public));
    let mut registered = web.chain(spa).chain(public).peekable();
    let Some((first, first_platform)) = registered.peek() else { return Err(Refusal::NoReplyAddress) };
    let (uri, platform) = match sent {
        None => (first.as_str(), *first_platform),
        Some(sent) => {
            let found = registered.find(|(uri, platform)| matches(sent, uri, *platform));
            let mismatch = || Refusal::RedirectMismatch { uri: sent.to_owned(), client: app.id.clone() };
            (sent, found.ok_or_else(mismatch)?.1)
        }
    };
    Ok(Matched { target: with_path(uri), platform })
}

fn matches(sent: &str, registered: &str, platform: Platform) -> bool {
    if sent == registered {
        return true;
    }
    let (Some(sent), Some(registered)) = (Parts::of(sent), Parts::of(registered)) else { return false };
    let port_ignored = match registered.host.to_ascii_lowercase().as_str() {
        "localhost" => true,
        // Documented for localhost only; in practice native apps get it for 127.0.0.1 as well.
        "127.0.0.1" => platform == Platform::Public,
        _ => false,
    };
    sent.scheme.eq_ignore_ascii_case(registered.scheme)
        && sent.host.eq_ignore_ascii_case(registered.host)
        && !sent.host.is_empty()
        && (port_ignored || sent.port == registered.port)
        && sent.rest_or_slash() == registered.rest_or_slash()
}

fn with_path(uri: &str) -> String {
    match Parts::of(uri) {
        Some(parts) if parts.is_web() && !parts.rest.starts_with('/') => {
            let at = uri.len() - parts.rest.len();
            format!("{}/{}", &uri[..at], &uri[at..])
        }
        _ => uri.to_owned(),
    }
}

/// An absolute URI cut into the pieces that are compared; nothing is decoded or normalised.
struct Parts<'a> {
    scheme: &'a str,
    /// Empty for URIs without an authority.
    host: &'a str,
    port: Option<&'a str>,
    /// Path, query and fragment.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, after) = uri.split_once(':')?;
        let starts_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !starts_well || !scheme.bytes().all(allowed) || after.is_empty() {
            return None;
        }
        let Some(hierarchical) = after.strip_prefix("//") else {
            let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
            return (!web).then_some(Self { scheme, host: "", port: None, rest: after });
        };
        let end = hierarchical.find(['/', '?', '#']).unwrap_or(hierarchical.len());
        let (authority, rest) = hierarchical.split_at(end);
        if authority.is_empty() {
            return None;
        }
        // A userinfo stays part of the host, so it never equals a registered one.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if is_port(port) => (host, Some(port)),
            _ => (authority, None),
        };
        Some(Self { scheme, host, port, rest })
    }

    fn is_web(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("http") || self.scheme.eq_ignore_ascii_case("https")
    }

    /// `http://localhost` and `http://localhost/` are the same resource, and Entra answers to the latter.
    fn rest_or_slash(&self) -> &'a str {
        if self.rest.is_empty() { "/" } else { self.rest }
    }
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::resolve;
    use crate::directory::App;
    use crate::errors::Refusal;
    use crate::grants::Platform;

    fn app() -> App {
        App {
            public_redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback", "app:/done"]
                .map(str::to_owned)
                .to_vec(),
            web_redirect_uris: ["https://plain.test", "http://127.0.0.1/web"].map(str::to_owned).to_vec(),
            ..App::default()
        }
    }

    proptest! {
        #[test]
        fn whatever_matches_keeps_the_registered_path(
            uri in "(?i:https?|app)://?(localhost|127\\.0\\.0\\.1|[a-z.@:\\[\\]]{0,12})(:[0-9]{0,6})?[/a-z?#]{0,12}"
        ) {
            if let Ok(matched) = resolve(&app(), Some(&uri)) {
                let known = ["/callback", "/web", "https://plain.test/", "app:/done"];
                assert!(known.iter().any(|end| matched.target.ends_with(end)), "{uri}");
            }
        }
    }

    #[test]
    fn the_port_of_loopback_hosts_is_ignored() {
        for uri in
            ["http://localhost/callback", "HTTP://LOCALHOST:65535/callback", "http://127.0.0.1:9/callback"]
        {
            let matched = resolve(&app(), Some(uri)).expect("it matches");
            assert_eq!((matched.target.as_str(), matched.platform), (uri, Platform::Public));
        }
        for uri in [
            "http://localhost:65536/callback",
            "http://localhost:/callback",
            "http://localhost:1:2/callback",
            "http://localhost@evil.test/callback",
            "http://evil@localhost/callback",
            "http://[::1]/callback",
            "http://127.0.0.1:9/web",
            "http://localhost/callback#x",
            "http://localhost/%63allback",
            "APP:/done",
            "https://plain.test:443/",
        ] {
            assert!(matches!(resolve(&app(), Some(uri)), Err(Refusal::RedirectMismatch { .. })), "{uri}");
        }
    }

    #[test]
    fn a_missing_path_becomes_a_slash() {
        assert_eq!(resolve(&app(), None).map(|matched| matched.target), Ok("https://plain.test/".to_owned()));
        assert_eq!(
            resolve(&app(), Some("app:/done")).map(|matched| matched.target),
            Ok("app:/done".to_owned())
        );
    }

    #[test]
    fn what_is_no_absolute_uri_is_malformed() {
        for uri in ["foo", "/x", "//h/x", ":x", "1a:x", "http:", "http:x", "http://", "http:///x", "ä:x"] {
            assert_eq!(resolve(&app(), Some(uri)), Err(Refusal::RedirectMalformed), "{uri}");
        }
        assert_eq!(resolve(&App::default(), None), Err(Refusal::NoReplyAddress));
    }
}
