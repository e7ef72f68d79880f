//! Numbers 1–13 and 18–20 of the checklist: discovery documents, the URLs that must not exist, instance discovery, and
//! CORS.

use entragate_emulator::fixtures::{API, TENANT};
use serde_json::{Value, json};

use crate::fixture::{Entra, encode, members};
use crate::reply::{Reply, is_guid};

const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const V2: &str = "v2.0/.well-known/openid-configuration";

async fn v2(entra: &Entra, segment: &str) -> Value {
    entra.get(&format!("/{segment}/{V2}")).await.ok()
}

fn assert_discovery_headers(reply: &Reply) {
    assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("cache-control"), Some("max-age=86400, private"));
    assert!(reply.header("x-ms-request-id").is_some_and(is_guid), "{:?}", reply.headers);
}

/// The login-host members of a v2 document whose URLs carry `segment`.
fn assert_v2_endpoints(document: &Value, b: &str, segment: &str) {
    let endpoint = |name: &str| format!("{b}/{segment}/oauth2/v2.0/{name}");
    assert_eq!(document["token_endpoint"], endpoint("token"));
    assert_eq!(document["authorization_endpoint"], endpoint("authorize"));
    assert_eq!(document["device_authorization_endpoint"], endpoint("devicecode"));
    assert_eq!(document["end_session_endpoint"], endpoint("logout"));
    assert_eq!(document["jwks_uri"], format!("{b}/{segment}/discovery/v2.0/keys"));
    assert_eq!(document["kerberos_endpoint"], format!("{b}/{segment}/kerberos"));
}

#[tokio::test]
async fn e001_v2_document_has_exactly_the_fields_of_entra() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/{TENANT}/{V2}")).await;
    assert_discovery_headers(&reply);
    let document = reply.ok();
    assert_eq!(
        members(&document),
        [
            "authorization_endpoint",
            "claims_supported",
            "cloud_graph_host_name",
            "cloud_instance_name",
            "device_authorization_endpoint",
            "end_session_endpoint",
            "frontchannel_logout_supported",
            "http_logout_supported",
            "id_token_signing_alg_values_supported",
            "issuer",
            "jwks_uri",
            "kerberos_endpoint",
            "msgraph_host",
            "mtls_endpoint_aliases",
            "rbac_url",
            "request_uri_parameter_supported",
            "response_modes_supported",
            "response_types_supported",
            "scopes_supported",
            "subject_types_supported",
            "tenant_region_scope",
            "tls_client_certificate_bound_access_tokens",
            "token_endpoint",
            "token_endpoint_auth_methods_supported",
            "userinfo_endpoint",
        ]
    );
    assert_v2_endpoints(&document, entra.b(), TENANT);
    assert_eq!(document["issuer"], format!("{}/{TENANT}/v2.0", entra.b()));
}

#[tokio::test]
async fn e001_v2_document_has_the_values_of_entra() {
    let entra = Entra::start().await;
    let document = v2(&entra, TENANT).await;
    for (name, expected) in [
        (
            "token_endpoint_auth_methods_supported",
            json!([
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
                "self_signed_tls_client_auth"
            ]),
        ),
        ("response_modes_supported", json!(["query", "fragment", "form_post"])),
        ("subject_types_supported", json!(["pairwise"])),
        ("id_token_signing_alg_values_supported", json!(["RS256"])),
        ("response_types_supported", json!(["code", "id_token", "code id_token", "id_token token"])),
        ("scopes_supported", json!(["openid", "profile", "email", "offline_access"])),
        ("request_uri_parameter_supported", json!(false)),
        ("http_logout_supported", json!(true)),
        ("frontchannel_logout_supported", json!(true)),
        ("tls_client_certificate_bound_access_tokens", json!(true)),
        ("tenant_region_scope", json!("NA")),
        ("cloud_instance_name", json!("microsoftonline.com")),
        ("cloud_graph_host_name", json!("graph.windows.net")),
        ("msgraph_host", json!(entra.b().trim_start_matches("http://"))),
        ("rbac_url", json!("https://pas.windows.net")),
    ] {
        assert_eq!(document[name], expected, "{name}");
    }
    let claims = "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud exp \
                  iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email";
    let claims: Vec<&str> = claims.split_whitespace().collect();
    assert_eq!(document["claims_supported"], json!(claims));
    let userinfo = document["userinfo_endpoint"].as_str().expect("a URL");
    assert!(userinfo.ends_with("/oidc/userinfo"), "{userinfo}");
    let mtls = document["mtls_endpoint_aliases"]["token_endpoint"].as_str().expect("a URL");
    assert!(mtls.ends_with(&format!("/{TENANT}/oauth2/v2.0/token")), "{mtls}");
}

#[tokio::test]
async fn e001_v2_document_lacks_pkce_registration_and_none() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/{TENANT}/{V2}")).await;
    let document = reply.ok();
    for absent in [
        "code_challenge_methods_supported",
        "registration_endpoint",
        "client_id_metadata_document_supported",
        "revocation_endpoint",
        "introspection_endpoint",
        "grant_types_supported",
        "authorization_response_iss_parameter_supported",
        "pushed_authorization_request_endpoint",
        "protected_resources",
    ] {
        assert_eq!(document.get(absent), None, "{absent}");
    }
    assert!(!reply.body.contains("\"none\""), "{}", reply.body);
}

#[tokio::test]
async fn e002_verified_domain_gives_the_document_of_the_guid() {
    let entra = Entra::start().await;
    let by_guid = v2(&entra, TENANT).await;
    for domain in ["contoso.test", "contoso.onmicrosoft.com"] {
        assert_eq!(v2(&entra, domain).await, by_guid, "{domain}");
    }
}

#[tokio::test]
async fn e003_upper_case_guid_in_the_path_gives_a_lower_case_issuer() {
    let tenant = "abcdefab-cdef-4abc-8def-abcdefabcdef";
    let entra = Entra::edited(&[(TENANT, tenant)]).await;
    let document = v2(&entra, &tenant.to_uppercase()).await;
    assert_eq!(document["issuer"], format!("{}/{tenant}/v2.0", entra.b()));
    assert_eq!(document, v2(&entra, tenant).await);
}

#[tokio::test]
async fn e004_common_and_organizations_have_a_template_issuer() {
    let entra = Entra::start().await;
    for segment in ["common", "organizations"] {
        let document = v2(&entra, segment).await;
        assert_eq!(document["issuer"], format!("{}/{{tenantid}}/v2.0", entra.b()));
        assert_eq!(document.get("tenant_region_scope"), Some(&Value::Null));
        assert_v2_endpoints(&document, entra.b(), segment);
    }
}

#[tokio::test]
async fn e005_consumers_have_the_issuer_of_the_consumer_tenant() {
    let entra = Entra::start().await;
    let document = v2(&entra, "consumers").await;
    assert_eq!(document["issuer"], format!("{}/{CONSUMERS}/v2.0", entra.b()));
    assert_v2_endpoints(&document, entra.b(), "consumers");
}

#[tokio::test]
async fn e006_v1_document_has_the_sts_issuer_and_endpoints_without_v2() {
    let entra = Entra::start().await;
    let b = entra.b();
    let reply = entra.get(&format!("/{TENANT}/.well-known/openid-configuration")).await;
    assert_discovery_headers(&reply);
    let document = reply.ok();
    assert_eq!(document["issuer"], format!("{b}/sts/{TENANT}/"));
    for (name, path) in [
        ("authorization_endpoint", "oauth2/authorize"),
        ("token_endpoint", "oauth2/token"),
        ("device_authorization_endpoint", "oauth2/devicecode"),
        ("jwks_uri", "discovery/keys"),
        ("end_session_endpoint", "oauth2/logout"),
        ("userinfo_endpoint", "openid/userinfo"),
    ] {
        assert_eq!(document[name], format!("{b}/{TENANT}/{path}"), "{name}");
    }
    assert_eq!(document["scopes_supported"], json!(["openid"]));
    assert_eq!(document["microsoft_multi_refresh_token"], true);
    assert!(document["check_session_iframe"].is_string(), "{document}");
    let listed = |name: &str, value: &str| {
        document[name].as_array().is_some_and(|values| values.iter().any(|listed| listed == value))
    };
    for kind in ["code", "id_token", "code id_token", "token id_token", "token"] {
        assert!(listed("response_types_supported", kind), "{kind}: {document}");
    }
    for claim in ["amr", "given_name", "family_name", "nickname"] {
        assert!(listed("claims_supported", claim), "{claim}: {document}");
    }
    for claim in ["preferred_username", "name", "tid", "ver", "at_hash", "c_hash"] {
        assert!(!listed("claims_supported", claim), "{claim}: {document}");
    }
}

#[tokio::test]
async fn e006_v1_document_of_common_has_a_template_issuer() {
    let entra = Entra::start().await;
    let document = entra.get("/common/.well-known/openid-configuration").await.ok();
    assert_eq!(document["issuer"], format!("{}/sts/{{tenantid}}/", entra.b()));
}

#[tokio::test]
async fn e007_unknown_tenant_90002() {
    let entra = Entra::start().await;
    let unknown = "33333333-3333-4333-8333-333333333333";
    for path in [V2, ".well-known/openid-configuration"] {
        let reply = entra.get(&format!("/{unknown}/{path}")).await;
        reply.refusal(400, "invalid_tenant", 90002).begins(&format!(
            "Tenant '{unknown}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud."
        ));
    }
}

#[tokio::test]
async fn e007_unverified_domain_90002() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/nobody.example/{V2}")).await;
    reply.refusal(400, "invalid_tenant", 90002).begins("Tenant 'nobody.example' not found.");
}

#[tokio::test]
async fn e008_unparsable_tenant_900023() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/{}/{V2}", encode("not a tenant!"))).await;
    reply.refusal(400, "invalid_request", 900_023).says(
        "Specified tenant identifier 'not a tenant!' is neither a valid DNS name, nor a valid external domain.",
    );
}

#[tokio::test]
async fn e009_rfc8414_appended_to_the_issuer_is_404() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/{TENANT}/v2.0/.well-known/oauth-authorization-server")).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn e010_rfc8414_path_insertion_is_404() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/.well-known/oauth-authorization-server/{TENANT}/v2.0")).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn e011_rfc8414_below_the_tenant_is_404() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/{TENANT}/.well-known/oauth-authorization-server")).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn e012_oidc_path_insertion_is_404() {
    let entra = Entra::start().await;
    let reply = entra.get(&format!("/.well-known/openid-configuration/{TENANT}/v2.0")).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn e013_dynamic_registration_is_404() {
    let entra = Entra::start().await;
    let request = entra.request("POST", &format!("/{TENANT}/oauth2/v2.0/register"));
    let reply = entra.send(request.json(&json!({"redirect_uris": ["http://localhost/callback"]}))).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn e018_appid_is_propagated_to_the_jwks_uri() {
    let entra = Entra::start().await;
    let document = entra.get(&format!("/{TENANT}/{V2}?appid={API}")).await.ok();
    let keys = format!("/{TENANT}/discovery/v2.0/keys?appid={API}");
    assert_eq!(document["jwks_uri"], format!("{}{keys}", entra.b()));
    assert!(!entra.keys(&keys).await.is_empty());
}

async fn instance(entra: &Entra, endpoint: &str) -> Reply {
    let endpoint = encode(endpoint);
    entra.get(&format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}")).await
}

#[tokio::test]
async fn e019_instance_discovery_knows_its_own_host() {
    let entra = Entra::start().await;
    let reply = instance(&entra, &format!("{}/{TENANT}/oauth2/v2.0/authorize", entra.b())).await.ok();
    assert_eq!(reply["tenant_discovery_endpoint"], format!("{}/{TENANT}/{V2}", entra.b()));
    assert_eq!(reply["api-version"], "1.1");
    let host = entra.emulator.addr().to_string();
    let metadata = reply["metadata"].as_array().expect("an array of alias groups");
    let own = metadata.iter().find(|group| {
        group["aliases"].as_array().is_some_and(|aliases| aliases.iter().any(|alias| *alias == host))
    });
    let own = own.unwrap_or_else(|| panic!("no group lists {host}: {reply}"));
    assert_eq!(own["preferred_network"], host);
    assert_eq!(own["preferred_cache"], host);
}

#[tokio::test]
async fn e019_the_port_may_be_missing_as_from_msal_for_python() {
    let entra = Entra::start().await;
    let reply = instance(&entra, &format!("https://127.0.0.1/{TENANT}/oauth2/v2.0/authorize")).await.ok();
    assert_eq!(reply["tenant_discovery_endpoint"], format!("{}/{TENANT}/{V2}", entra.b()));
}

#[tokio::test]
async fn e019_instance_discovery_refuses_an_unknown_host_50049() {
    let entra = Entra::start().await;
    for host in ["evil.test", "127.0.0.1:1", "127.0.0.2", "127.0.0"] {
        let reply = instance(&entra, &format!("https://{host}/{TENANT}/oauth2/v2.0/authorize")).await;
        reply.refusal(400, "invalid_instance", 50049).says("Unknown or invalid instance.");
    }
}

#[tokio::test]
async fn e020_discovery_and_keys_are_readable_across_origins() {
    let entra = Entra::start().await;
    for path in [
        format!("/{TENANT}/{V2}"),
        format!("/{TENANT}/.well-known/openid-configuration"),
        format!("/{TENANT}/discovery/v2.0/keys"),
        format!("/{TENANT}/discovery/keys"),
        "/common/discovery/v2.0/keys".to_owned(),
    ] {
        let reply = entra.get(&path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{path}");

        let preflight = entra
            .request("OPTIONS", &path)
            .header("origin", "http://localhost:6274")
            .header("access-control-request-method", "GET");
        let reply = entra.send(preflight).await;
        assert!((200..300).contains(&reply.status), "{path}: {}", reply.status);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{path}");
    }
}
