//! What a tenant's discovery documents say: where to send people, where codes are redeemed, who signs.
//!
//! The host is configuration, everything else is read from the documents, so that the public cloud, US
//! Government, China, the sovereign clouds and External ID tenants need no code of their own.

use serde::Deserialize;
use url::Url;

use super::registration::{AuthorityHost, TenantId, is_guid};
use crate::base_url::is_loopback;
use crate::idp::http::{Outbound, OutboundError};

/// Why the tenant's documents could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    #[error("{document}: {source}")]
    Unreachable {
        document: &'static str,
        #[source]
        source: OutboundError,
    },
    #[error("{document}: status {status}{}", said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default())]
    Refused { document: &'static str, status: http::StatusCode, said: Option<String> },
    #[error("{document}: {reason}")]
    Unusable { document: &'static str, reason: String },
}

/// A tenant's endpoints and issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) jwks: Url,
    /// The GUID that `tid` must equal.
    pub(crate) tenant_guid: String,
    /// Issuer of v2 tokens.
    pub(crate) issuer_v2: String,
    /// Issuer of v1 tokens; External ID tenants have none.
    pub(crate) issuer_v1: Option<String>,
    /// `microsoftonline.com` and its siblings; keys of another cloud are refused.
    pub(crate) cloud_instance: Option<String>,
    /// Microsoft Graph of this cloud, scheme and host.
    pub(crate) graph: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    cloud_instance_name: Option<String>,
    msgraph_host: Option<String>,
}

#[derive(Deserialize)]
struct IssuerOnly {
    issuer: String,
}

impl Endpoints {
    /// Reads the v2 document, and the v1 document for the v1 issuer (row 8 of docs/incompatibilities).
    pub(crate) async fn discover(
        http: &Outbound,
        authority: &AuthorityHost,
        tenant: &TenantId,
    ) -> Result<Self, DiscoveryError> {
        const V2: &str = "v2.0/.well-known/openid-configuration";
        const V1: &str = ".well-known/openid-configuration";
        let url = |path: &str| format!("{}/{tenant}/{path}", authority.as_str());
        let document: Document = fetch(http, &url(V2), V2).await?;
        let issuer_v1 = match fetch::<IssuerOnly>(http, &url(V1), V1).await {
            Ok(v1) => Some(v1.issuer),
            // External ID has no v1 endpoint. An outage or a throttled request (429) is not the same: without
            // the v1 issuer good tokens would be refused, so that one is an error.
            Err(DiscoveryError::Refused { status, .. }) if says_there_is_none(status) => None,
            Err(other) => return Err(other),
        };
        Self::checked(document, issuer_v1, tenant, V2)
    }

    /// What was read before, judged as if it were read now.
    pub(crate) fn saved(
        document: serde_json::Value,
        issuer_v1: Option<String>,
        tenant: &TenantId,
    ) -> Result<Self, DiscoveryError> {
        const NAME: &str = "saved discovery document";
        let document: Document = serde_json::from_value(document)
            .map_err(|error| DiscoveryError::Unusable { document: NAME, reason: error.to_string() })?;
        Self::checked(document, issuer_v1, tenant, NAME)
    }

    /// The members of the discovery document that are used.
    pub(crate) fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "issuer": self.issuer_v2,
            "authorization_endpoint": self.authorization,
            "token_endpoint": self.token,
            "jwks_uri": self.jwks,
            "cloud_instance_name": self.cloud_instance,
            "msgraph_host": self.graph.as_deref().and_then(|graph| graph.split_once("://")).map(|(_, host)| host),
        })
    }

    fn checked(
        document: Document,
        issuer_v1: Option<String>,
        tenant: &TenantId,
        name: &'static str,
    ) -> Result<Self, DiscoveryError> {
        let unusable = |reason: String| DiscoveryError::Unusable { document: name, reason };
        for url in [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri] {
            let secure = url.scheme() == "https" || url.host().is_some_and(|host| is_loopback(&host));
            if !secure {
                return Err(unusable(format!("endpoint {url} is not https")));
            }
        }
        let tenant_guid = guid_in(&document.issuer)
            .ok_or_else(|| unusable(format!("issuer `{}` names no tenant", document.issuer)))?;
        if tenant.as_guid().is_some_and(|configured| configured != tenant_guid) {
            return Err(unusable(format!("issuer `{}` is not of tenant {tenant}", document.issuer)));
        }
        let issuer_v1 = issuer_v1.filter(|issuer| guid_in(issuer).as_deref() == Some(tenant_guid.as_str()));
        let graph = document.msgraph_host.as_deref();
        let graph = graph.and_then(|host| graph_base(&document.token_endpoint, host));
        Ok(Self {
            graph,
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            jwks: document.jwks_uri,
            tenant_guid,
            issuer_v2: document.issuer,
            issuer_v1,
            cloud_instance: document.cloud_instance_name,
        })
    }
}

/// Graph has the scheme of the other endpoints; in the clear on this machine only.
fn graph_base(token_endpoint: &Url, host: &str) -> Option<String> {
    let url = Url::parse(&format!("{}://{host}", token_endpoint.scheme())).ok()?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    let is_secure = url.scheme() == "https" || url.host().is_some_and(|host| is_loopback(&host));
    (is_bare && is_anonymous && is_secure).then(|| url.origin().ascii_serialization())
}

async fn fetch<T: for<'de> Deserialize<'de>>(
    http: &Outbound,
    url: &str,
    document: &'static str,
) -> Result<T, DiscoveryError> {
    let answer = http.get(url).await.map_err(|source| DiscoveryError::Unreachable { document, source })?;
    if answer.status != http::StatusCode::OK {
        let said = super::errors::EntraError::parse(&answer.body).and_then(|error| error.in_short());
        return Err(DiscoveryError::Refused { document, status: answer.status, said });
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| DiscoveryError::Unusable { document, reason: error.to_string() })
}

fn says_there_is_none(status: http::StatusCode) -> bool {
    matches!(status, http::StatusCode::BAD_REQUEST | http::StatusCode::NOT_FOUND)
}

/// The GUID segment of an issuer: a path segment, or the host label of an External ID tenant.
fn guid_in(issuer: &str) -> Option<String> {
    let url = Url::parse(issuer).ok()?;
    let in_path = url.path_segments()?.find(|segment| is_guid(segment)).map(str::to_ascii_lowercase);
    in_path.or_else(|| {
        let label = url.host_str()?.split('.').next()?.to_ascii_lowercase();
        is_guid(&label).then_some(label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "11111111-1111-1111-1111-111111111111";

    fn document(issuer: &str, token: &str) -> Document {
        Document {
            issuer: issuer.to_owned(),
            authorization_endpoint: Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/authorize")
                .unwrap(),
            token_endpoint: Url::parse(token).unwrap(),
            jwks_uri: Url::parse("https://login.microsoftonline.com/t/discovery/v2.0/keys").unwrap(),
            cloud_instance_name: None,
            msgraph_host: Some("graph.microsoft.com".to_owned()),
        }
    }

    fn check(issuer: &str, token: &str, tenant: &str) -> Result<Endpoints, DiscoveryError> {
        let v1 = format!("https://sts.windows.net/{TENANT}/");
        Endpoints::checked(document(issuer, token), Some(v1), &TenantId::parse(tenant).unwrap(), "v2")
    }

    const TOKEN: &str = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

    #[test]
    fn a_domain_is_normalised_to_the_guid_of_the_issuer() {
        let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        let endpoints = check(&issuer, TOKEN, "contoso.onmicrosoft.com").unwrap();
        assert_eq!(endpoints.tenant_guid, TENANT);
        assert_eq!(
            endpoints.issuer_v1.as_deref(),
            Some("https://sts.windows.net/11111111-1111-1111-1111-111111111111/")
        );
    }

    #[test]
    fn a_foreign_or_templated_issuer_is_refused() {
        let other = "https://login.microsoftonline.com/22222222-2222-2222-2222-222222222222/v2.0";
        assert!(check(other, TOKEN, TENANT).is_err());
        assert!(check("https://login.microsoftonline.com/{tenantid}/v2.0", TOKEN, TENANT).is_err());
    }

    #[test]
    fn an_endpoint_without_tls_is_refused_except_on_loopback() {
        let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        assert!(check(&issuer, "http://login.microsoftonline.com/token", TENANT).is_err());
        assert!(check(&issuer, "http://127.0.0.1:9/token", TENANT).is_ok());
    }

    #[test]
    fn graph_is_a_bare_host_with_tls_except_on_loopback() {
        let base = |token: &str, host: &str| graph_base(&Url::parse(token).unwrap(), host);
        let expected = Some("https://graph.microsoft.com".to_owned());
        assert_eq!(base(TOKEN, "graph.microsoft.com"), expected);
        let emulator = "http://127.0.0.1:9/token";
        assert_eq!(base(emulator, "127.0.0.1:9").as_deref(), Some("http://127.0.0.1:9"));
        assert_eq!(base(emulator, "graph.microsoft.com"), None);
        for bad in ["", "graph.microsoft.com/v1.0", "u@graph.microsoft.com", "graph.microsoft.com?x", "a b"] {
            assert_eq!(base(TOKEN, bad), None, "{bad}");
        }
    }

    #[test]
    fn external_id_names_the_tenant_in_the_host_label() {
        let issuer = format!("https://{TENANT}.ciamlogin.com/{TENANT}/v2.0");
        assert_eq!(check(&issuer, TOKEN, "contoso.onmicrosoft.com").unwrap().tenant_guid, TENANT);
    }
}
