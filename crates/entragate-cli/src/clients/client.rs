//! What is known about one MCP client.

use super::callback::Callback;

/// An MCP client: what it sends and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The name on the command line.
    pub name: &'static str,
    /// The name for people.
    pub display: &'static str,
    /// The version that was looked at, where there is one to look at.
    pub version: Option<&'static str>,
    /// How it is known.
    pub evidence: Evidence,
    /// Where it runs.
    pub home: Home,
    /// The redirect URIs it uses.
    pub callbacks: &'static [Callback],
    /// The ones it uses instead where no `iss` is promised (RFC 9207).
    pub callbacks_without_iss: Option<&'static [Callback]>,
    /// How it gets a client id, in its order of preference.
    pub registration: &'static [Registration],
    /// How it compares `resource` of the protected resource metadata with the URL it was given.
    pub resource: ResourceRule,
    /// How it compares `issuer` with the entry in `authorization_servers`.
    pub issuer: IssuerRule,
    /// What it demands of `iss` in the authorization response.
    pub iss: IssRule,
    /// What it demands of `code_challenge_methods_supported`.
    pub pkce: PkceRule,
    /// When it asks for the consent page, which Entra shows even after an administrator's consent.
    pub prompt: Prompt,
    /// Whether a refresh names the scope (AADSTS90009 where client and API are one app).
    pub refresh_scope: RefreshScope,
    /// Whether it talks to gateways on private addresses.
    pub private_addresses: PrivateAddresses,
    /// What else whoever sets it up should know; may be empty.
    pub note: &'static str,
}

/// How a client's behaviour is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The real client was run.
    Measured,
    /// Its published source was read.
    Source,
    /// Its vendor's documentation says so.
    Documented,
    /// People report it.
    Reported,
}

/// Where a client runs, and so from where the gateway must be reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// On the person's machine.
    Machine,
    /// In its vendor's cloud: the gateway must be on the public internet.
    Cloud,
    /// On a server that the operator runs.
    Server,
}

/// How a client gets a client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Somebody enters one.
    Configured,
    /// The URL of a document about itself is its id (client ID metadata document); `None`: not published, or chosen by whoever uses it.
    Document(Option<&'static str>),
    /// It registers itself (RFC 7591).
    Dynamic,
}

/// How `resource` is compared with the URL that the person entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceRule {
    /// The same string.
    Exact,
    /// The same origin, and a path that begins with it.
    Prefix,
    /// A slash at the end is no difference.
    SlashInsensitive,
    /// Not known.
    Unknown,
}

/// How `issuer` is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerRule {
    /// The same string.
    Exact,
    /// A slash at the end of a root is no difference.
    ExactButSlash,
    /// Not at all.
    NotCompared,
    /// Not known.
    Unknown,
}

/// What is demanded of `iss` in the authorization response (RFC 9207).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssRule {
    /// Nothing.
    NotRead,
    /// Where it is promised it must be there, and where it is there it must be right.
    WhenPromised,
    /// It must be there whenever the metadata has an issuer.
    Required,
    /// Not known.
    Unknown,
}

/// What is demanded of `code_challenge_methods_supported`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PkceRule {
    /// It must be there and have `S256`.
    Required,
    /// Where it is there it must have `S256`.
    WhenListed,
    /// Nothing.
    NotRead,
    /// Not known.
    Unknown,
}

/// When `prompt=consent` is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// With every sign-in.
    Always,
    /// Where the metadata lists `offline_access`.
    WithOfflineAccess,
    /// Never.
    Never,
    /// Not known.
    Unknown,
}

/// Whether a refresh names the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshScope {
    /// It does.
    Sent,
    /// It does not.
    NotSent,
    /// Not known.
    Unknown,
}

/// Whether a client talks to gateways on private addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateAddresses {
    /// Like any other.
    Accepted,
    /// Refused, by name as well, unless the URL that was entered is loopback.
    Refused,
    /// Refused where the address itself is in the URL.
    RefusedAsLiterals,
    /// Not known.
    Unknown,
}
