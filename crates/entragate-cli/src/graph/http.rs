//! The HTTP client for Entra's token endpoint and for Microsoft Graph: time-outs, a size limit, no redirects.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect;
use url::Url;

use super::url::is_local;

/// Largest answer that is read: a page of a hundred applications is below a mebibyte.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, no answer in time, or a broken one.
    #[error("{0}")]
    Transport(String),
    /// Larger than anything that is expected.
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A client with time-outs and without redirects: a redirect would take the token elsewhere.
#[derive(Debug, Clone)]
pub struct Http {
    /// By the proxy of the environment, if there is one.
    outward: reqwest::Client,
    /// For this machine: no proxy can reach it, and none is to see what is sent to it in the clear.
    local: reqwest::Client,
}

impl Http {
    /// A client for everything that is asked.
    pub fn new() -> Result<Self, HttpError> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self { outward: built(builder())?, local: built(builder().no_proxy())? })
    }

    /// Who asks: it depends on the host that is asked, not on the cloud.
    fn to(&self, url: &str) -> &reqwest::Client {
        let is_local = Url::parse(url).is_ok_and(|url| is_local(&url));
        if is_local { &self.local } else { &self.outward }
    }

    /// Gets a JSON document.
    pub async fn get(&self, url: &str) -> Result<Answer, HttpError> {
        read(self.to(url).get(url).header(http::header::ACCEPT, "application/json")).await
    }

    /// Posts a form.
    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, HttpError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .to(url)
            .post(url)
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        read(request).await
    }

    /// Sends a request with a JSON body, if any.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, HttpError> {
        let request = self.to(url).request(method, url).headers(headers);
        read(match body {
            Some(body) => request.header(http::header::CONTENT_TYPE, "application/json").body(body),
            None => request,
        })
        .await
    }
}

fn builder() -> reqwest::ClientBuilder {
    #[expect(
        clippy::disallowed_methods,
        reason = "the client of Microsoft Graph, with all that is asked for"
    )]
    let builder = reqwest::Client::builder();
    builder
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(60))
        .redirect(redirect::Policy::none())
        .user_agent(concat!("entragate/", env!("CARGO_PKG_VERSION")))
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, HttpError> {
    builder.build().map_err(HttpError::transport)
}

impl HttpError {
    /// An error with its causes on one line ("connection refused" is three levels down) and without the URL, whose
    /// query must not reach a log.
    fn transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self::Transport(text)
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<Answer, HttpError> {
    let mut response = request.send().await.map_err(HttpError::transport)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(HttpError::transport)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}
