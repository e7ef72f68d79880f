//! `entragate emulate`: a local Entra for whoever develops or tests a sign-in.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use entragate_emulator::{Builder, Directory, Emulator, Event, KeySource, fixtures};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::cli;

/// Options of `entragate emulate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8400, value_name = "N")]
    port: u16,
    /// Serve https, with a certificate authority made at the start
    #[arg(long)]
    https: bool,
    /// Write the authority's certificate here (PEM), for clients to trust
    #[arg(long, value_name = "FILE", requires = "https")]
    ca_out: Option<PathBuf>,
    /// Keep directory, consents, settings, refresh tokens and keys in this file across restarts
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Make signing keys at the start instead of using the built-in test keys
    #[arg(long)]
    fresh_keys: bool,
    /// Tenants, users and app registrations [default: the built-in ones]
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
}

/// Serves until interrupted.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let own = arguments.directory.as_deref().map(read_directory).transpose()?;
    cli::runtime()?.block_on(async {
        let stop = cli::stop_signal().await;
        let emulator = builder(arguments, own)
            .start()
            .await
            .with_context(|| format!("cannot start the emulator on 127.0.0.1:{}", arguments.port))?;
        if let (Some(path), Some(certificate)) = (&arguments.ca_out, emulator.ca_certificate()) {
            fs::write(path, certificate).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let is_builtin = *emulator.control().directory() == Directory::fixtures();
        cli::print(&introduction(emulator.url(), trust(arguments).as_deref(), is_builtin))?;
        let events = emulator.control().subscribe();
        tokio::select! {
            () = emulator.serve_until(stop) => {}
            never = narrate(events) => never,
        }
        Ok(())
    })
}

fn builder(arguments: &Arguments, directory: Option<Directory>) -> Builder {
    let keys = if arguments.fresh_keys { KeySource::Generated } else { KeySource::Embedded };
    let mut builder =
        Emulator::builder().bind(SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port))).keys(keys);
    if arguments.https {
        builder = builder.https();
    }
    if let Some(path) = &arguments.state {
        builder = builder.state_file(path);
    }
    match directory {
        Some(directory) => builder.directory(directory),
        None => builder,
    }
}

/// One line on stderr for each answered request, until the emulator stops.
async fn narrate(mut events: Receiver<Event>) -> ! {
    loop {
        match events.recv().await {
            // A terminal that is gone cannot be told, and the emulator is still of use to others.
            Ok(event) => drop(writeln!(anstream::stderr(), "{}", line(&event))),
            Err(RecvError::Lagged(missed)) => drop(writeln!(anstream::stderr(), "({missed} more)")),
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn line(event: &Event) -> String {
    let mut line = format!("{} {:?} {:?}", event.status, event.endpoint, event.outcome);
    let code = event.aadsts.map(|code| format!("AADSTS{code}"));
    let client = event.client.as_ref().map(|client| format!("client {client}"));
    let user = event.user.as_ref().map(|user| format!("user {user}"));
    for part in [code, client, user].into_iter().flatten() {
        line.push_str(", ");
        line.push_str(&part);
    }
    line
}

fn read_directory(path: &Path) -> anyhow::Result<Directory> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    Directory::from_toml(&text)
        .with_context(|| format!("{name} is not a directory of tenants, users and apps"))
}

/// What clients must do to speak https with it.
fn trust(arguments: &Arguments) -> Option<String> {
    arguments.https.then(|| match &arguments.ca_out {
        Some(path) => format!("clients must trust {}", path.display()),
        None => "clients must trust its certificate authority, which --ca-out FILE writes down".to_owned(),
    })
}

fn introduction(url: &str, trust: Option<&str>, is_builtin: bool) -> String {
    let trust = trust.map(|trust| format!("{trust}\n")).unwrap_or_default();
    let head = format!("Entra emulator on {url}\ncontrol plane: {url}/__emulator\n{trust}");
    if !is_builtin {
        return format!(
            "{head}\nPoint the gateway at it with AZURE_AUTHORITY_HOST={url} and the ids of your directory.\n"
        );
    }
    let (tenant, api, client) = (fixtures::TENANT, fixtures::API, fixtures::MCP);
    format!(
        "{head}
tenant:  {tenant} (contoso.onmicrosoft.com)
users:   alice@contoso.test (Admin), bob@contoso.test (User), carol@contoso.test (no role)

Start the gateway against it with:

  AZURE_AUTHORITY_HOST={url} \\
  AZURE_TENANT_ID={tenant} \\
  AZURE_CLIENT_ID={api} \\
  AZURE_MCP_CLIENT_ID={client} \\
  ENTRAGATE_UPSTREAM=http://127.0.0.1:3000/mcp \\
  entragate serve

Nothing here is secret or safe: do not let it be reached from other machines. Ctrl-C stops it.
"
    )
}
