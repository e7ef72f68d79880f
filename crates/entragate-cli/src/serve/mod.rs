//! `entragate serve`: the gateway as a process.
//!
//! [`Server::bind`] does everything that can fail, [`Server::run`] serves until it is told to stop. An outage
//! of Entra or of the MCP server stops neither: keys are fetched in the background, and `/readyz` on the
//! admin listener says what is missing.

mod drain;
mod front;
mod lingering;
mod listen;
mod start;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use entragate::Gate;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::admin;
use crate::config::Config;
use crate::upstream::Upstreams;
pub use front::Front;
pub use listen::listen;
use listen::listen_and_drain;

/// Serves until `shutdown` completes and everything in flight has ended or had its time.
pub async fn run(config: Config, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    let server = Server::bind(&config).await?;
    if let Err(error) = std::env::current_exe().and_then(|program| server.upstreams.guard(&program)) {
        tracing::warn!(%error, "nobody would end MCP servers if this gateway was killed");
    }
    server.run(shutdown).await
}

/// Completes at SIGINT (Ctrl-C) or SIGTERM.
pub async fn interrupted() {
    let terminated = async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut stream) => {
                    stream.recv().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot listen for SIGTERM");
                    std::future::pending::<()>().await;
                }
            }
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    };
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "cannot listen for SIGINT");
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = terminated => {}
        () = interrupted => {}
    }
}

/// A gateway with its sockets open.
#[derive(Debug)]
pub struct Server {
    gate: Gate,
    listener: TcpListener,
    front: Front,
    admin: Option<(TcpListener, Router)>,
    upstreams: Upstreams,
    drain: Duration,
}

impl Server {
    /// Builds the gateway, opens its sockets and logs what was started.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let listener = bind(config.listen).await?;
        let admin_listener = match config.admin_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let address = listener.local_addr()?; // with port 0 nobody knew it before
        let gate = config.gate_builder()?.listen_addresses([address]).build()?;
        let upstreams = Upstreams::new(config, &gate)?;
        start::announce(config, address);
        Ok(Self {
            upstreams: upstreams.clone(),
            front: Front::new(&gate, &upstreams),
            admin: admin_listener.map(|listener| (listener, admin::router(gate.clone(), upstreams))),
            gate,
            listener,
            drain: config.drain,
        })
    }

    /// Where clients connect to; tells the port when the configuration says 0.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where the admin listener is, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Serves until `shutdown` completes, then drains.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let (stop, stopped) = watch::channel(());
        let warming = tokio::spawn(warm(self.gate));
        let (stop_public, cut) = (stop_signal(stopped.clone()), || self.upstreams.cut());
        let public = listen_and_drain(self.listener, self.front, stop_public, self.drain, cut);
        let admin = async {
            match self.admin {
                Some((listener, router)) => listen(listener, router, stop_signal(stopped)).await,
                None => Ok(()),
            }
        };
        let stop = async {
            shutdown.await;
            tracing::info!("stopping");
            drop(stop);
            Ok(())
        };
        let served = tokio::try_join!(public, admin, stop);
        warming.abort();
        self.upstreams.stop().await;
        served.context("the listener failed")?;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Completes when the sender is gone.
async fn stop_signal(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}

/// Loads discovery and keys before the first caller needs them, as long as it takes.
async fn warm(gate: Gate) {
    let mut pause = Duration::from_secs(1);
    while let Err(error) = gate.ready().await {
        tracing::warn!(%error, retry_after = ?pause, "not ready to check tokens yet");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(60));
    }
    tracing::debug!("ready to check tokens");
}
