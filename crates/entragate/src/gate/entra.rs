//! What the gate holds about Entra, built from a mode's registrations.

use std::sync::Arc;
use std::time::Duration;

use super::{Broker, GateError, Relay};
use crate::base_url::BaseUrl;
use crate::clock::Clock;
use crate::facade::{Entra, Way};
use crate::idp::entra::graph::Graph;
use crate::idp::entra::groups::{GraphGroups, Groups};
use crate::idp::entra::obo::{Exchange, OnBehalfOf};
use crate::idp::entra::registration::{ApiApp, AuthorityHost, TenantId};
use crate::idp::http::Outbound;
use crate::oauth::broker;
use crate::oauth::broker::cookies::Cookies;
use crate::oauth::broker::family::Families;
use crate::oauth::client::documents::Documents;
use crate::oauth::client::{ClientDocuments, Clients, ConfiguredClient};
use crate::oauth::redirect_policy::RedirectPolicy;
use crate::once::{Memory, Once};
use crate::seal::{SealKeys, Sealer};
use crate::token::keys::Keyring;
use crate::token::saved::SavedKeys;
use crate::token::sealed::SealedTokens;
use crate::trace::Traces;
use crate::upstream::assertion::Assertions;

/// How clients sign in.
pub(super) enum Mode {
    Development,
    Relay(Relay),
    Broker(Box<Broker>),
}

impl Mode {
    pub(super) fn api(&self) -> Option<&ApiApp> {
        match self {
            Self::Development => None,
            Self::Relay(relay) => Some(&relay.api),
            Self::Broker(broker) => Some(&broker.api),
        }
    }
}

/// What differs from the defaults of broker mode.
pub(super) struct BrokerOptions {
    pub(super) once: Option<Arc<dyn Once>>,
    pub(super) clients: Vec<ConfiguredClient>,
    pub(super) registration: bool,
    pub(super) documents: ClientDocuments,
    pub(super) access_life: Duration,
    pub(super) remember_for: Duration,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            once: None,
            clients: Vec::new(),
            registration: true,
            documents: ClientDocuments::open(),
            access_life: Duration::from_secs(30 * 60),
            remember_for: Duration::from_secs(90 * 24 * 60 * 60),
        }
    }
}

/// Clients refresh before every call when less than five minutes are left (docs/clients.md K43); Entra's own tokens end
/// after 90 minutes at the latest.
const ACCESS_LIFE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(15 * 60)..=Duration::from_secs(90 * 60);

impl BrokerOptions {
    pub(super) fn check(&self) -> Result<(), GateError> {
        if !ACCESS_LIFE.contains(&self.access_life) {
            return Err(GateError::AccessTokenLife);
        }
        for (at, client) in self.clients.iter().enumerate() {
            if self.clients.iter().take(at).any(|other| other.id() == client.id()) {
                return Err(GateError::RepeatedClient(client.id().to_owned()));
            }
        }
        Ok(())
    }
}

/// The parts that every mode with sign-in has.
pub(super) struct Parts<'a> {
    pub(super) authority: AuthorityHost,
    pub(super) base: &'a BaseUrl,
    pub(super) redirects: RedirectPolicy,
    pub(super) saved_keys: Option<SavedKeys>,
    pub(super) graph_groups: Option<GraphGroups>,
    pub(super) on_behalf_of: Option<OnBehalfOf>,
    pub(super) assertion_keys: Option<SealKeys>,
    /// The groups that rules name.
    pub(super) groups: Vec<String>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Parts<'_> {
    pub(super) fn relay(self, relay: Relay) -> Result<Entra, GateError> {
        self.build(relay.tenant, &relay.api, Way::Relay(relay.client))
    }

    pub(super) fn broker(self, broker: Broker, options: BrokerOptions) -> Result<Entra, GateError> {
        let clock = &self.clock;
        let once = options.once.unwrap_or_else(|| Arc::new(Memory::shared(Arc::clone(clock))));
        let seal = Arc::new(Sealer::new(&broker.keys, self.base.as_str()));
        let families = Arc::new(Families::new(Arc::clone(&once), Arc::clone(clock)));
        let traces = Arc::new(Traces::new(Arc::clone(clock)));
        let documents = if options.documents.is_enabled() {
            let documents = Documents::new(options.documents, self.base.is_loopback(), Arc::clone(clock));
            Some(documents.map_err(|error| GateError::Outbound(error.to_string()))?)
        } else {
            None
        };
        let way = Way::Broker(Box::new(broker::Broker {
            client: broker.client.unwrap_or_else(|| broker.api.id().clone()),
            credential: broker.credential,
            tokens: SealedTokens::new(
                Arc::clone(&seal),
                Arc::clone(&families),
                Arc::clone(&traces),
                Arc::clone(clock),
            ),
            seal,
            once,
            families,
            clients: Clients { configured: options.clients, registration: options.registration, documents },
            cookies: Cookies::new(self.base),
            traces,
            access_life: options.access_life,
            remember_for: options.remember_for,
        }));
        self.build(broker.tenant, &broker.api, way)
    }

    fn build(self, tenant: TenantId, api: &ApiApp, way: Way) -> Result<Entra, GateError> {
        let Self { authority, base, redirects, saved_keys, .. } = self;
        let (clock, named) = (self.clock, self.groups);
        let http = Outbound::new(&authority).map_err(|error| GateError::Outbound(error.to_string()))?;
        let saved = saved_keys.map(|keys| keys.snapshot(&authority, &tenant)).transpose();
        let saved = saved.map_err(GateError::SavedKeys)?;
        let mut keyring = Keyring::new(http.clone(), authority, tenant, Arc::clone(&clock));
        if let Some(saved) = saved {
            keyring = keyring.with_saved(saved);
        }
        let keyring = Arc::new(keyring);
        let reader = self.graph_groups.map(|options| {
            let client = way.broker().map_or_else(|| api.id().clone(), |broker| broker.client.clone());
            let credential = options.credential().clone();
            let graph =
                Graph::new(http.clone(), Arc::clone(&keyring), client, credential, Arc::clone(&clock));
            (graph, options)
        });
        let groups = Groups::new(reader, named, Arc::clone(&clock));
        // The token is for the API app, so the API app asks (AADSTS500131 otherwise).
        let exchange = |options| {
            Exchange::new(http.clone(), Arc::clone(&keyring), api.id().clone(), options, Arc::clone(&clock))
        };
        let on_behalf_of = self.on_behalf_of.map(exchange);
        let sign = |keys: SealKeys| Assertions::new(&keys, base.as_str(), Arc::clone(&clock));
        let assertions = self.assertion_keys.map(sign);
        Ok(Entra { http, keyring, redirects, groups, on_behalf_of, assertions, clock, way })
    }
}
