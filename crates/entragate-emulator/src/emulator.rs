//! Starting and stopping an emulator.

use std::fs::File;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cloud::Cloud;
use crate::connection::CuttableListener;
use crate::control::Control;
use crate::directory::Directory;
use crate::ids::{self, Random};
use crate::keys::{KeyError, KeyRing, KeySource};
use crate::saved::{ReadError, Saved, Saver};
use crate::server;
use crate::state::State;
use crate::tls::{self, CertificateAuthority, TlsError};

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
    /// No TLS.
    #[error("cannot serve https: {0}")]
    Tls(String),
    /// A state file that cannot be taken. It is left as it is.
    #[error("cannot go on with the state in {}: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A running emulator. Dropping it stops it.
#[derive(Debug)]
pub struct Emulator {
    addr: SocketAddr,
    ca_certificate: Option<String>,
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
            transport: Transport::Http,
            state_file: None,
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

    /// Over https, the certificate in PEM that a client must trust.
    pub fn ca_certificate(&self) -> Option<&str> {
        self.ca_certificate.as_deref()
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
        if let Err(error) = self.control.save().await {
            tracing::error!(%error, "the emulator's state could not be saved");
        }
    }

    /// Serves until `stop` is ready.
    pub async fn serve_until(self, stop: impl Future<Output = ()> + Send) {
        stop.await;
        self.shutdown().await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Http,
    Https,
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
    transport: Transport,
    state_file: Option<PathBuf>,
}

impl Builder {
    /// The address to listen on.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// The base URL to put into documents and tokens when it is not where it listens.
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

    /// Serves https, with a certificate authority of its own; the base URL is then `https://localhost:{port}`.
    pub fn https(mut self) -> Self {
        self.transport = Transport::Https;
        self
    }

    /// Keeps directory, consents, settings, refresh tokens, time and keys in this file, written after each request and at
    /// [`Emulator::shutdown`]. A file that is there already is gone on with, keys included; one that is damaged, or was begun
    /// with another directory than the one given, is refused and left alone.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Starts it.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let (saved, file) = self.resume()?.unzip();
        let bind_error = |source| StartError::Bind { addr: self.addr, source };
        let listener = TcpListener::bind(self.addr).await.map_err(bind_error)?;
        let addr = listener.local_addr().map_err(bind_error)?;
        let keys = self.signing_keys(saved.as_ref()).await?;
        let authority = self.authority(saved.as_ref())?;
        let tls = authority.as_ref().filter(|_| self.transport == Transport::Https);
        let acceptor = tls.map(CertificateAuthority::acceptor).transpose().map_err(|error| no_tls(&error))?;
        let ca_certificate = tls.map(|authority| authority.certificate.clone());

        let base = self.public_url.unwrap_or_else(|| match self.transport {
            Transport::Http => format!("http://{addr}"),
            Transport::Https => format!("https://{}:{}", tls::HOST, addr.port()),
        });
        let state = match saved {
            Some(saved) => {
                let random = Random::new(self.seed, saved.drawn);
                State::resumed(saved, random, keys)
            }
            None => State::new(
                self.directory.unwrap_or_else(Directory::fixtures),
                Random::new(self.seed, 0),
                keys,
            ),
        };
        let keeper = self.state_file.clone().map(|path| Saver::new(path, authority, file));
        let cloud = Arc::new(Cloud::new(base.trim_end_matches('/'), state, keeper));
        if let (Err(error), Some(path)) = (cloud.save().await, self.state_file) {
            return Err(StartError::State { path, reason: format!("it cannot be written: {error}") });
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = CuttableListener::new(listener, acceptor);
        let task = tokio::spawn(server::serve(Arc::clone(&cloud), listener, async {
            // Sent or dropped: both mean stop.
            stopped.await.ok();
        }));
        tracing::debug!(url = &*cloud.base, "the emulator listens");
        // Nobody waits for it: a token that is asked for meanwhile takes as long as it would without.
        drop(tokio::task::spawn_blocking(ids::system::warm_up));
        Ok(Emulator {
            addr,
            ca_certificate,
            control: Control::new(cloud),
            stop: Some(stop),
            task: Some(task),
        })
    }

    /// What another process left.
    fn resume(&self) -> Result<Option<(Saved, File)>, StartError> {
        let Some(path) = &self.state_file else { return Ok(None) };
        let refuse = |error: ReadError| StartError::State { path: path.clone(), reason: error.to_string() };
        let saved = Saved::read(path).map_err(refuse)?;
        let began_with = saved.as_ref().map(|(saved, _)| &saved.original);
        match (began_with, &self.directory) {
            (Some(original), Some(given)) if original != given => Err(refuse(ReadError::OtherDirectory)),
            _ => Ok(saved),
        }
    }

    async fn signing_keys(&self, saved: Option<&Saved>) -> Result<KeyRing, StartError> {
        if let (Some(saved), Some(path)) = (saved, &self.state_file) {
            let damaged = |_| StartError::State { path: path.clone(), reason: ReadError::Keys.to_string() };
            return KeyRing::restored(&saved.keys).map_err(damaged);
        }
        let source = self.keys;
        let keys = tokio::task::spawn_blocking(move || KeyRing::new(source)).await;
        keys.unwrap_or(Err(KeyError::Generate)).map_err(|error| StartError::Keys(error.to_string()))
    }

    /// One that was saved stays, whether or not it is of use this time.
    fn authority(&self, saved: Option<&Saved>) -> Result<Option<CertificateAuthority>, StartError> {
        if let Some(authority) = saved.and_then(|saved| saved.authority.clone()) {
            authority.acceptor().map_err(|error| StartError::State {
                path: self.state_file.clone().unwrap_or_default(),
                reason: ReadError::Authority(error).to_string(),
            })?;
            return Ok(Some(authority));
        }
        let fresh = (self.transport == Transport::Https).then(CertificateAuthority::generate);
        fresh.transpose().map_err(|error| no_tls(&error))
    }
}

fn no_tls(error: &TlsError) -> StartError {
    StartError::Tls(error.to_string())
}
