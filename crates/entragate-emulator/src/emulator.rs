//! Starting and stopping an emulator.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cloud::Cloud;
use crate::connection::CuttableListener;
use crate::control::Control;
use crate::directory::Directory;
use crate::ids::Random;
use crate::keys::{KeyError, KeyRing, KeySource};
use crate::server;
use crate::state::State;

/// How long a shutdown waits for requests in progress.
const GRACE: Duration = Duration::from_secs(5);

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// No signing keys.
    #[error("cannot make signing keys: {0}")]
    Keys(String),
}

/// A running emulator. Dropping it stops it.
#[derive(Debug)]
pub struct Emulator {
    addr: SocketAddr,
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Emulator {
    /// An emulator of the fixture directory with the system's clock, on a free port of 127.0.0.1.
    pub fn builder() -> Builder {
        Builder {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            directory: None,
            keys: KeySource::default(),
            seed: None,
        }
    }

    /// The base URL, without a slash at the end.
    pub fn url(&self) -> &str {
        self.control.base()
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The control plane, in-process.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops it and waits until it has stopped.
    pub async fn shutdown(mut self) {
        self.stop.take();
        if let Some(task) = self.task.take() {
            // Whoever still reads an answer after the grace period loses it.
            tokio::time::timeout(GRACE, task).await.ok();
        }
    }

    /// Serves until `stop` is ready.
    pub async fn serve_until(self, stop: impl Future<Output = ()> + Send) {
        stop.await;
        self.shutdown().await;
    }
}

/// How to start an [`Emulator`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    addr: SocketAddr,
    public_url: Option<String>,
    directory: Option<Directory>,
    keys: KeySource,
    seed: Option<u64>,
}

impl Builder {
    /// The address to listen on.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// The base URL to put into documents and tokens when it is not `http://{addr}`.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// The directory to emulate.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Where signing keys come from.
    pub fn keys(mut self, keys: KeySource) -> Self {
        self.keys = keys;
        self
    }

    /// Makes identifiers, codes and lifetimes the same at every run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts it.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let bind_error = |source| StartError::Bind { addr: self.addr, source };
        let listener = TcpListener::bind(self.addr).await.map_err(bind_error)?;
        let addr = listener.local_addr().map_err(bind_error)?;
        let source = self.keys;
        let keys = tokio::task::spawn_blocking(move || KeyRing::new(source)).await;
        let keys =
            keys.unwrap_or(Err(KeyError::Generate)).map_err(|error| StartError::Keys(error.to_string()))?;

        let base = self.public_url.unwrap_or_else(|| format!("http://{addr}"));
        let directory = self.directory.unwrap_or_else(Directory::fixtures);
        let state = State::new(directory, Random::new(self.seed), keys);
        let cloud = Arc::new(Cloud::new(base.trim_end_matches('/'), state));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server::serve(Arc::clone(&cloud), CuttableListener(listener), async {
            // Sent or dropped: both mean stop.
            stopped.await.ok();
        }));
        tracing::debug!(url = &*cloud.base, "the emulator listens");
        Ok(Emulator { addr, control: Control::new(cloud), stop: Some(stop), task: Some(task) })
    }
}
