//! The v1 document: the `sts` issuer and endpoints without `/v2.0`.

use serde_json::{Value, json};

use super::v2::region;
use crate::authority::{Authority, CONSUMERS};
use crate::entra::Entra;

pub(super) fn document(entra: &Entra, authority: &Authority, query: &str) -> Value {
    let segment = authority.segment();
    let at = |path: &str| format!("{}/{segment}/{path}", entra.base);
    let issuer = match authority {
        Authority::Tenant(tenant) => entra.v1_issuer(tenant),
        Authority::Common | Authority::Organizations => entra.v1_issuer("{tenantid}"),
        Authority::Consumers => entra.v1_issuer(CONSUMERS),
    };
    json!({
        "token_endpoint": at("oauth2/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"],
        "jwks_uri": at(&format!("discovery/keys{query}")),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
        "scopes_supported": ["openid"],
        "issuer": issuer,
        "microsoft_multi_refresh_token": true,
        "authorization_endpoint": at("oauth2/authorize"),
        "device_authorization_endpoint": at("oauth2/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": at("oauth2/logout"),
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
            "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "email", "given_name", "family_name", "nickname",
        ],
        "check_session_iframe": at("oauth2/checksession"),
        "userinfo_endpoint": at("openid/userinfo"),
        "kerberos_endpoint": at("kerberos"),
        "mtls_endpoint_aliases":
            { "token_endpoint": format!("https://mtlsauth.microsoft.com/{segment}/oauth2/token") },
        "tls_client_certificate_bound_access_tokens": true,
        "tenant_region_scope": region(entra, authority),
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": super::graph_host(entra),
        "rbac_url": "https://pas.windows.net",
    })
}
