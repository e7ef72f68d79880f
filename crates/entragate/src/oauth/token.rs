//! `POST /oauth/token` (RFC 6749 §3.2): a code or a refresh token comes in, Entra's tokens go out.

use axum::body::Body;
use axum::extract::{Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::authorize::{check_resource, check_scope};
use super::error::{Code, OAuthError, json};
use super::params::Params;
use super::redirect_uri::RedirectUri;
use super::{pkce, relay};
use crate::facade::{Facade, body_bytes};
use crate::signin::{Leg, leg};

const MAX_BODY: usize = 64 * 1024;

/// A checked grant. Only [`check`] makes one.
pub(crate) enum Grant {
    Code { code: String, verifier: String, redirect_uri: RedirectUri, scope: Option<String> },
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
            Self::Code { code, verifier, redirect_uri, .. } => vec![
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", redirect_uri.as_str()),
                ("code_verifier", verifier),
            ],
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
    match answer(&facade, request).await {
        Ok(response) => response,
        Err(error) => {
            leg!(Leg::Refused, endpoint = "token", reason = error.description.as_str());
            let mut response = error.response();
            if error.status == StatusCode::UNAUTHORIZED {
                // RFC 6749 §5.2: a 401 names the scheme that could have been used.
                response
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
            }
            response
        }
    }
}

async fn answer(facade: &Facade, request: Request) -> Result<Response<Body>, OAuthError> {
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
    let params = Params::parse(&body);
    let grant = check(facade, &headers, &params)?;
    let tokens = relay::redeem(facade, &grant).await?;
    leg!(if matches!(grant, Grant::Code { .. }) { Leg::Code } else { Leg::Refresh });
    Ok(json(StatusCode::OK, &tokens))
}

fn check(facade: &Facade, headers: &HeaderMap, params: &Params) -> Result<Grant, OAuthError> {
    let bad = |text: &str| OAuthError::new(Code::InvalidRequest, text);
    params.refuse_repeated(&["resource"]).map_err(|repeated| bad(&repeated.to_string()))?;
    check_client(facade, headers, params)?;
    check_scope(params)?;
    check_resource(facade, params)?;
    let owned = |name: &str| params.get(name).map(str::to_owned);
    let needed = |name: &str| owned(name).ok_or_else(|| bad(&format!("{name} is missing")));
    match params.get("grant_type") {
        Some("authorization_code") => {
            let redirect_uri =
                RedirectUri::parse(&needed("redirect_uri")?).map_err(|error| bad(&error.to_string()))?;
            let verifier = needed("code_verifier")?;
            if !pkce::is_verifier(&verifier) {
                let text = "code_verifier must be 43 to 128 unreserved characters";
                return Err(OAuthError { code: "invalid_grant".into(), ..bad(text) });
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

/// The client is public: its id is compared, a secret it may send is not looked at and never handed on
/// (AADSTS700025). The id may be in the Basic header only (docs/clients.md K25).
fn check_client(facade: &Facade, headers: &HeaderMap, params: &Params) -> Result<(), OAuthError> {
    let unknown = || OAuthError {
        status: StatusCode::UNAUTHORIZED,
        ..OAuthError::new(Code::InvalidClient, "client_id is not known here: register again")
    };
    if headers.get_all(AUTHORIZATION).iter().count() > 1 {
        return Err(OAuthError::new(Code::InvalidRequest, "the Authorization header is repeated"));
    }
    let basic = match headers.get(AUTHORIZATION) {
        Some(value) => Some(basic_client_id(value).ok_or_else(unknown)?),
        None => None,
    };
    let in_body = params.get("client_id");
    if basic.is_some() && params.get("client_secret").is_some() {
        return Err(OAuthError::new(
            Code::InvalidRequest,
            "two ways of client authentication in one request",
        ));
    }
    let given = in_body.or(basic.as_deref()).ok_or_else(unknown)?;
    let expected = facade.entra.client.as_str();
    let agree = basic.as_deref().is_none_or(|basic| basic == given);
    if given == expected && agree { Ok(()) } else { Err(unknown()) }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
fn basic_client_id(value: &HeaderValue) -> Option<String> {
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, _) = decoded.split_once(':')?;
    let plain = percent_encoding::percent_decode_str(id).decode_utf8().ok()?;
    Some(plain.into_owned())
}
