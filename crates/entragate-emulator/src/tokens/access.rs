//! Claims of access tokens (Microsoft, "Access token claims reference"): the API's version decides the shape.

use serde_json::{Value, json};

use crate::agent::{self, Speaks};
use crate::digest::sha256_base64url;
use crate::directory::{App, Assignment, Group, GroupClaims, User};
use crate::entra::Entra;
use crate::grants::ClaimsRequest;
use crate::jwt::Object;
use crate::scope::Prefix;
use crate::settings::V1Audience;

/// Entra dates tokens back by so much, against clocks that are slow.
pub(super) const BACKDATED: u64 = 300;

/// More groups than this become an overage claim.
const MAX_GROUPS: usize = 200;

/// Who the token speaks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Actor<'a> {
    User {
        user: &'a User,
        /// `profile` was requested.
        profile: bool,
        mfa: bool,
    },
    App,
}

impl Actor<'_> {
    pub(crate) fn speaks(self) -> Speaks {
        match self {
            Self::User { .. } => Speaks::ForUser,
            Self::App => Speaks::ForItself,
        }
    }
}

/// How the client authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientProof {
    None,
    Secret,
    /// A client assertion, whoever signed it.
    Certificate,
}

impl ClientProof {
    /// `azpacr`, `appidacr`.
    fn class(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Secret => "1",
            Self::Certificate => "2",
        }
    }
}

/// What goes into an access token.
#[derive(Debug)]
pub(crate) struct AccessToken<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) api: &'a App,
    pub(crate) client: &'a App,
    pub(crate) actor: Actor<'a>,
    /// How the API was named, which shows in the `aud` of v1 tokens.
    pub(crate) form: &'a Prefix,
    /// Short scope values.
    pub(crate) scp: Vec<String>,
    pub(crate) version: u8,
    pub(crate) proof: ClientProof,
    pub(crate) claims: &'a ClaimsRequest,
    pub(crate) lifetime: u64,
}

pub(crate) fn claims(entra: &Entra, token: &AccessToken<'_>) -> Object {
    let now = entra.now();
    let mut claims = Object::new();
    let mut set = |name: &str, value: Value| claims.insert(name.into(), value);
    let v1 = token.version == 1;
    set("aud", audience(entra, token).into());
    set("iss", if v1 { entra.v1_issuer(token.tenant) } else { entra.v2_issuer(token.tenant) }.into());
    set("iat", json!(now - BACKDATED));
    set("nbf", json!(now - BACKDATED));
    set("exp", json!(now + token.lifetime));
    set("aio", aio(entra, token.actor).into());
    let (client, class) = if v1 { ("appid", "appidacr") } else { ("azp", "azpacr") };
    set(client, token.client.id.clone().into());
    set(class, token.proof.class().into());
    set("rh", format!("1.{}.", entra.random(|random| random.opaque(30))).into());
    set("tid", token.tenant.into());
    set("uti", entra.random(|random| random.opaque(16)).into());
    set("ver", if v1 { "1.0" } else { "2.0" }.into());
    match token.actor {
        Actor::User { user, profile, mfa } => {
            of_user(entra, token, user, &mut claims);
            if v1 {
                display_v1(user, mfa, &mut claims);
            } else if profile {
                display_v2(user, &mut claims);
            }
        }
        Actor::App => of_app(entra, token, &mut claims),
    }
    if let Some(blueprint) = agent::blueprint(entra, token.client) {
        agent::mark(&mut claims, blueprint, token.actor.speaks());
    }
    claims
}

/// `aio` is where Entra keeps what it wants to know when the token comes back: here, whether there was a second factor.
fn aio(entra: &Entra, actor: Actor<'_>) -> String {
    let mfa = matches!(actor, Actor::User { mfa: true, .. });
    format!("{}{}", if mfa { AFTER_MFA } else { "AWQA" }, entra.random(|random| random.opaque(45)))
}

const AFTER_MFA: &str = "AXQA";

/// Whether an `aio` says that there was a second factor.
pub(crate) fn tells_of_mfa(aio: &str) -> bool {
    aio.starts_with(AFTER_MFA)
}

/// v2: always the API's GUID. v1: any of several forms, and which one is not for the client to know.
fn audience(entra: &Entra, token: &AccessToken<'_>) -> String {
    let api = token.api;
    if token.version == 2 || api.has_optional_claim("use_guid") {
        return api.id.clone();
    }
    let requested = match token.form {
        Prefix::Uri(uri) => uri.clone(),
        Prefix::Guid(_) | Prefix::Unqualified => api.id.clone(),
    };
    match entra.settings().v1_audience {
        V1Audience::RequestedUri => requested,
        V1Audience::Guid => api.id.clone(),
        V1Audience::WithSlash => {
            let uri = if requested == api.id { api.identifier_uris.first() } else { Some(&requested) };
            uri.map_or(requested.clone(), |uri| format!("{}/", uri.trim_end_matches('/')))
        }
        V1Audience::AnyUri => {
            let others = api.identifier_uris.iter().find(|uri| **uri != requested);
            others.cloned().unwrap_or(requested)
        }
    }
}

fn of_user(entra: &Entra, token: &AccessToken<'_>, user: &User, claims: &mut Object) {
    let mut set = |name: &str, value: Value| claims.insert(name.into(), value);
    set("oid", user.oid.clone().into());
    set("sub", subject(&token.api.id, &user.oid).into());
    set("scp", token.scp.join(" ").into());
    if user.home_tenant.is_some() {
        set("idp", entra.v1_issuer(user.home()).into());
    }
    if !token.claims.acrs.is_empty() {
        set("acrs", token.claims.acrs.clone().into());
    }
    if token.api.has_optional_claim("xms_cc") && !token.claims.capabilities.is_empty() {
        set("xms_cc", token.claims.capabilities.clone().into());
    }
    if token.api.has_optional_claim("idtyp") {
        set("idtyp", "user".into());
    }
    if token.api.has_optional_claim("acct") {
        set("acct", json!(u8::from(user.home_tenant.is_some())));
    }
    if token.api.has_optional_claim("email") {
        set("email", user.upn.clone().into());
    }
    let roles = roles(&entra.directory.user_assignments(token.api, user));
    if !roles.is_empty() {
        set("roles", roles.into());
    }
    if token.api.group_claims != GroupClaims::None {
        groups(entra, token, user, claims);
    }
}

fn of_app(entra: &Entra, token: &AccessToken<'_>, claims: &mut Object) {
    let mut set = |name: &str, value: Value| claims.insert(name.into(), value);
    let principal = token.client.principal_id();
    set("oid", principal.clone().into());
    set("sub", principal.into());
    if token.version == 1 {
        set("idp", entra.v1_issuer(token.tenant).into());
    }
    if token.api.has_optional_claim("idtyp") {
        set("idtyp", "app".into());
    }
    let roles = roles(&token.api.assignments_of_app(token.client));
    if !roles.is_empty() {
        set("roles", roles.into());
    }
}

/// Each role once.
pub(crate) fn roles(assignments: &[&Assignment]) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for role in assignments.iter().filter_map(|assignment| assignment.role.as_ref()) {
        if !values.contains(role) {
            values.push(role.clone());
        }
    }
    values
}

/// Up to 200 group ids; beyond, a pointer to Azure AD Graph, dead as it is.
fn groups(entra: &Entra, token: &AccessToken<'_>, user: &User, claims: &mut Object) {
    let (tenant, mut ids) = (token.tenant, entra.directory.group_ids(user));
    if token.api.group_claims == GroupClaims::ApplicationGroup {
        let assigned = |group: &&Group| token.api.assignments.iter().any(|held| held.principal == group.name);
        let groups: Vec<&Group> = entra.directory.groups.iter().filter(assigned).collect();
        ids.retain(|id| groups.iter().any(|group| group.id == *id));
    }
    if ids.len() > MAX_GROUPS {
        let endpoint = format!("https://graph.windows.net/{tenant}/users/{}/getMemberObjects", user.oid);
        claims.insert("_claim_names".into(), json!({ "groups": "src1" }));
        claims.insert("_claim_sources".into(), json!({ "src1": { "endpoint": endpoint } }));
    } else if !ids.is_empty() {
        claims.insert("groups".into(), ids.into());
    }
}

pub(super) fn display_v1(user: &User, mfa: bool, claims: &mut Object) {
    let mut set = |name: &str, value: Value| claims.insert(name.into(), value);
    set("acr", "1".into());
    set("amr", if mfa { json!(["pwd", "mfa"]) } else { json!(["pwd"]) });
    set("family_name", user.family_name.clone().into());
    set("given_name", user.given_name.clone().into());
    set("ipaddr", "127.0.0.1".into());
    set("name", user.display_name.clone().into());
    set("unique_name", user.upn.clone().into());
    set("upn", user.upn.clone().into());
}

pub(super) fn display_v2(user: &User, claims: &mut Object) {
    claims.insert("name".into(), user.display_name.clone().into());
    claims.insert("preferred_username".into(), user.upn.clone().into());
}

/// Pairwise: different for every app.
pub(crate) fn subject(app: &str, oid: &str) -> String {
    sha256_base64url(format!("{app}{oid}").as_bytes())
}
