//! Microsoft Entra ID sign-in in front of any MCP server.

pub mod base_url;
pub mod clock;
pub mod idp;
pub mod policy;
pub mod principal;

pub use base_url::{BaseUrl, BaseUrlError};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use idp::entra::registration::{ApiApp, AuthorityHost, ClientId, RegistrationError, TenantId};
pub use policy::Rule;
pub use principal::{Kind, Permit, Principal};
