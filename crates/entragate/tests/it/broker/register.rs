//! Registration: an id of its own for each, with the registration inside, and nothing kept.

use reqwest::header::CACHE_CONTROL;
use serde_json::{Value, json};

use super::front::{OTHER, SAME, ask, assert_consent, assert_page, registered, twin};
use super::world::{BrokerWorld, Browser};
use crate::register_clients::{CURSOR, MEASURED};
use crate::world::{REDIRECT, Reply};

async fn refused(world: &BrokerWorld, metadata: &Value, status: u16, error: &str) -> String {
    let reply = Reply::read(world.register(metadata).await).await;
    let body = reply.json();
    assert_eq!((reply.status, body["error"].as_str()), (status, Some(error)), "{metadata}: {body}");
    assert!(body.get("client_id").is_none(), "{body}");
    body["error_description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn dc_02_dc_03_dc_10_k20_k21_k25_every_measured_client_is_answered_with_what_holds() {
    let world = BrokerWorld::start().await;
    for measured in MEASURED {
        let sent: Value = serde_json::from_str(measured.body).unwrap();
        let answer = world.register(&sent).await;
        assert_eq!(answer.status(), 201, "{}", measured.client);
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
        let body = Reply::read(answer).await.json();
        // With a consent page the private-use callbacks of known clients are registered as well.
        let uris = sent["redirect_uris"].clone();
        assert_eq!(body["redirect_uris"], uris, "{}", measured.client);
        assert_eq!(body["token_endpoint_auth_method"], "none", "{}", measured.client);
        assert_eq!(body["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(body["response_types"], json!(["code"]));
        assert_eq!(body["client_name"], sent["client_name"]);
        assert!(body["client_id_issued_at"].is_u64());
        for absent in [
            "client_secret",
            "client_secret_expires_at",
            "registration_client_uri",
            "registration_access_token",
        ] {
            assert!(body.get(absent).is_none(), "{}: {absent}", measured.client);
        }
    }
}

#[tokio::test]
async fn dc_08_dc_12_ci_17_ids_are_distinct_sealed_and_never_entras() {
    let world = BrokerWorld::start().await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let id = world.client_id().await;
        assert!(id.starts_with("egc_") && id.len() < 500, "{id}");
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{id}");
        for known in [entragate_emulator::fixtures::API, "Fixture", "localhost", "http"] {
            assert!(!id.contains(known), "{id}");
        }
        ids.insert(id);
    }
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn k24_dc_11_an_id_survives_a_restart_with_the_same_key_and_dies_with_another() {
    let world = BrokerWorld::start().await;
    let id = world.client_id().await;
    let url = world.authorize_url(&id, &[]);
    let restarted = twin(&world, SAME);
    assert_consent(&ask(&restarted, "GET", &url, &[], String::new()).await);
    let rekeyed = twin(&world, OTHER);
    assert_page(&ask(&rekeyed, "GET", &url, &[], String::new()).await, 400);
    let program = ask(&rekeyed, "GET", &url, &[], String::new()).await;
    assert!(program.html.contains("registers anew"), "{}", program.html);
    // And the other way round: what a replica gave out counts here.
    let theirs = registered(&restarted, REDIRECT).await;
    assert_consent(&world.open(&world.authorize_url(&theirs, &[])).await);
    let strangers = registered(&rekeyed, REDIRECT).await;
    assert_page(&world.open(&world.authorize_url(&strangers, &[])).await, 400);
}

#[tokio::test]
async fn as_11_dc_01_registration_can_be_switched_off_and_then_ends_the_ids_that_it_gave() {
    let world = BrokerWorld::builder().gate(|gate| gate.registration(false)).start().await;
    let metadata = json!({ "client_name": "x", "redirect_uris": [REDIRECT] });
    let text = refused(&world, &metadata, 403, "invalid_request").await;
    assert!(text.contains("switched off"), "{text}");
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let document: Value = world.http.get(world.url(path)).send().await.unwrap().json().await.unwrap();
        assert!(document.get("registration_endpoint").is_none(), "{document}");
    }
    let id = registered(&twin(&world, SAME), REDIRECT).await;
    assert_page(&world.open(&world.authorize_url(&id, &[])).await, 400);
}

#[tokio::test]
async fn dc_01_dc_04_dc_05_k26_what_is_too_much_is_refused_readably() {
    let world = BrokerWorld::start().await;
    let long = |nth: usize| format!("http://localhost/{nth}/{}", "x".repeat(200));
    let many: Vec<_> = (0..20).map(long).collect();
    let text = refused(&world, &json!({ "redirect_uris": many }), 400, "invalid_client_metadata").await;
    assert!(text.contains("too long together"), "{text}");
    let one_more: Vec<_> = (0..21).map(|nth| format!("http://localhost/{nth}")).collect();
    refused(&world, &json!({ "redirect_uris": one_more }), 400, "invalid_redirect_uri").await;
    refused(&world, &json!({ "redirect_uris": [] }), 400, "invalid_redirect_uri").await;
    refused(&world, &json!({ "client_name": "x" }), 400, "invalid_redirect_uri").await;
    refused(&world, &json!({ "redirect_uris": [7] }), 400, "invalid_redirect_uri").await;
    refused(&world, &json!(["x"]), 400, "invalid_client_metadata").await;
    let huge = json!({ "redirect_uris": [REDIRECT], "client_name": "x".repeat(70_000) });
    refused(&world, &huge, 413, "invalid_client_metadata").await;
    let form = world.http.post(world.url("/oauth/register")).form(&[("redirect_uris", REDIRECT)]);
    let reply = Reply::of(form).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_client_metadata")));
    let longest = world.register_as(&"W".repeat(5_000), &[REDIRECT]).await;
    assert!(longest.len() < 1_000, "{}", longest.len());
}

#[tokio::test]
async fn dc_04_as_19_s_05_k22_a_dangerous_redirect_uri_is_never_registered_and_spoils_no_good_one() {
    let world = BrokerWorld::start().await;
    for bad in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "http://evil.test/cb",
        "https://evil.test/cb",
        "https://*.contoso.com/cb",
        "http://localhost/cb#x",
        "http://user@localhost/cb",
        "https://claude.ai.evil.test/api/mcp/auth_callback",
        "myapp://callback",
        "/cb",
        "",
    ] {
        refused(&world, &json!({ "redirect_uris": [bad] }), 400, "invalid_redirect_uri").await;
        let both = json!({ "client_name": "x", "redirect_uris": [bad, REDIRECT] });
        let body = Reply::read(world.register(&both).await).await.json();
        assert_eq!(body["redirect_uris"], json!([REDIRECT]), "{bad}");
        let client_id = body["client_id"].as_str().unwrap();
        assert_page(&world.open(&world.authorize_url(client_id, &[("redirect_uri", Some(bad))])).await, 400);
        assert_consent(&world.open(&world.authorize_url(client_id, &[])).await);
    }
}

#[tokio::test]
async fn dc_07_the_kind_of_application_decides_about_loopback() {
    let world = BrokerWorld::start().await;
    let hosted = "https://claude.ai/api/mcp/auth_callback";
    let web = json!({ "application_type": "web", "redirect_uris": [REDIRECT] });
    refused(&world, &web, 400, "invalid_redirect_uri").await;
    for (kind, uri) in [("web", hosted), ("native", REDIRECT), ("native", hosted)] {
        let metadata = json!({ "application_type": kind, "redirect_uris": [uri] });
        assert_eq!(world.register(&metadata).await.status(), 201, "{kind} {uri}");
    }
}

#[tokio::test]
async fn k22_cursor_registers_all_three_and_may_use_each() {
    let world = BrokerWorld::start().await;
    let sent: Value = serde_json::from_str(CURSOR.body).unwrap();
    let body = Reply::read(world.register(&sent).await).await.json();
    assert_eq!(body["redirect_uris"].as_array().unwrap().len(), 3);
    for uri in body["redirect_uris"].as_array().unwrap() {
        let url = world.authorize_url(body["client_id"].as_str().unwrap(), &[("redirect_uri", uri.as_str())]);
        let mut browser = Browser::default();
        let done = world.walk(&mut browser, &url, "bob", false).await;
        assert!(done.as_str().starts_with(&format!("{}?code=", uri.as_str().unwrap())), "{done}");
    }
}
