//! The options of `entragate setup`.

use std::path::PathBuf;

use super::emit::Format;
use super::wanted::Mode;
use crate::graph::sign_in;

/// Options of `entragate setup`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Arguments {
    /// How people sign in [default: as in the record of an earlier run, else broker]
    #[arg(long, value_enum)]
    pub mode: Option<Mode>,
    /// The tenant.
    #[arg(
        long,
        value_name = "ID",
        help = "The tenant: its GUID or a verified domain [default: $AZURE_TENANT_ID]"
    )]
    pub tenant: Option<String>,
    /// The gateway's public URL.
    #[arg(
        long,
        value_name = "URL",
        help = "The gateway's public URL [default: $BASE_URL, else http://localhost:3002]"
    )]
    pub base_url: Option<String>,
    /// The MCP server.
    #[arg(
        long,
        value_name = "URL",
        help = "The MCP server behind the gateway [default: $ENTRAGATE_UPSTREAM, else http://127.0.0.1:3000/mcp]"
    )]
    pub upstream: Option<String>,
    /// Name of the registrations [default: "MCP gateway" and the host of the base URL; what is there keeps its name]
    #[arg(long)]
    pub name: Option<String>,
    /// Roles of the MCP server; none: --roles ""
    #[arg(long, value_delimiter = ',', value_name = "NAMES", default_value = "Admin,User")]
    pub roles: Vec<String>,
    /// Scopes that the MCP server exposes; those that an adopted registration has: --scope ""
    #[arg(long = "scope", value_delimiter = ',', value_name = "NAMES", default_value = "access")]
    pub scopes: Vec<String>,
    /// MCP clients whose redirect URIs are registered (relay mode) or allowed (broker mode)
    #[arg(long, value_name = "NAMES", default_value = "claude-code")]
    pub clients: String,
    /// Another Application ID URI beside the one with the client id; may be repeated
    #[arg(long = "identifier-uri", value_name = "URI")]
    pub identifier_uris: Vec<String>,
    /// A person or group (group:OBJECT-ID) and the role they get; may be repeated
    #[arg(long = "assign", value_name = "WHO=ROLE")]
    pub assignments: Vec<String>,
    /// Only assigned people get in
    #[arg(long)]
    pub assignment_required: bool,
    /// The gateway's credential.
    #[command(flatten)]
    pub credential: CredentialArguments,
    /// Add to this registration of somebody else's, as the API app
    #[arg(long, value_name = "CLIENT-ID")]
    pub adopt: Option<String>,
    /// Add to this registration of somebody else's, as the client app (in broker mode: what the gateway signs people in with)
    #[arg(long, value_name = "CLIENT-ID")]
    pub adopt_client: Option<String>,
    /// Let an adopted API app issue version 2 access tokens: iss and aud change for everybody who consumes them
    #[arg(long)]
    pub v2_tokens: bool,
    /// Carry the plan out; without it nothing is written anywhere
    #[arg(long, conflicts_with = "emit")]
    pub apply: bool,
    /// Remove what setup made
    #[arg(long, conflicts_with = "emit")]
    pub teardown: bool,
    /// Print the plan as code instead
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub emit: Option<Format>,
    /// Ask nobody and plan as if nothing were there yet
    #[arg(long, conflicts_with_all = ["apply", "teardown"])]
    pub offline: bool,
    /// Directory of entragate.toml, .env and entragate.setup.json
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Overwrite entragate.toml and .env
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "emit")]
    pub json: bool,
    /// What happens to entragate.toml and .env.
    #[arg(skip)]
    pub files: Files,
    /// Who asks Graph.
    #[command(flatten)]
    pub graph: sign_in::Arguments,
}

impl Arguments {
    /// How people are to sign in.
    pub fn mode(&self) -> Mode {
        self.mode.unwrap_or_default()
    }
}

const AFTER_HELP: &str = "\
Without --apply nothing is written, neither in Entra nor on this machine. A second run with the same options finds \
what the first one made. Exit codes: 0 everything is as it should be, 1 something is left to do, 2 could not run.";

/// What the gateway authenticates itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CredentialKind {
    /// A client secret, which setup makes and writes to .env
    Secret,
    /// A certificate that you have
    Certificate,
    /// Tokens of another issuer: AKS, a managed identity
    Federated,
    /// Nothing (relay mode)
    None,
    /// What it has already: the registration gets no other one
    Keep,
}

/// What happens to the files of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Files {
    /// They are written.
    #[default]
    Written,
    /// They are what the registrations are repaired for.
    LeftAlone,
}

/// Options about the gateway's credential.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Credential of the gateway")]
#[group(skip)]
pub struct CredentialArguments {
    /// What the gateway authenticates itself with [default: secret in broker mode, none in relay mode]
    #[arg(long = "credential", value_enum, value_name = "KIND")]
    pub kind: Option<CredentialKind>,
    /// How many days a secret is good
    #[arg(long, value_name = "N", default_value_t = 180, value_parser = clap::value_parser!(u32).range(30..=730))]
    pub secret_days: u32,
    /// PEM file with the certificate and its RSA private key; the key stays here
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// The issuer of the tokens; for a managed identity leave it out
    #[arg(long, value_name = "URL")]
    pub federated_issuer: Option<String>,
    /// The subject of the tokens: a service account of Kubernetes, or the object id of a managed identity
    #[arg(long, value_name = "TEXT")]
    pub federated_subject: Option<String>,
    /// The audience of the tokens [default: the one of the cloud]
    #[arg(long, value_name = "URI")]
    pub federated_audience: Option<String>,
}
