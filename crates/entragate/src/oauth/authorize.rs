//! `GET|POST /oauth/authorize` (RFC 6749 §3.1): the browser arrives with whatever the client built. In relay mode it
//! leaves for Entra with what Entra accepts, in broker mode the person is asked first.
//!
//! Client and redirect URI are checked before anything may be redirected; after that, errors go back to
//! the client with its `state`.

use axum::body::Body;
use axum::extract::{Request, State};
use http::header::ACCEPT;
use http::{HeaderMap, Response, StatusCode};

use super::broker::Broker;
use super::broker::begin::begin;
use super::broker::transaction::Prompt;
use super::client::Client;
use super::client::documents::When;
use super::error::{Code, OAuthError};
use super::pages::ErrorPage;
use super::params::Params;
use super::pkce::CodeChallenge;
use super::redirect_uri::RedirectUri;
use super::relay;
use super::reply::{ReplyTo, found};
use super::target::{self, Target};
use crate::facade::{Facade, Way, body_bytes};
use crate::rate::ClientAddress;
use crate::signin::{Leg, leg};
use crate::token::refused::shown;

const MAX_BODY: usize = 64 * 1024;

/// A checked request. Only [`check`] makes one.
pub(crate) struct AuthorizeRequest<'a> {
    /// The MCP server that the sign-in is for.
    pub(crate) target: &'a Target,
    pub(crate) reply: ReplyTo,
    pub(crate) challenge: CodeChallenge,
    pub(crate) scope: Option<String>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) login_hint: Option<String>,
    pub(crate) domain_hint: Option<String>,
    pub(crate) nonce: Option<String>,
}

/// Why a request goes no further.
enum Stop {
    /// The client or its redirect URI is not to be trusted, so nothing is sent there.
    Page { status: StatusCode, error: OAuthError, what: String, detail: String, fix: String },
    /// The client is told.
    Redirect(ReplyTo, OAuthError),
}

pub(crate) async fn get(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let params = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    let from = request.extensions().get::<ClientAddress>().copied();
    answer(&facade, request.headers(), from, &params).await
}

pub(crate) async fn post(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let headers = request.headers().clone();
    let from = request.extensions().get::<ClientAddress>().copied();
    match body_bytes(request, MAX_BODY).await {
        Ok(body) => answer(&facade, &headers, from, &Params::parse(&body)).await,
        Err(status) => {
            OAuthError { status, ..OAuthError::new(Code::InvalidRequest, "the body is too large") }.response()
        }
    }
}

async fn answer(
    facade: &Facade,
    headers: &HeaderMap,
    from: Option<ClientAddress>,
    params: &Params,
) -> Response<Body> {
    let answered = match &facade.entra.way {
        Way::Relay(client) => relay(facade, client.as_str(), params).await,
        Way::Broker(broker) => match known_client(broker, params).await {
            Ok(client) => match check(facade, params, Some(&client)) {
                Ok(request) => Ok(begin(facade, broker, &client, request, headers, from).await),
                Err(stop) => Err(stop),
            },
            Err(stop) => Err(stop),
        },
    };
    answered.unwrap_or_else(|stop| stop.response(headers))
}

async fn relay(facade: &Facade, client_id: &str, params: &Params) -> Result<Response<Body>, Box<Stop>> {
    refuse_repeated(params)?;
    let client = params.get("client_id").unwrap_or_default();
    if client != client_id {
        let fix = "Remove this server from the application and add it again, so that it registers anew. A client id set by hand must be the one of AZURE_MCP_CLIENT_ID.";
        return Err(Stop::page(Code::InvalidClient, "The client_id is not known here".into(), client, fix));
    }
    let request = check(facade, params, None)?;
    match relay::authorize(facade, &request).await {
        Ok(url) => {
            leg!(
                Leg::Authorize,
                redirect_uri = request.reply.redirect_uri.as_str(),
                prompt = request.prompt.map(Prompt::as_str).unwrap_or_default(),
                resource_dropped = params.get("resource").is_some()
            );
            Ok(found(&url))
        }
        Err(error) => Err(Box::new(Stop::Redirect(request.reply, error))),
    }
}

/// Who asks.
async fn known_client(broker: &Broker, params: &Params) -> Result<Client, Box<Stop>> {
    refuse_repeated(params)?;
    let id = params.get("client_id").unwrap_or_default();
    broker.clients.resolve(&broker.seal, id, When::Authorize).await.map_err(|error| {
        let fix = error.fix();
        Stop::page(Code::InvalidClient, error.to_string(), &shown(id), fix)
    })
}

fn refuse_repeated(params: &Params) -> Result<(), Box<Stop>> {
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
    Ok(())
}

/// `client`: whose redirect URIs count; in relay mode the operator's rules alone do, and Entra's.
fn check<'a>(
    facade: &'a Facade,
    params: &Params,
    client: Option<&Client>,
) -> Result<AuthorizeRequest<'a>, Box<Stop>> {
    let redirect_uri = check_redirect_uri(facade, params, client)?;
    let owned = |name: &str| params.get(name).map(str::to_owned);
    let issuer = client.is_some().then(|| facade.gate.base_url().as_str().to_owned());
    // A repeated `state` has no one value to return.
    let state = owned("state").filter(|_| params.all("state").count() == 1);
    let reply = ReplyTo { redirect_uri, state, issuer };
    if let Err(error) = check_length(&reply, client) {
        return Err(Box::new(Stop::Redirect(ReplyTo { state: None, ..reply }, error)));
    }
    let (challenge, target) = match check_protocol(facade, params) {
        Ok(checked) => checked,
        Err(error) => return Err(Box::new(Stop::Redirect(reply, error))),
    };
    Ok(AuthorizeRequest {
        target,
        reply,
        challenge,
        scope: owned("scope"),
        prompt: prompt(params.get("prompt")),
        login_hint: owned("login_hint").filter(|hint| hint.len() <= LONGEST_HINT),
        domain_hint: owned("domain_hint").filter(|hint| hint.len() <= LONGEST_HINT),
        nonce: owned("nonce"),
    })
}

/// In broker mode what must come back travels within our own `state`, and Entra takes no query longer than about 6 KiB
/// (AADSTS90015).
const LONGEST_STATE: usize = 2_048;
/// Longer than any address or domain. A longer hint helps nobody, and is left out.
const LONGEST_HINT: usize = 320;

fn check_length(reply: &ReplyTo, client: Option<&Client>) -> Result<(), OAuthError> {
    let length = reply.state.as_ref().map_or(0, String::len);
    if client.is_some() && length > LONGEST_STATE {
        let text = format!("state is longer than {LONGEST_STATE} characters");
        return Err(OAuthError::new(Code::InvalidRequest, text));
    }
    Ok(())
}

/// Where the answer would go.
fn check_redirect_uri(
    facade: &Facade,
    params: &Params,
    client: Option<&Client>,
) -> Result<RedirectUri, Box<Stop>> {
    let text = params.get("redirect_uri").unwrap_or_default();
    let uri = RedirectUri::parse(text).map_err(|error| {
        Stop::page(
            Code::InvalidRequest,
            error.to_string(),
            text,
            "The application that opened this page must send a valid redirect_uri.",
        )
    })?;
    if client.is_some_and(|client| !client.has_redirect_uri(&uri)) {
        let fix = "The application must use a redirect_uri that it registered. Remove this server from the application and add it again, so that it registers anew.";
        let what = "The redirect_uri is not one that this application registered".to_owned();
        return Err(Stop::page(Code::InvalidRequest, what, text, fix));
    }
    if !facade.entra.redirects.allows(&uri) {
        let fix = match client {
            _ if facade.entra.redirects.denies(&uri) => {
                "The operator denies this address in denied_redirect_uris in entragate.toml (ENTRAGATE_DENIED_REDIRECT_URIS)."
            }
            None => {
                "If you trust this address, add it to allowed_redirect_uris in entragate.toml (ENTRAGATE_ALLOWED_REDIRECT_URIS) and to the client app registration in Entra."
            }
            Some(_) => {
                "If you trust this address, add it to allowed_redirect_uris in entragate.toml (ENTRAGATE_ALLOWED_REDIRECT_URIS)."
            }
        };
        return Err(Stop::page(
            Code::InvalidRequest,
            "The redirect_uri is not allowed here".into(),
            text,
            fix,
        ));
    }
    Ok(uri)
}

fn check_protocol<'a>(
    facade: &'a Facade,
    params: &Params,
) -> Result<(CodeChallenge, &'a Target), OAuthError> {
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
    // `resource` goes no further than here (row 3 of docs/incompatibilities).
    Ok((challenge, target::chosen(facade, params)?))
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

/// Entra takes exactly one value (AADSTS90023). `consent` forces an approval screen on people who may
/// not approve (AADSTS90095) and is dropped, like anything unknown.
fn prompt(value: Option<&str>) -> Option<Prompt> {
    let has = |name: &str| value.is_some_and(|value| value.split_ascii_whitespace().any(|one| one == name));
    if has("login") {
        Some(Prompt::Login)
    } else if has("select_account") {
        Some(Prompt::SelectAccount)
    } else if has("none") && !has("consent") {
        Some(Prompt::None)
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
            Self::Redirect(reply, error) => {
                leg!(Leg::Refused, endpoint = "authorize", reason = error.description.as_str());
                reply.error(error)
            }
        }
    }
}

fn prefers_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}
