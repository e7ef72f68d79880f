//! The layer: Host and Origin → method → size → token → message → headers agree with it → scopes → rules → inner
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
    ACCEPT_CHARSET, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN,
    TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::{self, BodyError};
use crate::denied;
use crate::discovery::challenge;
use crate::front_door;
use crate::gate::{Audience, Gate, Resource};
use crate::headers::remove_untrusted;
use crate::media_type::MediaType;
use crate::oauth::error::json as json_response;
use crate::open_ended::{End, Opened, end_with_token};
use crate::policy::call::Message;
use crate::policy::decide::Denial;
use crate::policy::filter::Filter;
use crate::policy::{mirror, refusal};
use crate::principal::{Permit, Principal};
use crate::response_filter::{AnswerFilter, Asked, filtered};
use crate::session;
use crate::signin::{Leg, leg};
use crate::token::bearer::{Presented, presented};
use crate::token::cache;
use crate::token::held::{Caller, Held};
use crate::token::refused::{Refused, shown};
use crate::token::sealed::{self, SealedError};
use crate::token::verifier::VerifyError;
use crate::unread;

/// Wraps an MCP server so that only permitted requests reach it.
#[derive(Debug, Clone)]
pub struct GateLayer {
    gate: Gate,
    /// Nothing: of several resources nobody said which, so nothing may pass.
    resource: Option<Arc<Resource>>,
}

/// The service that [`GateLayer`] makes.
pub type GateService<S> = Guarded<S>;

/// An inner service behind the gate.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    gate: Gate,
    resource: Option<Arc<Resource>>,
    inner: S,
}

impl GateLayer {
    pub(crate) fn new(gate: Gate, resource: Option<Arc<Resource>>) -> Self {
        Self { gate, resource }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded::new(self.gate.clone(), self.resource.clone(), inner)
    }
}

impl<S> Guarded<S> {
    pub(crate) fn new(gate: Gate, resource: Option<Arc<Resource>>, inner: S) -> Self {
        Self { gate, resource, inner }
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
        let (gate, resource) = (self.gate.clone(), self.resource.clone());
        Box::pin(async move {
            if let Some(mut refusal) = gate.front_door().refuse(&request) {
                // Not readable for the page that asked: its `Origin` is what was refused.
                let (parts, body) = request.into_parts();
                Box::pin(unread::settle(&parts, body, &mut refusal)).await;
                return Ok(refusal);
            }
            let Some(resource) = resource else { return Ok(nobodys()) };
            let origin = request.headers().get(ORIGIN).cloned();
            let posted_to = resource.posted_to(&request);
            let mut response = match admit(&resource, request).await {
                Ok(Admitted { request, principal, filter, opened }) => {
                    let mut response = inner.call(request).await?.map(Body::new);
                    session::bind(&resource, &principal, &mut response);
                    if let Some(filter) = filter {
                        // In a box, so that a call whose answer is not filtered makes no room for it.
                        response = Box::pin(filtered(response, filter)).await;
                    }
                    match opened {
                        Some(opened) => end_with_token(response, opened, end_of(&resource, &principal)),
                        None => response,
                    }
                }
                Err(refusal) => *refusal,
            };
            if let Some(url) = posted_to {
                response = Box::pin(resource.streams.tell(&url, response)).await;
            }
            front_door::allow(response.headers_mut(), origin.as_ref());
            Ok(response)
        })
    }
}

/// [`Gate::layer`] of a gate with several resources: a defect of the program, which must not open a door.
fn nobodys() -> Response<Body> {
    tracing::error!("the gate has several routes, and this layer is of none of them: use Gate::layer_of");
    let text = "the server is set up wrongly, see its log";
    let error = serde_json::json!({ "error": "server_error", "error_description": text });
    json_response(StatusCode::INTERNAL_SERVER_ERROR, &error)
}

/// A request that may go on, and what its answer must still pass.
struct Admitted {
    request: Request,
    principal: Principal,
    filter: Option<AnswerFilter>,
    opened: Option<Opened>,
}

type Refusal = Box<Response<Body>>;

async fn admit(resource: &Arc<Resource>, request: Request) -> Result<Admitted, Refusal> {
    if front_door::is_preflight(request.method()) {
        return Err(Box::new(front_door::preflight(request.headers(), request.headers().get(ORIGIN))));
    }
    let (parts, body) = request.into_parts();
    let checked = match check_method(&parts.method) {
        Ok(()) => check_head(resource, &parts).await,
        Err(refusal) => Err(refusal),
    };
    let Caller { principal, held } = match checked {
        Ok(caller) => caller,
        Err(mut refusal) => {
            Box::pin(unread::settle(&parts, body, &mut refusal)).await;
            return Err(refusal);
        }
    };
    let (mut request, message) = read_message(resource, &principal, parts, body).await?;
    let mirrors = resource.mirrors(request.uri().path());
    mirror::check(request.headers(), &message, mirrors)
        .map_err(|text| header_mismatch(&principal, &message, &text))?;
    session::open(resource, &principal, &message, &mut request)?;
    let principal = with_groups(resource, principal, &message).await;
    let permit = decide(resource, &principal, message)?.holding(held).at(Arc::clone(resource));
    let filter = filter_for(resource, &permit, request.method());
    let opened = Opened::by(request.method(), permit.message());
    remove_untrusted(request.headers_mut());
    if filter.is_some() {
        // What is filtered must be readable.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.headers_mut().remove(ACCEPT_CHARSET);
    }
    request.extensions_mut().insert(principal.clone());
    request.extensions_mut().insert(permit);
    Ok(Admitted { request, principal, filter, opened })
}

/// The methods of MCP's transports, and HEAD, with which a client looks for the challenge (docs/clients.md K01). Any other
/// may mean something to what is behind the gate: TRACE sends back what it received, the credential for the MCP server
/// included (RFC 9110 §9.3.8).
fn check_method(method: &Method) -> Result<(), Refusal> {
    if [Method::POST, Method::GET, Method::DELETE, Method::HEAD].contains(method) {
        return Ok(());
    }
    denied::http_method(method);
    let text = "This method is not used by MCP";
    let mut refusal = refusal_json(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", text);
    refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, DELETE, OPTIONS"));
    Err(refusal)
}

/// Before a byte of the body is read.
async fn check_head(resource: &Resource, request: &Parts) -> Result<Caller, Refusal> {
    check_size(resource, request)?;
    let caller = authenticate(resource, request).await?;
    if request.method == Method::POST {
        check_coding(&request.headers).map_err(|text| {
            denied::message(&caller.principal, 415, None, text);
            refusal_json(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", text)
        })?;
    }
    Ok(caller)
}

fn check_size(resource: &Resource, request: &Parts) -> Result<(), Refusal> {
    let declared =
        request.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > resource.max_body_bytes) {
        Err(no_body(BodyError::TooLarge(resource.max_body_bytes)))
    } else {
        Ok(())
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn no_body(error: BodyError) -> Refusal {
    refusal_json(error.status(), "invalid_request", &error.to_string())
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn refusal_json(status: StatusCode, error: &str, text: &str) -> Refusal {
    Box::new(json_response(status, &serde_json::json!({ "error": error, "error_description": text })))
}

async fn authenticate(resource: &Resource, request: &Parts) -> Result<Caller, Refusal> {
    let Some(audience) = &resource.audience else {
        return Ok(Caller { principal: Principal::development(), held: Held::Nothing });
    };
    let token = match presented(&request.headers) {
        Presented::Bearer(token) => token,
        Presented::Nothing => {
            leg!(Leg::Challenge, method = request.method.as_str());
            return Err(Box::new(resource.challenge.sign_in()));
        }
        Presented::Repeated => {
            tracing::warn!(target: "entragate::token", check = "authorization_repeated", "two headers");
            return Err(Box::new(resource.challenge.invalid_request("The Authorization header is repeated")));
        }
        Presented::Unreadable => return Err(refused_token(resource, &Refused::Header)),
    };
    let hash = cache::hash(token.bytes());
    if let Some(broker) = audience.entra.way.broker()
        && sealed::is_sealed(token)
    {
        return broker.tokens.verify(token, hash, resource.url()).await.map_err(|error| match error {
            SealedError::Refused(refused) => refused_token(resource, &refused),
            SealedError::Unavailable(reason) => unjudged(&reason),
        });
    }
    match audience.verifier.verify(token, hash).await {
        Ok(principal) => Ok(Caller { principal, held: Held::entra(hash, &request.headers) }),
        Err(VerifyError::Refused(refused)) => Err(refused_token(resource, &refused)),
        Err(VerifyError::Unavailable(reason)) => Err(unjudged(&reason)),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn refused_token(resource: &Resource, refused: &Refused) -> Refusal {
    tracing::warn!(target: "entragate::token", check = refused.check(), reason = %refused, "token refused");
    Box::new(resource.challenge.invalid_token(refused.public_text()))
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn unjudged(reason: &dyn std::fmt::Display) -> Refusal {
    tracing::warn!(target: "entragate::token", check = "unavailable", reason = %reason, "token not judged");
    Box::new(challenge::unavailable())
}

/// Reads the message of a POST; other methods carry none and lose a body they should not have.
async fn read_message(
    resource: &Resource,
    principal: &Principal,
    mut parts: Parts,
    body: Body,
) -> Result<(Request, Message), Refusal> {
    if parts.method != Method::POST {
        for of_the_body in [CONTENT_LENGTH, TRANSFER_ENCODING] {
            parts.headers.remove(of_the_body);
        }
        return Ok((Request::from_parts(parts, Body::empty()), Message::Empty));
    }
    let bytes = match body::whole(body, resource.max_body_bytes).await {
        Ok(bytes) => bytes,
        Err(error) => {
            denied::message(principal, error.status().as_u16(), None, &error.to_string());
            let mut refusal = no_body(error);
            unread::announce_end(&parts, &mut refusal);
            return Err(refusal);
        }
    };
    let message = Message::parse(&bytes).map_err(|error| {
        let text = shown(&error.to_string());
        denied::message(principal, 400, None, &text);
        let error = serde_json::json!({ "code": error.code(), "message": text });
        let answer = serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error });
        Box::new(json_response(StatusCode::BAD_REQUEST, &answer))
    })?;
    let message = resource.policy.reading(message, &bytes);
    Ok((Request::from_parts(parts, Body::from(bytes)), message))
}

/// The MCP server must read the very characters that were judged, and as JSON: nothing compressed, nothing in another
/// character set (some servers decode `charset=utf-7`, in which other quotation marks appear), no form or other type that
/// the same bytes could also be. Streamable HTTP has clients send JSON, and every client of docs/clients.md says so.
fn check_coding(headers: &HeaderMap) -> Result<(), &'static str> {
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err("The body must not be compressed: it is judged before it goes on");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next(), types.next()) {
        (Some(only), None) if is_json_in_utf8(only) => Ok(()),
        _ => Err("The body must be JSON in UTF-8, with one Content-Type: application/json"),
    }
}

/// Whether the value says `application/json`, and no other characters than those of UTF-8.
fn is_json_in_utf8(content_type: &HeaderValue) -> bool {
    // What nearly every client sends.
    if content_type == "application/json" {
        return true;
    }
    let media_type = MediaType::from(content_type);
    media_type.is_json() && media_type.is_utf8()
}

#[expect(clippy::unnecessary_box_returns, reason = "refusals are boxed, the Err side of every step")]
fn header_mismatch(principal: &Principal, message: &Message, text: &str) -> Refusal {
    denied::message(principal, 400, Some(message), text);
    let body = message.error_body(mirror::HEADER_MISMATCH, text).unwrap_or_default();
    let mut response = json_response(StatusCode::BAD_REQUEST, &());
    *response.body_mut() = Body::from(body);
    Box::new(response)
}

/// Memberships that are not in the token are asked for only where they decide, so that nobody waits for Microsoft Graph in
/// vain. What a list shows is looked at when it is there.
async fn with_groups(resource: &Resource, who: Principal, message: &Message) -> Principal {
    match &resource.audience {
        Some(audience)
            if resource.policy.depends_on_groups(&who, message, audience.api.required_scopes()) =>
        {
            audience.entra.groups.completed(&who).await
        }
        _ => who,
    }
}

fn decide(resource: &Resource, principal: &Principal, message: Message) -> Result<Permit, Refusal> {
    let baseline =
        resource.audience.as_ref().map(|audience| audience.api.required_scopes()).unwrap_or_default();
    let message = Arc::new(message);
    let denial = match resource.policy.decide(principal, &message, baseline) {
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
        Denial::InsufficientScope { missing, wanted, in_vain } => {
            let is_fruitless = |audience: &Arc<Audience>| {
                resource.step_ups.is_fruitless(principal, &missing, audience.entra.clock.now())
            };
            if resource.audience.as_ref().is_some_and(is_fruitless) {
                denied::call(principal, &in_vain);
                return Err(Box::new(refusal::response(&in_vain, &message, principal)));
            }
            denied::scopes(principal, &in_vain, &missing, &wanted);
            let qualified = resource.audience.as_ref().map(|audience| audience.api.qualified(&wanted));
            Err(Box::new(resource.challenge.insufficient_scope(&missing, &qualified.unwrap_or(wanted))))
        }
        Denial::Forbidden(forbidden) => {
            denied::call(principal, &forbidden);
            Err(Box::new(refusal::response(&forbidden, &message, principal)))
        }
    }
}

/// When the caller's token ends.
fn end_of(resource: &Resource, principal: &Principal) -> Option<End> {
    let audience = resource.audience.as_ref()?;
    Some((Arc::clone(&audience.entra.clock), principal.expires_at()))
}

/// Lists are filtered when there are rules, also in streams that may resume an earlier answer (GET).
fn filter_for(resource: &Resource, permit: &Permit, method: &Method) -> Option<AnswerFilter> {
    let audience = resource.audience.as_ref().filter(|_| !resource.policy.is_empty())?;
    let lists = permit.message().calls().iter().any(|call| call.method().ends_with("/list"));
    let asked = match method {
        _ if lists => Asked::List,
        &Method::GET => Asked::Stream,
        _ => return None,
    };
    let filter = Filter::new(Arc::clone(&resource.policy), permit.principal().clone());
    Some(AnswerFilter { filter, asked, entra: Arc::clone(&audience.entra) })
}
