//! The HTTP side: what each method of the Streamable HTTP transport means for a process.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use entragate::Permit;
use entragate::policy::call::{Call, Message as Posted};
use http::header::{ALLOW, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::accept::Accepted;
use super::caller::Caller;
use super::guard::Guard;
use super::message::{self, Kind, Message};
use super::outbox::{Item, ItemKind};
use super::refusal::{Refusal, json};
use super::respond::{accepted, answer, events};
use super::session::{Sent, Session};
use super::sessions::Sessions;
use crate::config::StdioConfig;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// What the official SDKs have negotiated since there is the header, which says what `initialize` has agreed on.
const VERSIONS: [&str; 5] = ["2024-10-07", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
/// The first revision without sessions. Revisions are dates, so text order is their order.
const SESSIONLESS: &str = "2026-07-28";

/// A stdio server behind the gateway.
#[derive(Debug, Clone)]
pub(in crate::upstream) struct Stdio(Arc<Sessions>);

impl Stdio {
    pub(in crate::upstream) fn new(config: StdioConfig, longest: usize) -> Self {
        Self(Sessions::new(config, longest))
    }

    /// Answers a permitted request.
    pub(in crate::upstream) async fn answer(&self, permit: Permit, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let outcome = if is_sessionless(&parts.headers, &permit) {
            // Whoever knows only this revision learns here that GET and DELETE are gone, as it says.
            Err(if parts.method == Method::POST { Refusal::Sessionless } else { Refusal::Method })
        } else {
            match parts.method {
                Method::POST => self.post(&permit, &parts.headers, body).await,
                Method::GET => self.get(&permit, &parts.headers),
                Method::DELETE => self.delete(&permit, &parts.headers),
                _ => Err(Refusal::Method),
            }
        };
        outcome.unwrap_or_else(|refusal| {
            tracing::debug!(?refusal, "a request did not reach an MCP server process");
            let mut response = refusal.response(&permit);
            if refusal == Refusal::Method {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
            }
            response
        })
    }

    async fn post(
        &self,
        permit: &Permit,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response<Body>, Refusal> {
        let accepted_kinds = Accepted::of(headers);
        if !accepted_kinds.json && !accepted_kinds.events {
            return Err(Refusal::NotAccepted);
        }
        // In memory already: the layer has judged it, and let no more through than its limit.
        let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| Refusal::Internal)?;
        let messages = message::read(&body).ok_or(Refusal::NoMessage)?;
        let opens = |call: &Call| call.method() == "initialize";
        match permit.message() {
            Posted::Single(call) if opens(call) && call.is_request() => {
                return self.initialize(permit, messages, accepted_kinds).await;
            }
            // Not in a batch (2025-03-26, Lifecycle), and without an id nobody waits for the answer.
            other if other.calls().iter().any(opens) => return Err(Refusal::Initialize),
            _ => {}
        }
        check_version(headers)?;
        let session = self.session(permit, headers)?;
        match session.send(messages).await? {
            Sent::Accepted => Ok(accepted()),
            Sent::Asked(reader, calls) => Ok(answer(reader, calls, accepted_kinds).await),
        }
    }

    /// Starts a process. The session is there once it has answered well.
    async fn initialize(
        &self,
        permit: &Permit,
        messages: Vec<Message>,
        accepted_kinds: Accepted,
    ) -> Result<Response<Body>, Refusal> {
        let opening = self.0.begin(Caller::of(permit.principal())).await?;
        let Sent::Asked(reader, _) = opening.session().send(messages).await? else {
            return Err(Refusal::Initialize);
        };
        // Nothing but the answer comes here before the session is open.
        let first = tokio::time::timeout(self.0.config().start_timeout, reader.items()).await;
        let Some(Item { kind, text }) =
            first.map_err(|_| Refusal::StartTimedOut)?.and_then(|mut items| items.pop_front())
        else {
            return Err(Refusal::NotStarted);
        };
        let is_well = message::read(&text).is_some_and(|all| {
            matches!(all.as_slice(), [Message { kind: Kind::Response { is_error: false, .. }, .. }])
        });
        if kind == ItemKind::Failure {
            let ended = opening.session().ended();
            return Err(ended.map_or(Refusal::NotStarted, Refusal::Ended));
        }
        let mut response = if accepted_kinds.json {
            json(StatusCode::OK, text)
        } else {
            events(VecDeque::from([Item { kind, text }]), reader)
        };
        if is_well {
            let session = opening.opened();
            let id = HeaderValue::try_from(session.id.as_str()).map_err(|_| Refusal::Internal)?;
            response.headers_mut().insert(SESSION, id);
        }
        Ok(response)
    }

    fn get(&self, permit: &Permit, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        if !Accepted::of(headers).events {
            return Err(Refusal::NotAccepted);
        }
        check_version(headers)?;
        let reader = self.session(permit, headers)?.listen()?;
        Ok(events(VecDeque::new(), reader))
    }

    fn delete(&self, permit: &Permit, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        check_version(headers)?;
        let session = self.session(permit, headers)?;
        self.0.end(&session);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    fn session(&self, permit: &Permit, headers: &HeaderMap) -> Result<Arc<Session>, Refusal> {
        let id = headers.get(SESSION).ok_or(Refusal::SessionNeeded)?;
        let id = id.to_str().map_err(|_| Refusal::NoSession)?;
        self.0.find(id, &Caller::of(permit.principal()))
    }

    /// Whether a new session would have a process, as far as that can be known without starting one.
    pub(in crate::upstream) fn startable(&self) -> Result<(), String> {
        self.0.startable()
    }

    /// Has the guard know of every process.
    pub(in crate::upstream) fn guarded_by(&self, guard: &Guard) {
        self.0.guarded_by(guard);
    }

    /// Ends all processes, with an error for whoever waits for an answer.
    pub(in crate::upstream) fn cut(&self) {
        self.0.cut();
    }

    /// Ends all processes and waits until nothing of them is left.
    pub(in crate::upstream) async fn stop(&self) {
        self.0.stop().await;
    }
}

/// From 2025-06-18 on a version that is not supported is 400 (Transports, Protocol Version Header). Absent, it is an older
/// one; of `initialize` it says nothing, because there the body negotiates.
fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_known = |value: &HeaderValue| VERSIONS.iter().any(|known| value == known);
    if headers.get_all(VERSION).iter().all(is_known) { Ok(()) } else { Err(Refusal::Version) }
}

fn is_sessionless(headers: &HeaderMap, permit: &Permit) -> bool {
    let header = headers.get(VERSION).and_then(|version| version.to_str().ok());
    let in_body = permit.message().calls().iter().filter_map(Call::protocol_version);
    header
        .into_iter()
        .chain(in_body)
        .any(|version| version >= SESSIONLESS && version.len() == SESSIONLESS.len())
}
