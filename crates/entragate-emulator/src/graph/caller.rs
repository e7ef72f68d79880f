//! Who calls Graph: the token's signature, audience and time, and what it allows.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::error::GraphError;
use crate::digest::sha256_base64url;
use crate::directory::{App, User};
use crate::entra::Entra;
use crate::exchange::Exchange;
use crate::fixtures::GRAPH;
use crate::jwt::{self, Object};

/// The bearer of a token for Graph.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) tenant: String,
    /// The client's name in the directory, or its id where it has none there.
    pub(super) client: String,
    /// The signed-in user of a delegated token.
    pub(super) user: Option<User>,
    /// `scp` of a delegated token, `roles` of an app's.
    permissions: Vec<String>,
}

impl Caller {
    pub(super) fn of(entra: &Entra, exchange: &Exchange) -> Result<Self, GraphError> {
        let header = exchange.header("authorization").unwrap_or_default();
        let (scheme, token) = header.split_once(' ').unwrap_or_default();
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(GraphError::unauthenticated("Access token is empty."));
        }
        let claims = verified(entra, token)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let tenant = text("tid").and_then(|tid| entra.directory.tenant(tid));
        let tenant = tenant.ok_or_else(|| invalid("Invalid tenant."))?.id.clone();
        let issuers = [entra.v1_issuer(&tenant), entra.v2_issuer(&tenant)];
        if !text("iss").is_some_and(|issuer| issuers.iter().any(|own| own == issuer)) {
            return Err(invalid("Invalid issuer."));
        }
        let id = text("appid").or_else(|| text("azp")).unwrap_or_default();
        let client = entra.directory.app(id).map_or(id, |app| &app.name).to_owned();
        let (user, permissions) = if let Some(scp) = text("scp") {
            let user = text("oid").and_then(|oid| entra.directory.user_by_oid(oid));
            let user = user.ok_or_else(|| invalid("The user is not in the directory."))?;
            (Some(user.clone()), scp.split(' ').map(str::to_owned).collect())
        } else {
            let roles = claims.get("roles").and_then(Value::as_array).into_iter().flatten();
            (None, roles.filter_map(Value::as_str).map(str::to_owned).collect())
        };
        Ok(Self { tenant, client, user, permissions })
    }

    pub(super) fn has(&self, permissions: &[&str]) -> bool {
        self.permissions.iter().any(|held| permissions.contains(&held.as_str()))
    }

    /// Reading needs one of these permissions, and a user who is no guest.
    pub(super) fn may_read(&self, permissions: &[&str]) -> Result<(), GraphError> {
        let guest = self.user.as_ref().is_some_and(|user| user.home_tenant.is_some());
        if self.has(permissions) && !guest { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// What only an administrator may do on somebody's behalf.
    pub(super) fn may_administer(&self, permissions: &[&str]) -> Result<(), GraphError> {
        let allowed = self.user.as_ref().is_none_or(|user| user.admin);
        if self.has(permissions) && allowed { Ok(()) } else { Err(GraphError::denied()) }
    }

    pub(super) fn may_read_apps(&self) -> Result<(), GraphError> {
        self.may_read(&READ_APPS)
    }

    pub(super) fn may_write_app(&self, app: &App) -> Result<(), GraphError> {
        let owned = match &self.user {
            Some(user) => app.owners.contains(&user.name),
            None => app.owners.contains(&self.client),
        };
        let allowed = match &self.user {
            Some(user) => self.has(&WRITE_APPS) && (user.admin || owned),
            None => self.has(&WRITE_APPS) || owned && self.has(&["Application.ReadWrite.OwnedBy"]),
        };
        if allowed { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// Every member may register apps, unless the tenant says otherwise, and owns what it registered.
    pub(super) fn may_create_apps(&self, users_may: bool) -> Result<(), GraphError> {
        let allowed = match &self.user {
            Some(user) => self.has(&WRITE_APPS) && (user.admin || users_may && user.home_tenant.is_none()),
            None => self.has(&WRITE_APPS) || self.has(&["Application.ReadWrite.OwnedBy"]),
        };
        if allowed { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// What owns an app that this caller registers.
    pub(super) fn name(&self) -> &str {
        self.user.as_ref().map_or(&self.client, |user| &user.name)
    }
}

const READ_APPS: [&str; 6] = [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
];

const WRITE_APPS: [&str; 2] = ["Application.ReadWrite.All", "Directory.AccessAsUser.All"];

fn invalid(reason: &str) -> GraphError {
    GraphError::unauthenticated(&format!("Access token validation failure. {reason}"))
}

/// The claims of a token of this emulator for Graph. The signature of most covers the hash of the nonce in the header;
/// tokens of managed identities and of the mint have no nonce.
fn verified(entra: &Entra, token: &str) -> Result<Object, GraphError> {
    let malformed = || GraphError::unauthenticated("CompactToken parsing failed with error code: 80049217");
    let (input, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = input.split_once('.').ok_or_else(malformed)?;
    let object = |part: &str| serde_json::from_slice::<Object>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let mut read = object(header).ok_or_else(malformed)?;
    let claims = object(payload).ok_or_else(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let text = |name: &str| read.get(name).and_then(Value::as_str).map(str::to_owned);
    let key = text("kid").and_then(|kid| entra.state.with(|state| state.keys.find(&kid)));
    let unsigned = || invalid("Invalid signature.");
    let key = key.filter(|_| text("alg").as_deref() == Some("RS256")).ok_or_else(unsigned)?;
    let signed = if let Some(nonce) = text("nonce") {
        read.insert("nonce".into(), sha256_base64url(nonce.as_bytes()).into());
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed())?;
        key.verify(jwt::signing_input(&read, &payload).as_bytes(), &signature)
    } else {
        key.verify(input.as_bytes(), &signature)
    };
    if !signed {
        return Err(unsigned());
    }
    let for_graph = claims
        .get("aud")
        .and_then(Value::as_str)
        .is_some_and(|audience| entra.apis().find(audience, None).is_some_and(|api| api.id == GRAPH));
    if !for_graph {
        return Err(invalid("Invalid audience."));
    }
    let seconds = |name: &str| claims.get(name).and_then(Value::as_u64);
    let now = entra.now();
    if seconds("nbf").is_some_and(|from| now < from) || seconds("exp").is_none_or(|until| until <= now) {
        return Err(GraphError::unauthenticated("Lifetime validation failed, the token is expired."));
    }
    Ok(claims)
}
