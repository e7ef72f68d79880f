//! The browser's three cookies (S-04): `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`. On `http://localhost`, where
//! browsers refuse `Secure`, without prefix and attribute.

use std::time::Duration;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response};

use super::transaction::hashed;
use crate::base_url::BaseUrl;

/// Names and attributes for one issuer.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    prefix: &'static str,
    attributes: &'static str,
    /// Tells gateways apart that share a host: below different paths, or on different ports of localhost.
    suffix: String,
}

impl Cookies {
    pub(crate) fn new(base: &BaseUrl) -> Self {
        let tls = base.as_str().starts_with("https:");
        let (prefix, attributes) = if tls {
            ("__Host-entragate-", "; Path=/; Secure; HttpOnly; SameSite=Lax")
        } else {
            ("entragate-", "; Path=/; HttpOnly; SameSite=Lax")
        };
        let suffix = hashed(base.as_str()).chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        Self { prefix, attributes, suffix }
    }

    fn name(&self, what: &str) -> String {
        format!("{}{what}-{}", self.prefix, self.suffix)
    }

    /// The value, if the browser sends exactly one. With two, somebody on a sibling host has planted one.
    pub(crate) fn get(&self, headers: &HeaderMap, what: &str) -> Option<String> {
        let name = self.name(what);
        let mut values = pairs(headers).filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        let value = values.next()?;
        if values.next().is_some() { None } else { Some(value) }
    }

    /// Which cookies of ours begin with `what`.
    pub(crate) fn list(&self, headers: &HeaderMap, what: &str) -> Vec<String> {
        let start = format!("{}{what}", self.prefix);
        let end = format!("-{}", self.suffix);
        let of_ours = |(name, _): (&str, &str)| {
            Some(name.strip_prefix(&start)?.strip_suffix(&end)?).map(|rest| format!("{what}{rest}"))
        };
        pairs(headers).filter_map(of_ours).collect()
    }

    pub(crate) fn set(
        &self,
        response: &mut Response<axum::body::Body>,
        what: &str,
        value: &str,
        life: Duration,
    ) {
        let text = format!("{}={value}; Max-Age={}{}", self.name(what), life.as_secs(), self.attributes);
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }

    pub(crate) fn clear(&self, response: &mut Response<axum::body::Body>, what: &str) {
        self.set(response, what, "", Duration::ZERO);
    }
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(base: &str) -> Cookies {
        Cookies::new(&BaseUrl::parse(base).unwrap())
    }

    #[test]
    fn s_04_cookies_are_host_bound_except_on_plain_localhost() {
        let mut response = Response::new(axum::body::Body::empty());
        cookies("https://mcp.contoso.com").set(&mut response, "browser", "v", Duration::from_secs(5));
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        assert!(set.starts_with("__Host-entragate-browser-"), "{set}");
        assert!(set.ends_with("=v; Max-Age=5; Path=/; Secure; HttpOnly; SameSite=Lax"), "{set}");
        let mut response = Response::new(axum::body::Body::empty());
        cookies("http://localhost:3002").clear(&mut response, "browser");
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        assert!(set.starts_with("entragate-browser-") && !set.contains("Secure"), "{set}");
    }

    #[test]
    fn a_cookie_that_is_there_twice_counts_for_nothing() {
        let cookies = cookies("http://localhost:3002");
        let (name, mut headers) = (cookies.name("browser"), HeaderMap::new());
        headers.insert(COOKIE, format!("a=1; {name}=x; b=2").parse().unwrap());
        assert_eq!(cookies.get(&headers, "browser").as_deref(), Some("x"));
        headers.append(COOKIE, format!("{name}=y").parse().unwrap());
        assert_eq!(cookies.get(&headers, "browser"), None);
        assert_eq!(cookies.list(&headers, "browser"), ["browser", "browser"]);
    }

    #[test]
    fn gateways_on_one_host_do_not_share_cookies() {
        assert_ne!(cookies("http://localhost:3002").name("x"), cookies("http://localhost:3003").name("x"));
        assert_ne!(cookies("https://a.test/one").name("x"), cookies("https://a.test/two").name("x"));
    }
}
