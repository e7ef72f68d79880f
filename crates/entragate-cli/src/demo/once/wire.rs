//! The HTTP client of the played client. It takes no part in redirects and proxies: everything is on loopback.

use std::time::Duration;

use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRequest};
use tokio::sync::watch;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Builds the client.
pub(super) fn http() -> anyhow::Result<reqwest::Client> {
    #[expect(clippy::disallowed_methods, reason = "a client of the gateway, not the gateway's own")]
    let builder = reqwest::Client::builder();
    Ok(builder
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .build()?)
}

/// Carries the OAuth requests of rmcp and remembers the last answer, which is what explains a failure.
#[derive(Clone)]
pub(super) struct Wire {
    http: reqwest::Client,
    last: watch::Sender<String>,
}

impl Wire {
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self { http, last: watch::Sender::new("nothing was sent".to_owned()) }
    }

    /// The last request and its answer.
    pub(super) fn last(&self) -> String {
        self.last.borrow().clone()
    }

    async fn exchange(
        &self,
        request: OAuthHttpRequest,
    ) -> Result<http::Response<Vec<u8>>, OAuthHttpClientError> {
        let request = reqwest::Request::try_from(request.request)?;
        let asked = format!("{} {}", request.method(), request.url());
        self.last.send_replace(format!("{asked}: no answer"));
        let answer = self.http.execute(request).await?;
        let status = answer.status();
        let mut response = http::Response::builder().status(status);
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let body = answer.bytes().await?.to_vec();
        self.last.send_replace(format!("{asked}: {status}\n{}", String::from_utf8_lossy(&body)));
        Ok(response.body(body)?)
    }
}

impl OAuthHttpClient for Wire {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
                Ok(answer) => answer,
                Err(elapsed) => Err(elapsed.into()),
            }
        })
    }
}
