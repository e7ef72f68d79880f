//! A checked configuration as a [`Gate`].

use std::sync::Arc;

use anyhow::Context as _;
use entragate::once::{Memory, Once, Redb, Redis};
use entragate::{Broker, Gate, GateBuilder, Route, SealKeys, seal_key_file};

use super::checked::{BrokerConfig, Config, Identity, Keys, RouteConfig, Store};
use super::not_asked::NotAsked;

impl Config {
    /// The gate of this configuration.
    pub fn gate(&self) -> anyhow::Result<Gate> {
        Ok(self.gate_builder()?.build()?)
    }

    /// The gate, with room for what only the caller knows: the clock, the port that the system chose. Opens the state of
    /// broker mode.
    pub fn gate_builder(&self) -> anyhow::Result<GateBuilder> {
        let once = match &self.identity {
            Identity::Broker(broker) => Some(broker.once(self.base_url.as_str())?),
            Identity::Development | Identity::Relay(_) => None,
        };
        let builder = self.builder(once, BrokerConfig::registrations)?;
        Ok(match &self.assertion_keys {
            Some(keys) => builder.assertion_keys(keys.ring()?),
            None => builder,
        })
    }

    /// A gate that judges tokens beside a running one: it creates nothing and opens no state.
    pub fn examining_gate_builder(&self) -> anyhow::Result<GateBuilder> {
        self.builder(Some(Arc::new(NotAsked)), BrokerConfig::registrations_as_they_are)
    }

    /// In broker mode, why sealed tokens cannot be opened here, when the key is not at hand.
    pub fn no_seal_key(&self) -> Option<String> {
        match &self.identity {
            Identity::Broker(broker) => broker.keys.not_at_hand(),
            Identity::Development | Identity::Relay(_) => None,
        }
    }

    fn builder(
        &self,
        once: Option<Arc<dyn Once>>,
        registrations: impl FnOnce(&BrokerConfig) -> anyhow::Result<Broker>,
    ) -> anyhow::Result<GateBuilder> {
        let base_url = self.base_url.clone();
        let mut builder = match &self.identity {
            Identity::Development => Gate::development(base_url),
            Identity::Relay(relay) => Gate::relay(base_url, relay.clone()),
            Identity::Broker(broker) => {
                let builder = Gate::broker(base_url, registrations(broker)?);
                let builder = match once {
                    Some(once) => builder.once(once),
                    None => builder,
                };
                let builder = builder
                    .clients(broker.clients.iter().cloned())
                    .registration(broker.registration)
                    .client_documents(broker.documents.clone());
                builder.access_token_life(broker.access_token_life).remember_consent(broker.remember_consent)
            }
        };
        builder = builder
            .authority(self.authority.clone())
            .allowed_hosts(&self.allowed_hosts)
            .allowed_origins(&self.allowed_origins)
            .redirect_rules(self.redirect_rules.iter().cloned())
            .denied_redirects(self.denied_redirects.iter().cloned())
            .hosted_callbacks(self.hosted_callbacks)
            .sign_in_rate(self.sign_in_rate.per_second, self.sign_in_rate.burst)
            .max_body_bytes(self.max_body_bytes);
        if self.listen.port() != 0 {
            builder = builder.listen_addresses([self.listen]);
        }
        if let Some(key) = &self.session_key {
            builder = builder.session_key(key.expose());
        }
        for route in &self.routes {
            builder = builder.route(route.description());
        }
        if let Some(groups) = &self.graph_groups {
            builder = builder.graph_groups(groups.clone());
        }
        if let Some(options) = &self.on_behalf_of {
            builder = builder.on_behalf_of(options.clone());
        }
        for (scope, narrower) in &self.scope_implies {
            builder = builder.scope_implies(scope, narrower);
        }
        Ok(builder)
    }
}

impl RouteConfig {
    fn description(&self) -> Route {
        let mut route = Route::new(self.path()).rules(self.rules.iter().cloned());
        if let Some(name) = &self.resource_name {
            route = route.name(name);
        }
        if let Some(api) = &self.api {
            route = route.api(api.clone());
        }
        self.paths().skip(1).fold(route, Route::also_protect)
    }
}

impl Keys {
    /// The ring; makes a file where there is to be one.
    fn ring(&self) -> anyhow::Result<SealKeys> {
        Ok(match self {
            Self::Given(keys) => keys.clone(),
            Self::InDirectory(directory) => {
                let key =
                    seal_key_file(directory).context("the key of the state directory cannot be used")?;
                SealKeys::new([key]).context("the key of the state directory cannot be used")?
            }
            Self::OfThisProcess => SealKeys::new([SealKeys::generate()?])?,
        })
    }

    /// Why this process cannot open what a running gateway of this configuration has sealed.
    fn not_at_hand(&self) -> Option<String> {
        match self {
            Self::Given(_) => None,
            Self::InDirectory(directory) => {
                let file = directory.join("seal.key");
                let looked_in = || std::path::absolute(&file).unwrap_or_else(|_| file.clone());
                (!file.exists()).then(|| {
                    format!(
                        "this gateway's seal key is not here (looked in {}): run it where the gateway has its state",
                        looked_in().display()
                    )
                })
            }
            Self::OfThisProcess => Some(
                "this gateway's seal key is not here: without state.directory or state.keys each process of the gateway makes its own and keeps it to itself"
                    .to_owned(),
            ),
        }
    }
}

impl BrokerConfig {
    fn registrations(&self) -> anyhow::Result<Broker> {
        Ok(self.with_keys(self.keys.ring()?))
    }

    /// Without making a file: where the key is not at hand, one that opens nothing stands for it, and
    /// [`Config::no_seal_key`] says so.
    fn registrations_as_they_are(&self) -> anyhow::Result<Broker> {
        match self.keys.not_at_hand() {
            Some(_) => Ok(self.with_keys(SealKeys::new([SealKeys::generate()?])?)),
            None => self.registrations(),
        }
    }

    fn with_keys(&self, keys: SealKeys) -> Broker {
        let (tenant, api, client) = (self.tenant.clone(), self.api.clone(), self.client.clone());
        Broker { tenant, api, client, credential: self.credential.clone(), keys }
    }

    fn once(&self, issuer: &str) -> anyhow::Result<Arc<dyn Once>> {
        Ok(match &self.store {
            Store::Memory => Arc::new(Memory::new()),
            Store::Directory(directory) => {
                Arc::new(Redb::open(directory).context("the state directory cannot be used")?)
            }
            // Gateways that share a Redis do not share what they remember, unless they are replicas of one.
            Store::Redis(url) => Arc::new(
                Redis::new(url, &format!("entragate:{issuer}:")).context("state.redis_url cannot be used")?,
            ),
        })
    }
}
