//! A consent that a browser remembers: for what it was given, to whom it was given, and only for its own person.

use std::time::Duration;

use entragate::{ApiApp, ClientId, ConfiguredClient};
use entragate_emulator::fixtures;

use super::front::{all, assert_consent, assert_page, assert_told};
use super::world::{BrokerWorld, Browser, Shown};
use crate::world::{REDIRECT, param};

const HOSTED: &str = "https://claude.ai/api/mcp/auth_callback";

/// A browser that remembers the fixture's client for alice.
async fn remembering(world: &BrokerWorld) -> (Browser, String) {
    let (mut browser, client_id) = (Browser::default(), world.client_id().await);
    let done = world.walk(&mut browser, &world.authorize_url(&client_id, &[]), "alice", true).await;
    assert_eq!(all(&done, "code").len(), 1, "{done}");
    (browser, client_id)
}

#[tokio::test]
async fn s_01_s_04_a_remembered_consent_is_not_asked_for_again() {
    let world = BrokerWorld::start().await;
    let (mut browser, client_id) = remembering(&world).await;
    let url = world.authorize_url(&client_id, &[]);
    for _ in 0..3 {
        let leaving = world.typed(&mut browser, &url).await;
        world.assert_skipped(&leaving);
        let done = world.come_back(&mut browser, &leaving, "alice").await.location();
        let (status, body) = world.redeem(&client_id, &done).await;
        assert_eq!(status, 200, "{body}");
    }
    // Without the box nothing is remembered.
    let mut other = Browser::default();
    world.walk(&mut other, &url, "alice", false).await;
    assert!(other.cookies("grants").is_empty());
    assert_consent(&world.typed(&mut other, &url).await);
}

/// An authorization server in the middle sends people here and wants their silent approval.
#[tokio::test]
async fn remember_needs_same_site() {
    let world = BrokerWorld::start().await;
    let (mut browser, client_id) = remembering(&world).await;
    let url = world.authorize_url(&client_id, &[]);
    for (site, skips) in [
        (Some("none"), true),
        (Some("same-origin"), true),
        (Some("same-site"), false),
        (Some("cross-site"), false),
        (Some("None"), false),
        (Some(""), false),
        (None, false),
    ] {
        browser.site = site;
        let shown = browser.get(&world.http, &url).await;
        if skips {
            world.assert_skipped(&shown);
        } else {
            assert_consent(&shown);
        }
        browser.site = site;
        let silent = world.authorize_url(&client_id, &[("prompt", Some("none"))]);
        let shown = browser.get(&world.http, &silent).await;
        if skips {
            world.assert_skipped(&shown);
            assert_eq!(param(&shown.location(), "prompt").as_deref(), Some("none"));
        } else {
            assert_told(&world, &shown, "consent_required");
        }
    }
}

#[tokio::test]
async fn s_04_s_05_it_is_bound_to_client_redirect_uri_scope_and_resource() {
    let api = ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access"]).unwrap();
    let world = BrokerWorld::builder().api(api).start().await;
    let uris = [REDIRECT, HOSTED, "http://localhost:51789/other", "http://127.0.0.1:51789/callback"];
    let (mut browser, client_id) = (Browser::default(), world.register_as("Fixture client", &uris).await);
    world.walk(&mut browser, &world.authorize_url(&client_id, &[]), "alice", true).await;
    let same_scope = format!("openid access {}/access", fixtures::API);
    for changes in [
        &[][..],
        // A native client takes whatever port it gets.
        &[("redirect_uri", Some("http://localhost:7/callback"))],
        &[("scope", None)],
        &[("scope", Some(&same_scope))],
        &[("resource", None)],
        &[("state", Some("other")), ("login_hint", Some("alice@contoso.test"))],
        &[("prompt", Some("select_account"))],
        &[("prompt", Some("login"))],
        &[("prompt", Some("consent"))],
    ] {
        let shown = world.typed(&mut browser, &world.authorize_url(&client_id, changes)).await;
        world.assert_skipped(&shown);
    }
    let api = format!("api://{}", fixtures::API);
    let more = format!("{api}/access {api}/read");
    let default = format!("{api}/.default");
    for changes in [
        &[("redirect_uri", Some(HOSTED))][..],
        &[("redirect_uri", Some("http://localhost:51789/other"))],
        &[("redirect_uri", Some("http://127.0.0.1:51789/callback"))],
        &[("scope", Some(&more))],
        &[("scope", Some("read"))],
        &[("scope", Some(&default))],
    ] {
        assert_consent(&world.typed(&mut browser, &world.authorize_url(&client_id, changes)).await);
    }
    let other = world.register_as("Fixture client", &uris).await;
    assert_consent(&world.typed(&mut browser, &world.authorize_url(&other, &[])).await);
}

#[tokio::test]
async fn s_01_another_person_in_the_same_browser_is_asked_as_well() {
    let world = BrokerWorld::start().await;
    let (mut browser, client_id) = remembering(&world).await;
    let url = world.authorize_url(&client_id, &[]);
    let leaving = world.typed(&mut browser, &url).await;
    world.assert_skipped(&leaving);
    let page = world.come_back(&mut browser, &leaving, "bob").await;
    assert_page_for_another(&page);
    // The first one's consent stays.
    world.assert_skipped(&world.typed(&mut browser.clone(), &url).await);
    let leaving = world.allow(&mut browser, &page, true).await;
    let done = world.come_back(&mut browser, &leaving, "bob").await.location();
    assert_eq!(all(&done, "code").len(), 1, "{done}");
    // Now it is bob's, and alice would be asked.
    let leaving = world.typed(&mut browser, &url).await;
    let page = world.come_back(&mut browser, &leaving, "alice").await;
    assert_page_for_another(&page);
    let denied = {
        browser.site = Some("same-origin");
        world.answer(&mut browser, &page, &[("decision", "deny")]).await
    };
    assert_told(&world, &denied, "access_denied");
}

#[track_caller]
fn assert_page_for_another(page: &Shown) {
    assert_consent(page);
    assert!(page.html.contains("was given by somebody else"), "{}", page.html);
}

/// Nobody can be asked where no page may be shown.
#[tokio::test]
async fn s_01_another_person_is_not_signed_in_silently() {
    let world = BrokerWorld::start().await;
    let (mut browser, client_id) = remembering(&world).await;
    let url = world.authorize_url(&client_id, &[("prompt", Some("none"))]);
    // Bob is the one who is signed in at Entra by now.
    let other = world.client_id().await;
    world.walk(&mut browser, &world.authorize_url(&other, &[]), "bob", false).await;
    let leaving = world.typed(&mut browser, &url).await;
    world.assert_skipped(&leaving);
    let told = assert_told(&world, &world.come_back(&mut browser, &leaving, "bob").await, "consent_required");
    assert!(told.as_str().starts_with(REDIRECT), "{told}");
}

#[tokio::test]
async fn s_09_it_ends_after_its_time_however_often_it_is_used() {
    let day = Duration::from_secs(86_400);
    let world = BrokerWorld::builder().gate(move |gate| gate.remember_consent(3 * day)).start().await;
    let (mut browser, client_id) = remembering(&world).await;
    let url = world.authorize_url(&client_id, &[]);
    for _ in 0..2 {
        world.advance(day).await;
        let leaving = world.typed(&mut browser, &url).await;
        world.assert_skipped(&leaving);
        world.come_back(&mut browser, &leaving, "alice").await;
    }
    world.advance(day).await;
    let page = world.typed(&mut browser, &url).await;
    assert_consent(&page);
    let done = {
        let leaving = world.allow(&mut browser, &page, true).await;
        world.come_back(&mut browser, &leaving, "alice").await
    };
    assert!(done.headers.get_all("set-cookie").iter().any(|line| {
        let line = line.to_str().unwrap();
        line.starts_with("entragate-grants-")
            && line.contains("; Max-Age=259200; Path=/; HttpOnly; SameSite=Lax")
    }));
    world.advance(2 * day).await;
    world.assert_skipped(&world.typed(&mut browser, &url).await);
}

#[tokio::test]
async fn s_09_an_operator_can_have_nothing_remembered() {
    let world = BrokerWorld::builder().gate(|gate| gate.remember_consent(Duration::ZERO)).start().await;
    let (mut browser, client_id) = (Browser::default(), world.client_id().await);
    let url = world.authorize_url(&client_id, &[]);
    let page = world.typed(&mut browser, &url).await;
    assert!(!page.html.contains("name=\"remember\""), "{}", page.html);
    world.walk(&mut browser, &url, "alice", true).await;
    assert!(browser.cookies("grants").is_empty());
    assert_consent(&world.typed(&mut browser, &url).await);
}

#[tokio::test]
async fn s_04_a_cookie_that_was_bent_made_up_or_taken_along_shows_the_page() {
    let (world, other) = (BrokerWorld::start().await, BrokerWorld::start().await);
    let (browser, client_id) = remembering(&world).await;
    let url = world.authorize_url(&client_id, &[]);
    let (name, good) = browser.cookies("grants").remove(0);
    let foreign = remembering(&other).await.0.cookies("grants").remove(0).1;
    let at = good.len() / 2;
    let bent = format!("{}{}{}", &good[..at], if &good[at..=at] == "A" { "B" } else { "A" }, &good[at + 1..]);
    let list =
        [good.as_str(), &good[1..], &format!("{good}A"), &bent, &foreign, "", "[]", &"A".repeat(4_000)];
    for (nth, value) in list.into_iter().enumerate() {
        for cookie in [format!("{name}={value}"), format!("{name}={good}; {name}={value}")] {
            let twice = cookie.contains("; ");
            let request = world.http.get(&url).header("cookie", &cookie).header("sec-fetch-site", "none");
            let shown = Browser::default().send(&world.http, request, &url).await;
            if nth == 0 && !twice { world.assert_skipped(&shown) } else { assert_consent(&shown) }
        }
    }
}

/// Shipped for Cursor.
const PRIVATE: &str = "cursor://anysphere.cursor-mcp/oauth/callback";

/// Any program on the computer can claim to be a client that everybody knows.
#[tokio::test]
async fn s_11_ci_13_a_client_that_everybody_knows_is_never_waved_through_to_this_computer() {
    let world = BrokerWorld::builder()
        .gate(|gate| gate.clients([ConfiguredClient::new("studio", [REDIRECT, PRIVATE, HOSTED]).unwrap()]))
        .start()
        .await;
    let mut browser = Browser::default();
    let url = world.authorize_url("studio", &[]);
    for local in [&url, &world.authorize_url("studio", &[("redirect_uri", Some(PRIVATE))])] {
        let page = world.typed(&mut browser, local).await;
        assert!(!page.html.contains("name=\"remember\""), "{}", page.html);
        world.walk(&mut browser, local, "alice", true).await;
        assert_consent(&world.typed(&mut browser, local).await);
    }
    let hosted = world.authorize_url("studio", &[("redirect_uri", Some(HOSTED))]);
    assert!(world.typed(&mut browser, &hosted).await.html.contains("name=\"remember\""));
    world.walk(&mut browser, &hosted, "alice", true).await;
    world.assert_skipped(&world.typed(&mut browser, &hosted).await);
    assert_consent(&world.typed(&mut browser, &url).await);
}

#[tokio::test]
async fn s_04_many_consents_fit_into_one_cookie_that_browsers_keep() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let mut newest = String::new();
    for nth in 0..24 {
        let name = format!("{} {nth}", "An application with quite a long name".repeat(2));
        newest = world.register_as(&name, &[REDIRECT]).await;
        world.walk(&mut browser, &world.authorize_url(&newest, &[]), "alice", true).await;
        let cookies = browser.cookies("grants");
        assert!(cookies.len() == 1 && cookies[0].1.len() <= 3_700, "{}", cookies[0].1.len());
    }
    world.assert_skipped(&world.typed(&mut browser, &world.authorize_url(&newest, &[])).await);
    assert_page(&browser.get(&world.http, &world.url("/auth/grants")).await, 200);
}
