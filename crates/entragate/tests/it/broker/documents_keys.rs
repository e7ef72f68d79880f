//! Clients that prove who they are with a key that their document names, and ids that are no document's URL.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use serde_json::{Value, json};

use super::documents::{Host, world};
use super::front::{all, assert_page};
use super::world::{BrokerWorld, Browser};
use crate::world::Reply;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Key(KeyPair);

impl Key {
    fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
    }

    fn jwks(&self) -> Value {
        let point = self.0.der_bytes();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k1", "x": part(1..33), "y": part(33..65) }] })
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&self.0.serialize_der())).unwrap()
    }
}

struct Signing {
    world: BrokerWorld,
    host: Host,
    key: Key,
    jti: u32,
}

impl Signing {
    /// A client whose document names its key, in the document or at another URL of the same host.
    async fn start() -> Self {
        let ((world, host), key) = (world().await, Key::new());
        host.serve(&json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks() }));
        Self { world, host, key, jti: 0 }
    }

    /// What a client claims, a new one each time.
    fn claims(&mut self) -> Value {
        self.jti += 1;
        let (id, now) = (self.host.id(), self.world.control().now());
        json!({
            "iss": id, "sub": id, "aud": self.world.gate.base_url().as_str(), "jti": format!("j{}", self.jti),
            "iat": now, "exp": now + 60,
        })
    }

    async fn code(&self) -> String {
        let url = self.world.authorize_url(&self.host.id(), &[]);
        let done = self.world.browse(&mut Browser::default(), &url, "bob").await.location();
        all(&done, "code").remove(0)
    }

    async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let id = self.host.id();
        let mut form: Vec<(&str, &str)> = BrokerWorld::code_form(&id, code);
        form.extend_from_slice(more);
        self.world.token(&form).await
    }
}

#[tokio::test]
async fn ci_06_k28_a_client_that_signs_gets_its_tokens_with_a_fresh_signature_only() {
    let mut signing = Signing::start().await;
    let code = signing.code().await;
    let good = signing.claims();
    let assertion = signing.key.sign(&good);
    let base = signing.world.gate.base_url().to_string();
    let now = signing.world.control().now();
    let with = |changes: &Value, claims: &mut Value| {
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
    };
    let mut refused = vec![String::new(), "x".to_owned(), "a.b.c".to_owned(), Key::new().sign(&good)];
    for changes in [
        json!({ "aud": "https://evil.test" }),
        json!({ "aud": format!("{base}/") }),
        json!({ "aud": format!("{base}/oauth/authorize") }),
        json!({ "aud": null }),
        json!({ "iss": "https://evil.test/client.json" }),
        json!({ "sub": "https://evil.test/client.json" }),
        json!({ "exp": now - 61 }),
        json!({ "exp": now + 3_600 }),
        json!({ "exp": null }),
        json!({ "iat": now + 3_600 }),
        json!({ "nbf": now + 3_600 }),
        json!({ "jti": "" }),
        json!({ "jti": null }),
    ] {
        let mut claims = signing.claims();
        with(&changes, &mut claims);
        refused.push(signing.key.sign(&claims));
    }
    let unsigned = {
        let (_, rest) = assertion.split_once('.').unwrap();
        let (claims, _) = rest.split_once('.').unwrap();
        format!("{}.{claims}.", URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"))
    };
    let bent = format!("{}{}", &assertion[..assertion.len() - 4], "AAAA");
    refused.extend([unsigned, bent]);
    for assertion in &refused {
        let more = [("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
        let (status, body) = signing.redeem(&code, &more).await;
        assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")), "{assertion}: {body}");
    }
    for more in [
        &[][..],
        &[("client_secret", "x")],
        &[("client_assertion", assertion.as_str())],
        &[("client_assertion_type", TYPE)],
        &[("client_assertion_type", "x"), ("client_assertion", assertion.as_str())],
    ] {
        let (status, body) = signing.redeem(&code, more).await;
        assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")), "{more:?}: {body}");
    }
    // The code is still there: who did not prove to be the client had no effect.
    let more = [("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
    let (status, body) = signing.redeem(&code, &more).await;
    assert_eq!(status, 200, "{body}");
    // Refreshing needs a new signature as well.
    let (id, refresh) = (signing.host.id(), body["refresh_token"].as_str().unwrap().to_owned());
    let form = [("grant_type", "refresh_token"), ("client_id", id.as_str()), ("refresh_token", &refresh)];
    for more in [&[][..], &more] {
        let (status, body) = signing.world.token(&[&form[..], more].concat()).await;
        assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")), "{body}");
    }
    let claims = signing.claims();
    let fresh = signing.key.sign(&claims);
    let more = [("client_assertion_type", TYPE), ("client_assertion", fresh.as_str())];
    let (status, body) = signing.world.token(&[&form[..], &more].concat()).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn ci_06_both_names_of_this_server_are_an_audience_and_the_subject_may_stand_for_the_id() {
    let mut signing = Signing::start().await;
    for aud in [json!(signing.world.url("/oauth/token")), json!(["https://x.test", signing.world.url("")])] {
        let code = signing.code().await;
        let mut claims = signing.claims();
        claims["aud"] = aud;
        let assertion = signing.key.sign(&claims);
        let mut form: Vec<(&str, &str)> = BrokerWorld::code_form("", &code);
        form.retain(|(name, _)| *name != "client_id");
        form.extend([("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())]);
        let (status, body) = signing.world.token(&form).await;
        assert_eq!(status, 200, "{body}");
    }
}

#[tokio::test]
async fn ci_06_ci_11_keys_at_a_url_are_fetched_like_documents_and_an_outage_is_no_fault_of_the_client() {
    let mut signing = Signing::start().await;
    let keys = Host::start().await;
    let method = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": keys.id() });
    signing.host.serve(&method);
    let code = signing.code().await;
    let claims = signing.claims();
    let assertion = signing.key.sign(&claims);
    let more = [("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
    let (status, body) = signing.redeem(&code, &more).await;
    assert_eq!((status, body["error"].as_str()), (503, Some("temporarily_unavailable")), "{body}");
    keys.serve_text("{\"keys\":7}".to_owned());
    let (status, body) = signing.redeem(&code, &more).await;
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")), "{body}");
    keys.serve_text(signing.key.jwks().to_string());
    let (status, body) = signing.redeem(&code, &more).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn ci_01_ci_10_s_15_s_16_an_id_that_is_no_url_of_a_public_document_is_not_fetched() {
    let (world, host) = world().await;
    host.serve(&json!({}));
    let port = host.id().rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    for id in [
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/"),
        format!("{}#x", host.id()),
        format!("http://user@127.0.0.1:{port}/oauth/client.json"),
        format!("http://127.0.0.1:{port}/oauth/../oauth/client.json"),
        format!("http://127.0.0.1:{port}/oauth/%2e%2e/oauth/client.json"),
        format!("HTTP://127.0.0.1:{port}/oauth/client.json"),
        format!("http://2130706433:{port}/oauth/client.json"),
        format!("http://127.1:{port}/oauth/client.json"),
        format!("http://0.0.0.0:{port}/oauth/client.json"),
        format!("http://[::ffff:127.0.0.1]:{port}/oauth/client.json"),
        format!("http://127.0.0.2:{port}/oauth/client.json"),
        format!(" {}", host.id()),
        "http://claude.ai/client.json".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.0.0.1/client.json".to_owned(),
        "https://metadata.internal/client.json".to_owned(),
        "https://claude.ai:8443/client.json".to_owned(),
        "https://intranet/client.json".to_owned(),
        "httpx://claude.ai/client.json".to_owned(),
        format!("https://claude.ai/{}", "x".repeat(3_000)),
    ] {
        assert_page(&world.open(&world.authorize_url(&id, &[])).await, 400);
        let asked = world.http.get(world.authorize_url(&id, &[])).header("accept", "application/json");
        let reply = Reply::of(asked).await;
        assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_client")), "{id}");
    }
    assert_eq!(host.asked(), 0);
}

/// A public gate never reads from this machine.
#[tokio::test]
async fn ci_10_s_15_s_16_a_public_gate_reads_nothing_from_this_machine() {
    use super::front::{SAME, ask, gate};
    let host = Host::start().await;
    host.serve(&json!({}));
    let public = gate("https://mcp.contoso.com", SAME, None);
    let https = host.id().replace("http:", "https:");
    let named = https.replace("127.0.0.1", "localhost");
    for id in [host.id(), https, named, "https://localhost/client.json".to_owned()] {
        let query = [("client_id", id.as_str()), ("redirect_uri", "http://localhost:1/cb")];
        let url = url::Url::parse_with_params("https://mcp.contoso.com/oauth/authorize", query).unwrap();
        assert_page(&ask(&public, "GET", url.as_str(), &[], String::new()).await, 400);
    }
    assert_eq!(host.asked(), 0);
}
