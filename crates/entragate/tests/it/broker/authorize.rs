//! `/oauth/authorize`: who asks and where the answer goes is settled before anything else.

use entragate_emulator::fixtures;
use reqwest::Method;

use super::front::{all, assert_consent, assert_page, assert_told};
use super::world::{BrokerWorld, Browser};
use crate::world::{CHALLENGE, REDIRECT, Reply, param};

const HOSTED: &str = "https://claude.ai/api/mcp/auth_callback";

#[tokio::test]
async fn as_17_s_10_an_unknown_client_gets_a_page_and_nobody_is_sent_to_its_address() {
    let (world, stranger) = (BrokerWorld::start().await, BrokerWorld::start().await);
    let good = world.client_id().await;
    // The same key, but another issuer.
    let of_another = stranger.client_id().await;
    let mut bent = good.clone();
    bent.replace_range(20..21, if &bent[20..21] == "A" { "B" } else { "A" });
    let (cut, upper) = (&good[..good.len() - 1], good.to_uppercase());
    let longer = format!("{good}A");
    for client_id in [
        "",
        "nobody",
        "egc_",
        "egc_AAAA",
        cut,
        &upper,
        &longer,
        &bent,
        &of_another,
        fixtures::API,
        fixtures::MCP,
    ] {
        let page = world.open(&world.authorize_url(client_id, &[])).await;
        assert_page(&page, 400);
    }
    let page = world.open(&world.authorize_url(&good, &[("client_id", None)])).await;
    assert_page(&page, 400);
}

#[tokio::test]
async fn as_17_the_upstream_client_id_with_an_evil_redirect_uri_stays_on_the_page() {
    let world = BrokerWorld::start().await;
    for redirect_uri in ["https://evil.test/cb", REDIRECT, HOSTED] {
        let url = world.authorize_url(fixtures::API, &[("redirect_uri", Some(redirect_uri))]);
        assert_page(&world.open(&url).await, 400);
    }
}

#[tokio::test]
async fn as_17_as_18_as_19_s_05_a_redirect_uri_that_is_not_the_registered_one_gets_a_page() {
    let world = BrokerWorld::start().await;
    let client_id = world.register_as("Fixture client", &[REDIRECT, HOSTED]).await;
    for redirect_uri in [
        "http://localhost:51789/other",
        "http://localhost:51789/",
        "http://localhost:51789/callback/",
        "http://localhost:51789/callback//",
        "http://localhost:51789/callback/x",
        "http://localhost:51789/callback?x=1",
        "http://localhost:51789/callback?",
        "http://localhost:51789/callback#x",
        "http://localhost:51789/Callback",
        "http://localhost:51789/%63allback",
        "http://localhost:51789%2Fcallback",
        "http://localhost:51789/x%2F..%2Fcallback",
        "http://localhost:51789/x/../callback",
        "http://localhost:51789\\callback",
        "HTTP://localhost:51789/callback",
        "http://LOCALHOST:51789/callback",
        "https://localhost:51789/callback",
        "http://127.0.0.1:51789/callback",
        "http://[::1]:51789/callback",
        "http://localhost.:51789/callback",
        "http://localhost.evil.test:51789/callback",
        "http://evil.test/callback",
        "http://user@localhost:51789/callback",
        "http://localhost:51789@evil.test/callback",
        "//localhost:51789/callback",
        "/callback",
        "callback",
        " http://localhost:51789/callback",
        "http://localhost:51789/callback\n",
        "javascript:alert(1)//http://localhost:51789/callback",
        "data:text/html,x",
        "https://claude.ai/api/mcp/auth_callback/",
        "https://claude.ai/api/mcp/auth_callback?x=1",
        "https://claude.ai/api/mcp/AUTH_CALLBACK",
        "https://claude.ai:8443/api/mcp/auth_callback",
        "https://claude.ai:443/api/mcp/auth_callback",
        "https://claude.ai.evil.test/api/mcp/auth_callback",
        "https://claude.ai@evil.test/api/mcp/auth_callback",
        "http://claude.ai/api/mcp/auth_callback",
        // Allowed here, but not registered by this client.
        "https://claude.com/api/mcp/auth_callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ] {
        let page =
            world.open(&world.authorize_url(&client_id, &[("redirect_uri", Some(redirect_uri))])).await;
        assert_page(&page, 400);
    }
    let page = world.open(&world.authorize_url(&client_id, &[("redirect_uri", None)])).await;
    assert_page(&page, 400);
}

#[tokio::test]
async fn as_18_k23_only_the_port_of_a_loopback_redirect_is_free_and_the_code_goes_to_it() {
    let world = BrokerWorld::start().await;
    for (registered, used) in [
        (REDIRECT, "http://localhost:7/callback"),
        (REDIRECT, "http://localhost/callback"),
        ("http://127.0.0.1/", "http://127.0.0.1:33418/"),
        ("http://[::1]:9/cb", "http://[::1]:10/cb"),
    ] {
        let client_id = world.register_as("Fixture client", &[registered]).await;
        let url = world.authorize_url(&client_id, &[("redirect_uri", Some(used))]);
        let done = world.browse(&mut Browser::default(), &url, "bob").await.location();
        assert!(done.as_str().starts_with(&format!("{used}?code=")), "{done}");
    }
    let client_id = world.register_as("Fixture client", &[HOSTED]).await;
    let other_port = "https://claude.ai:8443/api/mcp/auth_callback";
    let page = world.open(&world.authorize_url(&client_id, &[("redirect_uri", Some(other_port))])).await;
    assert_page(&page, 400);
}

#[tokio::test]
async fn as_16_as_20_as_21_as_22_k11_k35_k37_what_is_wrong_is_told_to_the_client() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk=";
    let long = "x".repeat(5_000);
    for (changes, error) in [
        (&[("code_challenge", None)][..], "invalid_request"),
        (&[("code_challenge_method", None)], "invalid_request"),
        (&[("code_challenge_method", Some("plain"))], "invalid_request"),
        (&[("code_challenge_method", Some("s256"))], "invalid_request"),
        (&[("code_challenge", None), ("code_challenge_method", None)], "invalid_request"),
        (&[("code_challenge", Some("a"))], "invalid_request"),
        (&[("code_challenge", Some(&CHALLENGE[..42]))], "invalid_request"),
        (&[("code_challenge", Some(verifier))], "invalid_request"),
        (&[("response_type", None)], "invalid_request"),
        (&[("response_type", Some("token"))], "unsupported_response_type"),
        (&[("response_type", Some("code id_token"))], "unsupported_response_type"),
        (&[("response_mode", Some("fragment"))], "invalid_request"),
        (&[("response_mode", Some("form_post"))], "invalid_request"),
        (&[("scope", Some(&long))], "invalid_scope"),
        (&[("resource", Some("https://evil.test/mcp"))], "invalid_target"),
        (&[("prompt", Some("none"))], "consent_required"),
    ] {
        let shown = world.open(&world.authorize_url(&client_id, changes)).await;
        let told = assert_told(&world, &shown, error);
        assert!(told.as_str().starts_with(&format!("{REDIRECT}?error={error}&")), "{told}");
        assert_eq!(shown.cookies_set(), [""; 0], "{changes:?}");
    }
}

#[tokio::test]
async fn as_15_a_repeated_parameter_is_an_error_and_not_a_choice() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let url = world.authorize_url(&client_id, &[]);
    for again in [
        "scope=x",
        "code_challenge=x",
        "response_type=token",
        "prompt=none&prompt=login",
        "unknown=1&unknown=2",
    ] {
        let shown = world.open(&format!("{url}&{again}")).await;
        assert_told(&world, &shown, "invalid_request");
    }
    // A repeated state has no one value to return.
    let told = world.open(&format!("{url}&state=other")).await.location();
    assert_eq!((all(&told, "error"), all(&told, "state")), (vec!["invalid_request".to_owned()], vec![]));
    for again in [format!("client_id={client_id}"), "redirect_uri=https%3A%2F%2Fevil.test".to_owned()] {
        assert_page(&world.open(&format!("{url}&{again}")).await, 400);
        assert_page(&world.open(&url.replacen('?', &format!("?{again}&"), 1)).await, 400);
    }
}

#[tokio::test]
async fn as_25_as_26_as_27_k30_every_spelling_of_our_resource_is_fine_and_no_other() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let (mcp, base, port) = (world.url("/mcp"), world.url(""), world.addr.port());
    let upper = format!("HTTP://LocalHost:{port}/mcp");
    let (slash, origin, by_address) =
        (format!("{mcp}/"), format!("{base}/"), format!("http://127.0.0.1:{port}/mcp"));
    let api = format!("api://{}", fixtures::API);
    for good in [&mcp, &slash, &upper, &base, &origin, &by_address, &api] {
        let page = world.open(&world.authorize_url(&client_id, &[("resource", Some(good))])).await;
        assert_consent(&page);
        assert!(page.html.contains(&format!("<code>{mcp}</code>")), "{good}");
    }
    assert_consent(&world.open(&world.authorize_url(&client_id, &[("resource", None)])).await);
    let twice = format!("{}&resource={slash}", world.authorize_url(&client_id, &[]));
    assert_consent(&world.open(&twice).await);
    let sibling = format!("api://{}", fixtures::SIBLING);
    let (other_path, fragment, query) = (world.url("/other"), format!("{mcp}#x"), format!("{mcp}?x=1"));
    for bad in [
        "https://evil.test/mcp",
        "https://graph.microsoft.com",
        &sibling,
        &other_path,
        &fragment,
        &query,
        "x",
    ] {
        let shown = world.open(&world.authorize_url(&client_id, &[("resource", Some(bad))])).await;
        assert_told(&world, &shown, "invalid_target");
        let shown = world
            .open(&format!("{}&resource={}", world.authorize_url(&client_id, &[]), bad.replace('#', "%23")))
            .await;
        assert_told(&world, &shown, "invalid_target");
    }
}

#[tokio::test]
async fn k32_k39_prompt_consent_never_reaches_entra_and_what_people_asked_for_does() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    for (asked, expected) in [
        (None, None),
        (Some("consent"), None),
        (Some("consent select_account"), Some("select_account")),
        (Some("select_account"), Some("select_account")),
        (Some("login"), Some("login")),
        (Some("login consent"), Some("login")),
        (Some("consent none"), None),
        (Some("create"), None),
    ] {
        let url = world.authorize_url(&client_id, &[("prompt", asked)]);
        let to_entra = world.approve(&mut Browser::default(), &url).await.location();
        assert_eq!(param(&to_entra, "prompt").as_deref(), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn as_15_s_21_s_31_nothing_in_the_request_decides_where_entra_is() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let url = world.authorize_url(
        &client_id,
        &[
            ("authority", Some("https://evil.test")),
            ("tenant", Some("evil")),
            ("claims", Some("{}")),
            ("domain_hint", Some("")),
            ("iss", Some("https://evil.test")),
            ("nonce", Some("n")),
            ("request_uri", Some("https://evil.test")),
        ],
    );
    let to_entra = world.approve(&mut Browser::default(), &url).await.location();
    let endpoint = format!("{}/{}/oauth2/v2.0/authorize?", world.entra.url(), fixtures::TENANT);
    assert!(to_entra.as_str().starts_with(&endpoint), "{to_entra}");
    let names: Vec<_> = to_entra.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(
        names,
        [
            "client_id",
            "response_type",
            "response_mode",
            "redirect_uri",
            "scope",
            "code_challenge",
            "code_challenge_method",
            "state"
        ]
    );
    assert_eq!(all(&to_entra, "redirect_uri"), [world.url("/auth/callback")]);
    // PKCE towards Entra is our own pair (K37).
    assert_ne!(all(&to_entra, "code_challenge"), [CHALLENGE]);
}

#[tokio::test]
async fn as_15_a_hint_reaches_entra_unless_it_would_make_the_url_too_long_aadsts90015() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let long = "x".repeat(20_000);
    for (hint, arrives) in [("alice@contoso.test", true), (&long, false)] {
        let hints = [("login_hint", Some(hint)), ("domain_hint", Some(hint))];
        let url = world.authorize_url(&client_id, &hints);
        let to_entra = world.approve(&mut Browser::default(), &url).await.location();
        let expected = if arrives { vec![hint.to_owned()] } else { vec![] };
        assert_eq!(
            (all(&to_entra, "login_hint"), all(&to_entra, "domain_hint")),
            (expected.clone(), expected)
        );
        assert!(to_entra.as_str().len() < 6_000);
    }
}

#[tokio::test]
async fn as_21_as_22_k34_s_08_any_state_comes_back_byte_by_byte_and_entra_never_sees_it() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let odd = "a+b/c==&=?#%20%2B\"'<>\\ \u{e4}\u{1f980}\u{202e};,@:~`^|{}[]()*$!\t\r\n\u{1}";
    let long = format!("{odd}{}", "+/=".repeat(700)).chars().take(2_000).collect::<String>();
    for state in [odd, "x", "vscode://vscode.github-authentication/did-authenticate?nonce=1&x=%2F", &long] {
        assert!(state.len() <= 2_048);
        let url = world.authorize_url(&client_id, &[("state", Some(state))]);
        let mut browser = Browser::default();
        let leaving = world.approve(&mut browser, &url).await;
        assert_ne!(param(&leaving.location(), "state").as_deref(), Some(state));
        let done = world.come_back(&mut browser, &leaving, "bob").await;
        let location = done.headers["location"].to_str().unwrap().to_owned();
        assert!(!location.contains('+') && !location.contains(' '), "{location}");
        assert_eq!(all(&done.location(), "state"), [state]);
        assert_eq!(all(&done.location(), "iss"), [world.gate.base_url().as_str()]);
        assert_eq!(all(&done.location(), "code").len(), 1);
        let error = world
            .open(&world.authorize_url(
                &client_id,
                &[("state", Some(state)), ("scope", None), ("code_challenge", None)],
            ))
            .await;
        assert_eq!(all(&error.location(), "state"), [state]);
    }
    let url = world.authorize_url(&client_id, &[("state", None)]);
    let done = world.browse(&mut Browser::default(), &url, "bob").await.location();
    assert_eq!(all(&done, "state"), [""; 0]);
    let longer = "x".repeat(2_049);
    let told = world.open(&world.authorize_url(&client_id, &[("state", Some(&longer))])).await.location();
    assert_eq!((all(&told, "error"), all(&told, "state")), (vec!["invalid_request".to_owned()], vec![]));
}

#[tokio::test]
async fn as_15_k17_k33_every_way_to_ask_shows_the_same_page_and_keeps_nothing() {
    let world = BrokerWorld::start().await;
    let url = world.authorize_url(&world.client_id().await, &[]);
    let query = url.split_once('?').unwrap().1.to_owned();
    assert_consent(&world.open(&url).await);
    assert_consent(&world.open(&url).await);
    assert_consent(&world.open(&url.replace("/oauth/authorize", "/authorize")).await);
    let request = world.http.post(world.url("/oauth/authorize")).body(query);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    assert_consent(&Browser::default().send(&world.http, request, &url).await);
    let head = Browser::default().send(&world.http, world.http.head(&url), &url).await;
    assert_eq!((head.status, head.html.as_str()), (200, ""));
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
}

#[tokio::test]
async fn as_24_pages_have_no_cors() {
    let world = BrokerWorld::start().await;
    let url = world.authorize_url(&world.client_id().await, &[]);
    let grants = world.url("/auth/grants");
    let (consent, callback) = (world.url("/oauth/consent"), world.url("/auth/callback"));
    for url in [&url, &grants, &consent, &callback] {
        for method in [Method::GET, Method::OPTIONS, Method::POST] {
            let asked = world.http.request(method.clone(), url).header("origin", "http://localhost:6274");
            let answer = Reply::of(asked.header("access-control-request-method", "POST")).await;
            let allows = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(allows.count(), 0, "{method} {url}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn k29_a_program_is_told_that_its_client_is_unknown_and_registers_again() {
    let world = BrokerWorld::start().await;
    for client_id in ["nobody", fixtures::API] {
        let asked = world.http.get(world.authorize_url(client_id, &[])).header("accept", "application/json");
        let answer = Reply::of(asked).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_client")));
    }
}
