//! Host, Origin and CORS: checked before anything else, because being on the network is not a permission.
//!
//! A page on `evil.test` whose name resolves to 127.0.0.1 reaches local servers with `Host: evil.test`
//! (DNS rebinding), and any page can make a browser send requests with its own `Origin`. Both lists are
//! derived from the public URL, so the check is on by default.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HOST, ORIGIN,
    VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde_json::json;
use url::Url;

use crate::base_url::{BaseUrl, LOOPBACK_NAMES, is_loopback};
use crate::gate::Gate;
use crate::oauth::error::json as json_response;
use crate::rate::ClientAddress;

const ALLOW_HEADERS: &str = "Authorization, Content-Type, Accept, Last-Event-ID, MCP-Protocol-Version, \
     Mcp-Session-Id, Mcp-Method, Mcp-Name, traceparent, tracestate, baggage";
const EXPOSE_HEADERS: &str = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After";

/// Who may knock.
#[derive(Debug, Clone)]
pub(crate) struct FrontDoor {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl FrontDoor {
    pub(crate) fn new(base: &BaseUrl, listen: &[SocketAddr], hosts: &[String], origins: &[String]) -> Self {
        let mut all: Vec<String> = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        all.push(base.authority());
        for address in listen {
            all.push(address.to_string());
            // A listener on this machine is also called by its loopback names.
            for name in LOOPBACK_NAMES {
                all.push(format!("{name}:{}", address.port()));
            }
        }
        let mut origins: Vec<String> = origins.iter().map(|origin| origin.to_ascii_lowercase()).collect();
        origins.push(base.origin());
        Self { hosts: all, origins }
    }

    /// The request's host is one of our names. `:authority` of HTTP/2 counts like `Host`, and so does a target that is a whole
    /// URL: RFC 9112 §3.2.2 has it win, and where others read the one and we the other, both must say the same.
    fn knows_host<B>(&self, request: &http::Request<B>) -> bool {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next(), request.uri().authority()) {
            (None, _, Some(authority)) => authority.as_str().as_bytes(),
            (Some(host), None, None) => host.as_bytes(),
            (Some(host), None, Some(authority)) if is_same(host, authority) => host.as_bytes(),
            _ => return false,
        };
        // Some clients write the port that the scheme implies.
        let bare = host.strip_suffix(b":443").or_else(|| host.strip_suffix(b":80")).unwrap_or(host);
        self.hosts
            .iter()
            .map(String::as_bytes)
            .any(|known| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(bare))
    }

    /// Absent is fine (only browsers send it); loopback pages are the person's own tools.
    fn knows_origin(&self, headers: &HeaderMap) -> bool {
        headers.get_all(ORIGIN).iter().all(|origin| {
            let Ok(origin) = origin.to_str() else { return false };
            let parsed = Url::parse(origin).ok();
            let local = parsed.as_ref().and_then(Url::host).is_some_and(|host| is_loopback(&host));
            local || self.origins.iter().any(|known| known.eq_ignore_ascii_case(origin))
        })
    }

    /// The refusal, if the request must not come in.
    pub(crate) fn refuse<B>(&self, request: &http::Request<B>) -> Option<Response<Body>> {
        self.refuse_host(request).or_else(|| self.refuse_origin(request.headers()))
    }

    fn refuse_host<B>(&self, request: &http::Request<B>) -> Option<Response<Body>> {
        let text = "The Host header is not a name of this server; an operator can add it to allowed_hosts";
        (!self.knows_host(request)).then(|| refusal(StatusCode::MISDIRECTED_REQUEST, text))
    }

    fn refuse_origin(&self, headers: &HeaderMap) -> Option<Response<Body>> {
        let text = "The Origin is not allowed here; an operator can add it to allowed_origins";
        (!self.knows_origin(headers)).then(|| refusal(StatusCode::FORBIDDEN, text))
    }
}

fn is_same(host: &HeaderValue, authority: &Authority) -> bool {
    authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())
}

fn refusal(status: StatusCode, text: &str) -> Response<Body> {
    tracing::warn!(target: "entragate::front_door", status = status.as_u16(), "{text}");
    json_response(status, &json!({ "error": "forbidden", "error_description": text }))
}

/// Whether a browser asks if it may ask.
pub(crate) fn is_preflight(method: &Method) -> bool {
    method == Method::OPTIONS
}

/// Allows the headers of MCP, and whatever mirrors a tool's parameters (`Mcp-Param-*`).
pub(crate) fn preflight(asked: &HeaderMap, origin: Option<&HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(asked));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    allow(headers, origin);
    response
}

fn allowed_headers(asked: &HeaderMap) -> HeaderValue {
    let mut allowed = ALLOW_HEADERS.to_owned();
    let asked =
        asked.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok()).unwrap_or_default();
    for name in asked.split(',').map(str::trim).filter(|name| name.len() <= 128) {
        let is_mcp = name.len() > 10 && name.as_bytes()[..10].eq_ignore_ascii_case(b"mcp-param-");
        if is_mcp && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            allowed.push_str(", ");
            allowed.push_str(name);
        }
    }
    HeaderValue::try_from(allowed).unwrap_or(HeaderValue::from_static(ALLOW_HEADERS))
}

/// Lets the page that asked read the answer. Its `Origin` was checked before.
pub(crate) fn allow(headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    let Some(origin) = origin else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSE_HEADERS));
    if !headers.get_all(VARY).iter().any(|vary| vary == "Origin") {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// The door of the facade. Metadata is public and readable by any page; pages are for navigation
/// and never readable across origins (RFC 9700 §2.6); the other endpoints are for allowed origins.
pub(crate) async fn facade(State(gate): State<Gate>, request: Request, next: Next) -> Response<Body> {
    let path = request.uri().path();
    let is_metadata = path.contains("/.well-known/") || path.ends_with("/oauth/jwks");
    let is_page =
        path.ends_with("/authorize") || path.ends_with("/oauth/consent") || is_below_auth(&gate, path);
    let door = gate.front_door();
    if let Some(refusal) = door.refuse_host(&request) {
        return refusal;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    // People navigate here, also from Entra's pages; the handlers of forms look at the origin themselves.
    if is_page {
        return limited(&gate, request, next).await;
    }
    if is_metadata {
        let any = HeaderValue::from_static("*");
        if is_preflight(request.method()) {
            return preflight(request.headers(), Some(&any));
        }
        let mut response = next.run(request).await;
        allow(response.headers_mut(), Some(&any));
        return response;
    }
    if let Some(refusal) = door.refuse_origin(request.headers()) {
        return refusal;
    }
    if is_preflight(request.method()) {
        return preflight(request.headers(), origin.as_ref());
    }
    let mut response = limited(&gate, request, next).await;
    allow(response.headers_mut(), origin.as_ref());
    response
}

fn is_below_auth(gate: &Gate, path: &str) -> bool {
    path.strip_prefix(gate.base_url().path()).is_some_and(|path| path.starts_with("/auth/"))
}

async fn limited(gate: &Gate, request: Request, next: Next) -> Response<Body> {
    match gate.rate_limit().refuse(request.extensions().get::<ClientAddress>().copied()) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}
