//! The browser: opens the authorization URL and follows redirects until one leads to the client's callback.

use anyhow::Context as _;
use http::header::LOCATION;
use url::Url;

/// The gateway, Entra, the callback; a few more would be pages between.
const MOST_REDIRECTS: usize = 6;

/// Where the client waits for the browser. Nothing listens there: the redirect is read, not followed.
pub(super) const CALLBACK: &str = "http://127.0.0.1:33419/callback";

/// Signs in as the user with this name and returns the URL of the callback, code and all.
pub(super) async fn sign_in(http: &reqwest::Client, authorize: &str, upn: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(authorize)?;
    url.query_pairs_mut().append_pair("login_hint", upn);
    for _ in 0..MOST_REDIRECTS {
        let page = http.get(url.clone()).send().await?;
        let Some(location) = page.headers().get(LOCATION) else {
            let status = page.status();
            anyhow::bail!("{} {status} is a page, no redirect:\n{}", url.path(), page.text().await?);
        };
        url = url.join(location.to_str().context("the redirect is no text")?)?;
        if url.as_str().starts_with(CALLBACK) {
            let has_code = url.query_pairs().any(|(name, _)| name == "code");
            anyhow::ensure!(has_code, "the browser came back without a code: {url}");
            return Ok(url.into());
        }
    }
    anyhow::bail!("still redirected after {MOST_REDIRECTS} pages, now to {url}")
}
