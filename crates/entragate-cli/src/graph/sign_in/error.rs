//! Why there is no token for Graph.

use entragate::CredentialError;

use crate::graph::http::HttpError;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No Azure CLI.
    #[error("the Azure CLI (az) cannot be started: {0}")]
    NoAzureCli(std::io::Error),
    /// The Azure CLI has no token to give.
    #[error("az account get-access-token failed: {0}")]
    AzureCli(String),
    /// Nobody answered.
    #[error("cannot reach {endpoint}: {source}")]
    Unreachable {
        /// Which endpoint.
        endpoint: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// Entra said no.
    #[error("Entra refused the sign-in: {0}")]
    Refused(String),
    /// The person said no.
    #[error("the sign-in was declined")]
    Declined,
    /// The person did nothing.
    #[error("nobody signed in before the code expired")]
    Expired,
    /// This cloud has no device codes.
    #[error("this tenant's discovery document has no device_authorization_endpoint")]
    NoDeviceCodes,
    /// An answer that nobody expects.
    #[error("{0} answered something else than a token")]
    Unusable(String),
    /// Another tenant's token.
    #[error("the token is for tenant {found}, not for {wanted}")]
    OtherTenant {
        /// The token's tenant.
        found: String,
        /// The one that is meant.
        wanted: String,
    },
    /// The application's credential cannot be used.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// A file or standard input.
    #[error("cannot read {0}: {1}")]
    Unreadable(String, std::io::Error),
    /// Two settings that do not go together, or one that is missing.
    #[error("{0}")]
    Settings(String),
}

impl SignInError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoAzureCli(_) => {
                "install it and run `az login`, or name another way than az, such as device-code"
            }
            Self::AzureCli(_) => {
                "run `az login --tenant <tenant> --allow-no-subscriptions`, or name another way than az, such as device-code"
            }
            Self::Unreachable { .. } | Self::Unusable(_) => {
                "check AZURE_AUTHORITY_HOST, the network and HTTPS_PROXY"
            }
            Self::Refused(_) => "`entragate explain <code>` says what to do about the AADSTS code",
            Self::Declined | Self::Expired => "run the command again and sign in",
            Self::NoDeviceCodes => "name another way than device-code: az, secret or certificate",
            Self::OtherTenant { .. } => {
                "sign in to the tenant that AZURE_TENANT_ID names, or name the other one"
            }
            Self::Credential(error) => error.hint(),
            Self::Unreadable(..) => "name a readable file, or - for standard input",
            Self::Settings(_) => "see --help, \"Microsoft Graph\"",
        }
    }
}
