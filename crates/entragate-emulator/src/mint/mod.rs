//! Tokens without a sign-in: good ones, and hostile ones (number 108 of docs/reference/emulator.md).

mod defect;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use defect::Defect;

use crate::agent;
use crate::directory::{App, User};
use crate::entra::Entra;
use crate::grants::ClaimsRequest;
use crate::jwt::{self, Object};
use crate::scope::Prefix;
use crate::tokens::access::{self, AccessToken, Actor, ClientProof};

/// A wish for a token. Everything is optional; the default is what alice would get from API through CLI.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MintRequest {
    /// The API, by name or id; default API.
    pub app: Option<String>,
    /// The client, by name or id; default CLI.
    pub client: Option<String>,
    /// The user, by name or user principal name; none for an app-only token.
    pub user: Option<String>,
    /// Token version; default the API's.
    pub version: Option<u8>,
    /// `scp`; default `access`, nothing for app-only tokens.
    pub scp: Option<String>,
    /// `roles`; default what the directory assigns.
    pub roles: Option<Vec<String>>,
    /// Lifetime; default one hour.
    pub lifetime_seconds: Option<u64>,
    /// Merged over the payload; `null` removes a claim.
    pub claims: Map<String, Value>,
    /// Merged over the JOSE header; `null` removes a member.
    pub header: Map<String, Value>,
    /// Used as the payload, byte for byte.
    pub raw_payload: Option<String>,
    /// The client is an agent identity, acting for the user or, without one, for itself.
    pub agent: bool,
    /// What is wrong with it.
    pub defect: Option<Defect>,
}

impl Default for MintRequest {
    fn default() -> Self {
        Self {
            app: None,
            client: None,
            user: Some("alice".to_owned()),
            version: None,
            scp: None,
            roles: None,
            lifetime_seconds: None,
            claims: Map::new(),
            header: Map::new(),
            raw_payload: None,
            agent: false,
            defect: None,
        }
    }
}

/// Why a token could not be minted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// The directory has no such app.
    #[error("no app is called `{0}`")]
    UnknownApp(String),
    /// The directory has no such user.
    #[error("no user is called `{0}`")]
    UnknownUser(String),
    /// A token version other than 1 or 2.
    #[error("there are token versions 1 and 2, not {0}")]
    Version(u8),
}

/// A token on its way to being signed.
struct Draft<'a> {
    entra: &'a Entra,
    request: &'a MintRequest,
    api: &'a App,
    client: &'a App,
    user: Option<&'a User>,
    version: u8,
    claims: Object,
}

pub(crate) fn mint(entra: &Entra, request: &MintRequest) -> Result<String, MintError> {
    let app = |named: &Option<String>, default: &str| {
        let name = named.as_deref().unwrap_or(default);
        entra.directory.app(name).ok_or_else(|| MintError::UnknownApp(name.to_owned()))
    };
    let (api, client) = (app(&request.app, "API")?, app(&request.client, "CLI")?);
    let user = match &request.user {
        Some(name) => Some(entra.directory.user(name).ok_or_else(|| MintError::UnknownUser(name.clone()))?),
        None => None,
    };
    let version = request.version.unwrap_or(api.token_version);
    if !matches!(version, 1 | 2) {
        return Err(MintError::Version(version));
    }
    let mut draft = Draft { entra, request, api, client, user, version, claims: Object::new() };
    draft.claims = draft.good_claims();
    Ok(draft.finish())
}

impl Draft<'_> {
    fn good_claims(&self) -> Object {
        let actor = match self.user {
            Some(user) => Actor::User { user, profile: true, mfa: false },
            None => Actor::App,
        };
        let scp = self.request.scp.as_deref().unwrap_or("access");
        let uri = self.api.identifier_uris.first();
        let token = AccessToken {
            tenant: self.user.map_or(&self.api.tenant, |user| &user.tenant),
            api: self.api,
            client: self.client,
            actor,
            form: &uri.map_or_else(|| Prefix::Guid(self.api.id.clone()), |uri| Prefix::Uri(uri.clone())),
            scp: if self.user.is_some() { scp.split(' ').map(str::to_owned).collect() } else { Vec::new() },
            version: self.version,
            proof: if self.user.is_some() { ClientProof::None } else { ClientProof::Secret },
            claims: &ClaimsRequest::default(),
            lifetime: self.request.lifetime_seconds.unwrap_or(3600),
        };
        let mut claims = access::claims(self.entra, &token);
        if self.request.agent {
            agent::mark(&mut claims, agent::blueprint_of(self.client), actor.speaks());
        }
        if let (None, Some(scp)) = (self.user, &self.request.scp) {
            claims.insert("scp".into(), scp.clone().into());
        }
        if let Some(roles) = &self.request.roles {
            claims.insert("roles".into(), roles.clone().into());
        }
        claims
    }

    /// Defect first, then the overrides, so that these have the last word.
    fn finish(mut self) -> String {
        defect::spoil_claims(&mut self);
        merge(&mut self.claims, &self.request.claims);
        let payload = match &self.request.raw_payload {
            Some(raw) => raw.clone(),
            None => defect::payload(&self),
        };
        let key = defect::key(&self);
        let mut header = jwt::header(&key, self.version);
        defect::spoil_header(&self, &mut header);
        merge(&mut header, &self.request.header);
        defect::seal(&self, &key, &header, payload.as_bytes())
    }
}

fn merge(target: &mut Object, changes: &Object) {
    for (name, value) in changes {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            target.insert(name.clone(), value.clone());
        }
    }
}
