//! The layer: Host and Origin → size → token → message → headers agree with it → scopes → rules → inner
//! service. Each step can only refuse; what comes out at the end carries a [`Permit`].

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use tower_layer::Layer;
use tower_service::Service;

use crate::discovery::challenge;
use crate::front_door;
use crate::gate::{Gate, Inner};
use crate::headers::remove_untrusted;
use crate::oauth::error::json as json_response;
use crate::open_ended::{End, Opened, end_with_token};
use crate::policy::call::Message;
use crate::policy::decide::{Denial, Forbidden, Reason};
use crate::policy::filter::Filter;
use crate::policy::{mirror, refusal};
use crate::principal::{Permit, Principal};
use crate::response_filter::{AnswerFilter, Asked, filtered};
use crate::session;
use crate::signin::{Leg, leg};
use crate::token::bearer::{Presented, presented};
use crate::token::refused::{Refused, shown};
use crate::token::sealed::{self, SealedError};
use crate::token::verifier::VerifyError;
use crate::unread;

/// Wraps an MCP server so that only permitted requests reach it.
#[derive(Debug, Clone)]
pub struct GateLayer(Gate);

/// The service that [`GateLayer`] makes.
pub type GateService<S> = Guarded<S>;

/// An inner service behind the gate.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    gate: Gate,
    inner: S,
}

impl GateLayer {
    pub(crate) fn new(gate: Gate) -> Self {
        Self(gate)
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded::new(self.0.clone(), inner)
    }
}

impl<S> Guarded<S> {
    pub(crate) fn new(gate: Gate, inner: S) -> Self {
        Self { gate, inner }
    }
}

impl<S, B> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The ready instance is called, its clone waits for the next request (tower's readiness contract).
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let gate = self.gate.clone();
        Box::pin(async move {
            if let Some(mut refusal) = gate.front_door().refuse(&request) {
                // Not readable for the page that asked: its `Origin` is what was refused.
                let (parts, body) = request.into_parts();
                unread::settle(&parts, body, &mut refusal).await;
                return Ok(refusal);
            }
            let origin = request.headers().get(ORIGIN).cloned();
            let mut response = match admit(&gate, request).await {
                Ok(Admitted { request, principal, filter, opened }) => {
                    let mut response = inner.call(request).await?.map(Body::new);
                    session::bind(gate.inner(), &principal, &mut response);
                    if let Some(filter) = filter {
                        response = filtered(response, filter).await;
                    }
                    match opened {
                        Some(opened) => end_with_token(response, opened, end_of(gate.inner(), &principal)),
                        None => response,
                    }
                }
                Err(refusal) => *refusal,
            };
            front_door::allow(response.headers_mut(), origin.as_ref());
            Ok(response)
        })
    }
}

/// A request that may go on, and what its answer must still pass.
struct Admitted {
    request: Request,
    principal: Principal,
    filter: Option<AnswerFilter>,
    opened: Option<Opened>,
}

type Refusal = Box<Response<Body>>;

async fn admit(gate: &Gate, request: Request) -> Result<Admitted, Refusal> {
    let inner = gate.inner();
    if front_door::is_preflight(request.method()) {
        return Err(Box::new(front_door::preflight(request.headers(), request.headers().get(ORIGIN))));
    }
    let (parts, body) = request.into_parts();
    let principal = match check_head(inner, &parts).await {
        Ok(principal) => principal,
        Err(mut refusal) => {
            unread::settle(&parts, body, &mut refusal).await;
            return Err(refusal);
        }
    };
    let (mut request, message) = read_message(inner, parts, body).await?;
    let mirrors = inner.mirrors(request.uri().path());
    mirror::check(request.headers(), &message, mirrors).map_err(|text| header_mismatch(&message, &text))?;
    session::open(inner, &principal, &message, &mut request)?;
    let principal = with_groups(inner, principal, &message).await;
    let permit = decide(inner, &principal, message)?;
    let filter = filter_for(inner, &permit, request.method());
    let opened = Opened::by(request.method(), permit.message());
    remove_untrusted(request.headers_mut());
    if filter.is_some() {
        // What is filtered must be readable.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    request.extensions_mut().insert(principal.clone());
    request.extensions_mut().insert(permit);
    Ok(Admitted { request, principal, filter, opened })
}

/// Before a byte of the body is read.
async fn check_head(inner: &Inner, request: &Parts) -> Result<Principal, Refusal> {
    check_size(inner, request)?;
    let principal = authenticate(inner, request).await?;
    if request.method == Method::POST {
        check_coding(&request.headers)?;
    }
    Ok(principal)
}

fn check_size(inner: &Inner, request: &Parts) -> Result<(), Refusal> {
    let declared =
        request.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > inner.max_body_bytes) { Err(too_large()) } else { Ok(()) }
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn too_large() -> Refusal {
    refusal_json(
        StatusCode::PAYLOAD_TOO_LARGE,
        "invalid_request",
        "The body is larger than this server takes",
    )
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn refusal_json(status: StatusCode, error: &str, text: &str) -> Refusal {
    Box::new(json_response(status, &serde_json::json!({ "error": error, "error_description": text })))
}

async fn authenticate(inner: &Inner, request: &Parts) -> Result<Principal, Refusal> {
    let Some(entra) = &inner.entra else {
        return Ok(Principal::development());
    };
    let token = match presented(&request.headers) {
        Presented::Bearer(token) => token,
        Presented::Nothing => {
            leg!(Leg::Challenge, method = request.method.as_str());
            return Err(Box::new(inner.challenge.sign_in()));
        }
        Presented::Repeated => {
            tracing::warn!(target: "entragate::token", check = "authorization_repeated", "two headers");
            return Err(Box::new(inner.challenge.invalid_request("The Authorization header is repeated")));
        }
        Presented::Unreadable => return Err(refused_token(inner, &Refused::Header)),
    };
    if let Some(broker) = entra.way.broker()
        && sealed::is_sealed(token)
    {
        return broker.tokens.verify(token).await.map_err(|error| match error {
            SealedError::Refused(refused) => refused_token(inner, &refused),
            SealedError::Unavailable(reason) => unjudged(&reason),
        });
    }
    match entra.verifier.verify(token).await {
        Ok(principal) => Ok(principal),
        Err(VerifyError::Refused(refused)) => Err(refused_token(inner, &refused)),
        Err(VerifyError::Unavailable(reason)) => Err(unjudged(&reason)),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn refused_token(inner: &Inner, refused: &Refused) -> Refusal {
    tracing::warn!(target: "entragate::token", check = refused.check(), reason = %refused, "token refused");
    Box::new(inner.challenge.invalid_token(refused.public_text()))
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn unjudged(reason: &dyn std::fmt::Display) -> Refusal {
    tracing::warn!(target: "entragate::token", check = "unavailable", reason = %reason, "token not judged");
    Box::new(challenge::unavailable())
}

/// Reads the message of a POST; other methods carry none and lose a body they should not have.
async fn read_message(inner: &Inner, mut parts: Parts, body: Body) -> Result<(Request, Message), Refusal> {
    if parts.method != Method::POST {
        for of_the_body in [CONTENT_LENGTH, TRANSFER_ENCODING] {
            parts.headers.remove(of_the_body);
        }
        return Ok((Request::from_parts(parts, Body::empty()), Message::Empty));
    }
    let Ok(bytes) = whole(body, inner.max_body_bytes).await else {
        let mut refusal = too_large();
        unread::announce_end(&parts, &mut refusal);
        return Err(refusal);
    };
    let message = Message::parse(&bytes).map_err(|error| {
        let text = shown(&error.to_string());
        tracing::warn!(target: "entragate::policy", reason = text, "message refused");
        let error = serde_json::json!({ "code": error.code(), "message": text });
        let answer = serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error });
        Box::new(json_response(StatusCode::BAD_REQUEST, &answer))
    })?;
    let message = inner.policy.reading(message, &bytes);
    Ok((Request::from_parts(parts, Body::from(bytes)), message))
}

/// The whole body, if it is no longer than `most`. One frame, as nearly all calls are, is not copied.
async fn whole(mut body: Body, most: usize) -> Result<Bytes, axum::BoxError> {
    let first = loop {
        match body.frame().await {
            None => return Ok(Bytes::new()),
            Some(frame) => {
                if let Ok(data) = frame?.into_data() {
                    break data;
                }
            }
        }
    };
    if body.is_end_stream() && first.len() <= most {
        return Ok(first);
    }
    let rest = Limited::new(body, most.saturating_sub(first.len())).collect().await?.to_bytes();
    Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
}

/// The MCP server must read the very characters that were judged: nothing compressed, nothing in another
/// character set (some servers decode `charset=utf-7`, in which other quotation marks appear).
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let refused = |text: &str| Err(refusal_json(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", text));
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return refused("The body must not be compressed: it is judged before it goes on");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (types.next(), types.next());
    if second.is_some() || !first.is_none_or(is_utf8) {
        return refused("The body must be JSON in UTF-8, with one Content-Type that says nothing else");
    }
    Ok(())
}

/// Whether every `charset` in the value is UTF-8, however the value is taken apart.
fn is_utf8(content_type: &HeaderValue) -> bool {
    // What nearly every client sends.
    if content_type == "application/json" {
        return true;
    }
    let Ok(text) = content_type.to_str() else { return false };
    let text = text.to_ascii_lowercase();
    text.split("charset").skip(1).all(|rest| {
        let value = rest.strip_prefix('=').unwrap_or_default();
        let value =
            value.strip_prefix('"').map_or(value, |quoted| quoted.split('"').next().unwrap_or_default());
        matches!(value.split(';').next().unwrap_or_default().trim_end(), "utf-8" | "utf8")
    })
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn header_mismatch(message: &Message, text: &str) -> Refusal {
    let body = message.error_body(mirror::HEADER_MISMATCH, text).unwrap_or_default();
    let mut response = json_response(StatusCode::BAD_REQUEST, &());
    *response.body_mut() = Body::from(body);
    Box::new(response)
}

/// Memberships that are not in the token are asked for only where they decide, so that nobody waits for Microsoft Graph in
/// vain. What a list shows is looked at when it is there.
async fn with_groups(inner: &Inner, who: Principal, message: &Message) -> Principal {
    match &inner.entra {
        Some(entra) if inner.policy.depends_on_groups(&who, message, entra.api.required_scopes()) => {
            entra.groups.completed(&who).await
        }
        _ => who,
    }
}

fn decide(inner: &Inner, principal: &Principal, message: Message) -> Result<Permit, Refusal> {
    let baseline = inner.entra.as_ref().map(|entra| entra.api.required_scopes()).unwrap_or_default();
    let message = Arc::new(message);
    let denial = match inner.policy.decide(principal, &message, baseline) {
        Ok(permit) => {
            for call in permit.message().calls() {
                leg!(
                    Leg::Call,
                    method = shown(call.method()),
                    target_name = call.target().map(shown),
                    object_id = principal.object_id(),
                    client_id = principal.client_id(),
                    agent_blueprint = principal.agent_blueprint(),
                    token_id = principal.token_id()
                );
            }
            return Ok(permit);
        }
        Err(denied) => denied,
    };
    match denial {
        Denial::InsufficientScope { missing, wanted } => {
            leg!(Leg::Denied, missing = "scope", object_id = principal.object_id());
            if let (Some(entra), Some(call)) = (&inner.entra, message.calls().first())
                && inner.step_ups.is_fruitless(principal, &missing, entra.clock.now())
            {
                let forbidden = Forbidden::new(call, Reason::ScopesNotGranted(missing));
                return Err(Box::new(refusal::response(&forbidden, &message)));
            }
            let qualified: Vec<String> = match &inner.entra {
                Some(entra) => {
                    wanted.iter().map(|scope| format!("{}/{scope}", entra.api.identifier_uri())).collect()
                }
                None => wanted,
            };
            Err(Box::new(inner.challenge.insufficient_scope(&qualified)))
        }
        Denial::Forbidden(forbidden) => {
            let text = forbidden.text();
            leg!(
                Leg::Denied,
                missing = forbidden.missing(),
                reason = text.as_str(),
                object_id = principal.object_id()
            );
            Err(Box::new(refusal::response(&forbidden, &message)))
        }
    }
}

/// When the caller's token ends.
fn end_of(inner: &Inner, principal: &Principal) -> Option<End> {
    inner.entra.as_ref().map(|entra| (Arc::clone(&entra.clock), principal.expires_at()))
}

/// Lists are filtered when there are rules, also in streams that may resume an earlier answer (GET).
fn filter_for(inner: &Inner, permit: &Permit, method: &Method) -> Option<AnswerFilter> {
    let entra = inner.entra.as_ref().filter(|_| !inner.policy.is_empty())?;
    let lists = permit.message().calls().iter().any(|call| call.method().ends_with("/list"));
    let asked = match method {
        _ if lists => Asked::List,
        &Method::GET => Asked::Stream,
        _ => return None,
    };
    let filter = Filter::new(Arc::clone(&inner.policy), permit.principal().clone());
    Some(AnswerFilter { filter, asked, entra: Arc::clone(entra) })
}
