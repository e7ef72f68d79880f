//! The tokens themselves and the answer that carries them.

pub(crate) mod access;
mod id;

use http::StatusCode;
use serde_json::{Value, json};

use crate::consent;
use crate::digest::base64url;
use crate::directory::{App, User};
use crate::discovery::Version;
use crate::entra::Entra;
use crate::event::Outcome;
use crate::exchange::Answer;
use crate::fixtures::GRAPH;
use crate::grants::{Grant, Platform, RefreshToken};
use crate::issued::{IssuedToken, TokenKind};
use crate::jwt;
use crate::scope::{ApiScopes, Oidc, ScopeRequest};
use crate::v1::{self, Validity};
use access::{AccessToken, Actor, ClientProof};

pub(crate) use id::id_token;

/// A token about to be handed to a user's client.
#[derive(Debug)]
pub(crate) struct Issue<'a> {
    /// Of the endpoint.
    pub(crate) version: Version,
    pub(crate) client: &'a App,
    pub(crate) user: &'a User,
    /// The tenant whose tokens these are.
    pub(crate) tenant: &'a str,
    pub(crate) grant: &'a Grant,
    /// What this answer is for; the grant's own scope may be wider.
    pub(crate) scope: &'a ScopeRequest,
    /// The refresh token's chain, when there is one already.
    pub(crate) ends_at: Option<u64>,
    /// How the client authenticated this time.
    pub(crate) proof: ClientProof,
    /// `client_info=1` was sent.
    pub(crate) client_info: bool,
}

/// The success body of a user's token.
pub(crate) fn for_user(entra: &Entra, issue: &Issue<'_>) -> Answer {
    let target = issue.scope.target();
    let Some(api) = entra.directory.app(&target.api) else { return Answer::not_found() };
    let lifetime = lifetime(entra);
    let granted = granted_values(entra, issue, api, &target);
    let token = AccessToken {
        tenant: issue.tenant,
        api,
        client: issue.client,
        actor: Actor::User {
            user: issue.user,
            profile: issue.scope.has(Oidc::Profile) || issue.grant.scope.has(Oidc::Profile),
            mfa: issue.grant.mfa,
        },
        form: &target.form(),
        scp: granted.clone(),
        version: api.token_version,
        proof: issue.proof,
        claims: &issue.grant.claims,
        lifetime,
    };
    let access_token = access_token(entra, &token, Some(issue.user));
    let mut body = json!({
        "token_type": "Bearer",
        "scope": scope_text(&target, &granted),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access_token,
    });
    if issue.grant.scope.has(Oidc::OfflineAccess) || issue.scope.has(Oidc::OfflineAccess) {
        body["refresh_token"] = refresh_token(entra, issue).into();
    }
    if issue.scope.has(Oidc::OpenId) {
        let about = (issue.client, issue.user, issue.tenant);
        let token = id::id_token(entra, issue.version, about, issue.grant);
        remember(entra, TokenKind::Id, &token, (&issue.client.id, issue.client), Some(issue.user), None);
        body["id_token"] = token.into();
    }
    if issue.client_info {
        body["client_info"] = client_info(issue.user).into();
    }
    let body = in_version(entra, issue.version, body, &target, &granted, lifetime);
    Answer::json(StatusCode::OK, &body)
        .outcome(Outcome::Tokens)
        .client(&issue.client.name)
        .user(&issue.user.name)
}

fn in_version(
    entra: &Entra,
    version: Version,
    body: Value,
    target: &ApiScopes,
    granted: &[String],
    lifetime: u64,
) -> Value {
    match version {
        Version::V2 => body,
        Version::V1 => {
            let now = entra.now();
            let validity = Validity { from: now - access::BACKDATED, until: now + lifetime };
            v1::body(body, target, granted, validity)
        }
    }
}

/// A client that asks for itself.
#[derive(Debug)]
pub(crate) struct Daemon<'a> {
    pub(crate) version: Version,
    pub(crate) client: &'a App,
    pub(crate) tenant: &'a str,
    pub(crate) proof: ClientProof,
}

/// The success body of a daemon's token: no refresh token, no scope.
pub(crate) fn for_app(entra: &Entra, daemon: &Daemon<'_>, api: &App, scopes: &ApiScopes) -> Answer {
    let Daemon { client, tenant, .. } = *daemon;
    let lifetime = lifetime(entra);
    let token = AccessToken {
        tenant,
        api,
        client,
        actor: Actor::App,
        form: &scopes.form(),
        scp: Vec::new(),
        version: api.token_version,
        proof: daemon.proof,
        claims: &crate::grants::ClaimsRequest::default(),
        lifetime,
    };
    let body = json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access_token(entra, &token, None),
    });
    let body = in_version(entra, daemon.version, body, scopes, &[], lifetime);
    Answer::json(StatusCode::OK, &body).outcome(Outcome::Tokens).client(&client.name)
}

/// `client_info`: who signed in, for MSAL's cache.
pub(crate) fn client_info(user: &User) -> String {
    base64url(json!({ "uid": user.oid, "utid": user.home() }).to_string().as_bytes())
}

fn lifetime(entra: &Entra) -> u64 {
    let random = || entra.random(|random| random.between(3600, 5400));
    entra.settings().access_token_seconds.unwrap_or_else(random)
}

/// Named scopes as named; for `.default`, whatever has been consented to.
fn granted_values(entra: &Entra, issue: &Issue<'_>, api: &App, target: &ApiScopes) -> Vec<String> {
    if target.is_default() {
        return consent::granted(entra, issue.client, api, issue.user);
    }
    let mut values: Vec<String> = Vec::new();
    for named in &target.named {
        if !values.contains(&named.value) {
            values.push(named.value.clone());
        }
    }
    values
}

/// Fully qualified in the form requested. `.default` is echoed beside what it stands for: replaying this text at a refresh
/// ends in AADSTS70011, as it does with the real one.
fn scope_text(target: &ApiScopes, granted: &[String]) -> String {
    let mut words: Vec<String> = Vec::new();
    if target.is_default() {
        let form = target.form();
        let qualified =
            |value: &String| crate::scope::Named { prefix: form.clone(), value: value.clone() }.text();
        words.extend(granted.iter().map(qualified));
    }
    words.extend(target.named.iter().map(crate::scope::Named::text));
    words.join(" ")
}

fn access_token(entra: &Entra, token: &AccessToken<'_>, user: Option<&User>) -> String {
    let claims = access::claims(entra, token);
    let key = entra.state.with(|state| state.keys.active.clone());
    let mut header = jwt::header(&key, token.version);
    let signed = if token.api.id == GRAPH {
        header.insert("nonce".into(), entra.random(|random| random.opaque(32)).into());
        jwt::sign_for_graph(&key, &header, Value::Object(claims).to_string().as_bytes())
    } else {
        jwt::sign_claims(&key, &header, &claims)
    };
    let audience = (token.api.id.as_str(), token.client);
    remember(entra, TokenKind::Access, &signed, audience, user, Some(entra.now() + token.lifetime));
    signed
}

/// A new refresh token. Its predecessor goes on working; only a single-page app's chain has an end of its own.
fn refresh_token(entra: &Entra, issue: &Issue<'_>) -> String {
    let now = entra.now();
    let of_spa = (issue.grant.platform == Platform::Spa).then_some(now + 24 * 3600);
    let token = entra.random(crate::ids::Random::refresh_token);
    let ends_at = issue.ends_at.or(of_spa);
    let stored = RefreshToken { grant: issue.grant.clone(), issued_at: now, last_used: now, ends_at };
    entra.state.with(|state| state.refresh_tokens.insert(token.clone(), stored));
    remember(entra, TokenKind::Refresh, &token, (&issue.client.id, issue.client), Some(issue.user), ends_at);
    token
}

fn remember(
    entra: &Entra,
    kind: TokenKind,
    token: &str,
    (audience, client): (&str, &App),
    user: Option<&User>,
    expires_at: Option<u64>,
) {
    let issued = IssuedToken {
        kind,
        token: token.to_owned(),
        audience: audience.to_owned(),
        client: client.id.clone(),
        user: user.map(|user| user.name.clone()),
        issued_at: entra.now(),
        expires_at,
    };
    entra.state.with(|state| state.remember_issued(issued));
}
