//! Who asks Graph: a person (through the Azure CLI or with a device code), an application (secret, certificate,
//! managed identity), or whoever the given token is for.

mod app;
mod arguments;
mod azure_cli;
mod device_code;
mod error;
mod token;

pub use arguments::{Arguments, Way};
pub use error::SignInError;
pub use token::{AccessToken, Claims};

use entragate::{ClientId, Clock, Credential, ManagedIdentity, Secret};

use super::GRAPH_APP_ID;
use super::directory::Directory;
use super::http::Http;
use super::permission::Permission;

/// Microsoft Graph Command Line Tools: a public client of Microsoft's that every tenant has or can consent to.
pub const GRAPH_CLI: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// A way to a token.
#[derive(Debug)]
pub enum SignIn {
    /// Whoever is signed in to the Azure CLI.
    AzureCli,
    /// A person, in a browser on any machine.
    DeviceCode {
        /// The public client to sign in with.
        client: ClientId,
        /// What the person is asked to lend it; nothing: whatever they or an administrator have lent it before.
        permissions: Vec<Permission>,
    },
    /// An application.
    App {
        /// Its id.
        client: ClientId,
        /// Its credential.
        credential: Credential,
    },
    /// The managed identity of this machine.
    ManagedIdentity(ManagedIdentity),
    /// Somebody else signed in.
    Given(Secret),
}

/// Everything that the tenant has consented to for whoever asks; the GUID means Graph in every cloud.
fn scope() -> String {
    format!("{GRAPH_APP_ID}/.default")
}

/// The named permissions.
fn scopes(permissions: &[Permission]) -> String {
    let named = permissions.iter().map(|permission| format!("{GRAPH_APP_ID}/{}", permission.name()));
    if permissions.is_empty() { scope() } else { named.collect::<Vec<_>>().join(" ") }
}

impl SignIn {
    /// With a device code, a person can be asked to lend these permissions. Whoever else signs in has them or not.
    #[must_use]
    pub fn asking_for(mut self, wanted: &[Permission]) -> Self {
        if let Self::DeviceCode { permissions, .. } = &mut self {
            permissions.extend_from_slice(wanted);
        }
        self
    }

    /// A token for Graph, of `directory`'s tenant. `say` is told what a person has to do.
    pub async fn token(
        self,
        http: &Http,
        directory: &Directory,
        clock: &impl Clock,
        say: impl Fn(&str),
    ) -> Result<AccessToken, SignInError> {
        let token = match self {
            Self::AzureCli => azure_cli::token(&directory.tenant).await?,
            Self::DeviceCode { client, permissions } => {
                device_code::token(http, directory, &client, &scopes(&permissions), say).await?
            }
            Self::App { client, credential } => {
                app::token(http, directory, &client, &credential, clock).await?
            }
            Self::ManagedIdentity(identity) => identity.token(clock.now()).await?,
            Self::Given(token) => token,
        };
        AccessToken::for_tenant(token, &directory.tenant)
    }
}
