//! `grant_type=authorization_code` in broker mode: a code is for one client, one redirect URI, one verifier and one use.

use std::time::Duration;

use entragate_emulator::fixtures;
use futures_util::future::join_all;
use serde_json::json;

use super::wire::{assert_alive, assert_dead, assert_refused, changed, other_verifier, post};
use super::world::{BrokerWorld, Browser, signed_in};
use crate::world::{REDIRECT, Reply, VERIFIER, param};

const TOKEN: &str = "/oauth/token";

fn qualified() -> String {
    format!("api://{}/access", fixtures::API)
}

#[tokio::test]
async fn as_34_k40_k42_tokens_come_as_json_that_nobody_keeps() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let reply = post(&world, TOKEN, &BrokerWorld::code_form(&client_id, &code)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    let body = reply.json();
    let members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members.len(), 5, "{members:?}");
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(1_800)));
    assert_eq!(body["scope"], qualified().as_str());
    assert!(body["access_token"].is_string() && body["refresh_token"].is_string());
}

#[tokio::test]
async fn k40_as_38_scope_is_told_in_the_words_in_which_it_was_asked_for() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let published = qualified();
    let by_id = format!("{}/access", fixtures::API);
    for (asked, told) in [
        (None, published.as_str()),
        (Some("access"), "access"),
        (Some("openid profile offline_access"), published.as_str()),
        (Some("openid access offline_access"), "access"),
        (Some(by_id.as_str()), by_id.as_str()),
        (Some("https://graph.microsoft.com/User.Read"), published.as_str()),
    ] {
        let url = world.authorize_url(&client_id, &[("scope", asked)]);
        let callback = world.browse(&mut Browser::default(), &url, "bob").await.location();
        let code = param(&callback, "code").unwrap();
        let (status, body) = world.token(&BrokerWorld::code_form(&client_id, &code)).await;
        assert_eq!((status, body["scope"].as_str()), (200, Some(told)), "{asked:?} {body}");
        assert_eq!(world.call(body["access_token"].as_str().unwrap(), "whoami").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_29_k46_of_a_hundred_at_once_one_gets_tokens_and_the_replay_ends_them() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let answers = join_all((0..100).map(|_| world.token(&form))).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 200);
    assert_eq!((good.len(), bad.len()), (1, 99));
    for (status, body) in bad {
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{body}");
    }
    // OAuth 2.1 §4.1.3: everything fits, verifier included, so whoever asks again has all that the client has.
    assert_dead(&world, &signed_in(client_id, good[0].1.clone())).await;
}

#[tokio::test]
async fn as_29_t2_a_replay_with_everything_right_is_refused_and_ends_the_tokens() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let (_, body) = world.token(&form).await;
    let alice = signed_in(client_id.clone(), body);
    let renewed = assert_alive(&world, &alice).await;
    assert_refused(&post(&world, TOKEN, &form).await, 400, "invalid_grant");
    assert_dead(&world, &alice).await;
    assert_dead(&world, &renewed).await;
    // And still it is refused, also after its minute.
    world.advance(Duration::from_secs(120)).await;
    assert_refused(&post(&world, TOKEN, &form).await, 400, "invalid_grant");
}

#[tokio::test]
async fn as_29_t2_a_replay_with_anything_wrong_has_no_effect() {
    let world = BrokerWorld::start().await;
    let (client_id, stranger) = (world.client_id().await, world.client_id().await);
    let code = world.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let (_, body) = world.token(&form).await;
    let alice = signed_in(client_id.clone(), body);
    let wrong = other_verifier();
    for (name, value) in [
        ("code_verifier", Some(wrong.as_str())),
        ("code_verifier", None),
        ("client_id", Some(stranger.as_str())),
        ("client_id", Some("egc_made-up")),
        ("redirect_uri", Some("http://localhost:51790/callback")),
        ("resource", Some("https://elsewhere.test/mcp")),
    ] {
        let reply = post(&world, TOKEN, &changed(&form, name, value)).await;
        assert!(matches!(reply.status, 400 | 401), "{name} {value:?} {reply:?}");
    }
    assert_alive(&world, &alice).await;
}

#[tokio::test]
async fn as_31_as_32_t3_t4_t5_what_does_not_fit_is_refused_and_does_not_use_up_the_code() {
    let world = BrokerWorld::start().await;
    let (client_id, stranger) = (world.client_id().await, world.client_id().await);
    let code = world.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let wrong = other_verifier();
    for (name, value, status, error) in [
        ("client_id", Some(stranger.as_str()), 400, "invalid_grant"),
        ("client_id", Some("egc_made-up"), 401, "invalid_client"),
        ("client_id", None, 401, "invalid_client"),
        ("redirect_uri", Some("http://localhost:51789/callback/"), 400, "invalid_grant"),
        // The port may differ from the registration, not between the two requests.
        ("redirect_uri", Some("http://localhost:51790/callback"), 400, "invalid_grant"),
        ("redirect_uri", Some("not a URI"), 400, "invalid_request"),
        ("code_verifier", Some(wrong.as_str()), 400, "invalid_grant"),
        ("code_verifier", Some("too-short"), 400, "invalid_grant"),
        ("code_verifier", Some(crate::world::CHALLENGE), 400, "invalid_grant"),
        ("code_verifier", None, 400, "invalid_request"),
        ("code", None, 400, "invalid_request"),
        ("code", Some("made-up"), 400, "invalid_grant"),
        ("grant_type", Some("password"), 400, "unsupported_grant_type"),
        ("grant_type", None, 400, "invalid_request"),
        ("resource", Some("https://elsewhere.test/mcp"), 400, "invalid_target"),
        ("resource", Some("/mcp"), 400, "invalid_target"),
    ] {
        let reply = post(&world, TOKEN, &changed(&form, name, value)).await;
        assert_eq!(reply.status, status, "{name} {value:?} {reply:?}");
        assert_refused(&reply, status, error);
    }
    for repeated in ["code", "code_verifier", "client_id", "redirect_uri", "grant_type"] {
        let mut twice = form.clone();
        twice.push(*form.iter().find(|(name, _)| *name == repeated).unwrap());
        assert_refused(&post(&world, TOKEN, &twice).await, 400, "invalid_request");
    }
    assert_eq!(world.token(&form).await.0, 200);
}

#[tokio::test]
async fn as_32_whose_code_it_is_nobody_learns() {
    let world = BrokerWorld::start().await;
    let (client_id, stranger) = (world.client_id().await, world.client_id().await);
    let code = world.code(&client_id, "alice").await;
    let of_another = world.token(&BrokerWorld::code_form(&stranger, &code)).await;
    let made_up = world.token(&BrokerWorld::code_form(&stranger, "ego_made-up")).await;
    assert_eq!(of_another, made_up);
}

#[tokio::test]
async fn as_30_redirect_uri_may_be_left_out() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let (status, body) = world.token(&changed(&form, "redirect_uri", None)).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn as_29_a_code_lives_for_a_minute() {
    for (seconds, expected) in [(50, 200), (60, 400)] {
        let world = BrokerWorld::start().await;
        let client_id = world.client_id().await;
        let code = world.code(&client_id, "alice").await;
        world.advance(Duration::from_secs(seconds)).await;
        let (status, body) = world.token(&BrokerWorld::code_form(&client_id, &code)).await;
        assert_eq!(status, expected, "after {seconds} s: {body}");
        if status == 400 {
            assert_eq!(body["error"], "invalid_grant");
        }
    }
}

#[tokio::test]
async fn as_25_as_26_resource_may_be_spelt_as_clients_spell_it() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let (mcp, origin) = (world.url("/mcp"), world.url(""));
    let slash = format!("{mcp}/");
    let upper = mcp.replace("http://localhost", "HTTP://LOCALHOST");
    for resource in [mcp.as_str(), &slash, &upper, &origin, fixtures::API] {
        let code = world.code(&client_id, "bob").await;
        let form = changed(&BrokerWorld::code_form(&client_id, &code), "resource", Some(resource));
        let (status, body) = world.token(&form).await;
        assert_eq!(status, 200, "{resource} {body}");
    }
}

#[tokio::test]
async fn as_30_only_a_posted_form_is_read() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let url = world.url(TOKEN);
    let as_json = json!({ "grant_type": "authorization_code", "client_id": client_id, "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER });
    let reply = Reply::of(world.http.post(&url).json(&as_json)).await;
    assert_refused(&reply, 400, "invalid_request");
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    for method in ["GET", "PUT", "DELETE"] {
        let request = world.http.request(method.parse().unwrap(), format!("{url}?{query}"));
        let reply = Reply::of(request).await;
        assert_refused(&reply, 405, "invalid_request");
        assert_eq!(reply.header("allow"), "POST, OPTIONS");
    }
    // Parameters in the query of a POST do not count either (RFC 6749 §3.2).
    let reply = Reply::of(world.http.post(format!("{url}?{query}")).form(&[("x", "y")])).await;
    assert_refused(&reply, 401, "invalid_client");
    assert_eq!(world.token(&form).await.0, 200);
}

#[tokio::test]
async fn as_29_no_other_sealed_value_passes_for_a_code() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let url = world.authorize_url(&alice.client_id, &[]);
    let mut browser = Browser::default();
    let page = browser.get(&world.http, &url).await;
    let request = page.field("request");
    let to_entra = world.answer(&mut browser, &page, &[("decision", "approve")]).await.location();
    let state = param(&to_entra, "state").unwrap();
    let bodies = [&alice.access, &alice.refresh, &alice.client_id, &request, &state];
    for other in bodies.map(|text| text.split_once('_').unwrap().1) {
        for value in [format!("ego_{other}"), other.to_owned()] {
            let reply = post(&world, TOKEN, &BrokerWorld::code_form(&alice.client_id, &value)).await;
            assert_refused(&reply, 400, "invalid_grant");
        }
    }
    assert_alive(&world, &alice).await;
}

#[tokio::test]
async fn as_29_a_changed_code_is_no_code() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    for at in [4, 9, 30, code.len() / 2, code.len() - 2] {
        let other = if &code[at..=at] == "A" { "B" } else { "A" };
        let mut forged = code.clone();
        forged.replace_range(at..=at, other);
        let reply = post(&world, TOKEN, &BrokerWorld::code_form(&client_id, &forged)).await;
        assert_refused(&reply, 400, "invalid_grant");
    }
    assert_eq!(world.token(&BrokerWorld::code_form(&client_id, &code)).await.0, 200);
}
