//! Who asks at the token endpoint, and how it proves it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entragate::{ConfiguredClient, Secret};

use super::wire::{assert_alive, assert_refused, changed, refresh_form};
use super::world::{BrokerWorld, signed_in};
use crate::world::{REDIRECT, Reply};

/// Characters that mean something in a form, in Basic, and in both.
const STUDIO_SECRET: &str = "p:ss w+rd%20&=@1234567890";

fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

async fn token(world: &BrokerWorld, form: &[(&str, &str)], authorization: Option<&str>) -> Reply {
    let mut request = world.http.post(world.url("/oauth/token")).form(form);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    Reply::of(request).await
}

async fn with_studio() -> BrokerWorld {
    let studio = ConfiguredClient::new("studio", [REDIRECT]).unwrap().with_name("Studio");
    let studio = studio.with_secret(Secret::new(STUDIO_SECRET)).unwrap();
    let public = ConfiguredClient::new("desktop", [REDIRECT]).unwrap();
    BrokerWorld::builder().gate(|gate| gate.clients([studio, public])).start().await
}

#[tokio::test]
async fn k25_as_32_a_public_client_may_say_its_id_and_an_empty_or_made_up_secret_anywhere() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let id = alice.client_id.as_str();
    let form = refresh_form(id, &alice.refresh);
    let without_id = changed(&form, "client_id", None);
    let (empty, made_up) = (basic(id, ""), basic(id, "made-up"));
    let lower = empty.replacen("Basic", "basic", 1);
    for (form, authorization) in [
        (form.clone(), None),
        (changed(&form, "client_secret", Some("")), None),
        (changed(&form, "client_secret", Some("made-up")), None),
        (form.clone(), Some(empty.as_str())),
        (changed(&form, "client_secret", Some("")), Some(empty.as_str())),
        (form.clone(), Some(made_up.as_str())),
        (without_id.clone(), Some(empty.as_str())),
        (without_id.clone(), Some(made_up.as_str())),
        (without_id, Some(lower.as_str())),
    ] {
        let reply = token(&world, &form, authorization).await;
        assert_eq!(reply.status, 200, "{form:?} {authorization:?} {reply:?}");
    }
}

#[tokio::test]
async fn as_32_t6_two_ways_of_authentication_at_once_are_one_too_many() {
    let world = with_studio().await;
    let code = world.code("studio", "alice").await;
    let form = BrokerWorld::code_form("studio", &code);
    let right = basic("studio", STUDIO_SECRET);
    let both = changed(&form, "client_secret", Some(STUDIO_SECRET));
    assert_refused(&token(&world, &both, Some(&right)).await, 400, "invalid_request");
    let both = changed(&form, "client_assertion", Some("a.b.c"));
    assert_refused(&token(&world, &both, Some(&right)).await, 400, "invalid_request");
    let both = changed(&both, "client_secret", Some(STUDIO_SECRET));
    assert_refused(&token(&world, &both, None).await, 400, "invalid_request");
    let request = world.http.post(world.url("/oauth/token")).form(&form);
    let twice = request.header("authorization", right.as_str()).header("authorization", right.as_str());
    assert_refused(&Reply::of(twice).await, 400, "invalid_request");
    assert_eq!(token(&world, &form, Some(&right)).await.status, 200);
}

#[tokio::test]
async fn as_33_k28_a_configured_client_proves_itself_in_the_body_or_with_basic() {
    let world = with_studio().await;
    let right = basic("studio", STUDIO_SECRET);
    for (in_body, authorization) in [(Some(STUDIO_SECRET), None), (None, Some(right.as_str()))] {
        let code = world.code("studio", "alice").await;
        let form = changed(&BrokerWorld::code_form("studio", &code), "client_secret", in_body);
        let reply = token(&world, &form, authorization).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let body = reply.json();
        assert_eq!(world.call(body["access_token"].as_str().unwrap(), "whoami").await.0, 200);
        let refresh = body["refresh_token"].as_str().unwrap();
        let form = changed(&refresh_form("studio", refresh), "client_secret", in_body);
        assert_eq!(token(&world, &form, authorization).await.status, 200);
    }
}

#[tokio::test]
async fn as_32_t7_a_wrong_or_missing_secret_is_401_names_the_scheme_and_has_no_effect() {
    let world = with_studio().await;
    let code = world.code("studio", "alice").await;
    let form = BrokerWorld::code_form("studio", &code);
    let longer = format!("{STUDIO_SECRET}x");
    let not_encoded = format!("Basic {}", STANDARD.encode(format!("studio:{STUDIO_SECRET}")));
    let (wrong, empty) = (basic("studio", "wrong"), basic("studio", ""));
    for (secret, authorization) in [
        (None, None),
        (Some(""), None),
        (Some("wrong"), None),
        (Some(&STUDIO_SECRET[..24]), None),
        (Some(longer.as_str()), None),
        (None, Some(wrong.as_str())),
        (None, Some(empty.as_str())),
        // `%20` and `+` are decoded: this is another secret.
        (None, Some(not_encoded.as_str())),
    ] {
        let reply = token(&world, &changed(&form, "client_secret", secret), authorization).await;
        assert_refused(&reply, 401, "invalid_client");
        assert!(reply.header("www-authenticate").starts_with("Basic "), "{reply:?}");
    }
    let reply = token(&world, &changed(&form, "client_secret", Some(STUDIO_SECRET)), None).await;
    assert_eq!(reply.status, 200);
    // Nor does it refresh or revoke.
    let body = reply.json();
    let studio = signed_in("studio".to_owned(), body);
    let reply = token(&world, &refresh_form("studio", &studio.refresh), None).await;
    assert_refused(&reply, 401, "invalid_client");
    let form = [("client_id", "studio"), ("token", studio.refresh.as_str())];
    let reply = Reply::of(world.http.post(world.url("/oauth/revoke")).form(&form)).await;
    assert_refused(&reply, 401, "invalid_client");
    let form = changed(&refresh_form("studio", &studio.refresh), "client_secret", Some(STUDIO_SECRET));
    assert_eq!(token(&world, &form, None).await.status, 200);
}

#[tokio::test]
async fn as_32_headers_that_name_nobody_or_somebody_else_are_401() {
    let world = with_studio().await;
    let alice = world.sign_in("alice").await;
    let form = refresh_form(&alice.client_id, &alice.refresh);
    let other = basic("studio", STUDIO_SECRET);
    let no_colon = format!("Basic {}", STANDARD.encode("studio"));
    let no_utf8 = format!("Basic {}", STANDARD.encode(b"\xff\xfe:x"));
    for value in [other.as_str(), &no_colon, &no_utf8, "Basic !", "Basic", "Bearer x", ""] {
        let reply = token(&world, &form, Some(value)).await;
        assert_refused(&reply, 401, "invalid_client");
    }
    for id in ["", "egc_", "made-up", "Studio", "studio ", "https://client.test/metadata.json#x"] {
        let reply = token(&world, &changed(&form, "client_id", Some(id)), None).await;
        assert_refused(&reply, 401, "invalid_client");
    }
    assert_alive(&world, &alice).await;
}

#[tokio::test]
async fn k28_a_configured_client_without_a_secret_is_public() {
    let world = with_studio().await;
    let code = world.code("desktop", "bob").await;
    let reply = token(&world, &BrokerWorld::code_form("desktop", &code), None).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    // A confidential one next to it cannot be named instead.
    let code = world.code("desktop", "bob").await;
    let form = changed(&BrokerWorld::code_form("studio", &code), "client_secret", Some(STUDIO_SECRET));
    assert_refused(&token(&world, &form, None).await, 400, "invalid_grant");
}
