//! What the mode promises, and that it promises nothing else.

use entragate::{ClientDocuments, ConfiguredClient, Secret};
use serde_json::{Value, json};

use super::front::{SAME, all, ask, gate, registered};
use super::world::BrokerWorld;
use crate::world::{REDIRECT, Reply};

async fn metadata(world: &BrokerWorld) -> Value {
    Reply::of(world.http.get(world.url("/.well-known/oauth-authorization-server"))).await.json()
}

#[tokio::test]
async fn as_09_as_10_as_11_ci_18_k11_k13_what_the_mode_can_is_advertised() {
    let world = BrokerWorld::start().await;
    let metadata = metadata(&world).await;
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    for (name, path) in [
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("registration_endpoint", "/oauth/register"),
        ("revocation_endpoint", "/oauth/revoke"),
        ("jwks_uri", "/oauth/jwks"),
    ] {
        assert_eq!(metadata[name], world.url(path).as_str(), "{name}");
    }
    assert!(metadata.get("device_authorization_endpoint").is_none(), "{metadata}");
}

#[tokio::test]
async fn k13_k49_the_advertised_revocation_endpoint_answers_whatever_the_token_is() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let endpoint = metadata(&world).await["revocation_endpoint"].as_str().unwrap().to_owned();
    for token in ["x", "egr_AAAA", &client_id] {
        let form = [("client_id", client_id.as_str()), ("token", token)];
        assert_eq!(world.http.post(&endpoint).form(&form).send().await.unwrap().status(), 200, "{token}");
    }
}

#[tokio::test]
async fn as_05_as_06_as_07_as_08_the_lists_with_harmful_defaults_are_written_down() {
    let world = BrokerWorld::start().await;
    let metadata = metadata(&world).await;
    for (name, value) in [
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query"])),
        ("grant_types_supported", json!(["authorization_code", "refresh_token"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("token_endpoint_auth_methods_supported", json!(["none", "private_key_jwt"])),
        ("revocation_endpoint_auth_methods_supported", json!(["none", "private_key_jwt"])),
        ("token_endpoint_auth_signing_alg_values_supported", json!(["RS256", "PS256", "ES256", "EdDSA"])),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
}

#[tokio::test]
async fn as_08_as_10_as_11_what_is_switched_off_is_not_advertised() {
    let world = BrokerWorld::builder()
        .gate(|gate| gate.client_documents(ClientDocuments::off()).registration(false))
        .start()
        .await;
    let metadata = metadata(&world).await;
    for absent in [
        "registration_endpoint",
        "client_id_metadata_document_supported",
        "token_endpoint_auth_signing_alg_values_supported",
    ] {
        assert!(metadata.get(absent).is_none(), "{absent}: {metadata}");
    }
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["none"]));
}

#[tokio::test]
async fn as_07_k28_secrets_are_advertised_when_a_client_has_one_and_none_stays_first() {
    let world = BrokerWorld::builder()
        .gate(|gate| {
            let client = ConfiguredClient::new("studio", [REDIRECT]).unwrap();
            gate.clients([client.with_secret(Secret::new("0123456789abcdef0123456789")).unwrap()])
        })
        .start()
        .await;
    assert_eq!(
        metadata(&world).await["token_endpoint_auth_methods_supported"],
        json!(["none", "client_secret_post", "client_secret_basic", "private_key_jwt"])
    );
}

#[tokio::test]
async fn as_14_s_34_every_url_is_our_own_and_nothing_is_entras() {
    let world = BrokerWorld::start().await;
    let metadata = metadata(&world).await;
    let text = metadata.to_string();
    for foreign in [world.entra.url(), "microsoftonline", entragate_emulator::fixtures::TENANT] {
        assert!(!text.contains(foreign), "{foreign} in {text}");
    }
    let base = world.gate.base_url().as_str();
    for (name, value) in metadata.as_object().unwrap() {
        if let Some(url) = value.as_str().filter(|value| value.contains("://")) {
            assert!(url.starts_with(base), "{name}: {url}");
        }
    }
    for absent in ["userinfo_endpoint", "end_session_endpoint", "device_authorization_endpoint"] {
        assert!(metadata.get(absent).is_none(), "{absent}");
    }
}

/// Fixed clients refuse an answer whose `iss` differs by a byte from what they discovered.
#[tokio::test]
async fn issuer_string_is_one() {
    for base in ["https://mcp.contoso.com", "https://mcp.contoso.com/tools", "http://localhost:3002"] {
        let gate = gate(base, SAME, None);
        let read = async |url: String| -> Value {
            let answer = ask(&gate, "GET", &url, &[], String::new()).await;
            assert_eq!(answer.status, 200, "{url}");
            serde_json::from_str(&answer.html).unwrap()
        };
        let (origin, path) = (gate.base_url().origin(), gate.base_url().path().to_owned());
        for at in [
            format!("{origin}/.well-known/oauth-authorization-server{path}"),
            format!("{origin}/.well-known/openid-configuration{path}"),
            format!("{base}/.well-known/openid-configuration"),
            format!("{origin}/.well-known/oauth-authorization-server{path}/mcp"),
        ] {
            assert_eq!(read(at.clone()).await["issuer"], base, "{at}");
        }
        let resource = read(format!("{origin}/.well-known/oauth-protected-resource{path}/mcp")).await;
        assert_eq!(resource["authorization_servers"], json!([base]));
        let client_id = registered(&gate, REDIRECT).await;
        let query = [("client_id", client_id.as_str()), ("redirect_uri", REDIRECT), ("state", "xyz")];
        let url = url::Url::parse_with_params(&format!("{base}/oauth/authorize"), query).unwrap();
        let refused = ask(&gate, "GET", url.as_str(), &[], String::new()).await;
        assert_eq!(all(&refused.location(), "iss"), [base]);
    }
}
