//! What the tenant's discovery document says about signing in to Graph. The login host is configuration, everything
//! else is read from the document, so that no cloud needs code of its own.

use entragate::{AuthorityHost, TenantId};
use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::http::{Http, HttpError};
use super::url::{GraphUrl, is_local};

/// Why the tenant's discovery document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Nobody answered.
    #[error("cannot read {url}: {source}")]
    Unreachable {
        /// The document.
        url: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// Entra says that there is none.
    #[error("{url} answered {status}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The document.
        url: String,
        /// The status code.
        status: StatusCode,
        /// The AADSTS code, such as AADSTS90002 for an unknown tenant.
        code: Option<String>,
    },
    /// Something else than a discovery document of this tenant.
    #[error("{url} cannot be used: {reason}")]
    Unusable {
        /// The document.
        url: String,
        /// What is wrong.
        reason: String,
    },
}

impl DirectoryError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "check AZURE_AUTHORITY_HOST, the network and HTTPS_PROXY",
            Self::Refused { .. } => {
                "check AZURE_TENANT_ID, and that the tenant is in the cloud that AZURE_AUTHORITY_HOST names"
            }
            Self::Unusable { .. } => {
                "check AZURE_AUTHORITY_HOST; an odd cloud's Graph is named with --graph-url"
            }
        }
    }
}

/// A tenant, and where to sign in and ask about it.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The tenant's GUID.
    pub tenant: String,
    /// The login host.
    pub authority: AuthorityHost,
    /// Microsoft Graph.
    pub graph: GraphUrl,
    /// Where tokens are asked for.
    pub token_endpoint: Url,
    /// Where a device code is asked for.
    pub device_endpoint: Option<Url>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: Url,
    device_authorization_endpoint: Option<Url>,
    msgraph_host: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error_description: String,
}

impl Directory {
    /// Reads the v2 discovery document. `named` is the operator's own address of Graph.
    pub async fn discover(
        http: &Http,
        authority: &AuthorityHost,
        tenant: &TenantId,
        named: Option<GraphUrl>,
    ) -> Result<Self, DirectoryError> {
        let url = format!("{}/{tenant}/v2.0/.well-known/openid-configuration", authority.as_str());
        let answer = match http.get(&url).await {
            Ok(answer) => answer,
            Err(source) => return Err(DirectoryError::Unreachable { url, source }),
        };
        if answer.status != StatusCode::OK {
            let refusal = serde_json::from_slice::<Refusal>(&answer.body).ok();
            let code = refusal.and_then(|refusal| aadsts(&refusal.error_description));
            return Err(DirectoryError::Refused { url, status: answer.status, code });
        }
        let unusable = |reason: String| DirectoryError::Unusable { url: url.clone(), reason };
        let document: Document =
            serde_json::from_slice(&answer.body).map_err(|error| unusable(error.to_string()))?;
        let id = document
            .issuer
            .split('/')
            .find_map(|part| TenantId::parse(part).ok()?.as_guid().map(str::to_owned))
            .ok_or_else(|| unusable(format!("issuer `{}` names no tenant", document.issuer)))?;
        if tenant.as_guid().is_some_and(|wanted| wanted != id) {
            return Err(unusable(format!("issuer `{}` is not of tenant {tenant}", document.issuer)));
        }
        let endpoints = [Some(&document.token_endpoint), document.device_authorization_endpoint.as_ref()];
        for endpoint in endpoints.into_iter().flatten() {
            // An emulator may speak plain http, but the credential must not leave this machine by it.
            let is_emulator = endpoint.scheme() == "http" && authority.is_loopback() && is_local(endpoint);
            if endpoint.scheme() != "https" && !is_emulator {
                return Err(unusable(format!("endpoint {endpoint} is not https")));
            }
        }
        let graph = match (named, document.msgraph_host) {
            (Some(named), _) => named,
            (None, Some(host)) => {
                GraphUrl::on_host(&host, authority).map_err(|error| unusable(error.to_string()))?
            }
            (None, None) => return Err(unusable("it names no msgraph_host".to_owned())),
        };
        Ok(Self {
            tenant: id,
            authority: authority.clone(),
            graph,
            token_endpoint: document.token_endpoint,
            device_endpoint: document.device_authorization_endpoint,
        })
    }
}

/// The first AADSTS code of an error's text.
pub(super) fn aadsts(text: &str) -> Option<String> {
    let rest = text.split_once("AADSTS")?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("AADSTS{digits}"))
}
