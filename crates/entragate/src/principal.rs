//! Who is calling, and the proof that the call may go on.
//!
//! Neither type has a public constructor: a [`Principal`] comes out of token verification, a [`Permit`] out
//! of the policy decision, and the code that talks to the MCP server demands a `Permit`. Forgetting a check
//! is therefore a compile error, not a hole.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::clock::Timestamp;
use crate::gate::Resource;
use crate::idp::entra::groups::{Memberships, Unread};
use crate::policy::call::Message;
use crate::token::held::Held;
use crate::upstream::{assertion, headers};

/// What kind of caller a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A person, through a client with delegated permissions (`scp`).
    User,
    /// A program in its own name (client credentials, app roles).
    Application,
    /// Nobody: authentication is off (development mode, loopback only).
    Development,
}

/// A verified caller. Authorise on [`Principal::object_id`] with [`Principal::tenant_id`], or on roles and
/// scopes; names and mail addresses are for people to read, Entra lets users change them.
#[derive(Debug, Clone)]
pub struct Principal(Arc<Known>, Beyond);

/// Who calls, and what was made of it for MCP servers: as long as the token is remembered, and no longer.
#[derive(Debug)]
struct Known {
    who: Identity,
    assertion: assertion::Slot,
    headers: headers::Slot,
}

/// What is known of groups that are not in the token.
#[derive(Debug, Clone)]
enum Beyond {
    NotAsked,
    Read(Memberships),
    Unread(Unread),
}

#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) kind: Kind,
    pub(crate) object_id: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) username: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) groups_overage: bool,
    pub(crate) agent_blueprint: Option<String>,
    pub(crate) token_id: Option<String>,
    /// The token cannot have been issued later than this.
    pub(crate) issued_at: Option<Timestamp>,
    /// What the token itself says; it is taken a little longer.
    pub(crate) ends_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Principal {
    pub(crate) fn new(who: Identity) -> Self {
        let (assertion, headers) = (assertion::Slot::default(), headers::Slot::default());
        Self(Arc::new(Known { who, assertion, headers }), Beyond::NotAsked)
    }

    /// The same caller, with what could be found out about groups that are not in the token.
    pub(crate) fn with_groups(&self, found: Result<Memberships, Unread>) -> Self {
        let beyond = match found {
            Ok(groups) => Beyond::Read(groups),
            Err(unread) => Beyond::Unread(unread),
        };
        Self(Arc::clone(&self.0), beyond)
    }

    /// Whether there are groups that nobody has asked for yet.
    pub(crate) fn has_unasked_groups(&self) -> bool {
        self.0.who.groups_overage && matches!(self.1, Beyond::NotAsked)
    }

    /// Whether the caller is a member of one of these groups, or why nobody knows.
    pub(crate) fn is_in_one_of(&self, groups: &[String]) -> Result<bool, Unread> {
        let is_among = |have: &[String]| {
            groups.iter().any(|group| have.iter().any(|one| one.eq_ignore_ascii_case(group)))
        };
        if self.is_development() || is_among(&self.0.who.groups) {
            return Ok(true);
        }
        match &self.1 {
            Beyond::Read(more) => Ok(is_among(more)),
            Beyond::Unread(unread) => Err(unread.clone()),
            Beyond::NotAsked if self.0.who.groups_overage => Err(Unread::NotAsked),
            Beyond::NotAsked => Ok(false),
        }
    }

    /// The caller of development mode, who may do everything and is nobody.
    pub(crate) fn development() -> Self {
        Self::new(Identity {
            kind: Kind::Development,
            object_id: String::new(),
            tenant_id: String::new(),
            client_id: String::new(),
            username: None,
            email: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            groups: Vec::new(),
            groups_overage: false,
            agent_blueprint: None,
            token_id: None,
            issued_at: None,
            ends_at: Timestamp::from_unix(u64::MAX),
            expires_at: Timestamp::from_unix(u64::MAX),
        })
    }

    /// User, application, or nobody (development mode).
    pub fn kind(&self) -> Kind {
        self.0.who.kind
    }

    /// `oid`: the caller's object id, the same in every app of the tenant. Empty in development mode.
    pub fn object_id(&self) -> &str {
        &self.0.who.object_id
    }

    /// `tid`: the tenant that issued the token. Empty in development mode.
    pub fn tenant_id(&self) -> &str {
        &self.0.who.tenant_id
    }

    /// `azp` / `appid`: the client app the token was issued to. Empty in development mode.
    pub fn client_id(&self) -> &str {
        &self.0.who.client_id
    }

    /// `preferred_username` / `upn`: for display only.
    pub fn username(&self) -> Option<&str> {
        self.0.who.username.as_deref()
    }

    /// `email`: for display only.
    pub fn email(&self) -> Option<&str> {
        self.0.who.email.as_deref()
    }

    /// App roles assigned on the API app.
    pub fn roles(&self) -> &[String] {
        &self.0.who.roles
    }

    /// Delegated scopes, by their short names.
    pub fn scopes(&self) -> &[String] {
        &self.0.who.scopes
    }

    /// Object ids of groups in the token. Empty when [`Principal::has_group_overage`].
    pub fn groups(&self) -> &[String] {
        &self.0.who.groups
    }

    /// Entra left the groups out of the token because there are more than 200.
    pub fn has_group_overage(&self) -> bool {
        self.0.who.groups_overage
    }

    /// `xms_par_app_azp`: the blueprint app of an agent identity. For logs; an agent is authorised as every other
    /// caller is, by its own object id, roles and scopes.
    pub fn agent_blueprint(&self) -> Option<&str> {
        self.0.who.agent_blueprint.as_deref()
    }

    /// Whether the caller is known to be a member of the group, by its object id. Of somebody with
    /// [`Principal::has_group_overage`], only groups that rules name are known, and only where a rule asked.
    pub fn has_group(&self, group: &str) -> bool {
        self.is_in_one_of(&[group.to_owned()]).unwrap_or(false)
    }

    /// `uti`: the token's id, for logs and Entra's sign-in log.
    pub fn token_id(&self) -> Option<&str> {
        self.0.who.token_id.as_deref()
    }

    /// Until when the token was issued: nothing that stands for it may live longer.
    pub(crate) fn ends_at(&self) -> Timestamp {
        self.0.who.ends_at
    }

    /// The latest moment at which the token can have been issued, if it says so.
    pub(crate) fn issued_at(&self) -> Option<Timestamp> {
        self.0.who.issued_at
    }

    /// When the token stops being valid here: with the tolerance for clocks that differ.
    pub fn expires_at(&self) -> Timestamp {
        self.0.who.expires_at
    }

    /// Whether the caller has the app role. In development mode everybody has every role.
    pub fn has_role(&self, role: &str) -> bool {
        self.is_development() || self.0.who.roles.iter().any(|have| have == role)
    }

    /// Whether the token carries the delegated scope. In development mode every scope is there.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.is_development() || self.0.who.scopes.iter().any(|have| have == scope)
    }

    /// The caller in the headers by which proxies tell a server behind them who that is, made once for each token:
    /// `X-Forwarded-User`, `X-Forwarded-Roles` and others (docs/guide/identity.md). None in development mode, and none
    /// for what is not known.
    ///
    /// Whoever sets them removes first what a client sent under such a name.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
        self.0.headers.of(self)
    }

    /// What was signed about this caller.
    pub(crate) fn assertion(&self) -> &assertion::Slot {
        &self.0.assertion
    }

    /// Whether authentication is off.
    pub fn is_development(&self) -> bool {
        self.0.who.kind == Kind::Development
    }
}

/// The proof that [`crate::Policy`] let this request pass. The layer puts it into the request's extensions;
/// [`Permit::principal`] says for whom.
#[derive(Debug, Clone)]
pub struct Permit {
    principal: Principal,
    message: Arc<Message>,
    held: Held,
    /// Where the call may go on.
    resource: Option<Arc<Resource>>,
}

impl Permit {
    pub(crate) fn new(principal: Principal, message: Arc<Message>) -> Self {
        Self { principal, message, held: Held::Nothing, resource: None }
    }

    /// With the token that the caller came with.
    pub(crate) fn holding(self, held: Held) -> Self {
        Self { held, ..self }
    }

    /// For a call of this MCP server.
    pub(crate) fn at(self, resource: Arc<Resource>) -> Self {
        Self { resource: Some(resource), ..self }
    }

    pub(crate) fn resource(&self) -> Option<&Resource> {
        self.resource.as_deref()
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }

    /// Lets go of the token that the caller came with. Whoever passes the request on does so once it is written and only the
    /// answer is waited for: the token is a part of the buffer that the request was read into, which would have to stay.
    /// Afterwards nothing more can be got with it ([`Gate::on_behalf_of`](crate::Gate::on_behalf_of),
    /// [`Gate::entra_token`](crate::Gate::entra_token)).
    pub fn forget_token(&mut self) {
        self.held.forget();
    }

    /// Who may.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What may be done: the JSON-RPC message that was judged (empty for GET and DELETE).
    pub fn message(&self) -> &Message {
        &self.message
    }
}
