//! Sign-in traces: which leg passed, which failed and why, for the person who signs in and for the operator; and what a log
//! must never hold.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use entragate::ClientAddress;
use entragate::trace::{Leg, Outcome, SignIn};
use entragate_emulator::fixtures;
use tokio::net::TcpListener;

use super::wire::{assert_alive, assert_refused, changed, other_verifier, post};
use super::world::{BrokerWorld, Browser, SECRET, signed_in};
use crate::world::{REDIRECT, VERIFIER, log, param};

fn only(world: &BrokerWorld) -> SignIn {
    let mut all = world.gate.sign_ins();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn legs(sign_in: &SignIn) -> Vec<(Leg, Outcome)> {
    sign_in.steps.iter().map(|step| (step.leg, step.outcome)).collect()
}

#[tokio::test]
async fn the_legs_of_a_good_sign_in_stand_in_their_order() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let before = only(&world);
    assert_eq!(before.verdict, "The client has its tokens and has not called the MCP server yet.");
    for _ in 0..2 {
        world.call(&alice.access, "whoami").await;
    }
    assert_alive(&world, &alice).await;
    let sign_in = only(&world);
    let expected = [
        (Leg::Registration, Outcome::Passed),
        (Leg::Authorize, Outcome::Passed),
        (Leg::Consent, Outcome::Waiting),
        (Leg::Consent, Outcome::Passed),
        (Leg::Entra, Outcome::Waiting),
        (Leg::Callback, Outcome::Passed),
        (Leg::Code, Outcome::Passed),
        (Leg::FirstCall, Outcome::Passed),
    ];
    assert_eq!(legs(&sign_in), expected);
    assert!(sign_in.verdict.starts_with("Everything worked"), "{}", sign_in.verdict);
    assert_eq!((sign_in.client.as_str(), sign_in.id.len()), ("Fixture client", 20));
    assert_eq!(world.gate.sign_in(&sign_in.id).unwrap().verdict, sign_in.verdict);
    assert!(world.gate.sign_in("00000000000000000000").is_none());
}

#[tokio::test]
async fn what_the_same_address_read_before_belongs_to_the_sign_in() {
    let world = BrokerWorld::start().await;
    let address: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    // The same gate once more, behind something that knows the client's address.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let host = world.gate.base_url().as_str().trim_start_matches("http://").to_owned();
    let app = world.gate.router().layer(axum::Extension(ClientAddress(address)));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let get = async |path: &str| {
        let request = world.http.get(format!("{at}{path}")).header("host", &host);
        request.header("accept", "text/html").send().await.unwrap().status()
    };
    assert_eq!(get("/.well-known/oauth-protected-resource/mcp").await, 200);
    assert_eq!(get("/.well-known/oauth-authorization-server").await, 200);
    let url = world.authorize_url(&world.client_id().await, &[]);
    assert_eq!(get(url.strip_prefix(world.gate.base_url().as_str()).unwrap()).await, 200);
    let sign_in = only(&world);
    let read: Vec<_> = sign_in.steps.iter().filter(|step| step.leg == Leg::Discovery).collect();
    assert_eq!(read.len(), 2, "{sign_in:?}");
    assert!(!format!("{sign_in:?}").contains("192.0.2.7"));
}

#[tokio::test]
async fn a_client_that_never_comes_back_for_its_code_is_named_after_a_minute() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    world.code(&client_id, "alice").await;
    assert!(only(&world).verdict.contains("has not redeemed it yet"));
    world.advance(Duration::from_secs(60)).await;
    let verdict = only(&world).verdict;
    assert!(verdict.contains("the client never came back for it"), "{verdict}");
}

#[tokio::test]
async fn pages_that_were_left_open_are_named() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let url = world.authorize_url(&world.client_id().await, &[]);
    let page = browser.get(&world.http, &url).await;
    assert!(only(&world).verdict.contains("has not answered yet"));
    world.advance(Duration::from_secs(20 * 60)).await;
    assert!(only(&world).verdict.contains("was left without an answer"));
    let sent = world.answer(&mut browser, &page, &[("decision", "approve")]).await;
    assert!(only(&world).verdict.contains("at Entra's sign-in page"));
    world.advance(Duration::from_secs(20 * 60)).await;
    assert!(only(&world).verdict.contains("never came back from Entra"));
    let back = world.at_entra(&mut browser, &sent.location(), "alice").await;
    let late = browser.get(&world.http, back.as_str()).await.location();
    assert_eq!(param(&late, "error").as_deref(), Some("access_denied"));
    assert!(only(&world).verdict.starts_with("It ended here: the sign-in took too long"));
}

#[tokio::test]
async fn whoever_ended_it_is_in_the_verdict() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let page = browser.get(&world.http, &world.authorize_url(&world.client_id().await, &[])).await;
    world.answer(&mut browser, &page, &[("decision", "deny")]).await;
    assert_eq!(only(&world).verdict, "It ended here: the person did not allow the application");

    let world = BrokerWorld::builder().secret("wrong-secret-value").start().await;
    let url = world.authorize_url(&world.client_id().await, &[]);
    world.browse(&mut Browser::default(), &url, "alice").await;
    let verdict = only(&world).verdict;
    assert!(verdict.starts_with("It ended here: AADSTS7000215"), "{verdict}");

    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let wrong = other_verifier();
    let form = changed(&BrokerWorld::code_form(&client_id, &code), "code_verifier", Some(&wrong));
    let text = assert_refused(&post(&world, "/oauth/token", &form).await, 400, "invalid_grant");
    let sign_in = only(&world);
    assert!(text.ends_with(&format!("(sign-in {})", sign_in.id)), "{text}");
    assert!(sign_in.verdict.contains("code_verifier does not belong"), "{}", sign_in.verdict);
    // A stranger with the code leaves no mark, and is told no id.
    let stranger = world.client_id().await;
    let form = changed(&form, "client_id", Some(&stranger));
    let text = assert_refused(&post(&world, "/oauth/token", &form).await, 400, "invalid_grant");
    assert!(!text.contains("sign-in"), "{text}");
    assert_eq!(only(&world).steps.len(), sign_in.steps.len());
}

#[tokio::test]
async fn a_call_that_was_refused_is_no_first_call() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let (_, body) = world.token(&form).await;
    assert_eq!(world.token(&form).await.0, 400);
    assert_eq!(world.call(body["access_token"].as_str().unwrap(), "whoami").await.0, 401);
    let verdict = only(&world).verdict;
    assert!(verdict.starts_with("It ended here: ") && verdict.contains("was used"), "{verdict}");
}

#[tokio::test]
async fn one_id_leads_from_the_clients_error_and_the_page_to_the_log() {
    let mut lines = log::capture();
    let world = BrokerWorld::builder().secret("wrong-secret-value").start().await;
    let url = world.authorize_url(&world.client_id().await, &[]);
    let page = world.browse(&mut Browser::default(), &url, "alice").await;
    let id = only(&world).id;
    assert!(page.html.contains(&format!("<code>{id}</code>")), "{}", page.html);
    assert!(page.html.contains(&format!("/auth/trace/{id}")), "{}", page.html);
    assert!(page.headers["refresh"].to_str().unwrap().contains(&id));
    let of_it: Vec<String> = lines.lines().into_iter().filter(|line| line.contains(&id)).collect();
    let failed = |line: &&String| line.contains("outcome=failed") && line.contains("AADSTS7000215");
    assert_eq!(of_it.iter().filter(failed).count(), 1, "{of_it:?}");
    assert!(of_it.len() >= 5, "{of_it:?}");
}

#[tokio::test]
async fn only_the_browser_that_began_a_sign_in_may_look_at_it() {
    let world = BrokerWorld::start().await;
    let mut browser = Browser::default();
    let url = world.authorize_url(&world.client_id().await, &[]);
    world.browse(&mut browser, &url, "alice").await;
    let id = only(&world).id;
    let at = world.url(&format!("/auth/trace/{id}"));
    let page = browser.get(&world.http, &at).await;
    assert_eq!((page.status, page.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
    for words in [id.as_str(), "Authorization request", "Back from Microsoft Entra", "Fixture client"] {
        assert!(page.html.contains(words), "{words} in {}", page.html);
    }
    assert!(!page.html.contains("alice") && !page.html.contains("xyz"), "{}", page.html);
    // Another browser, with a cookie of its own, and one without.
    let mut other = Browser::default();
    other.get(&world.http, &world.authorize_url(&world.client_id().await, &[])).await;
    let refused = other.get(&world.http, &at).await;
    let unknown = other.get(&world.http, &world.url("/auth/trace/00000000000000000000")).await;
    assert_eq!((refused.status, unknown.status), (404, 404));
    assert_eq!(refused.html, unknown.html);
    assert_eq!(Browser::default().get(&world.http, &at).await.status, 404);
    for path in ["/auth/trace/", "/auth/trace/x/y", "/auth/trace/%2e%2e", "/auth/trace/<script>"] {
        assert_eq!(browser.get(&world.http, &world.url(path)).await.status, 404, "{path}");
    }
    world.advance(Duration::from_secs(3_600)).await;
    assert_eq!(browser.get(&world.http, &at).await.status, 404);
    assert!(world.gate.sign_in(&id).is_none() && world.gate.sign_ins().iter().all(|other| other.id != id));
}

#[tokio::test]
async fn a_thousand_sign_ins_are_remembered_and_not_more() {
    let rate = NonZeroU32::new(100_000).unwrap();
    let world = BrokerWorld::builder().gate(move |gate| gate.sign_in_rate(rate, rate)).start().await;
    let client_id = world.client_id().await;
    let url = world.authorize_url(&client_id, &[]);
    for _ in 0..60 {
        let visits = (0..20).map(|_| world.http.get(&url).header("accept", "text/html").send());
        for visit in futures_util::future::join_all(visits).await {
            assert_eq!(visit.unwrap().status(), 200);
        }
    }
    let kept = world.gate.sign_ins().len();
    assert!((900..=1_000).contains(&kept), "{kept}");
    world.advance(Duration::from_secs(3_600)).await;
    assert_eq!(world.gate.sign_ins().len(), 0);
}

/// Everything that is secret in a whole sign-in with its mishaps, and what was logged and traced meanwhile.
#[tokio::test]
async fn nothing_secret_is_logged_or_traced_over_a_whole_sign_in() {
    let mut log = log::capture();
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let mut browser = Browser::default();
    let changes =
        [("login_hint", Some("alice@contoso.test")), ("state", Some("a-state-of-the-client-0123456789"))];
    let page = browser.get(&world.http, &world.authorize_url(&client_id, &changes)).await;
    let form_value = page.field("request");
    let answer = [("decision", "approve"), ("remember", "yes")];
    let to_entra = world.answer(&mut browser, &page, &answer).await.location();
    let back = browser.get(&world.http, to_entra.as_str()).await.location();
    let done = browser.get(&world.http, back.as_str()).await.location();
    assert!(done.as_str().starts_with(REDIRECT), "{done}");
    let code = param(&done, "code").unwrap();
    let form = BrokerWorld::code_form(&client_id, &code);
    let (_, body) = world.token(&form).await;
    let alice = signed_in(client_id.clone(), body);
    let renewed = assert_alive(&world, &alice).await;
    // Mishaps: wrong halves, replays, a stranger, revocation.
    let wrong = other_verifier();
    post(&world, "/oauth/token", &changed(&form, "code_verifier", Some(&wrong))).await;
    world.call(&renewed.refresh, "whoami").await;
    world.call(&format!("{}x", renewed.access), "whoami").await;
    browser.get(&world.http, back.as_str()).await;
    let stranger = world.client_id().await;
    world.refresh(&stranger, &renewed.refresh).await;
    world.advance(Duration::from_secs(61)).await;
    world.refresh(&client_id, &alice.refresh).await;
    world.call(&renewed.access, "whoami").await;
    post(&world, "/oauth/token", &form).await;
    post(&world, "/oauth/revoke", &[("client_id", &client_id), ("token", &renewed.access)]).await;
    let bob = world.sign_in("bob").await;
    world.advance(Duration::from_secs(5)).await;
    world.control().revoke_user("bob");
    world.refresh(&bob.client_id, &bob.refresh).await;

    let mut secrets = vec![code, form_value, wrong, VERIFIER.to_owned()];
    secrets.extend(
        [&alice, &renewed, &bob].into_iter().flat_map(|all| [all.access.clone(), all.refresh.clone()]),
    );
    secrets.extend([param(&to_entra, "state").unwrap(), param(&back, "code").unwrap()]);
    secrets.push("a-state-of-the-client-0123456789".to_owned());
    secrets.extend(world.control().issued().into_iter().map(|issued| issued.token));
    secrets.extend(browser.cookies("entragate").into_iter().map(|(_, value)| value));
    let of_requests = world.control().requests();
    let posted = of_requests.iter().flat_map(|request| request.form.clone());
    secrets.extend(posted.filter(|(name, _)| name == "code_verifier").map(|(_, value)| value));
    let lines = log.lines();
    assert!(lines.len() > 20, "{lines:?}");
    let traced = serde_json::to_string(&world.gate.sign_ins()).unwrap();
    for text in lines.iter().chain([&traced]) {
        for secret in &secrets {
            for window in secret.as_bytes().windows(16) {
                let part = std::str::from_utf8(window).unwrap();
                assert!(!text.contains(part), "{part} in {text}");
            }
        }
        for word in ["contoso.test", "Andersen", SECRET] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
    for word in [fixtures::user_oid("alice"), "alice", &client_id] {
        assert!(!traced.contains(word), "{word} in {traced}");
    }
}
