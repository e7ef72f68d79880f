//! The gate: one value that holds the whole configuration, checked once, and hands out the facade's
//! routes and the layer that guards an MCP server.

mod builder;
mod entra;
mod paths;
mod resource;
mod route;
mod upstream;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, Response};
use tower_service::Service;

use crate::base_url::BaseUrl;
use crate::facade::{self, Entra, Facade};
use crate::front_door::FrontDoor;
use crate::idp::entra::credential::Credential;
use crate::idp::entra::registration::{ApiApp, ClientId, TenantId};
use crate::layer::{GateLayer, GateService, Guarded};
use crate::oauth::target::Target;
use crate::policy::rehearsal::{Caller, Rehearsal};
use crate::principal::Principal;
use crate::rate::RateLimit;
use crate::seal::SealKeys;
use crate::token;
use crate::token::bearer::{Presented, presented};
use crate::token::examine::Examination;
use crate::token::report::TokenReport;
use crate::token::saved::SavedKeys;
use crate::trace::SignIn;

pub use builder::GateBuilder;
use entra::Mode;
pub(crate) use resource::Audience;
pub use resource::Resource;
pub use route::Route;

/// The two app registrations of relay mode (row 4 of docs/incompatibilities).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// The tenant whose users may sign in.
    pub tenant: TenantId,
    /// The API app: tokens are for it.
    pub api: ApiApp,
    /// The client app: public, with the redirect URIs of MCP clients.
    pub client: ClientId,
}

/// Broker mode: an authorization server of our own, and one confidential client at Entra.
#[derive(Debug, Clone)]
pub struct Broker {
    /// The tenant whose users may sign in.
    pub tenant: TenantId,
    /// The API app: Entra's tokens are for it.
    pub api: ApiApp,
    /// The app that signs people in; `None`: the API app itself, so that one registration is enough.
    pub client: Option<ClientId>,
    /// How that app proves to Entra that it is itself.
    pub credential: Credential,
    /// What seals client ids, codes and tokens. Replicas share it; losing it signs everybody out.
    pub keys: SealKeys,
}

/// Why a gate cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// Authentication off on an address that others can reach.
    #[error("without authentication the base URL must be loopback, `{0}` is not")]
    PublicDevelopment(String),
    /// The path of the MCP server.
    #[error(
        "path `{0}` must start with a slash, have no trailing slash, and not be one of the gateway's own"
    )]
    Path(String),
    /// Two routes that a client could mix up.
    #[error("paths `{0}` and `{1}` of two routes are the same, or one is below the other")]
    Overlap(String, String),
    /// A rule, a name or a path that would belong to no route.
    #[error("with routes, path, name and rules belong to each route and not to the builder")]
    TwoDescriptions,
    /// A scope or URL with characters that no header may hold.
    #[error("the scopes or the base URL cannot be written into a WWW-Authenticate header")]
    Challenge,
    /// A rule without a tool, prompt, resource or method.
    #[error("rule {0} names no tool, prompt, resource or method")]
    EmptyRule(usize),
    /// A condition on arguments that calls of a rule do not have.
    #[error("rule {0}: `{1}` has no arguments, so a condition that reads them never holds")]
    ConditionWithoutArguments(usize, String),
    /// Everybody can sign in as anybody at an emulator.
    #[error("the authority is on this machine, an emulator; `{0}` is not, so nobody would be kept out")]
    EmulatedAuthority(String),
    /// A key that could be guessed.
    #[error("the session key needs at least {0} bytes")]
    SessionKey(usize),
    /// An access token that lives too short or too long.
    #[error("access tokens must live 15 to 90 minutes")]
    AccessTokenLife,
    /// Two configured clients with one id.
    #[error("client `{0}` is configured twice")]
    RepeatedClient(String),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
    /// Keys that were saved for another tenant, or are no keys.
    #[error("saved keys: {0}")]
    SavedKeys(String),
    /// TLS could not be set up.
    #[error("outbound HTTP client: {0}")]
    Outbound(String),
}

/// Entra's keys are not loaded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(String);

/// A configured gate. Cloning is cheap.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    base: BaseUrl,
    entra: Option<Arc<Entra>>,
    /// What every request to it must pass, whichever resource it is for.
    front_door: FrontDoor,
    rate_limit: RateLimit,
    /// At least one.
    resources: Vec<Arc<Resource>>,
    /// Those among them that tokens are asked for: all, or none in development mode.
    targets: Arc<[Target]>,
}

impl Gate {
    /// Relay mode: the four-endpoint proxy in front of Entra, which answers the clients itself.
    pub fn relay(base_url: BaseUrl, registrations: Relay) -> GateBuilder {
        GateBuilder::new(base_url, Mode::Relay(registrations))
    }

    /// Broker mode: we are the authorization server, and Entra knows one redirect URI, `{base}/auth/callback`.
    pub fn broker(base_url: BaseUrl, registrations: Broker) -> GateBuilder {
        GateBuilder::new(base_url, Mode::Broker(Box::new(registrations)))
    }

    /// No authentication, for development on one machine. Everybody may do everything.
    pub fn development(base_url: BaseUrl) -> GateBuilder {
        GateBuilder::new(base_url, Mode::Development)
    }

    /// The facade: metadata, registration, authorization and token endpoints. In development mode there
    /// is none, so that clients do not try to sign in.
    pub fn router(&self) -> Router {
        match &self.0.entra {
            Some(entra) => facade::router(Facade {
                gate: self.clone(),
                entra: Arc::clone(entra),
                targets: Arc::clone(&self.0.targets),
            }),
            None => Router::new(),
        }
    }

    /// The layer that lets only permitted requests through to the service it wraps: of the only resource. Where there are
    /// several, [`Self::layer_of`] says whose it is, and this one lets nothing through.
    pub fn layer(&self) -> GateLayer {
        GateLayer::new(self.clone(), self.only())
    }

    /// The layer of one of several resources.
    pub fn layer_of(&self, resource: &Arc<Resource>) -> GateLayer {
        GateLayer::new(self.clone(), Some(Arc::clone(resource)))
    }

    /// The facade together with `service` behind the layer at the resource path: at each, if there are several.
    ///
    /// Any other path is not found: paths are protected by not being there, not by being listed.
    pub fn protect<S, B>(&self, service: S) -> Router
    where
        S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        self.protect_each(move |_| service.clone())
    }

    /// As [`Self::protect`], with a service for each resource. `service` is asked for every one, so none can be forgotten.
    pub fn protect_each<S, B>(&self, service: impl FnMut(&Resource) -> S) -> Router
    where
        S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let mut router = self.router();
        for (path, guarded) in self.guard_each(service) {
            router = router.route_service(&path, guarded);
        }
        router.fallback_service(facade::elsewhere(self.clone()))
    }

    /// What stands at which path: for a server that needs no router to find it.
    pub fn guard_each<S>(&self, mut service: impl FnMut(&Resource) -> S) -> Vec<(String, GateService<S>)>
    where
        S: Clone,
    {
        let base = self.0.base.path();
        let mut all: Vec<(String, GateService<S>)> = Vec::new();
        for resource in &self.0.resources {
            let guarded = Guarded::new(self.clone(), Some(Arc::clone(resource)), service(resource));
            for path in resource.paths() {
                // With and without a slash at the end: clients and servers add and drop it.
                let path = format!("{base}{path}").trim_end_matches('/').to_owned();
                for path in [format!("{path}/"), path] {
                    if !path.is_empty() && !all.iter().any(|(known, _)| *known == path) {
                        all.push((path, guarded.clone()));
                    }
                }
            }
        }
        all
    }

    /// Whether Entra's endpoints and keys are loaded; tries to load them.
    pub async fn ready(&self) -> Result<(), NotReady> {
        match &self.0.entra {
            Some(entra) => {
                entra.keyring.snapshot().await.map(drop).map_err(|error| NotReady(error.to_string()))
            }
            None => Ok(()),
        }
    }

    /// What this gate would do with the token of a request with these headers, check by check, and what its rules would
    /// let the bearer do. The checks are those of a request; they all run, and nothing is logged or remembered. Where the
    /// rules depend on groups that are not in an accepted token, Microsoft Graph is asked as it is for a call, unless keys
    /// were saved.
    ///
    /// `None` in development mode, and when there is no `Authorization` header. Where there are several resources, it is
    /// about the first; [`Self::examine_at`] names one.
    pub async fn examine(&self, headers: &HeaderMap) -> Option<TokenReport> {
        self.examine_at(self.0.resources.first()?, headers).await
    }

    /// As [`Self::examine`], at one of several resources.
    pub async fn examine_at(&self, resource: &Resource, headers: &HeaderMap) -> Option<TokenReport> {
        self.examination(resource, headers).await.map(|(report, _)| report)
    }

    async fn examination(&self, resource: &Resource, headers: &HeaderMap) -> Option<Examination> {
        let audience = resource.audience.as_ref()?;
        let token = match presented(headers) {
            Presented::Nothing => return None,
            Presented::Bearer(token) => token.read().ok(),
            Presented::Repeated | Presented::Unreadable => None,
        };
        Some(token::examine::examine(resource, audience, token).await)
    }

    /// What would become of this body if that caller sent it to this resource. Nothing is called, and nothing can be called
    /// with the answer.
    pub fn rehearse(&self, resource: &Resource, caller: &Caller, body: &[u8]) -> Rehearsal {
        let Some(audience) = &resource.audience else {
            return resource.policy.rehearse(&Principal::development(), body, None);
        };
        let keyring = &audience.entra.keyring;
        let snapshot = keyring.peek();
        let tenant = snapshot.as_ref().map_or_else(|| keyring.tenant(), |known| &known.endpoints.tenant_guid);
        let who = caller.imagined(tenant, audience.api.required_scopes());
        resource.policy.rehearse(&who, body, Some(&audience.api))
    }

    /// The same for whoever has the token of a request with these headers, with a report about the token as
    /// [`Self::examine_at`] makes it; the rules are asked unless the token would be refused.
    pub async fn rehearse_token(
        &self,
        resource: &Resource,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<(TokenReport, Option<Rehearsal>)> {
        let api = &resource.audience.as_ref()?.api;
        let (report, who) = self.examination(resource, headers).await?;
        Some((report, who.map(|who| resource.policy.rehearse(&who, body, Some(api)))))
    }

    /// Entra's endpoints and keys as they are now, to judge tokens with where Entra cannot be reached.
    pub async fn keys_to_save(&self) -> Result<SavedKeys, NotReady> {
        let entra = self.0.entra.as_ref().ok_or_else(|| NotReady("authentication is off".to_owned()))?;
        let snapshot = entra.keyring.snapshot().await.map_err(|error| NotReady(error.to_string()))?;
        Ok(SavedKeys::of(&snapshot))
    }

    /// The sign-ins of the last hour, the newest first. Broker mode only; elsewhere Entra answers the clients itself.
    pub fn sign_ins(&self) -> Vec<SignIn> {
        self.broker_mode().map(|broker| broker.traces.all()).unwrap_or_default()
    }

    /// One sign-in of the last hour, by the id that pages, logs and OAuth errors name.
    pub fn sign_in(&self, id: &str) -> Option<SignIn> {
        self.broker_mode()?.traces.get(id)
    }

    fn broker_mode(&self) -> Option<&crate::oauth::broker::Broker> {
        self.0.entra.as_ref()?.way.broker()
    }

    /// The public URL, which is the OAuth issuer.
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base
    }

    /// The MCP server's path below the base URL; the first one's, where there are several.
    pub fn resource_path(&self) -> &str {
        self.first().path()
    }

    /// The MCP server's public URL, the RFC 8707 resource; the first one's, where there are several.
    pub fn resource_url(&self) -> &str {
        self.first().url()
    }

    /// The MCP servers behind it: at least one.
    pub fn resources(&self) -> &[Arc<Resource>] {
        &self.0.resources
    }

    fn first(&self) -> &Resource {
        self.0.resources.first().expect("a gate without routes is not built")
    }

    /// The resource, if there is one only.
    fn only(&self) -> Option<Arc<Resource>> {
        if let [only] = self.0.resources.as_slice() { Some(Arc::clone(only)) } else { None }
    }

    /// Whether authentication is off.
    pub fn is_development(&self) -> bool {
        self.0.entra.is_none()
    }

    /// What people may call everything behind it.
    pub(crate) fn shown_name(&self) -> String {
        self.only().map_or_else(|| self.0.base.authority(), |only| only.name().to_owned())
    }

    pub(crate) fn front_door(&self) -> &FrontDoor {
        &self.0.front_door
    }

    pub(crate) fn rate_limit(&self) -> &RateLimit {
        &self.0.rate_limit
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("base", &self.0.base.as_str()).finish_non_exhaustive()
    }
}
