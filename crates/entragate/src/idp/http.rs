//! The outbound HTTP client for calls to Entra, and its sibling for the machine's own token endpoint.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use reqwest::redirect;

use crate::idp::entra::registration::AuthorityHost;
use crate::secret::Secret;

/// Largest answer that is read; a discovery document is about 2 KiB, a key set about 15 KiB.
const MAX_ANSWER: usize = 1024 * 1024;

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("request failed: {}", chain(.0))]
    Transport(#[source] reqwest::Error),
    #[error("answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: http::StatusCode,
    pub(crate) retry_after: Option<http::HeaderValue>,
    pub(crate) body: Bytes,
}

/// A client with time-outs, without redirects (a redirected discovery document would move trust to another
/// host), with the system's trust store and, unless [`Outbound::direct`], its proxy settings.
#[derive(Debug, Clone)]
pub(crate) struct Outbound(reqwest::Client);

impl Outbound {
    pub(crate) fn new(authority: &AuthorityHost) -> Result<Self, OutboundError> {
        let builder = Self::builder();
        // A company's proxy cannot reach an emulator on this machine.
        let builder = if authority.is_loopback() { builder.no_proxy() } else { builder };
        Self::build(builder, Duration::from_secs(5), Duration::from_secs(15))
    }

    /// Past every proxy and with less patience: for what is on this machine or one hop away, such as the metadata
    /// service of an Azure VM.
    pub(crate) fn direct() -> Result<Self, OutboundError> {
        Self::build(Self::builder().no_proxy(), Duration::from_secs(2), Duration::from_secs(10))
    }

    fn builder() -> reqwest::ClientBuilder {
        // The embedder may have installed a provider already; then theirs is used, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the one place that builds the outbound client")]
        reqwest::Client::builder()
    }

    fn build(
        builder: reqwest::ClientBuilder,
        connect: Duration,
        whole: Duration,
    ) -> Result<Self, OutboundError> {
        builder
            .connect_timeout(connect)
            .timeout(whole)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("entragate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(OutboundError::Transport)
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Answer, OutboundError> {
        self.get_with(url, HeaderMap::new()).await
    }

    pub(crate) async fn get_with(&self, url: &str, headers: HeaderMap) -> Result<Answer, OutboundError> {
        let request = self.0.get(url).header(http::header::ACCEPT, "application/json").headers(headers);
        Self::read(request.send().await).await
    }

    /// Posts a form. Nothing but the form goes out: no `Origin` (AADSTS9002326), no cookies, no credentials.
    pub(crate) async fn post_form(&self, url: &str, form: String) -> Result<Answer, OutboundError> {
        let request = self
            .0
            .post(url)
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        Self::read(request.send().await).await
    }

    /// Posts JSON as the bearer of a token.
    pub(crate) async fn post_json(
        &self,
        url: &str,
        bearer: &Secret,
        body: &'static str,
    ) -> Result<Answer, OutboundError> {
        let request = self
            .0
            .post(url)
            .bearer_auth(bearer.expose())
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body);
        Self::read(request.send().await).await
    }

    async fn read(response: Result<reqwest::Response, reqwest::Error>) -> Result<Answer, OutboundError> {
        // `without_url`: an error text must not carry query parameters into a log.
        let mut response = response.map_err(|e| OutboundError::Transport(e.without_url()))?;
        let status = response.status();
        let retry_after = response.headers().get(http::header::RETRY_AFTER).cloned();
        let mut body = BytesMut::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|e| OutboundError::Transport(e.without_url()))?
        {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after, body: body.freeze() })
    }
}

/// An error with its causes on one line: "connection refused" is three levels down.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
