//! What a tenant's directory holds: tenants, users, groups and app registrations, as plain data with a TOML form.

mod access;
mod app;
mod change;
mod credential;
mod current;
mod lookup;
mod people;
mod permission;
mod principal;
mod registry;
mod validate;

use serde::{Deserialize, Serialize};

pub use access::{Access, Assignment, UserConsent};
pub use app::{App, Audience, GroupClaims};
pub use change::ChangeError;
pub use credential::{FederatedCredential, KeyCredential, ManagedIdentity, Secret};
pub(crate) use current::Directories;
pub use people::{Group, Tenant, User};
pub use permission::{Principals, Role, Scope};
pub use principal::ServicePrincipal;
pub(crate) use registry::{Principal, PrincipalKind};

use crate::fixtures;

/// The whole directory. References between its parts are by `name` or by GUID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The tenants this emulator is responsible for.
    #[serde(default)]
    pub tenants: Vec<Tenant>,
    /// The users of all tenants; names are unique.
    #[serde(default)]
    pub users: Vec<User>,
    /// Security groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// App registrations, each with its service principal.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Managed identities; names are unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed_identities: Vec<ManagedIdentity>,
    /// What users consented to themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<UserConsent>,
    /// Registrations in the bin, which can be restored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted_apps: Vec<App>,
}

/// Why a directory was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The text is not TOML of the right shape.
    #[error("the directory does not parse")]
    Syntax(#[source] toml::de::Error),
    /// An identifier is not a GUID.
    #[error("{what} `{value}` is not a GUID")]
    NotAGuid {
        /// What the identifier identifies.
        what: &'static str,
        /// The text found.
        value: String,
    },
    /// Two things of a kind have the same name or id.
    #[error("{what} `{value}` occurs twice")]
    Twice {
        /// The kind of thing.
        what: &'static str,
        /// The name or id.
        value: String,
    },
    /// Something refers to what does not exist.
    #[error("`{holder}` refers to {what} `{value}`, which does not exist")]
    Dangling {
        /// Who refers.
        holder: String,
        /// The kind of thing referred to.
        what: &'static str,
        /// The reference.
        value: String,
    },
    /// A certificate is no PEM of an X.509 certificate with an RSA key.
    #[error("app `{app}` has a certificate that is no PEM of an RSA certificate")]
    Certificate {
        /// The app.
        app: String,
    },
    /// The `jwks` of a federated credential is no JSON of a key document.
    #[error("app `{app}` has a federated credential `{name}` whose `jwks` is no key document")]
    Jwks {
        /// The app.
        app: String,
        /// The federated credential.
        name: String,
    },
    /// A date is not written like `2026-01-31T00:00:00Z`.
    #[error("app `{app}` has a secret with the date `{value}`; write it like 2026-01-31T00:00:00Z")]
    Date {
        /// The app.
        app: String,
        /// The text found.
        value: String,
    },
    /// A token version other than 1 or 2.
    #[error("app `{app}` wants token version {version}; there are 1 and 2")]
    TokenVersion {
        /// The app.
        app: String,
        /// The version found.
        version: u8,
    },
}

impl Directory {
    /// The fixture directory: see [`fixtures`](crate::fixtures) for its identifiers.
    pub fn fixtures() -> Self {
        Self::from_toml(fixtures::TOML).expect("the fixtures are valid, a unit test says so")
    }

    /// Reads a directory and checks that its references hold.
    pub fn from_toml(text: &str) -> Result<Self, DirectoryError> {
        let directory: Self = toml::from_str(text).map_err(DirectoryError::Syntax)?;
        directory.checked()
    }

    /// Itself, if its references hold.
    pub(crate) fn checked(mut self) -> Result<Self, DirectoryError> {
        self.normalize();
        self.validate()?;
        Ok(self)
    }

    /// The TOML form; [`Directory::from_toml`] reads it back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("plain data has a TOML form")
    }
}
