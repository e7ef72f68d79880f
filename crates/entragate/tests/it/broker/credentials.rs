//! How the gateway proves to Entra that it is the app registration: each kind signs people in and refreshes, and a file
//! that is replaced counts without a restart.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entragate::{ClientId, Credential, ManagedIdentity};
use entragate_emulator::fixtures;
use serde_json::Value;

use super::wire::assert_refused;
use super::world::{BrokerWorld, Browser};
use crate::world::Reply;

/// A file of one test.
fn file(name: &str, content: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    put(&path, content);
    path
}

/// Replaces a file as platforms do: whoever reads it sees the old one or the new one.
fn put(path: &Path, content: &str) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(&new, path).unwrap();
}

/// Signs bob in and refreshes; what the token requests carried as assertion.
async fn assertions(world: &BrokerWorld) -> Vec<String> {
    let bob = world.sign_in("bob").await;
    let (status, body) = world.refresh(&bob.client_id, &bob.refresh).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(world.call(body["access_token"].as_str().unwrap(), "whoami").await.0, 200);
    let requests = world.control().requests();
    let tokens: Vec<_> =
        requests.iter().filter(|request| request.path.ends_with("/oauth2/v2.0/token")).collect();
    assert_eq!(tokens.len(), 2);
    let assertion = |request: &&entragate_emulator::RecordedRequest| {
        assert_eq!(request.param("client_secret"), None);
        assert!(request.header("authorization").is_none());
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(request.param("client_assertion_type"), Some(kind));
        request.param("client_assertion").unwrap().to_owned()
    };
    tokens.iter().map(assertion).collect()
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_certificate_signs_each_request_with_ps256_and_its_thumbprint() {
    let pem = format!("{}{}", fixtures::CLIENT_CERTIFICATE, fixtures::CLIENT_KEY);
    let path = file("client.pem", &pem);
    let world =
        BrokerWorld::builder().credential(|_| Credential::certificate_file(path).unwrap()).start().await;
    let sent = assertions(&world).await;
    for assertion in &sent {
        let (header, claims) = (part(assertion, 0), part(assertion, 1));
        assert_eq!(header["alg"], "PS256");
        assert!(header["x5t#S256"].is_string(), "{header}");
        assert_eq!(
            (claims["iss"].as_str(), claims["sub"].as_str()),
            (Some(fixtures::API), Some(fixtures::API))
        );
    }
    assert_ne!(part(&sent[0], 1)["jti"], part(&sent[1], 1)["jti"]);
}

#[tokio::test]
async fn a_managed_identity_stands_in_for_a_secret() {
    let identity = ManagedIdentity::user_assigned(ClientId::parse(fixtures::IDENTITY).unwrap());
    let world = BrokerWorld::builder()
        .credential(|entra| Credential::managed_identity(identity.with_imds(entra.url())).unwrap())
        .start()
        .await;
    for assertion in assertions(&world).await {
        assert_eq!(part(&assertion, 1)["sub"], fixtures::IDENTITY_OID);
    }
}

#[tokio::test]
async fn a_federated_token_counts_as_soon_as_its_file_is_renewed() {
    let stranger =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJodHRwczovL2V4YW1wbGUub3JnIiwic3ViIjoieCJ9.c2ln";
    let path = file("federated", stranger);
    let at = path.clone();
    let world =
        BrokerWorld::builder().credential(|_| Credential::federated_token_file(at).unwrap()).start().await;
    let client_id = world.client_id().await;
    let url = world.authorize_url(&client_id, &[]);
    let shown = world.browse(&mut Browser::default(), &url, "bob").await;
    assert!(shown.html.contains("The operator of this gateway has to repair this"), "{}", shown.html);
    assert!(shown.html.contains("AADSTS7"), "{}", shown.html);
    world.control().clear_requests();

    let query = "api-version=2018-02-01&resource=api://AzureADTokenExchange";
    let url = format!("{}/metadata/identity/oauth2/token?{query}", world.entra.url());
    let token = world.http.get(url).header("metadata", "true").send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    put(&path, token);
    assert_eq!(assertions(&world).await, [token, token]);
}

#[tokio::test]
async fn a_secret_is_rotated_in_its_file_without_a_restart_and_signs_nobody_out() {
    let path = file("secret", fixtures::API_SECRET);
    let at = path.clone();
    let world = BrokerWorld::builder().credential(|_| Credential::secret_file(at).unwrap()).start().await;
    let bob = world.sign_in("bob").await;
    world.control().set_secrets(fixtures::API, &["a-new-s3cret"]).unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", bob.client_id.as_str()),
        ("refresh_token", bob.refresh.as_str()),
    ];
    let refused = Reply::of(world.http.post(world.url("/oauth/token")).form(&form)).await;
    let text = assert_refused(&refused, 500, "server_error");
    assert!(text.starts_with("AADSTS7000215"), "{text}");
    assert_eq!(world.call(&bob.access, "whoami").await.0, 200);

    put(&path, "a-new-s3cret\n");
    assert_eq!(world.refresh(&bob.client_id, &bob.refresh).await.0, 200);
}
