//! The client: retries, paging and typed answers.

use std::collections::HashSet;
use std::time::Duration;

use entragate::Secret;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::GraphError;
use super::http::{Answer, Http};
use super::patience::Patience;
use super::request::Request;
use super::url::GraphUrl;

/// Pages that are followed: with 100 objects a page, more than any list that is asked for.
const MAX_PAGES: usize = 200;

/// Microsoft Graph, with a token for it.
#[derive(Debug, Clone)]
pub struct Graph {
    http: Http,
    url: GraphUrl,
    token: Secret,
    patience: Patience,
}

/// Whether a 404 may mean that Graph has not heard of it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replicating {
    No,
    Maybe,
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

impl Graph {
    /// Graph at `url`.
    pub fn new(http: Http, url: GraphUrl, token: Secret) -> Self {
        Self { http, url, token, patience: Patience::default() }
    }

    /// With other waits between tries.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Where it is.
    pub fn url(&self) -> &GraphUrl {
        &self.url
    }

    /// Reads one object.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GraphError> {
        let request = Request::get(path);
        let answer = self.patiently(&request, Replicating::No).await?;
        parse(&request, &answer)
    }

    /// Reads one object that may be missing.
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, GraphError> {
        match self.get(path).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a list with all its pages.
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, GraphError> {
        let mut request = Request::get(path);
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        for _ in 0..MAX_PAGES {
            let answer = self.patiently(&request, Replicating::No).await?;
            let Page { value, next } = parse(&request, &answer)?;
            all.extend::<Vec<T>>(value);
            let Some(next) = next else { return Ok(all) };
            let Some(path) = self.url.strip(&next).filter(|path| seen.insert((*path).to_owned())) else {
                return Err(GraphError::ForeignPage { request: request.name() });
            };
            request = Request::get(path);
        }
        Err(GraphError::TooManyPages { request: request.name(), pages: MAX_PAGES })
    }

    /// Sends a request once it can succeed: also waits while Graph has not heard yet of what it needs. The answer is
    /// `null` where Graph says nothing.
    pub async fn send(&self, request: &Request) -> Result<Value, GraphError> {
        let answer = self.patiently(request, Replicating::Maybe).await?;
        if answer.body.is_empty() { Ok(Value::Null) } else { parse(request, &answer) }
    }

    /// Sends a request about something that is there or gone: a 404 is an answer.
    pub async fn send_once(&self, request: &Request) -> Result<Value, GraphError> {
        let answer = self.patiently(request, Replicating::No).await?;
        if answer.body.is_empty() { Ok(Value::Null) } else { parse(request, &answer) }
    }

    async fn patiently(&self, request: &Request, replicating: Replicating) -> Result<Answer, GraphError> {
        let mut tried = 0;
        loop {
            let answer = match self.once(request).await {
                Ok(answer) if answer.status.is_success() => return Ok(answer),
                other => other,
            };
            let (error, asked, worth_it) = match answer {
                Ok(answer) => {
                    let worth_it = is_worth_it(request, answer.status);
                    (GraphError::refused(request, &answer), retry_after(&answer.headers), worth_it)
                }
                // A creation may have arrived although the answer did not.
                Err(error) => (error, None, request.method.may_repeat()),
            };
            let not_yet = replicating == Replicating::Maybe
                && error.as_refused().is_some_and(super::error::Refused::is_replication);
            let wait = if worth_it || not_yet { self.patience.wait(tried, asked) } else { None };
            let Some(wait) = wait else { return Err(error) };
            tracing::debug!(target: "entragate::graph", reason = %error, ?wait, "asking Graph again");
            tokio::time::sleep(wait).await;
            tried += 1;
        }
    }

    async fn once(&self, request: &Request) -> Result<Answer, GraphError> {
        let unreachable = |source| GraphError::Unreachable { request: request.name(), source };
        let unusable =
            |reason: &str| GraphError::Unreadable { request: request.name(), reason: reason.to_owned() };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))
            .map_err(|_| unusable("the token cannot be a header"))?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, bearer),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        if let Some(prefer) = request.prefer {
            headers.insert("prefer", HeaderValue::from_static(prefer));
        }
        let body = request.body.as_ref().map(|body| body.to_string().into_bytes());
        let method = http::Method::from_bytes(request.method.as_str().as_bytes())
            .map_err(|_| unusable("the method cannot be sent"))?;
        self.http.send(method, &self.url.join(&request.path), headers, body).await.map_err(unreachable)
    }
}

/// Whether the same request may succeed later. A throttled one was not carried out; of one that Graph lost on the way
/// nobody knows, and a second creation would be a second object.
fn is_worth_it(request: &Request, status: StatusCode) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT | StatusCode::INTERNAL_SERVER_ERROR => {
            request.method.may_repeat()
        }
        _ => false,
    }
}

/// Seconds; Graph does not use the date form (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn parse<T: DeserializeOwned>(request: &Request, answer: &Answer) -> Result<T, GraphError> {
    // Only the parser's words: the answer itself may hold a secret.
    serde_json::from_slice(&answer.body).map_err(|error| GraphError::Unreadable {
        request: request.name(),
        reason: format!("line {}, column {} is not what Graph documents", error.line(), error.column()),
    })
}
