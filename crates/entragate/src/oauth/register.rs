//! `POST /oauth/register`: dynamic client registration (RFC 7591) that answers with the pre-configured
//! client app, because Entra has no registration endpoint (row 2 of
//! docs/incompatibilities).
//!
//! What is echoed is what holds: redirect URIs that may be used, both grants, no secret. One unusable
//! redirect URI does not spoil the others (Cursor sends three, docs/clients.md K22).

use axum::body::Body;
use axum::extract::{Request, State};
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::name::shown_name;
use super::client::{self, RegisterError};
use super::error::{Code, OAuthError, json};
use super::redirect_uri::RedirectUri;
use crate::facade::{Facade, Way, body_bytes};
use crate::invisible::is_invisible;
use crate::signin::{Leg, leg};

const MAX_BODY: usize = 64 * 1024;
const MAX_REDIRECT_URIS: usize = 20;

/// Members that are read. Unknown members are ignored (RFC 7591 §2).
#[derive(Deserialize)]
struct Metadata {
    redirect_uris: Option<Vec<Value>>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    application_type: Option<String>,
    client_name: Option<String>,
    client_uri: Option<String>,
    logo_uri: Option<String>,
    tos_uri: Option<String>,
    policy_uri: Option<String>,
    software_id: Option<String>,
    software_version: Option<String>,
}

/// What is registered (RFC 7591 §3.2.1). Absent members are left out: one `null` breaks six clients
/// (docs/clients.md K14).
#[derive(Serialize)]
struct Registered {
    client_id: String,
    client_id_issued_at: u64,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: &'static str,
    grant_types: [&'static str; 2],
    response_types: [&'static str; 1],
    scope: String,
    #[serde(flatten)]
    echoed: Echoed,
}

#[derive(Serialize)]
struct Echoed {
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_version: Option<String>,
}

pub(crate) async fn post(State(facade): State<Facade>, request: Request) -> Response<Body> {
    match register(&facade, request).await {
        Ok(registered) => {
            leg!(Leg::Register, redirect_uris = registered.redirect_uris.len());
            json(StatusCode::CREATED, &registered)
        }
        Err(error) => {
            leg!(Leg::Refused, endpoint = "register", reason = error.description.as_str());
            error.response()
        }
    }
}

async fn register(facade: &Facade, request: Request) -> Result<Registered, OAuthError> {
    let bad = |text: &str| OAuthError::new(Code::InvalidClientMetadata, text);
    if !is_json(&request) {
        return Err(bad("Content-Type must be application/json"));
    }
    let body = body_bytes(request, MAX_BODY).await.map_err(|status| OAuthError {
        status,
        ..bad("the body is larger than 64 KiB, slow, or was cut off")
    })?;
    let metadata: Metadata = serde_json::from_slice(&body).map_err(|error| bad(&unreadable(&error)))?;
    check_grants(&metadata)?;
    let redirect_uris = usable_redirect_uris(facade, &metadata)?;
    let now = facade.entra.clock.now();
    // From what was sent: what is echoed has lost its line breaks, and words would run together.
    let shown_name = metadata.client_name.as_deref().and_then(shown_name);
    let client_name = text(metadata.client_name);
    let client_id = match &facade.entra.way {
        Way::Relay(client) => client.as_str().to_owned(),
        Way::Broker(broker) if broker.clients.registration => {
            client::register(&broker.seal, redirect_uris.clone(), shown_name, now).map_err(|error| {
                match error {
                    RegisterError::TooLong => bad(&error.to_string()),
                    RegisterError::CannotSeal(_) => OAuthError::new(Code::ServerError, error.to_string()),
                }
            })?
        }
        Way::Broker(_) => {
            let text = "registration is switched off here: use a client ID metadata document, or a client id from the operator";
            return Err(OAuthError {
                status: StatusCode::FORBIDDEN,
                ..OAuthError::new(Code::InvalidRequest, text)
            });
        }
    };
    Ok(Registered {
        client_id,
        client_id_issued_at: now.as_unix(),
        redirect_uris: redirect_uris.into_iter().map(String::from).collect(),
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        scope: facade.qualified_scopes().join(" "),
        echoed: Echoed {
            application_type: metadata.application_type,
            client_name,
            client_uri: https(metadata.client_uri),
            logo_uri: https(metadata.logo_uri),
            tos_uri: https(metadata.tos_uri),
            policy_uri: https(metadata.policy_uri),
            software_id: text(metadata.software_id),
            software_version: text(metadata.software_version),
        },
    })
}

fn is_json(request: &Request) -> bool {
    let content_type =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Registered names of client authentication at the token endpoint (RFC 7591 §2).
const METHODS: [&str; 5] =
    ["none", "client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt"];

/// Grants and response types that this server does not have are dropped; without the code grant nothing
/// would be left (RFC 7591 §2.1). A wish for a client secret is answered with `none`.
fn check_grants(metadata: &Metadata) -> Result<(), OAuthError> {
    let lacks = |given: &Option<Vec<String>>, needed: &str| {
        given.as_ref().is_some_and(|all| !all.is_empty() && !all.iter().any(|one| one == needed))
    };
    let bad = |text: &str| Err(OAuthError::new(Code::InvalidClientMetadata, text));
    if lacks(&metadata.grant_types, "authorization_code") {
        return bad("grant_types must contain authorization_code");
    }
    if lacks(&metadata.response_types, "code") {
        return bad("response_types must contain code");
    }
    if metadata.token_endpoint_auth_method.as_deref().is_some_and(|method| !METHODS.contains(&method)) {
        return bad("token_endpoint_auth_method is unknown; this server registers public clients: none");
    }
    if metadata.application_type.as_deref().is_some_and(|kind| kind != "native" && kind != "web") {
        return bad("application_type must be native or web");
    }
    Ok(())
}

fn usable_redirect_uris(facade: &Facade, metadata: &Metadata) -> Result<Vec<RedirectUri>, OAuthError> {
    let bad = |text: String| OAuthError::new(Code::InvalidRedirectUri, text);
    let given = metadata.redirect_uris.as_deref().unwrap_or_default();
    if given.is_empty() || given.len() > MAX_REDIRECT_URIS {
        return Err(bad(format!("redirect_uris must hold 1 to {MAX_REDIRECT_URIS} URIs")));
    }
    let is_web = metadata.application_type.as_deref() == Some("web");
    let (mut usable, mut refused) = (Vec::new(), Vec::new());
    for value in given {
        let Some(text) = value.as_str() else {
            return Err(bad("redirect_uris must hold strings".into()));
        };
        match RedirectUri::parse(text) {
            // OpenID Connect Registration §2: a web application has https redirects and not on localhost.
            Ok(uri) if is_web && (!uri.is_https() || uri.is_loopback()) => {
                refused.push(format!("{text}: application_type web needs https on a public host"));
            }
            Ok(uri) if facade.entra.redirects.allows(&uri) => usable.push(uri),
            Ok(uri) if facade.entra.redirects.denies(&uri) => {
                refused.push(format!("{text}: denied by denied_redirect_uris in entragate.toml"));
            }
            Ok(_) => refused
                .push(format!("{text}: not allowed, add it to allowed_redirect_uris in entragate.toml")),
            Err(error) => refused.push(format!("{text}: {error}")),
        }
    }
    if usable.is_empty() {
        return Err(bad(refused.join("; ")));
    }
    if !refused.is_empty() {
        tracing::warn!(refused = refused.join("; "), "some redirect URIs were not registered");
    }
    Ok(usable)
}

/// A non-empty text that reads as it is, of a length that fits a page.
fn text(value: Option<String>) -> Option<String> {
    let clean: String = value?.chars().filter(|&c| !is_invisible(c)).take(200).collect();
    (!clean.trim().is_empty()).then_some(clean)
}

/// A link that a page may show: https, or left out.
fn https(value: Option<String>) -> Option<String> {
    value.filter(|uri| url::Url::parse(uri).is_ok_and(|url| url.scheme() == "https" && url.has_host()))
}

/// Says where a member has the wrong type, not how we are built.
fn unreadable(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => {
            format!(
                "the body must be an object of client metadata (RFC 7591 section 2); a member has the wrong type before {place}"
            )
        }
        _ => format!("the body is not JSON: {place}"),
    }
}
