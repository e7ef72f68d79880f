//! Answers to the consent page that no person gave on it.

use super::front::{assert_consent, assert_page};
use super::world::{BrokerWorld, Browser, Shown};
use crate::world::{REDIRECT, param};

/// Nothing came of it: nobody is sent away, no cookie leads on, and the server that answers says so.
#[track_caller]
fn assert_refused(world: &BrokerWorld, shown: &Shown, status: u16) {
    assert_eq!(shown.status, status, "{}", shown.html);
    assert!(!shown.headers.contains_key("location"), "{:?}", shown.headers);
    assert_eq!(shown.cookies_set(), [""; 0]);
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
}

async fn answered(
    world: &BrokerWorld,
    cookies: &[(String, String)],
    headers: &[(&str, &str)],
    form: &[(&str, &str)],
) -> Shown {
    let url = world.url("/oauth/consent");
    let mut request = world.http.post(&url).form(form);
    let cookie: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !cookie.is_empty() {
        request = request.header("cookie", cookie.join("; "));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Browser::default().send(&world.http, request, &url).await
}

#[tokio::test]
async fn s_03_an_answer_without_the_cookie_of_its_page_counts_for_nothing() {
    let world = BrokerWorld::start().await;
    let url = world.authorize_url(&world.client_id().await, &[]);
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let page = attacker.get(&world.http, &url).await;
    assert_consent(&victim.get(&world.http, &url).await);
    let request = page.field("request");
    let form = [("request", request.as_str()), ("decision", "approve"), ("remember", "yes")];
    let (his, own) = (victim.cookies(""), attacker.cookies(""));
    assert_refused(&world, &answered(&world, &[], &[], &form).await, 403);
    // The form of the attacker's browser, posted by the victim's.
    assert_refused(&world, &answered(&world, &his, &[], &form).await, 403);
    // Both cookies: one of them was planted by a sibling host, and nobody can tell which.
    let both = [his.clone(), own.clone()].concat();
    assert_refused(&world, &answered(&world, &both, &[], &form).await, 403);
    for value in ["", "x", &"A".repeat(43), &"A".repeat(5_000)] {
        let guessed = [(own[0].0.clone(), value.to_owned())];
        assert_refused(&world, &answered(&world, &guessed, &[], &form).await, 403);
    }
    for decision in ["deny", ""] {
        let form = [("request", request.as_str()), ("decision", decision)];
        assert_refused(&world, &answered(&world, &his, &[], &form).await, 403);
    }
    // The page itself works.
    let shown = answered(&world, &own, &[], &form).await;
    assert_eq!(shown.status, 303, "{}", shown.html);
}

#[tokio::test]
async fn s_03_s_25_an_answer_from_another_page_counts_for_nothing() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let page = browser.get(&world.http, &world.authorize_url(&world.client_id().await, &[])).await;
    let request = page.field("request");
    let (own, form) = (browser.cookies(""), [("request", request.as_str()), ("decision", "approve")]);
    let (base, by_address) =
        (world.gate.base_url().origin(), format!("http://127.0.0.1:{}", world.addr.port()));
    let https = base.replace("http:", "https:");
    for origin in [
        "https://evil.test",
        "null",
        "",
        // A person's own tools may read what is meant for them, but not answer for the person.
        "http://localhost:6274",
        "http://localhost",
        "http://[::1]:3000",
        &by_address,
        &https,
    ] {
        assert_refused(&world, &answered(&world, &own, &[("origin", origin)], &form).await, 403);
    }
    for site in ["cross-site", "same-site", "none", "", "SAME-ORIGIN"] {
        assert_refused(&world, &answered(&world, &own, &[("sec-fetch-site", site)], &form).await, 403);
        let headers = [("origin", base.as_str()), ("sec-fetch-site", site)];
        assert_refused(&world, &answered(&world, &own, &headers, &form).await, 403);
    }
    let headers = [("origin", base.as_str()), ("origin", "http://localhost:6274")];
    assert_refused(&world, &answered(&world, &own, &headers, &form).await, 403);
    let headers = [("origin", base.as_str()), ("sec-fetch-site", "same-origin")];
    let shown = answered(&world, &own, &headers, &form).await;
    assert_eq!(shown.status, 303, "{}", shown.html);
}

/// Everything that is sealed here, put where another thing belongs.
#[tokio::test]
async fn s_03_s_06_as_29_a_bent_value_or_one_of_another_purpose_is_no_form_no_state_and_no_code() {
    let (world, other) = (BrokerWorld::start().await, BrokerWorld::start().await);
    let client_id = world.client_id().await;
    let url = world.authorize_url(&client_id, &[]);
    let mut browser = Browser::default();
    let page = browser.get(&world.http, &url).await;
    let form = page.field("request");
    let leaving = world.answer(&mut browser, &page, &[("decision", "approve"), ("remember", "yes")]).await;
    let state = param(&leaving.location(), "state").unwrap();
    let done = world.come_back(&mut browser, &leaving, "bob").await.location();
    let code = param(&done, "code").unwrap();
    let signed_in = world.sign_in("bob").await;
    let guard = browser.get(&world.http, &world.url("/auth/grants")).await.field("guard");
    let remembered = browser.cookies("grants").remove(0).1;
    let foreign = other.open(&other.authorize_url(&other.client_id().await, &[])).await.field("request");
    let exchanged = world.grants_at_entra("authorization_code");
    let bent = |value: &str| {
        let at = value.len() / 2;
        let other = if &value[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &value[..at], &value[at + 1..])
    };
    let (cut, twisted, extended) = (form[..form.len() - 2].to_owned(), bent(&form), format!("{form}AA"));
    let re = |value: &str, prefix: &str| format!("{prefix}{}", value.split_once('_').unwrap().1);
    for value in [
        "",
        "egf_",
        "x",
        &cut,
        &twisted,
        &extended,
        &foreign,
        &state,
        &code,
        &guard,
        &remembered,
        &client_id,
        &signed_in.access,
        &signed_in.refresh,
        &re(&state, "egf_"),
        &re(&code, "egf_"),
        &re(&client_id, "egf_"),
    ] {
        let shown = world.answer_with(&mut browser, value).await;
        assert_page(&shown, 400);
    }
    for value in [&form, &code, &guard, &client_id, &signed_in.access, &re(&form, "egs_"), &bent(&state)] {
        let back = url::Url::parse_with_params(
            &world.url("/auth/callback"),
            [("state", value.as_str()), ("code", "x")],
        )
        .unwrap();
        assert_page(&browser.get(&world.http, back.as_str()).await, 400);
    }
    for value in [&form, &state, &client_id, &signed_in.refresh, &re(&state, "ego_"), &bent(&code)] {
        let (status, body) = world.token(&BrokerWorld::code_form(&client_id, value)).await;
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")), "{body}");
    }
    for value in [&form, &state, &code, &client_id, &signed_in.refresh, &re(&signed_in.refresh, "ega_")] {
        assert_eq!(world.call(value, "whoami").await.0, 401);
    }
    assert_eq!(world.grants_at_entra("authorization_code"), exchanged);
    let (status, body) = world.redeem(&client_id, &done).await;
    assert_eq!(status, 200, "{body}");
}

impl BrokerWorld {
    async fn answer_with(&self, browser: &mut Browser, request: &str) -> Shown {
        browser.site = Some("same-origin");
        let form = [("request", request), ("decision", "approve")];
        browser.post(&self.http, &self.url("/oauth/consent"), &form).await
    }
}

#[tokio::test]
async fn s_05_an_answer_is_refused_when_the_operator_has_taken_the_address_off_the_list() {
    use super::front::{SAME, ask, registered, twin};
    use entragate::RedirectRule;
    let hosted = "https://chat.contoso.com/oauth/callback";
    let world = BrokerWorld::builder()
        .gate(move |gate| gate.redirect_rules([RedirectRule::parse(hosted).unwrap()]))
        .start()
        .await;
    let client_id = world.register_as("Chat", &[hosted]).await;
    let mut browser = Browser::default();
    let url = world.authorize_url(&client_id, &[("redirect_uri", Some(hosted))]);
    let page = browser.get(&world.http, &url).await;
    let form = format!("request={}&decision=approve", page.field("request"));
    let cookie: Vec<_> = browser.cookies("").iter().map(|(name, value)| format!("{name}={value}")).collect();
    let restarted = twin(&world, SAME);
    assert!(registered(&restarted, REDIRECT).await.starts_with("egc_"));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie[0].as_str())];
    let refused = ask(&restarted, "POST", &world.url("/oauth/consent"), &headers, form).await;
    assert_page(&refused, 400);
    assert!(refused.html.contains("no longer allowed"), "{}", refused.html);
}

#[tokio::test]
async fn s_03_only_a_small_form_by_post_is_read() {
    let world = BrokerWorld::start().await;
    let url = world.url("/oauth/consent");
    assert_eq!(world.open(&url).await.status, 405);
    let huge = "x".repeat(70_000);
    let shown = answered(&world, &[], &[], &[("request", &huge)]).await;
    assert_refused(&world, &shown, 413);
}
