//! What the checks look at: the configuration, and facts that are gathered once, on first use, and shared.
//!
//! A fact that cannot be gathered is reported by the one check that owns it; every other check that needs it says
//! "not checked" instead of repeating the finding.

mod credential;
mod entra;
mod gateway;
mod held;
mod probe;
mod registrations;
mod wire;

use std::sync::Arc;

use entragate::{ApiApp, ClientId, Clock, GraphGroups, OnBehalfOf, Rule, TenantId};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::check::Skip;
use crate::clients::Client;
use crate::config::{Config, Environment, Identity, RouteConfig};
use crate::graph::objects::Application;
use crate::graph::{Directory, GraphUrl, Http, SignIn};

pub(super) use credential::{Mark, Proof};
pub(super) use entra::{Documents, Tenant, guid_in};
pub(super) use gateway::{Gateway, Source, document};
pub(super) use held::{Held, Purpose};
pub(super) use probe::{Probe, Probes, Stage};
pub(super) use registrations::{MICROSOFT_GRAPH, Registrations};
pub(super) use wire::{Question, Wire, is_here};

/// Why something is not checked that `/authorize` without a session does not tell (AADSTS650052, AADSTS650053).
pub(super) const AFTER_SIGN_IN: &str = "needs Graph: --graph; Entra tells it only after sign-in";

/// The deployment under examination.
pub(super) struct Site {
    pub(super) config: Config,
    /// The clients that people here use, as the command line names them.
    pub(super) clients: Vec<&'static Client>,
    pub(super) wire: Wire,
    pub(super) clock: Arc<dyn Clock>,
    /// The variable that names a proxy, where one is set.
    pub(super) proxy: Option<&'static str>,
    tenant: OnceCell<Tenant>,
    gateway: OnceCell<Result<Gateway, String>>,
    probes: OnceCell<Probes>,
    proof: OnceCell<Proof>,
    graph: Option<AskGraph>,
    registrations: OnceCell<Result<Registrations, String>>,
}

/// Who asks Graph, and where it is when it is not where discovery says.
pub(super) struct AskGraph {
    pub(super) sign_in: Mutex<Option<SignIn>>,
    pub(super) url: Option<GraphUrl>,
}

impl Site {
    pub(super) fn new(
        config: Config,
        clients: Vec<&'static Client>,
        clock: Arc<dyn Clock>,
        environment: &Environment,
        graph: Option<AskGraph>,
    ) -> anyhow::Result<Self> {
        const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        Ok(Self {
            config,
            clients,
            wire: Wire::new()?,
            clock,
            proxy: PROXIES.into_iter().find(|name| environment.get(name).is_some()),
            tenant: OnceCell::new(),
            gateway: OnceCell::new(),
            probes: OnceCell::new(),
            proof: OnceCell::new(),
            graph,
            registrations: OnceCell::new(),
        })
    }

    /// Tenant and API app; there are none in development mode.
    fn registered(&self) -> Result<(&TenantId, &ApiApp), Skip> {
        match &self.config.identity {
            Identity::Development => Err(Skip::NotApplicable("nobody signs in: development mode")),
            Identity::Relay(relay) => Ok((&relay.tenant, &relay.api)),
            Identity::Broker(broker) => Ok((&broker.tenant, &broker.api)),
        }
    }

    pub(super) fn tenant_id(&self) -> Result<&TenantId, Skip> {
        self.registered().map(|(tenant, _)| tenant)
    }

    pub(super) fn api(&self) -> Result<&ApiApp, Skip> {
        self.registered().map(|(_, api)| api)
    }

    /// The app that signs people in.
    pub(super) fn signer(&self) -> Result<&ClientId, Skip> {
        match &self.config.identity {
            Identity::Development => Err(Skip::NotApplicable("nobody signs in: development mode")),
            Identity::Relay(relay) => Ok(&relay.client),
            Identity::Broker(broker) => Ok(broker.client.as_ref().unwrap_or_else(|| broker.api.id())),
        }
    }

    /// The setting that names the app that signs people in.
    pub(super) fn signer_setting(&self) -> &'static str {
        match &self.config.identity {
            Identity::Relay(_) => "AZURE_MCP_CLIENT_ID",
            Identity::Broker(broker) if broker.client.is_some() => "ENTRAGATE_BROKER_CLIENT_ID",
            Identity::Broker(_) | Identity::Development => "AZURE_CLIENT_ID",
        }
    }

    /// The gateway's credential and the app that it belongs to.
    pub(super) fn held(&self) -> Result<Held<'_>, Skip> {
        match &self.config.identity {
            Identity::Development => Err(Skip::NotApplicable("nobody signs in: development mode")),
            Identity::Broker(broker) => {
                let (credential, app) = (&broker.credential, self.signer()?);
                Ok(Held { credential, app, purpose: Purpose::SignIn })
            }
            // The client app is public; only the app that tokens are for may exchange them (AADSTS500131).
            Identity::Relay(relay) => {
                let acts = self.config.on_behalf_of.as_ref().map(OnBehalfOf::credential);
                let reads = self.config.graph_groups.as_ref().map(GraphGroups::credential);
                let (credential, purpose) = match (acts, reads) {
                    (Some(credential), _) => (credential, Purpose::OnBehalfOf),
                    (None, Some(credential)) => (credential, Purpose::Groups),
                    (None, None) => {
                        return Err(Skip::NotApplicable("the gateway has no credential: relay mode"));
                    }
                };
                Ok(Held { credential, app: relay.api.id(), purpose })
            }
        }
    }

    pub(super) fn is_relay(&self) -> bool {
        matches!(self.config.identity, Identity::Relay(_))
    }

    /// The broker's own callback.
    pub(super) fn callback(&self) -> String {
        self.config.base_url.join("/auth/callback")
    }

    /// What the gateway asks Entra for: short names of scopes, or `.default`.
    pub(super) fn scope_names(&self) -> Result<Vec<String>, Skip> {
        let mut names: Vec<String> = Vec::new();
        for route in self.routes_of_the_api()? {
            let required = self.config.api_of(route).map(ApiApp::required_scopes).unwrap_or_default();
            for name in required {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        // `.default` stands alone (AADSTS70011), and contains whatever else a route may ask for.
        Ok(if names.is_empty() { vec![".default".to_owned()] } else { names })
    }

    /// The routes whose tokens are for the gateway's API app, which is the registration that is looked at.
    fn routes_of_the_api(&self) -> Result<impl Iterator<Item = &RouteConfig>, Skip> {
        let id = self.api()?.id();
        let is_its = move |route: &&RouteConfig| self.config.api_of(route).is_some_and(|api| api.id() == id);
        Ok(self.config.routes.iter().filter(is_its))
    }

    /// The API apps of routes that have their own: they are not looked at.
    pub(super) fn other_apis(&self) -> Vec<(&str, &ClientId)> {
        let Ok(id) = self.api().map(ApiApp::id) else { return Vec::new() };
        let own =
            self.config.routes.iter().filter_map(|route| Some((route.path(), route.api.as_ref()?.id())));
        own.filter(|(_, other)| *other != id).collect()
    }

    /// The rules of these routes: the roles and groups that they name are the API app's.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.routes_of_the_api().into_iter().flatten().flat_map(|route| &route.rules)
    }

    /// The whole `scope` that the gateway sends to Entra when a client asks for nothing in particular. The broker names
    /// the API by its GUID, the only form in which an app may ask for itself (AADSTS90009).
    pub(super) fn scope_at_entra(&self) -> Result<String, Skip> {
        let api = self.api()?;
        let resource = if self.is_relay() { api.identifier_uri() } else { api.id().as_str() };
        let mut scopes: Vec<String> =
            self.scope_names()?.into_iter().map(|name| format!("{resource}/{name}")).collect();
        scopes.extend(["openid", "profile", "offline_access"].map(str::to_owned));
        Ok(scopes.join(" "))
    }

    /// What Entra's discovery says about the tenant, good or bad.
    pub(super) async fn tenant(&self) -> Result<&Tenant, Skip> {
        let tenant = self.tenant_id()?;
        Ok(self.tenant.get_or_init(|| entra::read(&self.wire, &self.config.authority, tenant)).await)
    }

    /// The tenant's discovery documents.
    pub(super) async fn documents(&self) -> Result<&Documents, Skip> {
        match self.tenant().await? {
            Tenant::Known(documents) => Ok(documents),
            _ => Err(Skip::not_checked("the tenant's discovery documents cannot be used")),
        }
    }

    /// The gateway: the one at `BASE_URL`, or its twin in this process.
    pub(super) async fn gateway(&self) -> Result<&Gateway, Skip> {
        self.tenant_id()?;
        let gateway = self.gateway.get_or_init(|| gateway::look(&self.wire, &self.config)).await;
        gateway.as_ref().map_err(|error| Skip::not_checked(error.clone()))
    }

    /// What `/authorize` says without anybody signed in.
    pub(super) async fn probes(&self) -> Result<&Probes, Skip> {
        let documents = self.documents().await?;
        self.unless_exchanged().await?;
        let (signer, scope) = (self.signer()?, self.scope_at_entra()?);
        let redirects = if self.is_relay() {
            let mcp_url = self.mcp_url();
            probe::known_callbacks(&mcp_url)
        } else {
            vec![self.callback()]
        };
        Ok(self
            .probes
            .get_or_init(|| probe::probe(&self.wire, &documents.authorization, signer, &scope, &redirects))
            .await)
    }

    /// What the token endpoint says to the gateway's credential.
    pub(super) async fn proof(&self) -> Result<&Proof, Skip> {
        let (held, api) = (self.held()?, self.api()?.id());
        let documents = self.documents().await?;
        self.unless_exchanged().await?;
        let now = self.clock.now();
        Ok(self.proof.get_or_init(|| credential::prove(&self.wire, documents, held, api, now)).await)
    }

    /// What the assertion says that the gateway presents as its credential.
    pub(super) async fn assertion_claims(&self) -> Result<Value, Skip> {
        let (held, documents) = (self.held()?, self.documents().await?);
        let claims = credential::assertion_claims(documents, held, self.clock.now()).await;
        claims.map_err(Skip::NotChecked)
    }

    /// How Graph tells the gateway's secret or certificate among several.
    pub(super) async fn mark(&self) -> Result<Mark, Skip> {
        let (held, documents) = (self.held()?, self.documents().await?);
        credential::mark(documents, held, self.clock.now()).await.map_err(Skip::NotChecked)
    }

    /// The registration of the app that the gateway's credential belongs to.
    pub(super) async fn holder(&self) -> Result<&Application, Skip> {
        let (held, graph) = (self.held()?, self.graph().await?);
        match held.purpose {
            Purpose::SignIn => graph.signer().await,
            Purpose::OnBehalfOf | Purpose::Groups => graph.api().await,
        }
    }

    /// The app registrations.
    pub(super) async fn graph(&self) -> Result<&Registrations, Skip> {
        let registrations = self.registrations().await?;
        self.unless_exchanged().await?;
        registrations.as_ref().map_err(|_| Skip::not_checked("Microsoft Graph cannot be asked"))
    }

    /// Why Graph does not answer whoever signed in.
    pub(super) async fn graph_trouble(&self) -> Result<Option<&String>, Skip> {
        match self.registrations().await? {
            Ok(registrations) => Ok(registrations.trouble().await),
            Err(_) => Ok(None),
        }
    }

    /// Whether the settings name API and client in each other's place, as far as Graph tells.
    pub(super) async fn is_exchanged(&self) -> bool {
        match self.registrations().await {
            Ok(Ok(registrations)) if self.is_relay() => registrations.are_exchanged().await,
            _ => false,
        }
    }

    /// Whatever else could be said about exchanged apps is the check `client-app`'s finding once more.
    async fn unless_exchanged(&self) -> Result<(), Skip> {
        if self.is_exchanged().await {
            return Err(Skip::not_checked("AZURE_CLIENT_ID and AZURE_MCP_CLIENT_ID are exchanged"));
        }
        Ok(())
    }

    /// Why Graph cannot be asked.
    pub(super) async fn graph_error(&self) -> Result<Option<&String>, Skip> {
        self.registrations().await.map(|registrations| registrations.as_ref().err())
    }

    async fn registrations(&self) -> Result<&Result<Registrations, String>, Skip> {
        let (tenant, api) = self.registered()?;
        let signer = self.signer()?;
        let Some(ask) = &self.graph else { return Err(Skip::not_checked("needs Graph: --graph")) };
        self.documents().await?;
        let read = || async {
            let http = Http::new().map_err(|error| error.to_string())?;
            let directory = Directory::discover(&http, &self.config.authority, tenant, ask.url.clone()).await;
            let directory = directory.map_err(|error| format!("{error}; {}", error.hint()))?;
            let sign_in = ask.sign_in.lock().await.take().ok_or("nobody signs in")?;
            registrations::sign_in(
                sign_in,
                &directory,
                http,
                &*self.clock,
                (api.id().as_str(), signer.as_str()),
            )
            .await
        };
        Ok(self.registrations.get_or_init(read).await)
    }

    /// The URL that people give their client.
    pub(super) fn mcp_url(&self) -> String {
        let path = self.config.routes.first().map_or("", |route| route.path());
        self.config.base_url.join(if path == "/" { "" } else { path })
    }

    /// The names for the placeholders of the AADSTS catalogue.
    pub(super) fn names(&self) -> entragate::aadsts::Names {
        entragate::aadsts::Names {
            tenant: self.tenant_id().ok().map(ToString::to_string),
            api: self.api().ok().map(|api| api.id().to_string()),
            client: self.signer().ok().map(ToString::to_string),
            base_url: Some(self.config.base_url.to_string()),
            authority: Some(self.config.authority.as_str().to_owned()),
        }
    }
}
