//! Everything that runs: the emulated Entra, the MCP server and the gateway, each on its own listener.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use entragate::{
    ApiApp, AuthorityHost, BaseUrl, Broker, ClientId, Clock, Credential, Gate, GateBuilder, Relay, Rule,
    SealKeys, Secret, TenantId, Timestamp,
};
use entragate_emulator::{Control, Emulator, fixtures};
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

use super::{Mode, file, listeners};
use crate::config::{UpstreamConfig, UpstreamIdentity};
use crate::upstream::Upstream;
use crate::{sample, serve};

/// What may differ from one demo to the next.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) listen: Option<SocketAddr>,
    pub(super) emulator: Option<SocketAddr>,
    pub(super) upstream: Option<Url>,
    pub(super) file: Option<&'a Path>,
    pub(super) mode: Mode,
}

impl Options<'_> {
    /// Free ports only.
    pub(super) fn anywhere(mode: Mode) -> Self {
        let any = Some((Ipv4Addr::LOCALHOST, 0).into());
        Self { listen: any, emulator: any, mode, ..Self::default() }
    }
}

/// Where everything is, as the parts that configure the gateway need it.
pub(super) struct Addresses {
    pub(super) listen: SocketAddr,
    pub(super) base_url: BaseUrl,
    pub(super) emulator_url: String,
    /// The user's own MCP server.
    pub(super) upstream: Option<Url>,
    /// The sample.
    pub(super) sample: Url,
    pub(super) mode: Mode,
}

/// Everything, listening; nothing is answered before [`Stage::serve_while`].
pub(super) struct Stage {
    pub(super) base_url: BaseUrl,
    pub(super) mcp_url: String,
    /// The user's own MCP server, where there is one.
    pub(super) own_server: Option<Url>,
    /// The file that rules were taken from.
    pub(super) rules_from: Option<String>,
    /// The ports that are not the usual ones, because those are taken.
    pub(super) moved: Vec<u16>,
    emulator: Emulator,
    gateway: (TcpListener, Router),
    sample: Option<TcpListener>,
}

impl Stage {
    /// Opens every socket and configures the gateway.
    pub(super) async fn set(options: Options<'_>) -> anyhow::Result<Self> {
        let emulator = listeners::emulator(options.emulator).await?;
        let gateway = listeners::gateway(options.listen).await?;
        let moved = [(gateway.moved, listeners::GATEWAY_PORT), (emulator.moved, listeners::EMULATOR_PORT)]
            .into_iter()
            .filter_map(|(moved, port)| moved.then_some(port))
            .collect();
        let (emulator, gateway) = (emulator.what, gateway.what);
        let sample = listeners::free().await?;

        let listen = gateway.local_addr()?;
        let addresses = Addresses {
            listen,
            base_url: base_url(listen)?,
            emulator_url: emulator.url().to_owned(),
            upstream: options.upstream,
            sample: Url::parse(&format!("http://{}{}", sample.local_addr()?, sample::PATH))?,
            mode: options.mode,
        };
        let (gate, upstream) = match options.file {
            Some(path) => file::read(path, &addresses)?,
            None => defaults(&addresses)?,
        };
        let gate = gate.clock(EmulatedClock(emulator.control().clone())).build()?;
        let proxy = Upstream::new(&upstream, &gate)?;
        let own_server = Some(upstream.url).filter(|url| *url != addresses.sample);
        Ok(Self {
            base_url: addresses.base_url,
            mcp_url: gate.resource_url().to_owned(),
            sample: own_server.is_none().then_some(sample),
            own_server,
            rules_from: options.file.map(|path| path.display().to_string()),
            moved,
            emulator,
            gateway: (gateway, gate.protect(proxy)),
        })
    }

    /// The emulated Entra, from the inside.
    pub(super) fn control(&self) -> &Control {
        self.emulator.control()
    }

    /// The emulated Entra's URL.
    pub(super) fn emulator_url(&self) -> &str {
        self.emulator.url()
    }

    /// Serves until `work` is done, then stops everything, clients first.
    pub(super) async fn serve_while<T>(self, work: impl Future<Output = T>) -> anyhow::Result<T> {
        let (stop, stopped) = watch::channel(());
        let (listener, router) = self.gateway;
        let gateway = serve::listen(listener, router, until_dropped(stopped.clone()));
        let sample = async {
            match self.sample {
                Some(listener) => sample::listen(listener, until_dropped(stopped)).await,
                None => Ok(()),
            }
        };
        let work = async {
            let outcome = work.await;
            drop(stop);
            Ok(outcome)
        };
        let ((), (), outcome) =
            tokio::try_join!(gateway, sample, work).context("a listener of the demo failed")?;
        self.emulator.shutdown().await;
        Ok(outcome)
    }
}

/// The emulator's clock, so that the gateway ages tokens together with it.
struct EmulatedClock(Control);

impl Clock for EmulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.now())
    }
}

/// `localhost` where that is what 127.0.0.1 is called: it is what people type.
fn base_url(listen: SocketAddr) -> anyhow::Result<BaseUrl> {
    let host = match listen.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => format!("localhost:{}", listen.port()),
        _ => listen.to_string(),
    };
    Ok(BaseUrl::parse(&format!("http://{host}"))?)
}

/// The gateway without a file: the fixture registrations, and the rule that tools named `admin_…` are
/// for administrators.
fn defaults(addresses: &Addresses) -> anyhow::Result<(GateBuilder, UpstreamConfig)> {
    let tenant = TenantId::parse(fixtures::TENANT)?;
    let api = ApiApp::new(ClientId::parse(fixtures::API)?).with_scopes(["access"])?;
    let base_url = addresses.base_url.clone();
    let gate = match addresses.mode {
        Mode::Relay => Gate::relay(base_url, Relay { tenant, api, client: ClientId::parse(fixtures::MCP)? }),
        Mode::Broker => {
            let credential = Credential::secret(Secret::new(fixtures::API_SECRET))?;
            let keys = SealKeys::new([SealKeys::generate()?])?;
            Gate::broker(base_url, Broker { tenant, api, client: None, credential, keys })
        }
    };
    let upstream = upstream(addresses.upstream.as_ref().unwrap_or(&addresses.sample));
    let gate = gate
        .authority(AuthorityHost::parse(&addresses.emulator_url)?)
        .listen_addresses([addresses.listen])
        .resource_path(&upstream.path)
        .resource_name("Entragate demo")
        .rules([
            Rule::tools(["admin_*"]).roles(["Admin"]),
            Rule::tools(["*"]).and_prompts(["*"]).and_resources(["*"]),
        ]);
    Ok((gate, upstream))
}

/// The reverse proxy's defaults, as in `entragate.toml`.
fn upstream(url: &Url) -> UpstreamConfig {
    let path = url.path().trim_end_matches('/');
    UpstreamConfig {
        url: url.clone(),
        replicas: Vec::new(),
        path: if path.is_empty() { sample::PATH } else { path }.to_owned(),
        also: Vec::new(),
        connect_timeout: Duration::from_secs(5),
        response_header_timeout: None,
        identity: UpstreamIdentity::Headers,
    }
}

/// Completes when the sender is gone.
async fn until_dropped(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}
