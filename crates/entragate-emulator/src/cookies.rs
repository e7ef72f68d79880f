//! The session cookie.

use http::HeaderMap;
use http::header::COOKIE;

const NAME: &str = "ESTSAUTH";

/// The session's key, if the browser sent one.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value)
}

/// `Set-Cookie` for a session.
pub(crate) fn set(key: &str, base: &str) -> String {
    format!("{NAME}={key}; Path=/; HttpOnly; {}", reach(base))
}

/// `Set-Cookie` that ends the session.
pub(crate) fn clear(base: &str) -> String {
    format!("{NAME}=; Path=/; HttpOnly; {}; Max-Age=0", reach(base))
}

/// As Entra's: single-page apps renew their tokens in a hidden frame of another site. Without TLS no browser allows that.
fn reach(base: &str) -> &'static str {
    if base.starts_with("https:") { "SameSite=None; Secure" } else { "SameSite=Lax" }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::COOKIE;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(super::session(&headers), None);
        headers.append(COOKIE, "a=b; XESTSAUTH=no".parse().expect("a header value"));
        headers.append(COOKIE, "c; ESTSAUTH=key".parse().expect("a header value"));
        assert_eq!(super::session(&headers), Some("key"));
    }
}
