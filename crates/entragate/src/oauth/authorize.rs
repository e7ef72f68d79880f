//! `GET|POST /oauth/authorize` (RFC 6749 §3.1): the browser arrives with whatever the client built and
//! leaves for Entra with what Entra accepts.
//!
//! Client and redirect URI are checked before anything may be redirected; after that, errors go back to
//! the client with its `state`.

use axum::body::Body;
use axum::extract::{Request, State};
use http::header::{ACCEPT, CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::error::{Code, OAuthError};
use super::pages::ErrorPage;
use super::params::{Params, encoded};
use super::pkce::CodeChallenge;
use super::redirect_uri::RedirectUri;
use super::relay;
use crate::facade::{Facade, body_bytes};
use crate::signin::{Leg, leg};

const MAX_BODY: usize = 64 * 1024;

/// A checked request. Only [`check`] makes one.
pub(crate) struct AuthorizeRequest {
    pub(crate) redirect_uri: RedirectUri,
    pub(crate) challenge: CodeChallenge,
    pub(crate) scope: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) prompt: Option<&'static str>,
    pub(crate) login_hint: Option<String>,
    pub(crate) domain_hint: Option<String>,
    pub(crate) nonce: Option<String>,
}

/// Why a request goes no further.
enum Stop {
    /// The client or its redirect URI is not to be trusted, so nothing is sent there.
    Page { status: StatusCode, error: OAuthError, what: String, detail: String, fix: String },
    /// The client is told.
    Redirect { to: RedirectUri, state: Option<String>, error: OAuthError },
}

pub(crate) async fn get(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let params = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    answer(&facade, request.headers(), &params).await
}

pub(crate) async fn post(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let headers = request.headers().clone();
    match body_bytes(request, MAX_BODY).await {
        Ok(body) => answer(&facade, &headers, &Params::parse(&body)).await,
        Err(status) => {
            OAuthError { status, ..OAuthError::new(Code::InvalidRequest, "the body is too large") }.response()
        }
    }
}

async fn answer(facade: &Facade, headers: &HeaderMap, params: &Params) -> Response<Body> {
    let request = match check(facade, params) {
        Ok(request) => request,
        Err(stop) => return stop.response(headers),
    };
    match relay::authorize(facade, &request).await {
        Ok(url) => {
            let prompt = request.prompt.unwrap_or_default();
            leg!(
                Leg::Authorize,
                redirect_uri = request.redirect_uri.as_str(),
                prompt = prompt,
                resource_dropped = params.get("resource").is_some()
            );
            redirect(&url)
        }
        Err(error) => {
            Stop::Redirect { to: request.redirect_uri, state: request.state, error }.response(headers)
        }
    }
}

fn check(facade: &Facade, params: &Params) -> Result<AuthorizeRequest, Box<Stop>> {
    let redirect_uri = check_client(facade, params)?;
    let owned = |name: &str| params.get(name).map(str::to_owned);
    let challenge = match check_protocol(facade, params) {
        Ok(challenge) => challenge,
        Err(error) => {
            // A repeated `state` has no one value to return.
            let state = owned("state").filter(|_| params.all("state").count() == 1);
            return Err(Box::new(Stop::Redirect { to: redirect_uri, state, error }));
        }
    };
    Ok(AuthorizeRequest {
        redirect_uri,
        challenge,
        scope: owned("scope"),
        state: owned("state"),
        prompt: prompt(params.get("prompt")),
        login_hint: owned("login_hint"),
        domain_hint: owned("domain_hint"),
        nonce: owned("nonce"),
    })
}

/// Who asks, and where the answer would go.
fn check_client(facade: &Facade, params: &Params) -> Result<RedirectUri, Box<Stop>> {
    for name in ["client_id", "redirect_uri"] {
        if params.all(name).count() > 1 {
            return Err(Stop::page(
                Code::InvalidRequest,
                format!("{name} is repeated"),
                "",
                "The application that opened this page must send it once.",
            ));
        }
    }
    let client = params.get("client_id").unwrap_or_default();
    if client != facade.entra.client.as_str() {
        let fix = "Remove this server from the application and add it again, so that it registers anew. A client id set by hand must be the one of AZURE_MCP_CLIENT_ID.";
        return Err(Stop::page(Code::InvalidClient, "The client_id is not known here".into(), client, fix));
    }
    let text = params.get("redirect_uri").unwrap_or_default();
    let uri = RedirectUri::parse(text).map_err(|error| {
        Stop::page(
            Code::InvalidRequest,
            error.to_string(),
            text,
            "The application that opened this page must send a valid redirect_uri.",
        )
    })?;
    if !facade.entra.redirects.allows(&uri) {
        let fix = "If you trust this address, add it to allowed_redirect_uris in entragate.toml (ENTRAGATE_ALLOWED_REDIRECT_URIS) and to the client app registration in Entra.";
        return Err(Stop::page(
            Code::InvalidRequest,
            "The redirect_uri is not allowed here".into(),
            text,
            fix,
        ));
    }
    Ok(uri)
}

fn check_protocol(facade: &Facade, params: &Params) -> Result<CodeChallenge, OAuthError> {
    let bad = |text: &str| OAuthError::new(Code::InvalidRequest, text);
    params.refuse_repeated(&["resource"]).map_err(|repeated| bad(&repeated.to_string()))?;
    match params.get("response_type") {
        Some("code") => {}
        None => return Err(bad("response_type is missing")),
        Some(_) => {
            return Err(OAuthError::new(Code::UnsupportedResponseType, "response_type must be code"));
        }
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(bad("response_mode must be query"));
    }
    let challenge = CodeChallenge::parse(params.get("code_challenge"), params.get("code_challenge_method"))
        .map_err(|error| bad(&error.to_string()))?;
    check_scope(params)?;
    check_resource(facade, params)?;
    Ok(challenge)
}

/// Longer than any list of scopes, and short enough for a `Location` header.
const LONGEST_SCOPE: usize = 4_096;

pub(crate) fn check_scope(params: &Params) -> Result<(), OAuthError> {
    if params.get("scope").is_some_and(|scope| scope.len() > LONGEST_SCOPE) {
        let text = format!("scope is longer than {LONGEST_SCOPE} characters");
        return Err(OAuthError::new(Code::InvalidScope, text));
    }
    Ok(())
}

/// `resource` is compared with ours here and goes no further (row 3 of docs/incompatibilities).
pub(crate) fn check_resource(facade: &Facade, params: &Params) -> Result<(), OAuthError> {
    match params.all("resource").find(|value| !facade.entra.resources.contains(value)) {
        Some(_) => {
            let text = format!("resource must be {}", facade.gate.resource_url());
            Err(OAuthError::new(Code::InvalidTarget, text))
        }
        None => Ok(()),
    }
}

/// Entra takes exactly one value (AADSTS90023). `consent` forces an approval screen on people who may
/// not approve (AADSTS90095) and is dropped, like anything unknown.
fn prompt(value: Option<&str>) -> Option<&'static str> {
    let has = |name: &str| value.is_some_and(|value| value.split_ascii_whitespace().any(|one| one == name));
    if has("login") {
        Some("login")
    } else if has("select_account") {
        Some("select_account")
    } else if has("none") && !has("consent") {
        Some("none")
    } else {
        None
    }
}

impl Stop {
    fn page(code: Code, what: String, detail: &str, fix: &str) -> Box<Self> {
        let error = OAuthError::new(code, format!("{what}. {fix}"));
        Box::new(Self::Page {
            status: StatusCode::BAD_REQUEST,
            error,
            what,
            detail: detail.to_owned(),
            fix: fix.to_owned(),
        })
    }

    fn response(&self, headers: &HeaderMap) -> Response<Body> {
        match self {
            Self::Page { status, error, what, detail, fix } => {
                leg!(Leg::Refused, endpoint = "authorize", reason = error.description.as_str());
                // mcp-remote asks for JSON before it opens the browser, and re-registers on this error only.
                if prefers_json(headers) {
                    return error.response();
                }
                let title = "This sign-in request cannot be used";
                ErrorPage::new(title, what, detail, fix).response(*status)
            }
            Self::Redirect { to, state, error } => {
                leg!(Leg::Refused, endpoint = "authorize", reason = error.description.as_str());
                let mut pairs =
                    vec![("error", error.code.as_str()), ("error_description", error.description.as_str())];
                pairs.extend(state.as_deref().map(|state| ("state", state)));
                redirect(&to.with_query(&encoded(pairs)))
            }
        }
    }
}

fn prefers_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

/// 302, never 307 (RFC 9700 §4.12): a posted form must not be posted on.
fn redirect(url: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(url) else {
        return OAuthError::new(Code::InvalidRequest, "the request cannot be expressed as a URL").response();
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
