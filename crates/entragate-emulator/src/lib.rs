//! A local Microsoft Entra ID that behaves like the real one on the wire: discovery, keys, `/authorize`, `/token`, device
//! code, both token versions, and above all the same refusals with the same AADSTS codes.
//!
//! ```no_run
//! # async fn example() -> Result<(), entragate_emulator::StartError> {
//! use entragate_emulator::{Emulator, KeySource, fixtures};
//!
//! let entra = Emulator::builder().keys(KeySource::Embedded).start().await?;
//! let authority = format!("{}/{}", entra.url(), fixtures::TENANT);
//! entra.control().auto_login(Some("alice"));
//! // Point the program under test at `authority`; then look at what it sent:
//! for request in entra.control().requests() {
//!     println!("{} {} -> {}", request.method, request.path, request.status);
//! }
//! # Ok(()) }
//! ```
//!
//! It shares no code with the gateway it tests: signing, form parsing and the reading of Entra's rules are its own, or a
//! wrong belief would be encoded twice.

mod agent;
mod apis;
mod assertion;
mod authority;
mod authorize;
mod cimd;
mod clock;
mod cloud;
mod connection;
mod consent;
mod control;
mod cookies;
mod der;
mod device;
mod digest;
mod directory;
mod discovery;
mod emulator;
mod entra;
mod errors;
mod event;
mod exchange;
mod fault;
pub mod fixtures;
mod grants;
mod graph;
mod guid;
mod ids;
mod issued;
mod jwks;
mod jwt;
mod keys;
mod logout;
mod managed_identity;
mod mint;
mod ordered;
mod pages;
mod params;
mod policy;
mod recorded;
mod redirect_uri;
mod resource;
mod route;
mod saved;
mod scope;
mod server;
mod settings;
mod state;
mod tls;
mod token;
mod tokens;
mod v1;

pub use control::Control;
pub use directory::{
    Access, App, Assignment, Audience, ChangeError, Directory, DirectoryError, FederatedCredential, Group,
    GroupClaims, KeyCredential, ManagedIdentity, Principals, Role, Scope, Secret, ServicePrincipal, Tenant,
    User, UserConsent,
};
pub use emulator::{Builder, Emulator, StartError};
pub use event::{Event, Outcome};
pub use fault::{Endpoint, Fault, FaultError, FaultKind};
pub use issued::{IssuedToken, TokenKind};
pub use keys::KeySource;
pub use mint::{Defect, MintError, MintRequest};
pub use recorded::RecordedRequest;
pub use settings::{
    IdentifierUriPolicy, RefreshWithoutScope, ResourceMatch, ResourcePolicy, Settings, V1Audience,
};
