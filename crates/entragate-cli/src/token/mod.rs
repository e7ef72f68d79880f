//! `entragate token check`: why is this token refused? The checks are the gate's own, see [`entragate::Gate::examine`].

pub(crate) mod input;
mod moment;
pub(crate) mod sealed;
mod show;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use entragate::{
    Access, ApiApp, AuthorityHost, BaseUrl, ClientId, Gate, GateBuilder, ManualClock, Relay, SavedKeys,
    TenantId, TokenReport, TokenVerdict,
};

use crate::cli::{Exit, print};
use crate::config::Judging;
use crate::named_server::named_server;
use crate::redaction::is_token;

/// Options of `entragate token check`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// `-` for standard input, or a file; a token itself ends in the shell's history [default: -]
    #[arg(value_name = "-|FILE|TOKEN")]
    token: Vec<String>,
    /// Judge with saved keys and ask nobody, not even Microsoft Graph for groups: a file of --save-keys, or a key set (JWKS)
    #[arg(long, value_name = "FILE", conflicts_with = "save_keys")]
    keys: Option<PathBuf>,
    /// Save the tenant's issuers and keys for --keys; without a token, do nothing else
    #[arg(long, value_name = "FILE")]
    save_keys: Option<PathBuf>,
    /// Judge as if it were this time: 2026-01-31T12:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<entragate::Timestamp>,
    /// The tenant, with --audience: no configuration is read and no rule applies
    #[arg(long, value_name = "TENANT", requires = "audience")]
    tenant: Option<TenantIdArgument>,
    /// The API app's Application (client) ID
    #[arg(long, value_name = "GUID", requires = "tenant")]
    audience: Option<ClientIdArgument>,
    /// The cloud's sign-in host, with --tenant [default: the public cloud's]
    #[arg(long, value_name = "URL", requires = "tenant")]
    authority: Option<AuthorityArgument>,
    /// The MCP server that the token is presented to, by its path or URL, where there are several
    #[arg(long, value_name = "PATH", conflicts_with = "tenant")]
    route: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Understands a token, a line `Authorization: Bearer …`, and a token response in JSON. Neither the signature nor the \
whole token is printed. A token is a password for as long as it lives: pipe it in, so that it stays out of the \
shell's history. Where rules depend on groups that are too many for the token, Microsoft Graph is asked as the gateway \
asks it, unless --keys is given.
Exit codes: 0 the gateway would accept it, 1 it would refuse it, or accept it and refuse every call, 2 could not be \
checked, or whether any call is allowed depends on groups that Microsoft Graph did not tell.";

/// What the flags name instead of a configuration.
#[derive(Debug, Clone)]
struct TenantIdArgument(TenantId);
#[derive(Debug, Clone)]
struct ClientIdArgument(ClientId);
#[derive(Debug, Clone)]
struct AuthorityArgument(AuthorityHost);

impl std::str::FromStr for TenantIdArgument {
    type Err = entragate::RegistrationError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        TenantId::parse(text).map(Self)
    }
}

impl std::str::FromStr for ClientIdArgument {
    type Err = entragate::RegistrationError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ClientId::parse(text).map(Self)
    }
}

impl std::str::FromStr for AuthorityArgument {
    type Err = entragate::RegistrationError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        AuthorityHost::parse(text).map(Self)
    }
}

impl Arguments {
    /// Whether the configuration has to say what tokens are for.
    pub fn needs_configuration(&self) -> bool {
        self.tenant.is_none()
    }

    /// The gate that would judge, without rules: from the flags.
    fn named(&self) -> Option<anyhow::Result<GateBuilder>> {
        let (TenantIdArgument(tenant), ClientIdArgument(api)) =
            (self.tenant.clone()?, self.audience.clone()?);
        let authority = self.authority.clone().map(|AuthorityArgument(host)| host).unwrap_or_default();
        let built = || {
            // Nobody signs in: the client app and the base URL are never used.
            let client = ClientId::parse("00000000-0000-0000-0000-000000000000")?;
            let relay = Relay { tenant, api: ApiApp::new(api), client };
            Ok(Gate::relay(BaseUrl::parse("http://localhost:3002")?, relay).authority(authority))
        };
        Some(built())
    }
}

/// Reads, judges and prints.
pub async fn run(arguments: &Arguments, judging: Option<&Judging>) -> anyhow::Result<Exit> {
    let builder = match (arguments.named(), judging) {
        (Some(named), _) => named?,
        (None, Some(judging)) => judging.config.examining_gate_builder()?,
        (None, None) => anyhow::bail!("name the tenant and the API app with --tenant and --audience"),
    };
    let builder = match arguments.at {
        Some(moment) => builder.clock(ManualClock::at(moment)),
        None => builder,
    };
    let saved = arguments.keys.as_deref().map(saved_keys).transpose()?;
    let builder = match saved {
        Some(keys) => builder.saved_keys(keys),
        None => builder,
    };
    let gate = builder.build()?;
    anyhow::ensure!(
        !gate.is_development(),
        "no tenant is configured, so no token is asked for: set AZURE_TENANT_ID and the rest, or name --tenant and --audience"
    );
    if let Some(path) = &arguments.save_keys {
        anyhow::ensure!(
            !is_token(&path.to_string_lossy()),
            "--save-keys was given a token, and wants a file"
        );
        let keys = gate.keys_to_save().await.context("there are no keys to save")?;
        std::fs::write(path, keys.to_json()).with_context(|| format!("cannot write {}", path.display()))?;
        if arguments.token.is_empty() {
            return Ok(Exit::Fine);
        }
    }
    let headers = input::read(&arguments.token, "the argument")?;
    let (_, resource) = named_server(&gate, arguments.route.as_deref(), "--route")?;
    let mut report = gate.examine_at(resource, &headers).await.context("there is no token")?;
    if input::is_sealed(&headers)
        && let Some(why) = sealed::why_unjudged(judging)
    {
        sealed::leave_unjudged(&mut report, why);
    }
    if arguments.json {
        print(&format!("{:#}\n", serde_json::to_value(&report)?))?;
    } else {
        print(&show::text(&report))?;
    }
    Ok(exit(&report))
}

fn exit(report: &TokenReport) -> Exit {
    match report.verdict {
        TokenVerdict::Valid => match report.access.as_ref().map(|outlook| outlook.overall) {
            Some(Access::Refused) => Exit::Findings,
            Some(Access::AsksGraph) => Exit::Failed,
            _ => Exit::Fine,
        },
        TokenVerdict::Refused { .. } => Exit::Findings,
        // Also what a later version of the library may say.
        _ => Exit::Failed,
    }
}

fn saved_keys(path: &Path) -> anyhow::Result<SavedKeys> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    SavedKeys::parse(&text).with_context(|| format!("{} cannot be used", path.display()))
}

/// A word to somebody who sits in front of an empty line.
fn prompt() {
    if io::stdin().is_terminal() {
        // Nobody is left to tell when the terminal is gone.
        drop(writeln!(anstream::stderr(), "paste the token, then press Enter and Ctrl-D"));
    }
}
