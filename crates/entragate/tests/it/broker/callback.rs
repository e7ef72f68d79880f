//! The way back from Entra: the same browser, once, in time, from the right issuer.

use std::time::Duration;

use super::front::{SAME, all, ask, assert_page, assert_told, gate, registered, twin};
use super::world::{BrokerWorld, Browser, Shown};
use crate::world::{REDIRECT, param};

/// A browser that agreed, and the URL with which Entra sends it back.
async fn at_the_door(world: &BrokerWorld) -> (Browser, url::Url) {
    let mut browser = Browser::default();
    let url = world.authorize_url(&world.client_id().await, &[]);
    let to_entra = world.approve(&mut browser, &url).await.location();
    let back = world.at_entra(&mut browser, &to_entra, "bob").await;
    (browser, back)
}

async fn with(world: &BrokerWorld, browser: &mut Browser, back: &url::Url, more: &str) -> Shown {
    browser.get(&world.http, &format!("{back}&{more}")).await
}

#[tokio::test]
async fn callback_requires_same_browser() {
    let world = BrokerWorld::start().await;
    let (mut browser, back) = at_the_door(&world).await;
    // Nobody's browser; one with a sign-in of its own; one with every cookie but the right one.
    assert_page(&world.open(back.as_str()).await, 403);
    let (mut another, _) = at_the_door(&world).await;
    assert_page(&another.get(&world.http, back.as_str()).await, 403);
    let mut without = browser.clone();
    without.forget("signin");
    assert_page(&without.get(&world.http, back.as_str()).await, 403);
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
    // None of it used up what belongs to the right one.
    let done = browser.get(&world.http, back.as_str()).await.location();
    assert_eq!(all(&done, "code").len(), 1, "{done}");
}

#[tokio::test]
async fn s_06_the_cookie_of_another_sign_in_does_not_open_this_one() {
    let world = BrokerWorld::start().await;
    let (mut browser, back) = at_the_door(&world).await;
    let (other, _) = at_the_door(&world).await;
    let (name, _) = browser.cookies("signin").remove(0);
    let (other_name, value) = other.cookies("signin").remove(0);
    browser.forget("signin");
    for cookie in [
        format!("{name}={value}"),
        format!("{other_name}={value}"),
        format!("{name}="),
        format!("{name}={value}; {name}={value}"),
    ] {
        let request = world.http.get(back.as_str()).header("cookie", cookie);
        assert_page(&Browser::default().send(&world.http, request, back.as_str()).await, 403);
    }
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
}

#[tokio::test]
async fn s_06_a_sign_in_comes_back_once() {
    let world = BrokerWorld::start().await;
    let (mut browser, back) = at_the_door(&world).await;
    let mut copy = browser.clone();
    let done = browser.get(&world.http, back.as_str()).await;
    assert_eq!(all(&done.location(), "code").len(), 1);
    assert!(browser.cookies("signin").is_empty());
    assert_page(&browser.get(&world.http, back.as_str()).await, 403);
    // Even with the cookie that it had.
    let again = copy.get(&world.http, back.as_str()).await;
    assert_page(&again, 400);
    assert!(again.html.contains("already used"), "{}", again.html);
    assert_eq!(world.grants_at_entra("authorization_code"), 1);
}

#[tokio::test]
async fn s_06_of_returns_at_the_same_time_one_gets_a_code() {
    let world = BrokerWorld::start().await;
    let (browser, back) = at_the_door(&world).await;
    let returns = (0..8).map(|_| {
        let (mut browser, http, back) = (browser.clone(), &world.http, back.as_str());
        async move { browser.get(http, back).await }
    });
    let all = futures_util::future::join_all(returns).await;
    assert_eq!(all.iter().filter(|shown| shown.status == 302).count(), 1);
    assert_eq!(all.iter().filter(|shown| shown.status == 400).count(), 7);
    assert_eq!(world.grants_at_entra("authorization_code"), 1);
}

#[tokio::test]
async fn s_06_k38_a_sign_in_may_take_a_quarter_of_an_hour_and_then_the_client_is_told() {
    let world = BrokerWorld::start().await;
    let (mut slow, in_time) = at_the_door(&world).await;
    world.advance(Duration::from_secs(20 * 60 - 1)).await;
    // Entra's own code is older than it may be by then, so this one asks in between.
    let url = world.authorize_url(&world.client_id().await, &[]);
    let leaving = world.approve(&mut slow, &url).await;
    world.advance(Duration::from_secs(15 * 60)).await;
    let done = world.come_back(&mut slow, &leaving, "bob").await.location();
    assert_eq!(all(&done, "code").len(), 1, "{done}");
    world.advance(Duration::from_secs(2)).await;
    let late = slow.get(&world.http, in_time.as_str()).await;
    let told = assert_told(&world, &late, "access_denied");
    assert!(told.as_str().starts_with(REDIRECT), "{told}");
    // In another browser it stays a page.
    assert_page(&world.open(in_time.as_str()).await, 403);
}

#[tokio::test]
async fn s_06_a_state_that_was_not_made_here_is_no_way_back() {
    let (world, other) = (BrokerWorld::start().await, BrokerWorld::start().await);
    let (mut browser, back) = at_the_door(&world).await;
    let (_, foreign) = at_the_door(&other).await;
    let state = param(&back, "state").unwrap();
    let callback = world.url("/auth/callback");
    for query in [
        String::new(),
        "code=x".to_owned(),
        "code=x&state=".to_owned(),
        "code=x&state=xyz".to_owned(),
        "code=x&state=egs_AAAA".to_owned(),
        format!("code=x&state={}", &state[..state.len() - 1]),
        format!("code=x&state={state}&state={state}"),
        format!("code=x&state={}", param(&foreign, "state").unwrap()),
        "error=access_denied&state=xyz".to_owned(),
    ] {
        assert_page(&browser.get(&world.http, &format!("{callback}?{query}")).await, 400);
    }
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
}

#[tokio::test]
async fn s_30_s_31_an_answer_of_another_issuer_is_refused() {
    let world = BrokerWorld::start().await;
    let own = format!("{}/{}/v2.0", world.entra.url(), entragate_emulator::fixtures::TENANT);
    for (more, ours) in [
        (format!("iss={own}"), true),
        ("iss=".to_owned(), true),
        ("iss=https%3A%2F%2Fevil.test".to_owned(), false),
        (format!("iss={own}/"), false),
        (format!("iss={own}&iss={own}"), false),
        (format!("iss={own}&iss=https%3A%2F%2Fevil.test"), false),
        (format!("iss={}", world.gate.base_url()), false),
    ] {
        let (mut browser, back) = at_the_door(&world).await;
        let before = world.grants_at_entra("authorization_code");
        let shown = with(&world, &mut browser, &back, &more).await;
        if ours {
            assert_eq!(all(&shown.location(), "code").len(), 1, "{more}");
        } else {
            assert_told(&world, &shown, "access_denied");
            assert_eq!(world.grants_at_entra("authorization_code"), before, "{more}");
        }
    }
}

#[tokio::test]
async fn s_06_an_answer_with_two_codes_or_a_code_and_an_error_gives_no_code() {
    let world = BrokerWorld::start().await;
    for more in ["code=other", "error=access_denied", "error=server_error&error_description=x"] {
        let (mut browser, back) = at_the_door(&world).await;
        let shown = with(&world, &mut browser, &back, more).await;
        assert!(
            !shown.headers.get("location").is_some_and(|to| to.to_str().unwrap().contains("code=")),
            "{more}"
        );
        assert!(!shown.html.contains("?code=") && !shown.html.contains("&code="), "{}", shown.html);
        assert!(browser.cookies("signin").is_empty());
    }
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
}

#[tokio::test]
async fn s_04_s_06_the_cookie_of_a_sign_in_is_bound_and_short_lived() {
    let world = BrokerWorld::start().await;
    let page = world.open(&world.authorize_url(&world.client_id().await, &[])).await;
    let line = |shown: &Shown, part: &str| {
        let lines = shown.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned());
        lines.filter(|line| line.contains(part)).collect::<Vec<_>>().join("\n")
    };
    let attributes = "; Path=/; HttpOnly; SameSite=Lax";
    assert!(line(&page, "entragate-browser-").ends_with(&format!("; Max-Age=43200{attributes}")));
    let mut browser = Browser::default();
    let url = world.authorize_url(&world.client_id().await, &[]);
    let leaving = world.approve(&mut browser, &url).await;
    let set = line(&leaving, "entragate-signin-");
    assert!(set.ends_with(&format!("; Max-Age=1260{attributes}")), "{set}");
    let done = world.come_back(&mut browser, &leaving, "bob").await;
    let cleared = line(&done, "entragate-signin-");
    assert!(cleared.ends_with(&format!("=; Max-Age=0{attributes}")), "{cleared}");
    assert_eq!(done.cookies_set(), [""; 0]);
}

/// With https every cookie is `__Host-` and `Secure`.
#[tokio::test]
async fn s_04_with_https_cookies_are_secure_and_of_this_host_alone() {
    let world = BrokerWorld::start().await;
    let public = gate("https://mcp.contoso.com", SAME, None);
    let local = gate("https://localhost:8443", SAME, Some(&world));
    for gate in [&public, &local] {
        let client_id = registered(gate, REDIRECT).await;
        let own = world.authorize_url(&client_id, &[("resource", None)]);
        let url = own.replacen(world.gate.base_url().as_str(), gate.base_url().as_str(), 1);
        let page = ask(gate, "GET", &url, &[], String::new()).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let set = page.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(set.starts_with("__Host-entragate-browser-"), "{set}");
        assert!(
            set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax") && !set.contains("Domain"),
            "{set}"
        );
        if gate.base_url().is_loopback() {
            let form = format!("request={}&decision=approve", page.field("request"));
            let headers = [
                ("content-type", "application/x-www-form-urlencoded"),
                ("cookie", set.split(';').next().unwrap()),
            ];
            let consent = format!("{}/oauth/consent", gate.base_url());
            let leaving = ask(gate, "POST", &consent, &headers, form).await;
            let set = leaving.headers["set-cookie"].to_str().unwrap();
            assert!(set.starts_with("__Host-entragate-signin-"), "{set} {}", leaving.html);
            assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{set}");
        }
    }
}

#[tokio::test]
async fn s_04_sign_ins_that_are_left_halfway_do_not_fill_the_browser() {
    let world = BrokerWorld::start().await;
    let url = world.authorize_url(&world.client_id().await, &[]);
    let mut browser = Browser::default();
    let mut last = None;
    for _ in 0..20 {
        last = Some(world.approve(&mut browser, &url).await);
        assert!(browser.cookies("").len() <= 7, "{:?}", browser.cookies(""));
    }
    let done = world.come_back(&mut browser, &last.unwrap(), "bob").await.location();
    assert_eq!(all(&done, "code").len(), 1);
}

#[tokio::test]
async fn k24_a_sign_in_survives_a_restart_with_the_same_key_and_not_with_another() {
    let world = BrokerWorld::start().await;
    let (browser, back) = at_the_door(&world).await;
    let cookies: Vec<_> = browser.cookies("").iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let stranger = twin(&world, super::front::OTHER);
    let shown = ask(&stranger, "GET", back.as_str(), &[("cookie", &cookies)], String::new()).await;
    assert_page(&shown, 400);
    let replica = twin(&world, SAME);
    let done = ask(&replica, "GET", back.as_str(), &[("cookie", &cookies)], String::new()).await;
    assert_eq!(all(&done.location(), "code").len(), 1, "{}", done.html);
}
