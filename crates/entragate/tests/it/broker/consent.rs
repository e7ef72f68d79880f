//! The consent page: shown before anybody goes to Entra, says what a person needs to decide, and is harmless.

use std::time::Duration;

use serde_json::json;

use super::front::{all, assert_consent, assert_page, assert_told};
use super::world::{BrokerWorld, Browser};
use crate::world::{REDIRECT, param};

/// The attack of the best practices: a stranger's client, and a person who is signed in at Entra and trusts another one.
#[tokio::test]
async fn confused_deputy_needs_consent() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let trusted = world.client_id().await;
    world.walk(&mut browser, &world.authorize_url(&trusted, &[]), "alice", true).await;
    let exchanged = world.grants_at_entra("authorization_code");
    let evil = world.register_as("Fixture client", &["http://localhost:666/evil"]).await;
    let redirect = ("redirect_uri", Some("http://localhost:666/evil"));
    for prompt in [None, Some("consent"), Some("login"), Some("select_account")] {
        let page =
            world.typed(&mut browser, &world.authorize_url(&evil, &[redirect, ("prompt", prompt)])).await;
        assert_consent(&page);
    }
    let silent = world.authorize_url(&evil, &[redirect, ("prompt", Some("none"))]);
    assert_told(&world, &world.typed(&mut browser, &silent).await, "consent_required");
    assert_eq!(world.grants_at_entra("authorization_code"), exchanged);
}

#[tokio::test]
async fn s_01_s_02_s_11_dc_09_dc_12_ci_13_k36_the_page_says_who_asks_for_what_and_where_it_leads() {
    let world = BrokerWorld::builder().gate(|gate| gate.resource_name("Contoso tools")).start().await;
    let client_id = world.register_as("Fixture & client", &[REDIRECT]).await;
    let page = world.open(&world.authorize_url(&client_id, &[])).await;
    assert_consent(&page);
    for text in [
        "Allow Fixture &#38; client to use Contoso tools?",
        "Nobody has checked it.",
        "<code>localhost</code>",
        REDIRECT,
        "<dd>access</dd>",
        &format!("<code>{}</code>", world.url("/mcp")),
        "Only continue if you have just started this sign-in yourself.",
    ] {
        assert!(page.html.contains(text), "{text} is not in {}", page.html);
    }
    let hosted = "https://claude.ai/api/mcp/auth_callback";
    let client_id = world.register_as("Claude", &[hosted]).await;
    let page = world.open(&world.authorize_url(&client_id, &[("redirect_uri", Some(hosted))])).await;
    assert!(page.html.contains("<code>claude.ai</code>") && page.html.contains(hosted), "{}", page.html);
    assert!(!page.html.contains("Only continue if"), "{}", page.html);
    let app = "cursor://anysphere.cursor-mcp/oauth/callback";
    let client_id = world.register_as("Cursor", &[app]).await;
    let page = world.open(&world.authorize_url(&client_id, &[("redirect_uri", Some(app))])).await;
    assert!(page.html.contains("<code>cursor:</code>") && page.html.contains(app), "{}", page.html);
}

#[tokio::test]
async fn s_29_the_page_names_the_scopes_that_will_be_asked_for_and_no_others() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    for (scope, shown) in [
        (None, &["access"][..]),
        (Some("openid email offline_access"), &["access"]),
        (Some("access read"), &["access", "read"]),
        (Some("https://graph.microsoft.com/Mail.Read"), &["access"]),
        (Some("<b>x</b>"), &["access"]),
        (Some("\"><script>"), &["&#34;&#62;&#60;script&#62;"]),
    ] {
        let mut browser = Browser::default();
        let page = browser.get(&world.http, &world.authorize_url(&client_id, &[("scope", scope)])).await;
        assert_consent(&page);
        let list = page.html.split("It asks for</dt>").nth(1).unwrap().split("<dt>").next().unwrap().trim();
        let named: Vec<_> = list.lines().map(|line| line.replace("<dd>", "").replace("</dd>", "")).collect();
        assert_eq!(named, shown, "{scope:?}");
        let to_entra = world.answer(&mut browser, &page, &[("decision", "approve")]).await.location();
        let sent = param(&to_entra, "scope").unwrap();
        let ours = sent.split(' ').filter(|scope| scope.contains('/')).count();
        assert_eq!(ours, shown.len(), "{sent}");
    }
}

#[tokio::test]
async fn s_35_dc_09_a_hostile_name_is_shown_harmlessly_or_not_at_all() {
    let world = BrokerWorld::start().await;
    let long = "W".repeat(5_000);
    for (name, shown, warned) in [
        ("<script>alert(1)</script>", "&#60;script&#62;alert(1)&#60;/script&#62;", false),
        ("\"><img src=x onerror=alert(1)>", "&#34;&#62;&#60;img src=x onerror=alert(1)&#62;", false),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}", false),
        ("Claude\u{202e}edoC", "ClaudeedoC", false),
        ("\u{2066}Claude\u{2069}\u{200b}", "Claude", false),
        ("Claude\n\n\n\tCode\r\nSet-Cookie: x=1", "Claude Code Set-Cookie: x=1", false),
        ("\u{421}laude", "\u{421}laude", true),
        (&long, &format!("{}…", &long[..59]), false),
        ("\u{200b}\u{202e}", "an application without a name", false),
        ("   ", "an application without a name", false),
    ] {
        let client_id = world.register_as(name, &[REDIRECT]).await;
        let page = world.open(&world.authorize_url(&client_id, &[])).await;
        assert_consent(&page);
        assert!(page.html.contains(&format!("<h1>Allow {shown} to use")), "{name:?}: {}", page.html);
        assert_eq!(page.html.contains("mixes letters of different alphabets"), warned, "{name:?}");
        for hidden in ['\u{202e}', '\u{2066}', '\u{2069}', '\u{200b}', '\r', '\t'] {
            assert!(!page.html.contains(hidden), "{name:?}");
        }
        assert!(page.html.len() < 8_000, "{}", page.html.len());
    }
}

#[tokio::test]
async fn as_41_s_03_s_35_pages_cannot_be_framed_or_made_to_do_anything() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let mut browser = Browser::default();
    let consent = browser.get(&world.http, &world.authorize_url(&client_id, &[])).await;
    assert_consent(&consent);
    let policy = consent.headers["content-security-policy"].to_str().unwrap();
    let forms = policy.split("form-action ").nth(1).unwrap();
    // The form leads to Entra and back to the client, and those redirects count as well.
    assert_eq!(forms, format!("'self' https: {} http://localhost:51789", world.entra.url()));
    // Without it browsers send `Origin: null` with the form; other sites still learn nothing.
    assert_eq!(consent.headers["referrer-policy"], "same-origin");
    let grants = browser.get(&world.http, &world.url("/auth/grants")).await;
    assert_page(&grants, 200);
    assert!(grants.headers["content-security-policy"].to_str().unwrap().ends_with("form-action 'self'"));
    let hostile = "javascript:alert(1)//<script>alert(1)</script>\"'";
    for url in [
        world.authorize_url(hostile, &[]),
        world.authorize_url(&client_id, &[("redirect_uri", Some(hostile))]),
        format!("{}?state={hostile}&error={hostile}", world.url("/auth/callback")),
    ] {
        let page = browser.get(&world.http, &url).await;
        assert_page(&page, 400);
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert!(page.headers["content-security-policy"].to_str().unwrap().ends_with("form-action 'none'"));
    }
}

#[tokio::test]
async fn s_06_s_07_before_the_person_agrees_no_cookie_leads_past_the_page() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let url = world.authorize_url(&client_id, &[]);
    let mut browser = Browser::default();
    let page = browser.get(&world.http, &url).await;
    assert_consent(&page);
    assert!(browser.cookies("signin").is_empty() && browser.cookies("grants").is_empty());
    assert_eq!(browser.cookies("").len(), 1);
    // The form's own value is no state, and Entra's way back is closed without one.
    let request = page.field("request");
    for state in [request.as_str(), "", &client_id] {
        let back = format!("{}?code=x&state={state}", world.url("/auth/callback"));
        assert_page(&browser.get(&world.http, &back).await, 400);
    }
    // Going to Entra directly, with the state of a sign-in that another browser may go on with.
    let mut attacker = Browser::default();
    let leaving = world.approve(&mut attacker, &url).await;
    let back = world.at_entra(&mut browser, &leaving.location(), "alice").await;
    assert_page(&browser.get(&world.http, back.as_str()).await, 403);
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
    // What allows the return is set with the answer, once, and for this sign-in only.
    let leaving = world.answer(&mut browser, &page, &[("decision", "approve")]).await;
    assert_eq!((leaving.status, leaving.cookies_set().len()), (303, 1));
    assert_eq!(browser.cookies("signin").len(), 1);
    assert!(all(&leaving.location(), "state")[0].starts_with("egs_"));
}

#[tokio::test]
async fn as_22_as_23_s_10_who_says_no_is_sent_back_with_access_denied() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let url = world.authorize_url(&world.client_id().await, &[]);
    let page = browser.get(&world.http, &url).await;
    let denied = world.answer(&mut browser, &page, &[("decision", "deny"), ("remember", "yes")]).await;
    let told = assert_told(&world, &denied, "access_denied");
    assert!(told.as_str().starts_with(REDIRECT), "{told}");
    assert_eq!(denied.cookies_set(), [""; 0]);
    assert!(browser.cookies("signin").is_empty() && browser.cookies("grants").is_empty());
    for answer in [&[][..], &[("decision", "")], &[("decision", "maybe")], &[("remember", "yes")]] {
        assert_page(&world.answer(&mut browser, &page, answer).await, 400);
    }
    let twice = [("decision", "approve"), ("decision", "deny")];
    assert_page(&world.answer(&mut browser, &page, &twice).await, 400);
}

#[tokio::test]
async fn k33_the_page_may_be_fetched_twice_and_either_form_answered() {
    let world = BrokerWorld::start().await;
    let url = world.authorize_url(&world.client_id().await, &[]);
    for which in [0, 1] {
        let mut browser = Browser::default();
        // A program fetches it first, without any cookie.
        assert_consent(&world.open(&url).await);
        let pages = [browser.get(&world.http, &url).await, browser.get(&world.http, &url).await];
        let leaving = world.answer(&mut browser, &pages[which], &[("decision", "approve")]).await;
        let done = world.come_back(&mut browser, &leaving, "bob").await.location();
        assert_eq!(all(&done, "code").len(), 1, "{done}");
    }
}

#[tokio::test]
async fn s_06_a_form_can_be_answered_for_an_hour() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let page = browser.get(&world.http, &world.authorize_url(&world.client_id().await, &[])).await;
    world.advance(Duration::from_secs(3_599)).await;
    let leaving = world.answer(&mut browser, &page, &[("decision", "approve")]).await;
    assert_eq!(leaving.status, 303);
    world.advance(Duration::from_secs(1)).await;
    for decision in ["approve", "deny"] {
        let late = world.answer(&mut browser, &page, &[("decision", decision)]).await;
        assert_page(&late, 400);
    }
}

#[tokio::test]
async fn dc_12_s_01_two_registrations_of_one_program_are_two_clients() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let body = json!({ "client_name": "Fixture client", "redirect_uris": [REDIRECT] });
    let first: serde_json::Value = world.register(&body).await.json().await.unwrap();
    let second: serde_json::Value = world.register(&body).await.json().await.unwrap();
    assert_ne!(first["client_id"], second["client_id"]);
    let url = |body: &serde_json::Value| world.authorize_url(body["client_id"].as_str().unwrap(), &[]);
    world.walk(&mut browser, &url(&first), "bob", true).await;
    world.assert_skipped(&world.typed(&mut browser, &url(&first)).await);
    assert_consent(&world.typed(&mut browser, &url(&second)).await);
}
