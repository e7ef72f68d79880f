//! Who calls: a rehearsed caller, from flags or from a file of expectations.

use anyhow::Context as _;
use entragate::{Caller, ClientId, Guid};
use serde::Deserialize;

use super::spelling::Spelling;
use crate::config::{Config, Identity};

/// What a caller is said to have.
#[derive(Debug, Default, Clone, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CallerDescription {
    /// An app role of the caller; can be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<String>,
    /// A delegated scope, by short name; can be repeated [default: the scopes that every call needs]
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "app")]
    pub(super) scopes: Vec<String>,
    /// A group, by object id; can be repeated
    #[arg(long = "group", value_name = "GUID")]
    pub(super) groups: Vec<String>,
    /// The tenant [default: the gateway's]
    #[arg(long, value_name = "GUID")]
    pub(super) tenant: Option<String>,
    /// A particular user, by object id [default: nobody in particular]
    #[arg(long, value_name = "GUID", conflicts_with = "app")]
    pub(super) user: Option<String>,
    /// A program in its own name, by Application (client) ID, instead of a user
    #[arg(long, value_name = "GUID")]
    pub(super) app: Option<String>,
    /// The client that the user has, as the log names it [default: in relay mode the client app]
    #[arg(long, value_name = "ID", conflicts_with = "app")]
    pub(super) client: Option<String>,
}

impl CallerDescription {
    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.roles, &self.scopes, &self.groups];
        let texts = [&self.tenant, &self.user, &self.app, &self.client];
        lists.iter().all(|list| list.is_empty()) && texts.iter().all(|text| text.is_none())
    }

    /// The caller to judge.
    pub(super) fn caller(&self, config: &Config, spelling: Spelling) -> anyhow::Result<Caller> {
        let wrong = |option: &str, key: &str| format!("{} is wrong", spelling.of(option, key));
        let guid =
            |option: &str, key: &str, text: &str| Guid::parse(text).with_context(|| wrong(option, key));
        let caller = match &self.app {
            Some(app) => {
                let has_more = self.user.is_some() || self.client.is_some() || !self.scopes.is_empty();
                anyhow::ensure!(!has_more, "a program (app) has no user, no client and no scopes beside it");
                Caller::app(&ClientId::parse(app).with_context(|| wrong("app", "app"))?)
            }
            None => Caller::user(),
        };
        let groups: anyhow::Result<Vec<Guid>> =
            self.groups.iter().map(|id| guid("group", "groups", id)).collect();
        let mut caller = caller.roles(&self.roles).groups(groups?);
        if !self.scopes.is_empty() {
            caller = caller.scopes(&self.scopes);
        }
        if let Some(tenant) = &self.tenant {
            caller = caller.tenant(guid("tenant", "tenant", tenant)?);
        }
        if let Some(user) = &self.user {
            caller = caller.object_id(guid("user", "user", user)?);
        }
        match (&self.client, &config.identity) {
            _ if self.app.is_some() => {}
            (Some(client), _) => caller = caller.client(client),
            (None, Identity::Relay(relay)) => caller = caller.client(relay.client.as_str()),
            (None, _) => {}
        }
        Ok(caller)
    }

    /// The caller in a line.
    pub(super) fn text(&self) -> String {
        let kind = match (&self.app, &self.user) {
            (Some(app), _) => format!("program {app}"),
            (None, Some(user)) => format!("user {user}"),
            (None, None) => "a user".to_owned(),
        };
        let listed =
            |name: &str, all: &[String]| (!all.is_empty()).then(|| format!("{name} {}", all.join(" ")));
        let named = |name: &str, one: &Option<String>| one.as_ref().map(|one| format!("{name} {one}"));
        let parts = [
            listed("roles", &self.roles),
            listed("scopes", &self.scopes),
            listed("groups", &self.groups),
            named("tenant", &self.tenant),
            named("client", &self.client),
        ];
        std::iter::once(kind).chain(parts.into_iter().flatten()).collect::<Vec<_>>().join(", ")
    }
}
