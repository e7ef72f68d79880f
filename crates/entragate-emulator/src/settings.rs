//! Switches for what is unverified, disputed or policy in the real Entra.

use serde::{Deserialize, Serialize};

/// The settings of a running emulator; every member has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a control plane")]
pub struct Settings {
    /// What `resource` means.
    pub resource_policy: ResourcePolicy,
    /// How far `resource` and scopes may differ under [`ResourcePolicy::Strict`].
    pub resource_match: ResourceMatch,
    /// Which of its many forms `aud` takes in v1 tokens.
    pub v1_audience: V1Audience,
    /// Lifetime of access tokens; without it, random between 60 and 90 minutes.
    pub access_token_seconds: Option<u64>,
    /// Whether a wrong `code_verifier` uses up the code.
    pub consume_code_on_bad_verifier: bool,
    /// What a refresh without `scope` does when client and API are two apps.
    pub refresh_without_scope: RefreshWithoutScope,
    /// Users may not consent: AADSTS90095.
    pub restrict_user_consent: bool,
    /// More users, by name, that need multi-factor authentication.
    pub mfa_required_users: Vec<String>,
    /// More users, by name, that Conditional Access blocks.
    pub ca_blocked_users: Vec<String>,
    /// A future Entra that advertises PKCE.
    pub advertise_pkce: bool,
    /// A future Entra that advertises client ID metadata documents, and accepts them.
    pub advertise_cimd: bool,
    /// Under `advertise_cimd`, the client ids (URLs) that an administrator has approved, with every delegated permission.
    pub approved_cimd_clients: Vec<String>,
    /// Clients, by name or id, that are agent identities: their tokens say so.
    pub agent_clients: Vec<String>,
    /// Users who are no administrators may register apps, which they then own.
    pub users_may_register_apps: bool,
    /// Which identifier URIs Graph lets be added to apps that get v1 tokens.
    pub identifier_uri_policy: IdentifierUriPolicy,
    /// So many looks of Graph miss an object that was just made.
    pub graph_replication_reads: u32,
    /// Pages of Graph have no more objects than this.
    pub graph_page_size: Option<u32>,
    /// `login_hint` and `X-Emulator-User` sign in without a page.
    pub headless: bool,
    /// Signs this user in wherever nobody else is, without a page.
    pub auto_login: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            resource_policy: ResourcePolicy::default(),
            resource_match: ResourceMatch::default(),
            v1_audience: V1Audience::default(),
            access_token_seconds: None,
            consume_code_on_bad_verifier: false,
            refresh_without_scope: RefreshWithoutScope::default(),
            restrict_user_consent: false,
            mfa_required_users: Vec::new(),
            ca_blocked_users: Vec::new(),
            advertise_pkce: false,
            advertise_cimd: false,
            approved_cimd_clients: Vec::new(),
            agent_clients: Vec::new(),
            users_may_register_apps: true,
            identifier_uri_policy: IdentifierUriPolicy::default(),
            graph_replication_reads: 0,
            graph_page_size: None,
            headless: true,
            auto_login: None,
        }
    }
}

/// What `resource` means on the v2 endpoints, by year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourcePolicy {
    /// Since March 2026: it must fit the scopes, or AADSTS9010010.
    #[default]
    Strict,
    /// Before: silently ignored.
    Ignore,
    /// Until mid-2025: AADSTS901002.
    Reject901002,
}

/// How far `resource` and scopes may differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceMatch {
    /// Any identifier URI of the scopes' app.
    #[default]
    SameApp,
    /// Exactly the URI that the scopes are written with.
    SameUri,
}

/// The form of `aud` in v1 tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum V1Audience {
    /// The URI or GUID that was requested.
    #[default]
    RequestedUri,
    /// Some registered URI, preferably another one.
    AnyUri,
    /// The requested URI with a slash appended.
    WithSlash,
    /// The application id.
    Guid,
}

/// What a refresh without `scope` does when client and API are two apps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshWithoutScope {
    /// The original scopes again.
    #[default]
    Original,
    /// AADSTS90009, as when client and API are one app.
    Reject90009,
}

/// Which identifier URIs may be added to apps that get v1 tokens. Hosts of https URIs must be verified in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierUriPolicy {
    /// Since the summer of 2025: those with a verified domain, the tenant's id or the app's id.
    #[default]
    Standard,
    /// An administrator's choice: only `api://{appId}` and `api://{tenantId}/{appId}`.
    Strict,
    /// Before: any.
    Off,
}
