//! `/auth/grants`: what a browser remembers, and how it is taken back.

use std::time::Duration;

use super::front::{all, assert_consent, assert_page};
use super::world::{BrokerWorld, Browser, SignedIn, signed_in};
use crate::world::REDIRECT;

struct Taken {
    world: BrokerWorld,
    browser: Browser,
    tokens: SignedIn,
}

/// A browser that remembers a client which has tokens.
async fn remembered() -> Taken {
    let world = BrokerWorld::start().await;
    let (mut browser, client_id) = (Browser::default(), world.client_id().await);
    let done = world.walk(&mut browser, &world.authorize_url(&client_id, &[]), "alice", true).await;
    let (status, body) = world.redeem(&client_id, &done).await;
    assert_eq!(status, 200, "{body}");
    Taken { tokens: signed_in(client_id, body), world, browser }
}

impl Taken {
    async fn list(&mut self) -> super::world::Shown {
        self.browser.site = Some("none");
        self.browser.get(&self.world.http, &self.world.url("/auth/grants")).await
    }

    async fn remove(&mut self, guard: &str, which: &str) -> super::world::Shown {
        self.browser.site = Some("same-origin");
        let form = [("guard", guard), ("remove", which)];
        self.browser.post(&self.world.http, &self.world.url("/auth/grants"), &form).await
    }

    fn url(&self) -> String {
        self.world.authorize_url(&self.tokens.client_id, &[])
    }
}

/// The key on the first button.
fn key(html: &str) -> String {
    html.split("name=\"remove\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn s_09_s_35_the_list_shows_what_is_remembered_and_taking_it_back_ends_the_tokens() {
    let mut taken = remembered().await;
    taken.world.advance(Duration::from_secs(300)).await;
    let page = taken.list().await;
    assert_page(&page, 200);
    for text in ["<h2>Fixture client</h2>", "<code>localhost</code>", "<dd>access</dd>", "5 min ago"] {
        assert!(page.html.contains(text), "{text} is not in {}", page.html);
    }
    let refresh = taken.tokens.refresh.clone();
    assert_eq!(taken.world.call(&taken.tokens.access, "whoami").await.0, 200);
    let answer = taken.remove(&page.field("guard"), &key(&page.html)).await;
    assert_eq!((answer.status, &answer.headers["location"]), (303, &"/auth/grants".parse().unwrap()));
    let list = taken.list().await;
    assert!(list.html.contains("<p>None."), "{}", list.html);
    assert_eq!(taken.world.call(&taken.tokens.access, "whoami").await.0, 401);
    let (status, body) = taken.world.refresh(&taken.tokens.client_id, &refresh).await;
    assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")), "{body}");
    let url = taken.url();
    assert_consent(&taken.world.typed(&mut taken.browser, &url).await);
}

#[tokio::test]
async fn s_09_one_is_removed_and_the_others_stay_or_all_go() {
    let mut taken = remembered().await;
    let other = taken.world.register_as("<b>Other</b> client", &[REDIRECT]).await;
    let other_url = taken.world.authorize_url(&other, &[]);
    taken.world.walk(&mut taken.browser, &other_url, "alice", true).await;
    let page = taken.list().await;
    assert!(page.html.contains("<h2>&#60;b&#62;Other&#60;/b&#62; client</h2>"), "{}", page.html);
    // The newest is first.
    taken.remove(&page.field("guard"), &key(&page.html)).await;
    let url = taken.url();
    taken.world.assert_skipped(&taken.world.typed(&mut taken.browser, &url).await);
    assert_consent(&taken.world.typed(&mut taken.browser, &other_url).await);
    assert_eq!(taken.world.call(&taken.tokens.access, "whoami").await.0, 200);
    let page = taken.list().await;
    for nothing in ["", "nothing", "ALL"] {
        taken.remove(&page.field("guard"), nothing).await;
    }
    taken.world.assert_skipped(&taken.world.typed(&mut taken.browser, &url).await);
    taken.remove(&page.field("guard"), "all").await;
    assert!(taken.browser.cookies("grants").is_empty());
    assert_eq!(taken.world.call(&taken.tokens.access, "whoami").await.0, 401);
}

#[tokio::test]
async fn s_03_s_09_nobody_else_can_take_it_back() {
    let mut taken = remembered().await;
    let page = taken.list().await;
    let (guard, url) = (page.field("guard"), taken.world.url("/auth/grants"));
    let attackers = {
        let (mut browser, evil) = (Browser::default(), taken.world.client_id().await);
        taken.world.walk(&mut browser, &taken.world.authorize_url(&evil, &[]), "bob", true).await;
        browser.get(&taken.world.http, &url).await.field("guard")
    };
    let form = taken.world.open(&taken.url()).await.field("request");
    let cookies: Vec<_> =
        taken.browser.cookies("").iter().map(|(name, value)| format!("{name}={value}")).collect();
    let base = taken.world.gate.base_url().origin();
    let cookies = cookies.join("; ");
    for (guard, headers) in [
        ("", &[][..]),
        ("x", &[]),
        (&attackers, &[]),
        (&form, &[]),
        (&guard, &[("origin", "https://evil.test")]),
        (&guard, &[("origin", "http://localhost:6274")]),
        (&guard, &[("origin", "null")]),
        (&guard, &[("sec-fetch-site", "cross-site")]),
        (&guard, &[("origin", base.as_str()), ("sec-fetch-site", "same-site")]),
    ] {
        let mut request = taken.world.http.post(&url).form(&[("guard", guard), ("remove", "all")]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let shown =
            Browser::default().send(&taken.world.http, request.header("cookie", &cookies), &url).await;
        assert_eq!(shown.status, 403, "{headers:?} {}", shown.html);
        assert!(shown.headers.get("set-cookie").is_none());
    }
    let without = taken.world.http.post(&url).form(&[("guard", guard.as_str()), ("remove", "all")]);
    assert_page(&Browser::default().send(&taken.world.http, without, &url).await, 403);
    taken.world.advance(Duration::from_secs(3_600)).await;
    assert_page(&taken.remove(&guard, "all").await, 403);
    let list = taken.list().await;
    assert!(list.html.contains("Fixture client"), "{}", list.html);
    assert_eq!(taken.remove(&list.field("guard"), "all").await.status, 303);
}

/// What was taken back does not come back with a sign-in that was under way.
#[tokio::test]
async fn s_09_a_sign_in_that_is_under_way_does_not_bring_a_consent_back() {
    let mut taken = remembered().await;
    let url = taken.url();
    let leaving = taken.world.typed(&mut taken.browser, &url).await;
    taken.world.assert_skipped(&leaving);
    let page = taken.list().await;
    taken.remove(&page.field("guard"), "all").await;
    let back = taken.world.come_back(&mut taken.browser, &leaving, "alice").await;
    assert_consent(&back);
    assert!(!back.html.contains("was given by somebody else"), "{}", back.html);
    assert!(taken.browser.cookies("grants").is_empty());
    let again = taken.world.allow(&mut taken.browser, &back, false).await;
    let done = taken.world.come_back(&mut taken.browser, &again, "alice").await.location();
    assert_eq!(all(&done, "code").len(), 1);
    assert!(taken.browser.cookies("grants").is_empty());
}

/// Every sign-in that came from a consent ends with it, also those that needed no page.
#[tokio::test]
async fn s_09_the_sign_ins_that_needed_no_page_end_as_well() {
    let mut taken = remembered().await;
    let url = taken.url();
    let mut access = vec![taken.tokens.access.clone()];
    for _ in 0..2 {
        let leaving = taken.world.typed(&mut taken.browser, &url).await;
        let done = taken.world.come_back(&mut taken.browser, &leaving, "alice").await.location();
        let (_, body) = taken.world.redeem(&taken.tokens.client_id, &done).await;
        access.push(body["access_token"].as_str().unwrap().to_owned());
    }
    let page = taken.list().await;
    taken.remove(&page.field("guard"), "all").await;
    for token in access {
        assert_eq!(taken.world.call(&token, "whoami").await.0, 401);
    }
}
