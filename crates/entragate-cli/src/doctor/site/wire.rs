//! How the doctor talks HTTP: time-outs, a size limit, no redirects (a strict client follows none), and errors that say
//! which part of the way is broken.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect;
use url::{Host, Url};

/// Largest answer that is read.
const MAX_ANSWER: usize = 2 * 1024 * 1024;

/// What was answered.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct Answer {
    pub(in crate::doctor) status: StatusCode,
    pub(in crate::doctor) headers: HeaderMap,
    pub(in crate::doctor) body: Bytes,
}

impl Answer {
    pub(in crate::doctor) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(in crate::doctor) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// Which part of the way is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum Broken {
    /// The name has no address.
    Name,
    /// The certificate or the handshake.
    Tls,
    /// Nothing listens, or something between refuses.
    Connection,
    /// No answer in time.
    Time,
    /// Something else than HTTP, or an answer without end.
    Answer,
}

/// Why nobody could be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct WireError {
    pub(in crate::doctor) broken: Broken,
    text: String,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl WireError {
    pub(super) fn of(broken: Broken, text: impl Into<String>) -> Self {
        Self { broken, text: text.into() }
    }

    /// What to look at.
    pub(in crate::doctor) const fn hint(&self) -> &'static str {
        match self.broken {
            Broken::Name => "check the host name, and that this machine's DNS knows it",
            Broken::Tls => {
                "check the certificate: it must name this host, be in date and come from an authority that this machine trusts; \
                 a proxy that opens TLS needs its authority in the system's trust store"
            }
            Broken::Connection => {
                "check that it runs and listens there, the port, the firewall and HTTPS_PROXY"
            }
            Broken::Time => "check the firewall and HTTPS_PROXY: nothing came back in time",
            Broken::Answer => "check the port: what listens there does not speak HTTP as expected",
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct Question {
    pub(in crate::doctor) method: Method,
    pub(in crate::doctor) url: String,
    pub(in crate::doctor) headers: Vec<(&'static str, String)>,
    pub(in crate::doctor) body: String,
}

impl Question {
    pub(in crate::doctor) fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: String::new() }
    }

    pub(in crate::doctor) fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url).header("accept", "application/json")
    }

    pub(in crate::doctor) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(in crate::doctor) fn form(url: impl Into<String>, pairs: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let question =
            Self::new(Method::POST, url).header("content-type", "application/x-www-form-urlencoded");
        Self { body, ..question.header("accept", "application/json") }
    }

    pub(in crate::doctor) fn json(url: impl Into<String>, body: &serde_json::Value) -> Self {
        let question = Self::new(Method::POST, url).header("content-type", "application/json");
        Self { body: body.to_string(), ..question.header("accept", "application/json, text/event-stream") }
    }
}

/// The clients: one with the system's proxy settings, one for this machine, which no proxy reaches.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct Wire {
    outside: reqwest::Client,
    here: reqwest::Client,
}

impl Wire {
    pub(in crate::doctor) fn new() -> Result<Self, reqwest::Error> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self { outside: build(builder())?, here: build(builder().no_proxy())? })
    }

    pub(in crate::doctor) async fn ask(&self, question: &Question) -> Result<Answer, WireError> {
        let client = if is_here(&question.url) { &self.here } else { &self.outside };
        let mut request = client.request(question.method.clone(), &question.url);
        for (name, value) in &question.headers {
            request = request.header(*name, value);
        }
        if !question.body.is_empty() {
            request = request.body(question.body.clone());
        }
        let mut response = request.send().await.map_err(wire_error)?;
        let (status, headers) = (response.status(), response.headers().clone());
        // A stream has no end, and nothing in it is of interest.
        let is_stream =
            headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let mut body = BytesMut::new();
        while !is_stream && let Some(chunk) = response.chunk().await.map_err(wire_error)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                let text = format!("the answer is larger than {MAX_ANSWER} bytes");
                return Err(WireError { broken: Broken::Answer, text });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }
}

fn builder() -> reqwest::ClientBuilder {
    #[expect(
        clippy::disallowed_methods,
        reason = "the doctor's own client: time-outs, no redirects, explicit TLS provider"
    )]
    let builder = reqwest::Client::builder();
    builder
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(15))
        .redirect(redirect::Policy::none())
        .user_agent(concat!("entragate-doctor/", env!("CARGO_PKG_VERSION")))
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, reqwest::Error> {
    builder.build()
}

/// Whether a URL is on this machine.
pub(in crate::doctor) fn is_here(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn wire_error(error: reqwest::Error) -> WireError {
    // Without the URL: its query must not reach a terminal.
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    let lower = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let broken = if error.is_timeout() {
        Broken::Time
    } else if says(&["dns error", "lookup address", "name or service not known"]) {
        Broken::Name
    } else if says(&["certificate", "handshake", "tls", "unknownissuer"]) {
        Broken::Tls
    } else if error.is_connect() || says(&["connection refused", "unreachable", "connection reset"]) {
        Broken::Connection
    } else {
        Broken::Answer
    };
    WireError { broken, text }
}
