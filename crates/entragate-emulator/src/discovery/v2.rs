//! The v2 document: what Entra lists, and nothing that it does not.

use serde_json::{Value, json};

use crate::authority::{Authority, CONSUMERS};
use crate::entra::Entra;

pub(super) fn document(entra: &Entra, authority: &Authority, query: &str) -> Value {
    let segment = authority.segment();
    let at = |path: &str| format!("{}/{segment}/{path}", entra.base);
    let issuer = match authority {
        Authority::Tenant(tenant) => entra.v2_issuer(tenant),
        Authority::Common | Authority::Organizations => entra.v2_issuer("{tenantid}"),
        Authority::Consumers => entra.v2_issuer(CONSUMERS),
    };
    let mut document = json!({
        "token_endpoint": at("oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"],
        "jwks_uri": at(&format!("discovery/v2.0/keys{query}")),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{}/oidc/userinfo", entra.base),
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "device_authorization_endpoint": at("oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": at("oauth2/v2.0/logout"),
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
            "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash",
            "c_hash", "email",
        ],
        "kerberos_endpoint": at("kerberos"),
        "mtls_endpoint_aliases":
            { "token_endpoint": format!("https://mtlsauth.microsoft.com/{segment}/oauth2/v2.0/token") },
        "tls_client_certificate_bound_access_tokens": true,
        "tenant_region_scope": region(entra, authority),
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": super::graph_host(entra),
        "rbac_url": "https://pas.windows.net",
    });
    let settings = entra.settings();
    if settings.advertise_pkce {
        document["code_challenge_methods_supported"] = json!(["S256"]);
    }
    if settings.advertise_cimd {
        document["client_id_metadata_document_supported"] = true.into();
    }
    document
}

/// `null` on the shared authorities.
pub(super) fn region(entra: &Entra, authority: &Authority) -> Value {
    let tenant = authority.tenant().and_then(|id| entra.directory.tenant(id));
    tenant.map_or(Value::Null, |tenant| tenant.region.clone().into())
}
