//! The same checks as [`super::verifier`] makes, all of them: the gate stops at the first that fails, a report goes on
//! as far as there is something to judge. Nothing is remembered, counted or logged.

use super::access::{Accepted, TokenAccess, access_of};
use super::claimed::{self, Claimed};
use super::header::{self, Header, Parts};
use super::keys::Snapshot;
use super::refused::{Refused, shown};
use super::remedy::About;
use super::report::{Rows, TokenBearer, TokenReport, TokenVerdict};
use super::sealed::{self, SealedError, SealedTokens};
use super::signed::{self, Signed};
use super::verifier::Verifier;
use crate::gate::{Audience, Resource};
use crate::idp::entra::claims::Claims;
use crate::once::OnceError;
use crate::principal::{Kind, Principal};

const OVERAGE: &str = "Group overage: more groups than fit into a token, so Entra left them out. Rules over groups need Microsoft Graph, or let the API app emit only groups that are assigned to it (groupMembershipClaims: ApplicationGroup).";

/// A report, and the caller whom the gate would see, unless it would refuse the token.
pub(crate) type Examination = (TokenReport, Option<Principal>);

/// What the gate would do with what a request to this resource presents; `None`: something that is no bearer token.
pub(crate) async fn examine(resource: &Resource, audience: &Audience, token: Option<&str>) -> Examination {
    let keyring = &audience.entra.keyring;
    let tenant = match keyring.peek() {
        Some(snapshot) => snapshot.endpoints.tenant_guid.clone(),
        None => keyring.tenant().to_owned(),
    };
    let mut rows = Rows::new(About::new(&audience.api, tenant, keyring.authority()));
    let token = token.ok_or(Refused::Header);
    let found = if token.is_ok() { "a bearer token" } else { "no `Bearer` and a token" };
    let Some(token) = rows.add("authorization_header", found, token) else {
        return finished(rows, None, None, None, Vec::new());
    };
    if let Some(broker) = audience.entra.way.broker()
        && sealed::is_sealed(token.into())
    {
        return examine_sealed(rows, &broker.tokens, token, resource, audience).await;
    }
    let examined = audience.verifier.examine(&mut rows, token).await;
    let access = match &examined.principal {
        Some(who) => Some(access_of(resource, audience, who, accepted(&rows)).await),
        None => None,
    };
    finished(rows, examined.bearer, access, examined.unavailable, examined.notes)
}

/// Whether nothing that was looked at is wrong.
fn accepted(rows: &Rows<'_>) -> Accepted {
    if rows.refused.is_none() { Accepted::Yes } else { Accepted::No }
}

fn finished(
    rows: Rows<'_>,
    bearer: Option<TokenBearer>,
    access: Option<TokenAccess>,
    unavailable: Option<String>,
    mut notes: Vec<String>,
) -> Examination {
    let unjudged = unavailable.map(|reason| TokenVerdict::Unjudged { reason });
    let verdict = rows.refused.or(unjudged).unwrap_or(TokenVerdict::Valid);
    let (access, who) = match access {
        Some(TokenAccess { outlook, note, who }) => {
            notes.extend(note);
            (Some(outlook), Some(who).filter(|_| !matches!(verdict, TokenVerdict::Refused { .. })))
        }
        None => (None, None),
    };
    (TokenReport { verdict, checks: rows.checks, bearer, access, notes }, who)
}

/// What came of the checks of a token of Entra's.
#[derive(Default)]
struct Examined {
    bearer: Option<TokenBearer>,
    /// Whom the gate would see if every check had passed; only with a good signature.
    principal: Option<Principal>,
    unavailable: Option<String>,
    notes: Vec<String>,
}

impl Verifier {
    async fn examine(&self, rows: &mut Rows<'_>, token: &str) -> Examined {
        let mut examined = Examined::default();
        let is_short = rows.add("length", format!("{} bytes", token.len()), header::check_length(token));
        let parts = is_short.and_then(|()| {
            let parts = rows.add("format", form(token), Parts::of(token))?;
            Some(parts)
        });
        let Some(parts) = parts else {
            return examined;
        };
        let header = rows.add("format", "a JSON header", parts.header());
        let is_usable = header.as_ref().is_some_and(|header| rows.run(&header::STEPS, header));
        let key_id = header.as_ref().map(Header::key_id).unwrap_or_default();
        let snapshot = match key_id {
            "" => self.keyring.snapshot().await,
            id => self.keyring.snapshot_with(id).await,
        };
        let snapshot = snapshot.map_err(|error| examined.unavailable = Some(error.to_string())).ok();
        if let Some(snapshot) = &snapshot {
            rows.about.tenant.clone_from(&snapshot.endpoints.tenant_guid);
        }
        let is_signed = match (is_usable, &snapshot) {
            (true, Some(snapshot)) => check_key(rows, &parts, key_id, snapshot),
            (usable, _) => {
                let why = if usable { "there are no keys" } else { "the header is refused" };
                rows.skip(key_checks(), why);
                false
            }
        };
        let payload = parts.payload_json();
        let payload = rows.add("format", "a base64url payload", payload);
        self.check_claims(rows, &mut examined, payload.as_deref(), snapshot.as_deref(), is_signed);
        examined
    }

    fn check_claims(
        &self,
        rows: &mut Rows<'_>,
        examined: &mut Examined,
        payload: Option<&str>,
        snapshot: Option<&Snapshot>,
        is_signed: bool,
    ) {
        let names = || claimed::steps().map(|step| step.check);
        let Some(payload) = payload else {
            rows.skip(["claims"].into_iter().chain(names()), "there are no claims");
            return;
        };
        if let Ok(claims) = serde_json::from_str::<Claims>(payload) {
            rows.about.claims(&claims);
            examined.bearer = Some(bearer(&claims, is_signed));
            examined.notes = notes(&claims);
            examined.principal = claimed::principal(&claims).ok().filter(|_| is_signed);
        }
        let Some(snapshot) = snapshot else {
            rows.skip(["claims"].into_iter().chain(names()), "the tenant's issuers are not known");
            return;
        };
        let claimed = Claimed::read(payload, &snapshot.endpoints, &self.audiences, self.clock.now());
        match rows.add("claims", "of the types that Entra's have", claimed) {
            Some(claimed) => {
                rows.run(&claimed::steps(), &claimed);
            }
            None => rows.skip(names(), "the claims are not readable"),
        }
    }
}

/// What the text looks like.
fn form(token: &str) -> &'static str {
    match token.splitn(6, '.').count() {
        3 => "three parts",
        5 => "five parts",
        1 => "one part",
        _ => "a wrong number of parts",
    }
}

fn key_checks() -> impl Iterator<Item = &'static str> {
    ["kid_unknown"].into_iter().chain(signed::steps().map(|step| step.check))
}

fn check_key(rows: &mut Rows<'_>, parts: &Parts<'_>, key_id: &str, snapshot: &Snapshot) -> bool {
    let found = format!("{} keys of the tenant", snapshot.key_count());
    let Some(signed) = rows.add("kid_unknown", found, Signed::with(parts, key_id, snapshot)) else {
        rows.skip(signed::steps().map(|step| step.check), "there is no such key");
        return false;
    };
    rows.run(&signed::steps(), &signed)
}

fn bearer(claims: &Claims, is_verified: bool) -> TokenBearer {
    let all = |list: &[String]| list.iter().map(|one| shown(one)).collect();
    TokenBearer {
        is_verified,
        kind: claimed::principal(claims).ok().and_then(|who| kind(&who)),
        object_id: claims.oid.as_deref().map(shown),
        tenant_id: claims.tid.as_deref().map(shown),
        client_id: claims.client().map(shown),
        scopes: all(&claims.scopes()),
        roles: all(&claims.roles),
        groups: all(&claims.groups),
        groups_overage: claims.has_group_overage(),
        agent: claims.agent(),
        agent_blueprint: claims.agent_blueprint().map(shown),
    }
}

fn kind(who: &Principal) -> Option<&'static str> {
    match who.kind() {
        Kind::User => Some("user"),
        Kind::Application => Some("application"),
        Kind::Development => None,
    }
}

fn notes(claims: &Claims) -> Vec<String> {
    let mut notes = Vec::new();
    if claims.agent().is_some() {
        notes.push(
            "An agent identity. It is authorised by its own object id, scopes and roles; the blueprint is logged and decides nothing."
                .to_owned(),
        );
    }
    if claims.scp.as_deref().is_some_and(|scp| scp.split(' ').any(|scope| scope == "/")) {
        notes.push("`scp` \"/\" is what agent identities carry in app-only tokens. It is not a scope and allows nothing.".to_owned());
    }
    if claims.has_group_overage() {
        notes.push(OVERAGE.to_owned());
    }
    notes
}

/// A token that the gateway sealed itself, in broker mode.
async fn examine_sealed(
    mut rows: Rows<'_>,
    tokens: &SealedTokens,
    token: &str,
    resource: &Resource,
    audience: &Audience,
) -> Examination {
    let Some(access) =
        rows.add("not_sealed_here", "a sealed token of a gateway in broker mode", tokens.unsealed(token))
    else {
        rows.skip(["resource", "expired", "revoked"], "the seal cannot be opened");
        return finished(rows, None, None, None, Vec::new());
    };
    rows.add("resource", shown(&access.resource), sealed::check_resource(&access.resource, resource.url()));
    rows.add("expired", format!("ends {}", access.expires), tokens.check_expired(access.expires));
    let mut unavailable = None;
    let alive = match tokens.check_alive(&access.family, &access.epoch).await {
        Ok(()) => Some(Ok(())),
        Err(SealedError::Refused(refused)) => Some(Err(refused)),
        Err(SealedError::Unavailable(error)) => {
            let reason = match error {
                OnceError::Failed(reason) => reason,
                other => other.to_string(),
            };
            unavailable = Some(format!("whether it was revoked is not known: {reason}"));
            None
        }
    };
    match alive {
        Some(alive) => {
            rows.add("revoked", "the sign-in that it came from", alive);
        }
        None => rows.skip(["revoked"], "the store of the gateway cannot be asked"),
    }
    let who = access.person.principal(access.label, access.id, access.issued, access.expires);
    let bearer = TokenBearer {
        is_verified: true,
        kind: kind(&who),
        object_id: Some(who.object_id().to_owned()),
        tenant_id: Some(who.tenant_id().to_owned()),
        client_id: Some(shown(who.client_id())),
        scopes: who.scopes().to_vec(),
        roles: who.roles().to_vec(),
        groups: who.groups().to_vec(),
        groups_overage: who.has_group_overage(),
        agent: None,
        agent_blueprint: None,
    };
    let notes = if who.has_group_overage() { vec![OVERAGE.to_owned()] } else { Vec::new() };
    let access = access_of(resource, audience, &who, accepted(&rows)).await;
    finished(rows, Some(bearer), Some(access), unavailable, notes)
}
