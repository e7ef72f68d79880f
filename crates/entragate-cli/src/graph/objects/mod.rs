//! Graph's objects, with the members that are used here. What stands in lists that can only be written whole (scopes,
//! roles, redirect URIs, required permissions, keys) keeps its unknown members, so that writing it back loses nothing.

mod app_role;
mod app_role_assignment;
mod application;
mod authorization_policy;
mod credentials;
mod domain;
mod federated_credential;
mod null;
mod organization;
mod permission_grant;
mod permission_scope;
mod principal;
mod required_access;
mod service_principal;

pub use app_role::AppRole;
pub use app_role_assignment::AppRoleAssignment;
pub use application::{Api, Application, RedirectUris, Web};
pub use authorization_policy::{AuthorizationPolicy, UserPermissions};
pub use credentials::{KeyCredential, NewPassword, PasswordCredential};
pub use domain::Domain;
pub use federated_credential::FederatedCredential;
pub use organization::{Organization, VerifiedDomain};
pub use permission_grant::PermissionGrant;
pub use permission_scope::{PermissionScope, PreAuthorizedApplication};
pub use principal::{Group, User};
pub use required_access::{RequiredResourceAccess, ResourceAccess};
pub use service_principal::ServicePrincipal;

/// Members that are not named here.
pub type Rest = serde_json::Map<String, serde_json::Value>;
