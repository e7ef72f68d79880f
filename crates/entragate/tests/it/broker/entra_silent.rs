//! `prompt=none`: whatever stands between the person and a code is told to the client in the codes of OpenID Connect, and
//! no page is shown (OpenID Connect Core §3.1.2.6).

use entragate::{ApiApp, ClientId};
use entragate_emulator::fixtures;

use super::world::{BrokerWorld, Browser};
use crate::world::{REDIRECT, param};

/// Signs in with a browser that remembers the consent, and asks again in silence after `change`.
async fn asked_in_silence(
    world: &BrokerWorld,
    change: impl AsyncFnOnce(&mut Browser, &url::Url),
) -> url::Url {
    let client_id = world.client_id().await;
    let mut browser = Browser::default();
    browser.site = Some("none");
    let page = browser.get(&world.http, &world.authorize_url(&client_id, &[])).await;
    browser.site = Some("same-origin");
    let answer = [("decision", "approve"), ("remember", "yes")];
    let to_entra = world.answer(&mut browser, &page, &answer).await.location();
    let back = world.at_entra(&mut browser, &to_entra, "bob").await;
    let done = browser.get(&world.http, back.as_str()).await.location();
    assert!(param(&done, "code").is_some(), "{done}");
    change(&mut browser, &to_entra).await;
    browser.site = Some("none");
    let url = world.authorize_url(&client_id, &[("prompt", Some("none"))]);
    let mut next = browser.get(&world.http, &url).await;
    for _ in 0..3 {
        assert!(matches!(next.status, 302 | 303), "{} {}", next.status, next.html);
        if next.location().as_str().starts_with(REDIRECT) {
            return next.location();
        }
        next = browser.get(&world.http, next.location().as_str()).await;
    }
    panic!("in circles: {}", next.location());
}

#[track_caller]
fn assert_told(world: &BrokerWorld, url: &url::Url, error: &str, aadsts: &str) {
    assert_eq!(param(url, "error").as_deref(), Some(error), "{url}");
    assert_eq!(param(url, "state").as_deref(), Some("xyz"));
    assert_eq!(param(url, "iss").as_deref(), Some(world.gate.base_url().as_str()));
    assert!(param(url, "error_description").unwrap().starts_with(aadsts), "{url}");
}

#[tokio::test]
async fn silence_goes_well_while_entra_knows_the_person() {
    let world = BrokerWorld::start().await;
    let done = asked_in_silence(&world, async |_, _| {}).await;
    assert!(param(&done, "code").is_some(), "{done}");
}

#[tokio::test]
async fn nobody_is_signed_in_at_entra_any_more_aadsts50058() {
    let world = BrokerWorld::start().await;
    let done = asked_in_silence(&world, async |browser: &mut Browser, _: &url::Url| {
        browser.forget("ESTSAUTH");
        world.control().revoke_user("bob");
    })
    .await;
    assert_told(&world, &done, "login_required", "AADSTS50058");
}

#[tokio::test]
async fn whoever_is_signed_in_by_now_is_not_assigned_aadsts50105() {
    let api = ApiApp::new(ClientId::parse(fixtures::GATE).unwrap()).with_scopes(["access"]).unwrap();
    let world = BrokerWorld::builder().api(api).start().await;
    let done = asked_in_silence(&world, async |browser: &mut Browser, to_entra: &url::Url| {
        let mut url = to_entra.clone();
        url.query_pairs_mut().append_pair("login_hint", "carol@contoso.test");
        let page = browser.get(&world.http, url.as_str()).await;
        assert!(page.html.contains("AADSTS50105"), "{}", page.html);
    })
    .await;
    assert_told(&world, &done, "interaction_required", "AADSTS50105");
}

#[tokio::test]
async fn k44_a_second_factor_or_a_policy_cannot_be_met_in_silence() {
    for (change, aadsts) in [("mfa", "AADSTS50076"), ("block", "AADSTS53003")] {
        let world = BrokerWorld::start().await;
        let done = asked_in_silence(&world, async |_, _| {
            world.control().set(|settings| match change {
                "mfa" => settings.mfa_required_users = vec!["bob".into()],
                _ => settings.ca_blocked_users = vec!["bob".into()],
            });
        })
        .await;
        assert_told(&world, &done, "interaction_required", aadsts);
    }
}

#[tokio::test]
async fn a_person_who_did_not_remember_the_consent_is_asked_again() {
    let world = BrokerWorld::start().await;
    let done = asked_in_silence(&world, async |browser: &mut Browser, _: &url::Url| {
        browser.forget("grants");
    })
    .await;
    let text = param(&done, "error_description").unwrap();
    assert_eq!(param(&done, "error").as_deref(), Some("consent_required"), "{text}");
}
