//! The one table of settings.
//!
//! Each row is a key of `entragate.toml` and the environment variable that overrides it. The variable's name is
//! `ENTRAGATE_` and the path, with the single exception of `ENTRAGATE_UPSTREAM`. Eight rows also have the name
//! that Azure's conventions gave them first; where both are set the `ENTRAGATE_` one wins, because platforms
//! inject `AZURE_CLIENT_ID` for their own purposes (AKS workload identity does).

use super::problems::Place;
pub use super::stdio_keys::{
    IDLE_TIMEOUT, MAX_PROCESSES, MAX_PROCESSES_PER_USER, START_TIMEOUT, UPSTREAM_DIRECTORY,
    UPSTREAM_ENVIRONMENT,
};

/// The variable that names the configuration file.
pub const CONFIG_FILE: &str = "ENTRAGATE_CONFIG";

/// What a setting's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A string that is never printed and does not belong into a file.
    Secret,
    /// Several strings; separated by commas in the environment.
    List,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count,
    /// A list of tables; a TOML array in the environment.
    Rules,
    /// Another list of tables, likewise.
    Clients,
    /// Yet another one.
    Routes,
    /// A table of lists; a TOML inline table in the environment.
    Lists,
}

impl Kind {
    /// The kind as messages and the reference page name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "a string",
            Self::List => "a list of strings",
            Self::Flag => "true or false",
            Self::Count => "a whole number",
            Self::Rules | Self::Clients | Self::Routes => "a list of tables",
            Self::Lists => "a table of lists of strings",
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Where it stands in `entragate.toml`.
    pub path: &'static str,
    /// The variable that overrides it.
    pub env: &'static str,
    /// Another name of the variable; the one of Azure's SDKs where they have one.
    pub alias: Option<&'static str>,
    /// What its value looks like.
    pub kind: Kind,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// A value, as the environment spells it.
    pub example: &'static str,
}

impl Key {
    /// The name that people know it by: the older one where there is one.
    pub fn known_as(&self) -> &'static str {
        self.alias.unwrap_or(self.env)
    }

    /// How a message names it: as the operator wrote it.
    pub fn as_written<'a>(&self, place: &'a Place) -> &'a str {
        match place {
            Place::Variable(name) => name,
            _ => self.path,
        }
    }

    /// Every variable that sets it, the one that wins first.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> {
        [Some(self.env), self.alias].into_iter().flatten()
    }

    /// The table it stands in; empty at the top of the file.
    pub fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(section, _)| section)
    }

    /// Its name within that table.
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }
}

/// Shortens the table below: one row is one call.
pub(super) const fn key(path: &'static str, env: &'static str, kind: Kind) -> Key {
    Key { path, env, alias: None, kind, doc: "", default: "", example: "" }
}

/// `mode`.
pub static MODE: Key = Key {
    doc: "How people sign in. `broker`: the gateway is the authorization server, and Entra knows one confidential client with one redirect URI. `relay`: Entra answers the clients itself, through a public client app.",
    default: "`relay` when AZURE_MCP_CLIENT_ID is set, else `broker`; no authentication when no setting of `[entra]` is made",
    example: "broker",
    ..key("mode", "ENTRAGATE_MODE", Kind::Text)
};
/// `listen`.
pub static LISTEN: Key = Key {
    doc: "Address and port that MCP clients connect to.",
    default: "127.0.0.1:3002",
    example: "0.0.0.0:3002",
    ..key("listen", "ENTRAGATE_LISTEN", Kind::Text)
};
/// `base_url`.
pub static BASE_URL: Key = Key {
    alias: Some("BASE_URL"),
    doc: "The gateway's public URL, its OAuth issuer. https, or http on loopback. No trailing slash.",
    default: "http://localhost:3002, with the port of `listen` when that is set; none when `listen` is open to other machines: must be set",
    example: "https://mcp.contoso.com",
    ..key("base_url", "ENTRAGATE_BASE_URL", Kind::Text)
};
/// `resource_name`.
pub static RESOURCE_NAME: Key = Key {
    doc: "What people read when a client asks whether it may connect (`resource_name` of RFC 9728).",
    default: "MCP server",
    example: "Contoso tools",
    ..key("resource_name", "ENTRAGATE_RESOURCE_NAME", Kind::Text)
};
/// `allowed_hosts`.
pub static ALLOWED_HOSTS: Key = Key {
    doc: "Values of `Host` that are accepted beside those of `base_url` and of a loopback listener.",
    default: "none",
    example: "mcp.internal.contoso.com,10.1.2.3:3002",
    ..key("allowed_hosts", "ENTRAGATE_ALLOWED_HOSTS", Kind::List)
};
/// `allowed_origins`.
pub static ALLOWED_ORIGINS: Key = Key {
    doc: "Origins of web pages that may call the gateway, beside its own and those on loopback.",
    default: "none",
    example: "https://inspector.contoso.com",
    ..key("allowed_origins", "ENTRAGATE_ALLOWED_ORIGINS", Kind::List)
};
/// `allowed_redirect_uris`.
pub static ALLOWED_REDIRECT_URIS: Key = Key {
    doc: "Callbacks of MCP clients beside loopback and the well-known hosted clients: a URI, a URI that ends in `/*`, or a private scheme such as `cursor:`.",
    default: "none",
    example: "https://chat.contoso.com/api/mcp/*,cursor:",
    ..key("allowed_redirect_uris", "ENTRAGATE_ALLOWED_REDIRECT_URIS", Kind::List)
};
/// `denied_redirect_uris`.
pub static DENIED_REDIRECT_URIS: Key = Key {
    doc: "Callbacks that nobody may use, whatever allows them (loopback excepted): a URI, a URI that ends in `/*` (a whole host with `https://host/*`), or a private scheme such as `cursor:`.",
    default: "none",
    example: "https://chatgpt.com/*",
    ..key("denied_redirect_uris", "ENTRAGATE_DENIED_REDIRECT_URIS", Kind::List)
};
/// `hosted_callbacks`.
pub static HOSTED_CALLBACKS: Key = Key {
    doc: "Whether the callbacks of well-known hosted clients (claude.ai, ChatGPT, vscode.dev and others) are allowed.",
    default: "true",
    example: "false",
    ..key("hosted_callbacks", "ENTRAGATE_HOSTED_CALLBACKS", Kind::Flag)
};
/// `session_key`.
pub static SESSION_KEY: Key = Key {
    doc: "What binds session ids to their callers: at least 32 random characters. Environment only. Replicas that share it accept each other's session ids.",
    default: "none: each process makes its own and knows its own sessions only",
    example: "(a secret of at least 32 random characters)",
    ..key("session_key", "ENTRAGATE_SESSION_KEY", Kind::Secret)
};
/// `max_body_bytes`.
pub static MAX_BODY_BYTES: Key = Key {
    doc: "The largest request that is read, in bytes.",
    default: "16777216",
    example: "1048576",
    ..key("max_body_bytes", "ENTRAGATE_MAX_BODY_BYTES", Kind::Count)
};
/// `drain_seconds`.
pub static DRAIN_SECONDS: Key = Key {
    doc: "How many seconds calls in flight may take to end once the gateway is told to stop (SIGTERM, Ctrl-C); then they are cut off, calls of stdio servers with a JSON-RPC error. Streams without an end of their own end at once. Give the platform a few seconds more than this before it kills (Kubernetes `terminationGracePeriodSeconds`, `docker stop --time`, systemd `TimeoutStopSec`).",
    default: "10",
    example: "25",
    ..key("drain_seconds", "ENTRAGATE_DRAIN_SECONDS", Kind::Count)
};
/// `admin.listen`.
pub static ADMIN_LISTEN: Key = Key {
    doc: "Address and port of /healthz and /readyz, and in broker mode of what `entragate trace` reads, which is answered on this machine only. No authentication: for your platform, not for the internet.",
    default: "none: no admin listener",
    example: "127.0.0.1:3003",
    ..key("admin.listen", "ENTRAGATE_ADMIN_LISTEN", Kind::Text)
};
/// `sign_in_rate.per_second`.
pub static SIGN_IN_PER_SECOND: Key = Key {
    doc: "How many requests a second one client address may make to the sign-in endpoints in the long run; more is answered with 429.",
    default: "50",
    example: "10",
    ..key("sign_in_rate.per_second", "ENTRAGATE_SIGN_IN_RATE_PER_SECOND", Kind::Count)
};
/// `sign_in_rate.burst`.
pub static SIGN_IN_BURST: Key = Key {
    doc: "How many such requests one client address may make at once.",
    default: "500",
    example: "100",
    ..key("sign_in_rate.burst", "ENTRAGATE_SIGN_IN_RATE_BURST", Kind::Count)
};
/// `entra.tenant_id`.
pub static TENANT_ID: Key = Key {
    alias: Some("AZURE_TENANT_ID"),
    doc: "The tenant whose users sign in: its GUID or a verified domain.",
    default: "none: development mode, without authentication",
    example: "11111111-2222-3333-4444-555555555555",
    ..key("entra.tenant_id", "ENTRAGATE_ENTRA_TENANT_ID", Kind::Text)
};
/// `entra.client_id`.
pub static CLIENT_ID: Key = Key {
    alias: Some("AZURE_CLIENT_ID"),
    doc: "Application (client) id of the API app registration: what tokens are for.",
    default: "none",
    example: "aaaaaaaa-0000-4000-8000-000000000001",
    ..key("entra.client_id", "ENTRAGATE_ENTRA_CLIENT_ID", Kind::Text)
};
/// `entra.client_secret`.
pub static CLIENT_SECRET: Key = Key {
    alias: Some("AZURE_CLIENT_SECRET"),
    doc: "The client secret with which broker mode signs people in at Entra. Environment only; relay mode uses it only to read groups (`groups.overage`) and on behalf of callers (`upstream.identity`).",
    default: "none",
    example: "(a secret)",
    ..key("entra.client_secret", "ENTRAGATE_ENTRA_CLIENT_SECRET", Kind::Secret)
};
/// `entra.mcp_client_id`.
pub static MCP_CLIENT_ID: Key = Key {
    alias: Some("AZURE_MCP_CLIENT_ID"),
    doc: "Relay mode: application (client) id of the public client app registration that MCP clients sign in with.",
    default: "none",
    example: "cccccccc-0000-4000-8000-000000000001",
    ..key("entra.mcp_client_id", "ENTRAGATE_ENTRA_MCP_CLIENT_ID", Kind::Text)
};
/// `entra.authority_host`.
pub static AUTHORITY_HOST: Key = Key {
    alias: Some("AZURE_AUTHORITY_HOST"),
    doc: "The cloud to sign in to. https, or http on loopback (the emulator).",
    default: "https://login.microsoftonline.com",
    example: "https://login.microsoftonline.us",
    ..key("entra.authority_host", "ENTRAGATE_ENTRA_AUTHORITY_HOST", Kind::Text)
};
/// `entra.federated_token_file`.
pub static FEDERATED_TOKEN_FILE: Key = Key {
    alias: Some("AZURE_FEDERATED_TOKEN_FILE"),
    doc: "In place of `entra.client_secret`, for the same uses in both modes: file with a workload identity token (AKS, GitHub Actions); read anew each time.",
    default: "none",
    example: "/var/run/secrets/azure/tokens/azure-identity-token",
    ..key("entra.federated_token_file", "ENTRAGATE_ENTRA_FEDERATED_TOKEN_FILE", Kind::Text)
};
/// `entra.client_secret_file`.
pub static CLIENT_SECRET_FILE: Key = Key {
    doc: "In place of `entra.client_secret`, for the same uses in both modes: file with the client secret, for mounted secrets; read anew each time, so that it can be rotated without a restart.",
    default: "none",
    example: "/run/secrets/entra-client-secret",
    ..key("entra.client_secret_file", "ENTRAGATE_ENTRA_CLIENT_SECRET_FILE", Kind::Text)
};
/// `entra.certificate_file`.
pub static CERTIFICATE_FILE: Key = Key {
    alias: Some("AZURE_CLIENT_CERTIFICATE_PATH"),
    doc: "In place of `entra.client_secret`, for the same uses in both modes: PEM file with a certificate and its RSA private key; read anew when it changes.",
    default: "none",
    example: "/run/secrets/entra-client.pem",
    ..key("entra.certificate_file", "ENTRAGATE_ENTRA_CERTIFICATE_FILE", Kind::Text)
};
/// `entra.managed_identity`.
pub static MANAGED_IDENTITY: Key = Key {
    doc: "In place of `entra.client_secret`, for the same uses in both modes: client id of a user-assigned managed identity that is a federated credential of the app registration; `system` for the system-assigned one. Its token is fetched from App Service (IDENTITY_ENDPOINT, IDENTITY_HEADER) or the instance metadata service (another host: AZURE_POD_IDENTITY_AUTHORITY_HOST).",
    default: "none",
    example: "bbbbbbbb-0000-4000-8000-000000000001",
    ..key("entra.managed_identity", "ENTRAGATE_ENTRA_MANAGED_IDENTITY", Kind::Text)
};
/// `broker.client_id`.
pub static BROKER_CLIENT_ID: Key = Key {
    doc: "Application (client) id of an app registration of its own that signs people in, with the redirect URI `{base_url}/auth/callback` (platform Web). The credential is this app's.",
    default: "the API app: one registration is enough",
    example: "dddddddd-0000-4000-8000-000000000001",
    ..key("broker.client_id", "ENTRAGATE_BROKER_CLIENT_ID", Kind::Text)
};
/// `broker.access_token_minutes`.
pub static ACCESS_TOKEN_MINUTES: Key = Key {
    doc: "How long an access token lives, 15 to 90 minutes, and never longer than Entra's. Entra is asked again with each refresh, so this is how long a disabled user or a removed role goes unnoticed.",
    default: "30",
    example: "15",
    ..key("broker.access_token_minutes", "ENTRAGATE_BROKER_ACCESS_TOKEN_MINUTES", Kind::Count)
};
/// `broker.remember_consent_days`.
pub static REMEMBER_CONSENT_DAYS: Key = Key {
    doc: "How many days a browser may remember that a person allowed an application; 0: it asks every time.",
    default: "90",
    example: "0",
    ..key("broker.remember_consent_days", "ENTRAGATE_BROKER_REMEMBER_CONSENT_DAYS", Kind::Count)
};
/// `broker.registration`.
pub static REGISTRATION: Key = Key {
    doc: "Whether clients may register themselves (RFC 7591). Switched off, the ids that were given out no longer work.",
    default: "true",
    example: "false",
    ..key("broker.registration", "ENTRAGATE_BROKER_REGISTRATION", Kind::Flag)
};
/// `client_documents.enabled`.
pub static DOCUMENTS_ENABLED: Key = Key {
    doc: "Whether a client id may be the https URL of a client ID metadata document, which is then fetched.",
    default: "true",
    example: "false",
    ..key("client_documents.enabled", "ENTRAGATE_CLIENT_DOCUMENTS_ENABLED", Kind::Flag)
};
/// `client_documents.allow`.
pub static DOCUMENTS_ALLOW: Key = Key {
    doc: "Domains (and what is below them) or URLs whose documents are read; with a list, no others are.",
    default: "none: all that are on the public internet",
    example: "claude.ai,chatgpt.com",
    ..key("client_documents.allow", "ENTRAGATE_CLIENT_DOCUMENTS_ALLOW", Kind::List)
};
/// `client_documents.deny`.
pub static DOCUMENTS_DENY: Key = Key {
    doc: "Domains or URLs whose documents are never read.",
    default: "none",
    example: "example.org",
    ..key("client_documents.deny", "ENTRAGATE_CLIENT_DOCUMENTS_DENY", Kind::List)
};
/// `clients`.
pub static CLIENTS: Key = Key {
    doc: "Broker mode: clients with a fixed id, for applications in which one is entered by hand (Copilot Studio, claude.ai).",
    default: "none",
    example: r#"[{ id = "copilot-studio", redirect_uris = ["https://global.consent.azure-apim.net/redirect/contoso"], secret_file = "/run/secrets/copilot" }]"#,
    ..key("clients", "ENTRAGATE_CLIENTS", Kind::Clients)
};
/// `state.keys`.
pub static STATE_KEYS: Key = Key {
    doc: "Broker mode: what seals client ids, codes and tokens; in every mode: what `assertion` of `upstream.identity` signs with. One or more secrets of at least 32 characters, separated by commas. The first seals, all open, so a new one goes in front. Environment only; replicas share them. Without any of the old ones everybody signs in again.",
    default: "none: a key in the file `seal.key` of `state.directory`",
    example: "(secrets of at least 32 characters)",
    ..key("state.keys", "ENTRAGATE_STATE_KEYS", Kind::Secret)
};
/// `state.directory`.
pub static STATE_DIRECTORY: Key = Key {
    doc: "Directory of this process alone, in which it keeps its key when `state.keys` is not set, and in broker mode remembers which codes and refresh tokens were used or revoked (the file state.redb).",
    default: "none: remembered in memory, so that everybody signs in again after a restart",
    example: "/var/lib/entragate",
    ..key("state.directory", "ENTRAGATE_STATE_DIRECTORY", Kind::Text)
};
/// `state.redis_url`.
pub static REDIS_URL: Key = Key {
    doc: "Broker mode: Redis or Valkey in which replicas remember together what was used or revoked. It must not evict (`maxmemory-policy noeviction`). Environment only, because it may hold a password.",
    default: "none",
    example: "(redis://:password@redis:6379/0)",
    ..key("state.redis_url", "ENTRAGATE_STATE_REDIS_URL", Kind::Secret)
};
/// `entra.identifier_uris`.
pub static IDENTIFIER_URIS: Key = Key {
    doc: "Application ID URIs of the API app, when it has others than `api://{client id}`; the first one qualifies scopes.",
    default: "`api://` and the API app's client id",
    example: "api://mcp.contoso.com",
    ..key("entra.identifier_uris", "ENTRAGATE_ENTRA_IDENTIFIER_URIS", Kind::List)
};
/// `entra.scopes`.
pub static SCOPES: Key = Key {
    doc: "Exposed scopes of the API app that every client needs, by short name.",
    default: "none: any scope of the API app will do",
    example: "access",
    ..key("entra.scopes", "ENTRAGATE_ENTRA_SCOPES", Kind::List)
};
/// `upstream.url`.
pub static UPSTREAM: Key = Key {
    doc: "The MCP server that the gateway stands in front of: its URL, or `stdio:` and the command line of one that is started for each session (docs/guide/stdio.md).",
    default: "none: must be set",
    example: "http://127.0.0.1:3000/mcp",
    ..key("upstream.url", "ENTRAGATE_UPSTREAM", Kind::Text)
};
/// `upstream.replicas`.
pub static UPSTREAM_REPLICAS: Key = Key {
    doc: "Further URLs of the same MCP server, when several replicas of it run. A session of the protocol revisions up to 2025-11-25 stays with the replica that opened it, and a replica that is gone ends it (404); everything else goes round. Not together with `also`: that transport has no session that could stay.",
    default: "none: one server",
    example: "http://10.0.0.2:3000/mcp,http://10.0.0.3:3000/mcp",
    ..key("upstream.replicas", "ENTRAGATE_UPSTREAM_REPLICAS", Kind::List)
};
/// `upstream.path`.
pub static UPSTREAM_PATH: Key = Key {
    doc: "The public path of the MCP server.",
    default: "the path of `upstream.url`, /mcp when it has none",
    example: "/mcp",
    ..key("upstream.path", "ENTRAGATE_UPSTREAM_PATH", Kind::Text)
};
/// `upstream.also`.
pub static UPSTREAM_ALSO: Key = Key {
    doc: "Further paths of the same server, protected alike: /messages of the HTTP+SSE transport of 2024-11-05. `/b/messages=/messages`: clients find at the first what the server has at the second, so that two such servers fit behind one gateway. That transport's `endpoint` event names the session; it is corrected, and sealed for the caller (a query on such a path is accepted with that seal only).",
    default: "none",
    example: "/messages",
    ..key("upstream.also", "ENTRAGATE_UPSTREAM_ALSO", Kind::List)
};
/// `upstream.connect_timeout_seconds`.
pub static CONNECT_TIMEOUT: Key = Key {
    doc: "How long a connection to the MCP server may take to open.",
    default: "5",
    example: "2",
    ..key("upstream.connect_timeout_seconds", "ENTRAGATE_UPSTREAM_CONNECT_TIMEOUT_SECONDS", Kind::Count)
};
/// `upstream.response_header_timeout_seconds`.
pub static RESPONSE_HEADER_TIMEOUT: Key = Key {
    doc: "How long the MCP server may take until its answer begins. Tools may run for minutes, hence no default.",
    default: "none: no limit",
    example: "300",
    ..key(
        "upstream.response_header_timeout_seconds",
        "ENTRAGATE_UPSTREAM_RESPONSE_HEADER_TIMEOUT_SECONDS",
        Kind::Count,
    )
};
/// `upstream.identity`.
pub static UPSTREAM_IDENTITY: Key = Key {
    doc: "What the MCP server is told of the caller, or given for them. `headers`: X-Forwarded-User and others. `none`: nothing. `assertion`: a signed JWT, for servers that verify. `static`: a credential of its own. `token`: Entra's token itself, for a server that is the same API to Entra. `on-behalf-of`: a token for another API in the caller's name. See docs/guide/identity.md. A stdio server has `environment` (variables of its process) or `none`.",
    default: "headers; environment for a stdio server",
    example: "assertion",
    ..key("upstream.identity", "ENTRAGATE_UPSTREAM_IDENTITY", Kind::Text)
};
/// `upstream.audience`.
pub static UPSTREAM_AUDIENCE: Key = Key {
    doc: "For whom the token is that the MCP server gets: `aud` of an assertion; with `token`, the audience that the server expects, which must be the API app (its client id or an Application ID URI).",
    default: "none: an assertion is for `upstream.url`; with `token` it must be set",
    example: "https://tools.internal.contoso.com",
    ..key("upstream.audience", "ENTRAGATE_UPSTREAM_AUDIENCE", Kind::Text)
};
/// `upstream.credential`.
pub static UPSTREAM_CREDENTIAL: Key = Key {
    doc: "With `static`: the whole value of the header that the MCP server gets, such as `Bearer` and a token. Environment only.",
    default: "none",
    example: "(a secret)",
    ..key("upstream.credential", "ENTRAGATE_UPSTREAM_CREDENTIAL", Kind::Secret)
};
/// `upstream.credential_file`.
pub static UPSTREAM_CREDENTIAL_FILE: Key = Key {
    doc: "With `static`: file with that value instead, for mounted secrets; read anew within seconds when it changes.",
    default: "none",
    example: "/run/secrets/mcp-server",
    ..key("upstream.credential_file", "ENTRAGATE_UPSTREAM_CREDENTIAL_FILE", Kind::Text)
};
/// `upstream.credential_header`.
pub static UPSTREAM_CREDENTIAL_HEADER: Key = Key {
    doc: "With `static`: the header that carries it.",
    default: "Authorization",
    example: "X-Api-Key",
    ..key("upstream.credential_header", "ENTRAGATE_UPSTREAM_CREDENTIAL_HEADER", Kind::Text)
};
/// `upstream.on_behalf_of_scopes`.
pub static ON_BEHALF_OF_SCOPES: Key = Key {
    doc: "With `on-behalf-of`: delegated permissions of one other API, to which an administrator has consented for the API app. The credential of `[entra]` must be the API app's.",
    default: "none",
    example: "https://graph.microsoft.com/User.Read,https://graph.microsoft.com/Mail.Read",
    ..key("upstream.on_behalf_of_scopes", "ENTRAGATE_UPSTREAM_ON_BEHALF_OF_SCOPES", Kind::List)
};
/// `routes`.
pub static ROUTES: Key = Key {
    doc: "Several MCP servers behind this gateway, instead of `[upstream]`, `[[rules]]` and `resource_name`: a table for each. Each has the members of `[upstream]`, and what else is its own. See docs/guide/routes.md.",
    default: "none: the one MCP server of `[upstream]`",
    example: r#"[{ url = "http://127.0.0.1:3000/mcp", path = "/github" }, { url = "http://127.0.0.1:3001/mcp", path = "/tickets" }]"#,
    ..key("routes", "ENTRAGATE_ROUTES", Kind::Routes)
};
/// `log.format`.
pub static LOG_FORMAT: Key = Key {
    doc: "`text` for people, `json` for log collectors.",
    default: "text",
    example: "json",
    ..key("log.format", "ENTRAGATE_LOG_FORMAT", Kind::Text)
};
/// `log.filter`.
pub static LOG_FILTER: Key = Key {
    doc: "What is logged: a level, or levels by module in the syntax of tracing-subscriber's `EnvFilter`.",
    default: "info",
    example: "info,entragate=debug",
    ..key("log.filter", "ENTRAGATE_LOG_FILTER", Kind::Text)
};
/// `groups.overage`.
pub static GROUPS_OVERAGE: Key = Key {
    doc: "What happens where a rule names groups and the caller is in more than fit into a token (200). `graph`: they are read from Microsoft Graph with the gateway's own credential, whose app needs the application permissions GroupMember.Read.All and User.ReadBasic.All, or Directory.Read.All, with admin consent. `refuse`: the rule refuses.",
    default: "`graph` when a credential is configured, else `refuse`",
    example: "refuse",
    ..key("groups.overage", "ENTRAGATE_GROUPS_OVERAGE", Kind::Text)
};
/// `groups.cache_seconds`.
pub static GROUPS_CACHE_SECONDS: Key = Key {
    doc: "How long memberships from Microsoft Graph are kept: who leaves a group loses what it allowed after this time at the latest. 10 to 3600.",
    default: "300",
    example: "60",
    ..key("groups.cache_seconds", "ENTRAGATE_GROUPS_CACHE_SECONDS", Kind::Count)
};
/// `groups.timeout_seconds`.
pub static GROUPS_TIMEOUT_SECONDS: Key = Key {
    doc: "How long a call may wait for Microsoft Graph before rules over groups refuse it. 1 to 15.",
    default: "5",
    example: "10",
    ..key("groups.timeout_seconds", "ENTRAGATE_GROUPS_TIMEOUT_SECONDS", Kind::Count)
};
/// `rules`.
pub static RULES: Key = Key {
    doc: "Who may call what. Read in order, the first rule that names a call decides; with rules, what none names is refused. A rule can ask for one of `roles`, one of `groups` (object ids) and all of `scopes`, be for certain `tenants`, `users`, `apps` or `clients`, and say with `when` what the arguments must be.",
    default: "none: whoever is signed in may call everything",
    example: r#"[{ tools = ["admin_*"], roles = ["Admin"] }, { tools = ["*"] }]"#,
    ..key("rules", "ENTRAGATE_RULES", Kind::Rules)
};
/// `scope_implies`.
pub static SCOPE_IMPLIES: Key = Key {
    doc: "Scopes that include narrower ones, by short name.",
    default: "none",
    example: r#"{ admin = ["access"] }"#,
    ..key("scope_implies", "ENTRAGATE_SCOPE_IMPLIES", Kind::Lists)
};

/// Every setting, in the order in which people read them.
pub static ALL: [&Key; 63] = [
    &MODE,
    &LISTEN,
    &BASE_URL,
    &RESOURCE_NAME,
    &ALLOWED_HOSTS,
    &ALLOWED_ORIGINS,
    &ALLOWED_REDIRECT_URIS,
    &DENIED_REDIRECT_URIS,
    &HOSTED_CALLBACKS,
    &SESSION_KEY,
    &MAX_BODY_BYTES,
    &DRAIN_SECONDS,
    &ADMIN_LISTEN,
    &SIGN_IN_PER_SECOND,
    &SIGN_IN_BURST,
    &TENANT_ID,
    &CLIENT_ID,
    &CLIENT_SECRET,
    &CLIENT_SECRET_FILE,
    &CERTIFICATE_FILE,
    &MCP_CLIENT_ID,
    &AUTHORITY_HOST,
    &FEDERATED_TOKEN_FILE,
    &MANAGED_IDENTITY,
    &IDENTIFIER_URIS,
    &SCOPES,
    &BROKER_CLIENT_ID,
    &ACCESS_TOKEN_MINUTES,
    &REMEMBER_CONSENT_DAYS,
    &REGISTRATION,
    &DOCUMENTS_ENABLED,
    &DOCUMENTS_ALLOW,
    &DOCUMENTS_DENY,
    &CLIENTS,
    &STATE_KEYS,
    &STATE_DIRECTORY,
    &REDIS_URL,
    &UPSTREAM,
    &UPSTREAM_REPLICAS,
    &UPSTREAM_PATH,
    &UPSTREAM_ALSO,
    &CONNECT_TIMEOUT,
    &RESPONSE_HEADER_TIMEOUT,
    &UPSTREAM_IDENTITY,
    &UPSTREAM_AUDIENCE,
    &UPSTREAM_CREDENTIAL,
    &UPSTREAM_CREDENTIAL_FILE,
    &UPSTREAM_CREDENTIAL_HEADER,
    &ON_BEHALF_OF_SCOPES,
    &UPSTREAM_ENVIRONMENT,
    &UPSTREAM_DIRECTORY,
    &MAX_PROCESSES,
    &MAX_PROCESSES_PER_USER,
    &START_TIMEOUT,
    &IDLE_TIMEOUT,
    &ROUTES,
    &LOG_FORMAT,
    &LOG_FILTER,
    &RULES,
    &SCOPE_IMPLIES,
    &GROUPS_OVERAGE,
    &GROUPS_CACHE_SECONDS,
    &GROUPS_TIMEOUT_SECONDS,
];

/// Every variable that is read.
pub fn variables() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().flat_map(Key::variables).chain([CONFIG_FILE])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_variable_is_named_after_its_path() {
        for key in ALL {
            let derived = format!("ENTRAGATE_{}", key.path.to_ascii_uppercase().replace('.', "_"));
            let expected = if key.path == "upstream.url" { "ENTRAGATE_UPSTREAM" } else { &derived };
            assert_eq!(key.env, expected);
        }
    }

    #[test]
    fn every_key_is_documented_and_every_name_is_used_once() {
        assert!(
            ALL.iter().all(|key| !key.doc.is_empty() && !key.default.is_empty() && !key.example.is_empty())
        );
        assert_eq!(variables().collect::<BTreeSet<_>>().len(), variables().count());
        assert_eq!(ALL.iter().map(|key| key.path).collect::<BTreeSet<_>>().len(), ALL.len());
    }
}
