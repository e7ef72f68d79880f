//! The browser: opens the authorization URL, follows redirects until one leads to the client's callback, keeps cookies and
//! allows the application on the gateway's consent page.

use std::collections::BTreeMap;

use anyhow::Context as _;
use http::HeaderMap;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

/// The gateway, its consent page, Entra, the gateway's callback, the client's; a few more would be pages between.
const MOST_REDIRECTS: usize = 8;

/// Where the client waits for the browser. Nothing listens there: the redirect is read, not followed.
pub(super) const CALLBACK: &str = "http://127.0.0.1:33419/callback";

/// Signs in as the user with this name and returns the URL of the callback, code and all.
pub(super) async fn sign_in(http: &reqwest::Client, authorize: &str, upn: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(authorize)?;
    url.query_pairs_mut().append_pair("login_hint", upn);
    let mut cookies = BTreeMap::new();
    let mut request = http.get(url.clone());
    for _ in 0..MOST_REDIRECTS {
        let page = request.header(COOKIE, header(&cookies)).send().await?;
        keep(page.headers(), &mut cookies);
        let (status, location) = (page.status(), page.headers().get(LOCATION).cloned());
        let Some(location) = location else {
            let html = page.text().await?;
            let Some(form) = consent(&html) else {
                anyhow::bail!("{} {status} is a page, no redirect:\n{html}", url.path());
            };
            url = url.join("consent")?;
            request = http.post(url.clone()).form(&[("request", form), ("decision", "approve")]);
            continue;
        };
        url = url.join(location.to_str().context("the redirect is no text")?)?;
        if url.as_str().starts_with(CALLBACK) {
            let has_code = url.query_pairs().any(|(name, _)| name == "code");
            anyhow::ensure!(has_code, "the browser came back without a code: {url}");
            return Ok(url.into());
        }
        request = http.get(url.clone());
    }
    anyhow::bail!("still redirected after {MOST_REDIRECTS} pages, now to {url}")
}

/// The sealed request in the form of the consent page.
fn consent(html: &str) -> Option<&str> {
    html.split("name=\"request\" value=\"").nth(1)?.split('"').next()
}

fn header(cookies: &BTreeMap<String, String>) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn keep(headers: &HeaderMap, cookies: &mut BTreeMap<String, String>) {
    for line in headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
        if let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
