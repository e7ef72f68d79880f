//! `entragate sample`: the sample by itself, for whoever has no MCP server at hand.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{PATH, listen};
use crate::cli;

/// Options of `entragate sample`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 3000, value_name = "N")]
    port: u16,
}

/// Serves until interrupted.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    cli::runtime()?.block_on(async {
        let stop = cli::stop_signal().await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))
            .await
            .with_context(|| format!("cannot start the MCP server on 127.0.0.1:{}", arguments.port))?;
        let address = listener.local_addr()?;
        cli::print(&format!(
            "MCP server on http://{address}{PATH}, without any sign-in: whoami, add, countdown, admin_reset\n\
             It believes the identity headers of the gateway: let nobody else reach it. Ctrl-C stops it.\n"
        ))?;
        listen(listener, stop).await.context("the MCP server stopped")
    })
}
