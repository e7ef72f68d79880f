//! Loopback listeners: the address that was asked for, or the usual one, or a free one.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use entragate_emulator::{Emulator, KeySource, StartError};
use tokio::net::TcpListener;

/// Where MCP clients connect.
pub(super) const GATEWAY_PORT: u16 = 3002;
/// Where the emulated Entra listens.
pub(super) const EMULATOR_PORT: u16 = 3003;

/// Something that listens, and whether it is not where it usually would be.
pub(super) struct Bound<T> {
    pub(super) what: T,
    pub(super) moved: bool,
}

/// The gateway's listener.
pub(super) async fn gateway(asked: Option<SocketAddr>) -> anyhow::Result<Bound<TcpListener>> {
    let address = address("--listen", asked, GATEWAY_PORT)?;
    match TcpListener::bind(address).await {
        Ok(what) => Ok(Bound { what, moved: false }),
        Err(error) if asked.is_none() && error.kind() == ErrorKind::AddrInUse => {
            Ok(Bound { what: free().await?, moved: true })
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

/// The emulated Entra. Its keys are those that come with the emulator: they protect nothing here, and making
/// new ones takes seconds.
pub(super) async fn emulator(asked: Option<SocketAddr>) -> anyhow::Result<Bound<Emulator>> {
    let address = address("--emulator", asked, EMULATOR_PORT)?;
    let start = |at| Emulator::builder().bind(at).keys(KeySource::Embedded).start();
    match start(address).await {
        Ok(what) => Ok(Bound { what, moved: false }),
        Err(StartError::Bind { source, .. }) if asked.is_none() && source.kind() == ErrorKind::AddrInUse => {
            let what = start(any_port()).await.context("cannot start the emulated Entra")?;
            Ok(Bound { what, moved: true })
        }
        Err(error) => Err(error).with_context(|| format!("cannot start the emulated Entra on {address}")),
    }
}

/// A listener on a free port.
pub(super) async fn free() -> anyhow::Result<TcpListener> {
    TcpListener::bind(any_port()).await.context("cannot listen on 127.0.0.1")
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// The demo signs anybody in without a password, so nobody else may reach it.
fn address(option: &str, asked: Option<SocketAddr>, port: u16) -> anyhow::Result<SocketAddr> {
    match asked {
        Some(asked) if !asked.ip().is_loopback() => anyhow::bail!(
            "{option} {asked} can be reached from other machines, and the demo signs anybody in as anybody: \
             use an address such as 127.0.0.1:{}",
            asked.port()
        ),
        Some(asked) => Ok(asked),
        None => Ok((Ipv4Addr::LOCALHOST, port).into()),
    }
}
