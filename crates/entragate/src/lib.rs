//! Microsoft Entra ID sign-in in front of any MCP server.

pub mod base_url;
pub mod clock;
mod discovery;
mod facade;
mod front_door;
pub mod gate;
mod headers;
pub mod idp;
mod json;
pub mod layer;
pub mod oauth;
pub mod policy;
pub mod principal;
mod response_filter;
mod signin;
mod token;

pub use base_url::{BaseUrl, BaseUrlError};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use gate::{Gate, GateBuilder, GateError, NotReady, Relay};
pub use idp::entra::registration::{ApiApp, AuthorityHost, ClientId, RegistrationError, TenantId};
pub use layer::{GateLayer, GateService};
pub use oauth::redirect_uri::{RedirectRule, RedirectRuleError};
pub use policy::{Policy, Rule};
pub use principal::{Kind, Permit, Principal};
