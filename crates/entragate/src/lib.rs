//! Microsoft Entra ID sign-in in front of any MCP (Model Context Protocol) server.
//!
//! MCP clients expect an authorization server with RFC 8414 metadata, client registration, RFC 8707 and
//! advertised PKCE. Entra ID has none of it properly. A [`Gate`] speaks the clients' language on one side and
//! Entra's on the other, checks every token and decides who may call which tool.
//!
//! # Your axum server
//!
//! ```no_run
//! use axum::{Extension, Router, routing::post};
//! use entragate::{ApiApp, BaseUrl, ClientId, Gate, Principal, Relay, Rule, TenantId};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::relay(BaseUrl::parse("https://mcp.contoso.com")?, Relay {
//!     tenant: TenantId::parse("11111111-1111-1111-1111-111111111111")?,
//!     api: ApiApp::new(ClientId::parse("a0000000-0000-4000-8000-000000000001")?),
//!     client: ClientId::parse("c0000000-0000-4000-8000-000000000003")?,
//! })
//! .rules([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])])
//! .build()?;
//!
//! async fn mcp(Extension(who): Extension<Principal>) -> String {
//!     format!("hello {}", who.object_id())
//! }
//! let guarded = Router::new().route("/", post(mcp)).layer(gate.layer());
//! let app = gate.router().nest("/mcp", guarded);
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3002").await?, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Your rmcp server
//!
//! ```text
//! let service = StreamableHttpService::new(|| Ok(Tools), LocalSessionManager::default().into(), config);
//! let app = gate.protect(service); // facade + guarded service, one router
//! ```
//!
//! In a tool, `Extension(request): Extension<http::request::Parts>` has the [`Principal`] in
//! `request.extensions`. Both examples are complete and tested in `examples/`.
//!
//! # Several MCP servers
//!
//! One gate protects as many as you like, each a [`Route`] with its own path, rules and API app:
//! [`GateBuilder::route`], then [`Gate::protect_each`] or [`Gate::layer_of`]. What is for one is refused at the others.
//!
//! # The life of a request
//!
//! ```text
//! request ─ Host, Origin ─ size ─ Bearer ──verify──> Principal ─ message ─ headers agree
//!         ─ scopes ─ rules ──decide──> Permit ──> your service ──> answer ─ lists filtered ─> client
//! ```
//!
//! Every arrow can refuse: 421/403 for a foreign Host or Origin, 413, 401 with the way to sign in, 503 while
//! Entra's keys are not known, 400 for a message that two parsers could read differently, 403
//! `insufficient_scope`, and HTTP 200 with a tool error where a role is missing.
//!
//! Errors are documented at the types that carry them: [`GateError`], [`BaseUrlError`], [`RegistrationError`].

pub mod aadsts;
pub mod base_url;
mod body;
pub mod clock;
mod denied;
mod discovery;
mod facade;
mod front_door;
pub mod gate;
mod headers;
pub mod idp;
mod invisible;
mod json;
pub mod layer;
mod media_type;
pub mod oauth;
pub mod once;
pub mod open_ended;
mod person;
pub mod policy;
pub mod principal;
mod private;
mod random;
mod rate;
mod response_filter;
pub mod seal;
pub mod seal_file;
pub mod secret;
mod session;
mod signin;
pub mod sse;
mod stream_refusals;
pub mod token;
pub mod trace;
mod unread;
pub mod upstream;

pub use base_url::{BaseUrl, BaseUrlError};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use gate::{Broker, Gate, GateBuilder, GateError, NotReady, Relay, Resource, Route};
pub use idp::entra::credential::{Credential, CredentialError, ManagedIdentity};
pub use idp::entra::groups::GraphGroups;
pub use idp::entra::obo::{OnBehalfOf, OnBehalfOfError, Refusal as OnBehalfOfRefusal};
pub use idp::entra::registration::{ApiApp, AuthorityHost, ClientId, Guid, RegistrationError, TenantId};
pub use invisible::is_invisible;
pub use layer::{GateLayer, GateService};
pub use media_type::is_compressed;
pub use oauth::client::{ClientDocuments, ClientDocumentsError, ConfiguredClient, ConfiguredClientError};
pub use oauth::redirect_policy::{DeniedRedirect, RedirectRule, RedirectRuleError};
pub use open_ended::OpenEnded;
#[cfg(feature = "cel")]
pub use policy::ConditionError;
pub use policy::outlook::{Access, Outlook, RuleOutlook};
pub use policy::rehearsal::{Caller, DecidedBy, Decision, Rehearsal, RehearsedCall};
pub use policy::{Condition, Policy, Rule, RuleExplanation};
pub use principal::{Kind, Permit, Principal};
pub use private::PrivateError;
pub use rate::ClientAddress;
pub use seal::{SealKeyError, SealKeys};
pub use seal_file::{SealFileError, seal_key_file};
pub use secret::Secret;
pub use stream_refusals::StreamRefusals;
pub use token::report::{CheckOutcome, TokenBearer, TokenCheck, TokenReport, TokenVerdict};
pub use token::saved::{SavedKeys, SavedKeysError};
pub use upstream::{AssertionError, DelegatedScope, DelegatedScopeError, NoEntraToken, UpstreamToken};
