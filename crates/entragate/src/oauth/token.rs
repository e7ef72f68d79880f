//! `POST /oauth/token` (RFC 6749 §3.2): a code or a refresh token comes in; Entra's tokens go out in relay mode, ours in
//! broker mode.

use axum::body::Body;
use axum::extract::{Request, State};
use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::authorize::check_scope;
use super::broker::code::Redemption;
use super::broker::refresh::Renewal;
use super::client::authentication::{authenticated, check_client};
use super::error::{Code, OAuthError, json};
use super::params::Params;
use super::redirect_uri::RedirectUri;
use super::{broker, pkce, relay, target};
use crate::facade::{Facade, Way, body_bytes};
use crate::signin::{Leg, leg};

const MAX_BODY: usize = 64 * 1024;

/// A checked grant. Only [`check`] makes one.
pub(crate) enum Grant {
    Code { code: String, verifier: String, redirect_uri: Option<RedirectUri>, scope: Option<String> },
    Refresh { token: String, scope: Option<String> },
}

impl Grant {
    pub(crate) fn scope(&self) -> Option<&str> {
        let (Self::Code { scope, .. } | Self::Refresh { scope, .. }) = self;
        scope.as_deref()
    }

    /// The parameters that are the grant's own.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Code { code, verifier, redirect_uri, .. } => {
                let mut pairs = vec![
                    ("grant_type", "authorization_code"),
                    ("code", code.as_str()),
                    ("code_verifier", verifier.as_str()),
                ];
                pairs.extend(redirect_uri.as_ref().map(|uri| ("redirect_uri", uri.as_str())));
                pairs
            }
            Self::Refresh { token, .. } => vec![("grant_type", "refresh_token"), ("refresh_token", token)],
        }
    }
}

pub(crate) async fn any(State(facade): State<Facade>, request: Request) -> Response<Body> {
    if request.method() != Method::POST {
        let error = OAuthError::new(Code::InvalidRequest, "the token endpoint takes POST only");
        let mut response = OAuthError { status: StatusCode::METHOD_NOT_ALLOWED, ..error }.response();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        return response;
    }
    answer(&facade, request).await.unwrap_or_else(|error| refused("token", &error))
}

/// An error of the token and revocation endpoints.
pub(crate) fn refused(endpoint: &'static str, error: &OAuthError) -> Response<Body> {
    leg!(Leg::Refused, endpoint = endpoint, reason = error.description.as_str());
    let mut response = error.response();
    if error.status == StatusCode::UNAUTHORIZED {
        // RFC 6749 §5.2: a 401 names the scheme that could have been used.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
    }
    response
}

/// Headers and form of a request to the token or revocation endpoint.
pub(crate) async fn form(request: Request) -> Result<(HeaderMap, Params), OAuthError> {
    let bad = |text: &str| OAuthError::new(Code::InvalidRequest, text);
    let headers = request.headers().clone();
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(bad("Content-Type must be application/x-www-form-urlencoded"));
    }
    let body = body_bytes(request, MAX_BODY).await.map_err(|status| OAuthError {
        status,
        ..bad("the body is larger than 64 KiB, slow, or was cut off")
    })?;
    Ok((headers, Params::parse(&body)))
}

async fn answer(facade: &Facade, request: Request) -> Result<Response<Body>, OAuthError> {
    let (headers, params) = form(request).await?;
    let bad = |text: &str| OAuthError::new(Code::InvalidRequest, text);
    params.refuse_repeated(&["resource"]).map_err(|repeated| bad(&repeated.to_string()))?;
    match &facade.entra.way {
        Way::Relay(client) => {
            check_client(client.as_str(), &headers, &params)?;
            let target = target::chosen(facade, &params)?;
            let grant = check(&params, true)?;
            let tokens = relay::redeem(facade, target, &grant).await?;
            leg!(if matches!(grant, Grant::Code { .. }) { Leg::Code } else { Leg::Refresh });
            Ok(json(StatusCode::OK, &tokens))
        }
        Way::Broker(broker) => {
            let client = authenticated(facade, broker, &headers, &params).await?;
            let named = target::named(facade, &params)?;
            let tokens = match &check(&params, false)? {
                Grant::Code { code, verifier, redirect_uri, .. } => {
                    let redirect_uri = redirect_uri.as_ref().map(RedirectUri::as_str);
                    broker::code::redeem(
                        facade,
                        broker,
                        &client,
                        &Redemption { code, verifier, redirect_uri, named },
                    )
                    .await?
                }
                Grant::Refresh { token, scope } => {
                    let renewal = Renewal { token, scope: scope.as_deref(), named };
                    broker::refresh::refresh(facade, broker, &client, &renewal).await?
                }
            };
            Ok(tokens.response())
        }
    }
}

/// `needs_redirect_uri`: Entra compares it, so in relay mode it cannot be left out; OAuth 2.1 no longer asks for it.
fn check(params: &Params, needs_redirect_uri: bool) -> Result<Grant, OAuthError> {
    let bad = |text: &str| OAuthError::new(Code::InvalidRequest, text);
    check_scope(params)?;
    let owned = |name: &str| params.get(name).map(str::to_owned);
    let needed = |name: &str| owned(name).ok_or_else(|| bad(&format!("{name} is missing")));
    match params.get("grant_type") {
        Some("authorization_code") => {
            let redirect_uri = match params.get("redirect_uri") {
                Some(text) => Some(RedirectUri::parse(text).map_err(|error| bad(&error.to_string()))?),
                None if needs_redirect_uri => return Err(bad("redirect_uri is missing")),
                None => None,
            };
            let verifier = needed("code_verifier")?;
            if !pkce::is_verifier(&verifier) {
                let text = "code_verifier must be 43 to 128 unreserved characters";
                return Err(OAuthError::new(Code::InvalidGrant, text));
            }
            Ok(Grant::Code { code: needed("code")?, verifier, redirect_uri, scope: owned("scope") })
        }
        Some("refresh_token") => {
            Ok(Grant::Refresh { token: needed("refresh_token")?, scope: owned("scope") })
        }
        Some(_) => {
            let text = "grant_type must be authorization_code or refresh_token";
            Err(OAuthError::new(Code::UnsupportedGrantType, text))
        }
        None => Err(bad("grant_type is missing")),
    }
}
