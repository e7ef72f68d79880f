//! `entragate demo`: a local Entra, a sample MCP server and the gateway between them, in one process on
//! loopback, without configuration.
//!
//! The gateway is the real one, with the real reverse proxy behind it; only the directory of users is made up.
//! Either people connect their own clients and read what happens (`narrator`), or `--once` plays a client
//! through everything and says what worked (`once`).

mod connect;
mod file;
mod listeners;
mod narrator;
mod once;
mod ready_file;
mod stage;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use crate::cli::{self, Exit};
use narrator::Narrator;
use stage::{Options, Stage};

const AFTER_HELP: &str = "\
The environment and ./entragate.toml are not read. A file named with --config gives rules and other \
settings, but not who signs people in: that is the emulated Entra.";

/// The modes that the demo shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Entra answers the clients itself; two app registrations
    #[default]
    Relay,
    /// The gateway is the authorization server; one app registration
    Broker,
}

/// Options of `entragate demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// Play a client: sign in as alice and as bob, call the tools, say what worked, and exit
    #[arg(long, conflicts_with_all = ["listen", "emulator", "upstream", "ready_file"])]
    once: bool,
    /// How people sign in: through Entra itself, or through an authorization server of the gateway
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Where MCP clients connect [default: 127.0.0.1:3002, else a free port]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the emulated Entra listens [default: 127.0.0.1:3003, else a free port]
    #[arg(long, value_name = "ADDR")]
    emulator: Option<SocketAddr>,
    /// Your own MCP server, instead of the sample
    #[arg(long, value_name = "URL")]
    upstream: Option<Url>,
    /// Write the addresses as JSON to this file once everything listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Runs the demo; `file` is an `entragate.toml` with rules of the user's own.
pub fn run(arguments: &Arguments, file: Option<&Path>) -> anyhow::Result<Exit> {
    if arguments.once && file.is_some() {
        anyhow::bail!("--once checks the demo's own rules and cannot be combined with --config");
    }
    let runtime = cli::runtime()?;
    if arguments.once {
        narrator::log_only();
        return runtime.block_on(once::run(arguments.mode));
    }
    let narrator = Narrator::init(arguments.mode);
    runtime.block_on(interactive(arguments, file, narrator)).map(|()| Exit::Fine)
}

async fn interactive(arguments: &Arguments, file: Option<&Path>, narrator: Narrator) -> anyhow::Result<()> {
    let stop = cli::stop_signal().await;
    let stage = Stage::set(Options {
        listen: arguments.listen,
        emulator: arguments.emulator,
        upstream: arguments.upstream.clone(),
        file,
        mode: arguments.mode,
    })
    .await?;
    let entra = stage.control().subscribe();
    if let Some(path) = &arguments.ready_file {
        ready_file::write(path, &stage)?;
    }
    cli::print(&connect::introduction(&stage))?;
    let narration = tokio::spawn(narrator.tell(entra));
    let served = stage.serve_while(stop).await;
    narration.abort();
    served
}
