//! A managed identity as the operator names it: whose token, for which cloud, and where to get it.

use super::error::CredentialError;
use super::identity_token::IdentityTokens;
use crate::clock::Timestamp;
use crate::idp::entra::registration::{AuthorityHost, ClientId};
use crate::secret::Secret;

/// The metadata service of Azure's machines.
const IMDS: &str = "http://169.254.169.254";

/// A managed identity whose token Entra takes in place of a secret ([Microsoft: trust a managed identity]).
///
/// The app registration needs a federated identity credential whose issuer is the tenant's v2 issuer, whose subject
/// is the identity's object id (not its client id), and whose audience is the one of [`ManagedIdentity::audience`].
///
/// [Microsoft: trust a managed identity]: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
#[derive(Debug, Clone)]
pub struct ManagedIdentity {
    pub(super) client_id: Option<ClientId>,
    pub(super) audience: String,
    pub(super) endpoint: Endpoint,
}

/// Who hands out the token.
#[derive(Debug, Clone)]
pub(super) enum Endpoint {
    /// The metadata service of virtual machines, scale sets and AKS nodes.
    Imds { host: String },
    /// App Service, Functions and Container Apps.
    AppService { endpoint: String, header: Secret },
}

impl ManagedIdentity {
    /// The user-assigned identity with this client id.
    pub fn user_assigned(client_id: ClientId) -> Self {
        Self { client_id: Some(client_id), ..Self::system_assigned() }
    }

    /// The identity of the machine or app itself. Microsoft documents only user-assigned ones as federated
    /// credentials, so [`Credential::warning`](super::Credential::warning) warns about this one.
    pub fn system_assigned() -> Self {
        Self {
            client_id: None,
            audience: "api://AzureADTokenExchange".to_owned(),
            endpoint: Endpoint::Imds { host: IMDS.to_owned() },
        }
    }

    /// Gets the token from another host than `http://169.254.169.254`: `AZURE_POD_IDENTITY_AUTHORITY_HOST`, or a
    /// test's.
    #[must_use]
    pub fn with_imds(mut self, host: impl Into<String>) -> Self {
        self.endpoint = Endpoint::Imds { host: host.into() };
        self
    }

    /// Gets the token as App Service, Functions and Container Apps offer it: the values of `IDENTITY_ENDPOINT` and
    /// `IDENTITY_HEADER`.
    #[must_use]
    pub fn with_app_service(mut self, endpoint: impl Into<String>, header: Secret) -> Self {
        self.endpoint = Endpoint::AppService { endpoint: endpoint.into(), header };
        self
    }

    /// Asks for a token with the audience that this cloud wants. Unknown hosts, External ID's among them, keep the
    /// worldwide one.
    #[must_use]
    pub fn in_cloud(self, authority: &AuthorityHost) -> Self {
        let host = authority.as_str().trim_start_matches("https://");
        let cloud = match host {
            "login.microsoftonline.us" | "login.usgovcloudapi.net" => "USGov",
            "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn" => "China",
            "login.sovcloud-identity.fr" => "France",
            "login.sovcloud-identity.de" => "Germany",
            _ => "",
        };
        self.with_audience(format!("api://AzureADTokenExchange{cloud}"))
    }

    /// Asks for a token with this audience, which must be the federated identity credential's (AADSTS700212).
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// A fresh token of the identity itself for the audience, such as Microsoft Graph's application id: for whoever
    /// asks once, and not as a credential.
    pub async fn token(self, now: Timestamp) -> Result<Secret, CredentialError> {
        Ok(IdentityTokens::of(self)?.token(now).await?)
    }

    /// The audience of the token.
    pub fn audience(&self) -> &str {
        &self.audience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cloud_has_its_audience() {
        for (host, audience) in [
            ("https://login.microsoftonline.com", "api://AzureADTokenExchange"),
            ("https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
            ("https://login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
            ("https://login.sovcloud-identity.fr", "api://AzureADTokenExchangeFrance"),
            ("https://contoso.ciamlogin.com", "api://AzureADTokenExchange"),
        ] {
            let identity = ManagedIdentity::system_assigned().in_cloud(&AuthorityHost::parse(host).unwrap());
            assert_eq!(identity.audience(), audience, "{host}");
        }
    }

    #[test]
    fn debug_does_not_tell_the_identity_header() {
        let identity =
            ManagedIdentity::system_assigned().with_app_service("http://localhost/", Secret::new("hunter2"));
        assert!(!format!("{identity:?}").contains("hunter2"));
    }
}
