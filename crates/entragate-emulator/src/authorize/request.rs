//! The parameters of `/authorize` after the redirect URI is trusted; what is wrong with them goes back to the client.

use super::back::{Back, ResponseMode};
use super::{Step, Visit, redirect};
use crate::authority::Authority;
use crate::directory::App;
use crate::discovery::Version;
use crate::errors::Refusal;
use crate::grants::{Challenge, ClaimsRequest};
use crate::resource;
use crate::scope::ScopeRequest;
use crate::v1;

/// A request whose parameters are all in order.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) authority: &'a Authority,
    pub(super) client: &'a App,
    pub(super) back: Back,
    pub(super) response: ResponseType,
    pub(super) prompt: Prompt,
    pub(super) challenge: Option<Challenge>,
    pub(super) scope: ScopeRequest,
    pub(super) claims: ClaimsRequest,
    pub(super) nonce: Option<String>,
}

/// What to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    Code,
    CodeAndIdToken,
    IdToken,
}

/// What to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Only what is needed.
    Default,
    None,
    Login,
    SelectAccount,
    Consent,
}

/// Parameters that may occur once.
const SINGLE: [&str; 13] = [
    "response_type",
    "response_mode",
    "scope",
    "resource",
    "state",
    "prompt",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "domain_hint",
    "claims",
    "client_info",
];

pub(super) fn read<'a>(
    visit: &Visit<'_>,
    authority: &'a Authority,
    client: &'a App,
    back: Back,
) -> Step<Request<'a>> {
    match read_parameters(visit, authority, client, &back) {
        Ok(parameters) => Ok(Request { back, ..parameters }),
        Err(refusal) => Err(redirect::refuse(visit, &back, &refusal, refusal.facts().error)),
    }
}

fn read_parameters<'a>(
    visit: &Visit<'_>,
    authority: &'a Authority,
    client: &'a App,
    back: &Back,
) -> Result<Request<'a>, Refusal> {
    let (entra, params) = (visit.entra, &visit.params);
    if let Some(name) = params.duplicated(&SINGLE) {
        return Err(Refusal::Duplicated(name));
    }
    let response = response_type(params.get("response_type"), client)?;
    let nonce = params.get("nonce").map(str::to_owned);
    if response != ResponseType::Code && nonce.is_none() {
        return Err(Refusal::Missing("nonce"));
    }
    if back.unknown_mode || response != ResponseType::Code && back.mode == ResponseMode::Query {
        return Err(Refusal::Unsupported("response_mode"));
    }
    let prompt = prompt(params.get("prompt"))?;
    let challenge = challenge(params.get("code_challenge"), params.get("code_challenge_method"))?;
    let claims = match params.get("claims") {
        Some(text) => ClaimsRequest::parse(text).ok_or(Refusal::ClaimsMalformed)?,
        None => ClaimsRequest::default(),
    };
    let scope = match visit.version {
        Version::V1 => v1::scope(params, entra.apis(), authority)?,
        Version::V2 => v2_scope(visit, authority)?,
    };
    scope.check_not_itself_by_uri(client)?;
    let back = back.clone();
    Ok(Request { authority, client, back, response, prompt, challenge, scope, claims, nonce })
}

fn v2_scope(visit: &Visit<'_>, authority: &Authority) -> Result<ScopeRequest, Refusal> {
    let (entra, params) = (visit.entra, &visit.params);
    let text = params.get("scope").filter(|text| !text.trim().is_empty()).ok_or(Refusal::Missing("scope"))?;
    let scope = ScopeRequest::parse(text, entra.apis(), authority)?;
    resource::check(params.get("resource"), &scope, entra.apis(), &entra.settings())?;
    Ok(scope)
}

fn response_type(sent: Option<&str>, client: &App) -> Result<ResponseType, Refusal> {
    let mut words: Vec<&str> =
        sent.ok_or(Refusal::Missing("response_type"))?.split_ascii_whitespace().collect();
    words.sort_unstable();
    let wanted = match words.as_slice() {
        ["code"] => return Ok(ResponseType::Code),
        ["code", "id_token"] => ResponseType::CodeAndIdToken,
        ["id_token"] => ResponseType::IdToken,
        ["code" | "id_token", "token"] | ["token"] | ["code", "id_token", "token"] => {
            return Err(Refusal::ResponseTypeToken);
        }
        _ => return Err(Refusal::ResponseTypeUnknown),
    };
    if client.implicit_id_tokens { Ok(wanted) } else { Err(Refusal::ImplicitDisabled) }
}

fn prompt(sent: Option<&str>) -> Result<Prompt, Refusal> {
    match sent {
        None => Ok(Prompt::Default),
        Some("none") => Ok(Prompt::None),
        Some("login") => Ok(Prompt::Login),
        Some("select_account") => Ok(Prompt::SelectAccount),
        Some("consent") => Ok(Prompt::Consent),
        Some(_) => Err(Refusal::Unsupported("prompt")),
    }
}

/// PKCE is optional here; `spa` clients learn at redemption that it was not (AADSTS9002325).
fn challenge(sent: Option<&str>, method: Option<&str>) -> Result<Option<Challenge>, Refusal> {
    let Some(challenge) = sent else { return Ok(None) };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&challenge.len()) || !challenge.bytes().all(unreserved) {
        return Err(Refusal::ChallengeSize);
    }
    match method {
        None | Some("plain") => Ok(Some(Challenge::Plain(challenge.to_owned()))),
        Some("S256") => Ok(Some(Challenge::S256(challenge.to_owned()))),
        Some(_) => Err(Refusal::Unsupported("code_challenge_method")),
    }
}
