//! `/oauth/authorize`: what the client sent, what Entra gets, and what comes back to the client.

use std::time::Duration;

use entragate_emulator::fixtures;
use http::Method;

use crate::world::{CHALLENGE, REDIRECT, Reply, World, param};

/// What Entra's authorization endpoint was asked last.
fn received(world: &World) -> Vec<(String, String)> {
    let requests = world.control().requests();
    let last = requests.iter().rev().find(|request| request.path.ends_with("/oauth2/v2.0/authorize"));
    last.unwrap_or_else(|| panic!("Entra was not asked: {requests:?}")).query.clone()
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The names of the parameters in a URL, sorted.
fn names(url: &url::Url) -> Vec<String> {
    let mut names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn as_15_entra_gets_exactly_the_parameters_it_takes() {
    let world = World::start().await;
    let at_entra = world.at_entra(&world.authorize_url(&[])).await;
    assert_eq!(at_entra.path(), format!("/{}/oauth2/v2.0/authorize", fixtures::TENANT));
    let sent: Vec<(String, String)> = at_entra.query_pairs().into_owned().collect();
    let api = format!("api://{}/access openid profile offline_access", fixtures::API);
    let expected = [
        ("client_id", fixtures::MCP),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", api.as_str()),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "xyz"),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn as_15_post_equals_get() {
    let world = World::start().await;
    let url = url::Url::parse(&world.authorize_url(&[("login_hint", Some("alice@contoso.test"))])).unwrap();
    let by_get = Reply::of(world.http.get(url.clone())).await.location();
    let form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let by_post = Reply::of(world.http.post(world.url("/oauth/authorize")).form(&form)).await.location();
    assert_eq!(by_get, by_post);
}

#[tokio::test]
async fn as_15_empty_parameters_count_as_absent() {
    let world = World::start().await;
    let empty =
        ["login_hint", "domain_hint", "nonce", "prompt", "resource", "response_mode", "scope", "audience"];
    let changes: Vec<(&str, Option<&str>)> = empty.iter().map(|name| (*name, Some(""))).collect();
    let at_entra = world.at_entra(&world.authorize_url(&changes)).await;
    assert_eq!(at_entra, world.at_entra(&world.authorize_url(&[])).await);
    let without_state = world.at_entra(&world.authorize_url(&[("state", Some(""))])).await;
    assert_eq!(param(&without_state, "state"), None);
}

#[tokio::test]
async fn k33_the_same_url_works_again_for_clients_that_fetch_it_before_the_browser_does() {
    let world = World::start().await;
    let url = world.authorize_url(&[]);
    let (first, second) = (world.at_entra(&url).await, world.at_entra(&url).await);
    assert_eq!(first, second);
    for mut at_entra in [second, first] {
        at_entra.query_pairs_mut().append_pair("login_hint", "alice@contoso.test");
        let callback = Reply::of(world.http.get(at_entra)).await.location();
        let code = param(&callback, "code").unwrap();
        assert_eq!(world.token(&world.code_form(&code)).await.status(), 200);
    }
}

#[tokio::test]
async fn k33_head_is_answered_like_get() {
    let world = World::start().await;
    let reply = Reply::of(world.http.head(world.authorize_url(&[]))).await;
    assert_eq!(reply.location(), world.at_entra(&world.authorize_url(&[])).await);
    let reply = Reply::of(world.http.head(world.authorize_url(&[("client_id", Some("x"))]))).await;
    assert_eq!((reply.status, reply.header("location")), (400, ""));
}

#[tokio::test]
async fn as_23_every_redirect_is_302_or_a_posted_form_would_be_posted_on() {
    let world = World::start().await;
    for changes in [&[][..], &[("code_challenge", None)]] {
        let url = url::Url::parse(&world.authorize_url(changes)).unwrap();
        let form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for request in
            [world.http.get(url.clone()), world.http.post(world.url("/oauth/authorize")).form(&form)]
        {
            let reply = Reply::of(request).await;
            assert_eq!((reply.status, reply.text.as_str()), (302, ""));
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.header("referrer-policy"), "no-referrer");
        }
    }
}

#[tokio::test]
async fn k17_the_root_alias_is_the_same_endpoint() {
    let world = World::start().await;
    for changes in [&[][..], &[("code_challenge", None)], &[("client_id", Some("x"))]] {
        let url = world.authorize_url(changes);
        let (named, alias) = (url.clone(), url.replace("/oauth/authorize", "/authorize"));
        let (named, alias) = (Reply::of(world.http.get(named)).await, Reply::of(world.http.get(alias)).await);
        assert_eq!((named.status, named.header("location")), (alias.status, alias.header("location")));
        assert_eq!(named.text, alias.text);
    }
}

#[tokio::test]
async fn as_25_k30_resource_parameter_never_reaches_entra_aadsts9010010() {
    let world = World::start().await;
    let (mcp, base) = (world.url("/mcp"), world.base().to_owned());
    let upper = mcp.replace("http://localhost", "HTTP://LOCALHOST");
    let (slash, origin_slash) = (format!("{mcp}/"), format!("{base}/"));
    let api = format!("api://{}", fixtures::API);
    for resource in [mcp.as_str(), &slash, &base, &origin_slash, &upper, &api, fixtures::API] {
        let callback = world.browse(&world.authorize_url(&[("resource", Some(resource))]), "alice").await;
        assert!(param(&callback, "code").is_some(), "{resource}: {callback}");
        assert_eq!(value(&received(&world), "resource"), None, "{resource}");
    }
}

#[tokio::test]
async fn as_25_k30_codex_sends_resource_twice_and_old_clients_not_at_all() {
    let world = World::start().await;
    let mcp = world.url("/mcp");
    let none = world.authorize_url(&[("resource", None)]);
    let mut twice = url::Url::parse(&world.authorize_url(&[])).unwrap();
    twice.query_pairs_mut().append_pair("resource", &mcp).append_pair("resource", world.base());
    for url in [none.as_str(), twice.as_str()] {
        let callback = world.browse(url, "alice").await;
        assert!(param(&callback, "code").is_some(), "{url}: {callback}");
        assert_eq!(value(&received(&world), "resource"), None);
    }
}

#[tokio::test]
async fn as_27_without_resource_the_only_one_is_meant() {
    let world = World::start().await;
    let at_entra = world.at_entra(&world.authorize_url(&[("resource", None)])).await;
    assert_eq!(at_entra, world.at_entra(&world.authorize_url(&[])).await);
}

#[tokio::test]
async fn k32_k39_prompt_consent_is_dropped_and_what_people_asked_for_is_kept() {
    let world = World::start().await;
    for (sent, arrives) in [
        ("consent", None),
        ("login", Some("login")),
        ("select_account", Some("select_account")),
        ("none", Some("none")),
        ("login consent", Some("login")),
        ("consent select_account", Some("select_account")),
        ("select_account login", Some("login")),
        ("consent none", None),
        ("admin_consent", None),
        ("create", None),
        ("garbage", None),
        ("LOGIN", None),
        ("  ", None),
    ] {
        let at_entra = world.at_entra(&world.authorize_url(&[("prompt", Some(sent))])).await;
        assert_eq!(param(&at_entra, "prompt").as_deref(), arrives, "{sent}");
    }
}

#[tokio::test]
async fn k32_a_client_that_sends_prompt_consent_does_not_lead_to_the_admin_wall() {
    let world = World::start().await;
    world.control().set(|settings| settings.restrict_user_consent = true);
    let callback = world.browse(&world.authorize_url(&[("prompt", Some("consent"))]), "bob").await;
    assert!(param(&callback, "code").is_some(), "{callback}");
}

#[tokio::test]
async fn hints_state_and_nonce_arrive_at_entra() {
    let world = World::start().await;
    let changes = [
        ("login_hint", Some("bob@contoso.test")),
        ("domain_hint", Some("contoso.test")),
        ("nonce", Some("n-0S6_WzA2Mj")),
        ("state", Some("af0ifjsldkj")),
    ];
    let at_entra = world.at_entra(&world.authorize_url(&changes)).await;
    let callback = Reply::of(world.http.get(at_entra)).await.location();
    assert!(param(&callback, "code").is_some(), "login_hint signs bob in: {callback}");
    for (name, sent) in changes {
        assert_eq!(value(&received(&world), name), sent);
    }
}

#[tokio::test]
async fn k32_unknown_parameters_stay_behind() {
    let world = World::start().await;
    let changes = [
        "audience",
        "claims",
        "foo",
        "client_secret",
        "response_mode_",
        "request",
        "request_uri",
        "max_age",
        "acr_values",
        "id_token_hint",
        "amr_values",
        "sso_reload",
        "dc",
        "registration",
        "display",
    ]
    .map(|name| (name, Some("x")));
    let at_entra = world.at_entra(&world.authorize_url(&changes)).await;
    assert_eq!(at_entra, world.at_entra(&world.authorize_url(&[])).await);
    let expected = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ];
    assert_eq!(names(&at_entra), expected);
}

#[tokio::test]
async fn as_21_k34_state_comes_back_byte_by_byte() {
    let world = World::start().await;
    let long = "Ab0+/=~.".repeat(128);
    for state in [
        "xyz",
        "a+b/c==",
        "dnNjb2RlOi8vYXV0aA+/=",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "https://vscode.dev/redirect?url=vscode%3A%2F%2Fx&nonce=1+2",
        "with space & ampersand # hash ? question % percent %20 %2B",
        "\"quotes\" 'single' <tag> \\ back | pipe ^ `tick`",
        "grüße 工具 🔑 e\u{301}",
        "{\"json\":[1,2,{\"x\":null}]}",
        "state=1&code=2",
        " leading and trailing ",
        long.as_str(),
    ] {
        let url = world.authorize_url(&[("state", Some(state))]);
        let callback = world.browse(&url, "alice").await;
        assert_eq!(param(&callback, "state").as_deref(), Some(state), "{callback}");
        assert_eq!(callback.query_pairs().filter(|(name, _)| name == "state").count(), 1);
        let refused = world.authorize_url(&[("state", Some(state)), ("code_challenge", None)]);
        let refused = Reply::of(world.http.get(refused)).await.location();
        assert_eq!(param(&refused, "state").as_deref(), Some(state), "{refused}");
    }
}

#[tokio::test]
async fn k34_reserved_characters_are_percent_encoded_or_codex_shows_a_plus() {
    let world = World::start().await;
    let url = world.authorize_url(&[("state", Some("a+b/c= d"))]);
    let reply = Reply::of(world.http.get(url)).await;
    assert!(reply.header("location").contains("state=a%2Bb%2Fc%3D%20d"), "{}", reply.header("location"));
    let query = reply.header("location").split_once('?').unwrap().1;
    assert!(!query.contains('+'), "{query}");
}

#[tokio::test]
async fn without_state_none_is_invented() {
    let world = World::start().await;
    let callback = world.browse(&world.authorize_url(&[("state", None)]), "alice").await;
    assert_eq!(param(&callback, "state"), None, "{callback}");
    assert!(param(&callback, "code").is_some());
    let refused = world.authorize_url(&[("state", None), ("code_challenge", None)]);
    let refused = Reply::of(world.http.get(refused)).await.location();
    assert_eq!(names(&refused), ["error", "error_description"]);
}

#[tokio::test]
async fn as_18_k23_loopback_callbacks_take_any_port_on_every_measured_path() {
    let world = World::start().await;
    for uri in [
        "http://localhost:49152/callback",
        "http://localhost:8787/callback",
        "http://localhost:3335/oauth/callback",
        "http://localhost:6274/oauth/callback/debug",
        "http://localhost:50007/oauth_callback",
        "http://localhost:1",
        "http://127.0.0.1:40123/callback",
        "http://127.0.0.1:19876/mcp/oauth/callback",
        "http://127.0.0.1:33418/",
        "http://127.0.0.1:33419/",
        "https://claude.ai/api/mcp/auth_callback",
        "https://vscode.dev/redirect",
    ] {
        let callback = world.browse(&world.authorize_url(&[("redirect_uri", Some(uri))]), "alice").await;
        assert!(callback.as_str().starts_with(uri), "{callback}");
        let code = param(&callback, "code").unwrap_or_else(|| panic!("{uri}: {callback}"));
        let mut form = world.code_form(&code);
        form.iter_mut().filter(|(name, _)| *name == "redirect_uri").for_each(|(_, value)| *value = uri);
        assert_eq!(world.token(&form).await.status(), 200, "{uri}");
    }
}

#[tokio::test]
async fn as_18_a_loopback_path_that_is_not_registered_ends_on_entras_page_and_not_at_the_callback() {
    let world = World::start().await;
    for uri in [
        "http://localhost:1/other",
        "http://localhost:1/callback/",
        "http://localhost:1/Callback",
        "http://[::1]:1/callback",
    ] {
        let at_entra = world.at_entra(&world.authorize_url(&[("redirect_uri", Some(uri))])).await;
        let page = Reply::of(world.http.get(at_entra)).await;
        assert_eq!((page.status, page.header("location")), (200, ""), "{uri}");
        assert!(page.text.contains("AADSTS50011"), "{uri}: {}", page.text);
    }
}

#[tokio::test]
async fn k38_a_sign_in_that_takes_twenty_minutes_still_works() {
    let world = World::start().await;
    let mut at_entra = world.at_entra(&world.authorize_url(&[])).await;
    world.control().advance(Duration::from_secs(20 * 60));
    at_entra.query_pairs_mut().append_pair("login_hint", "alice@contoso.test");
    let callback = Reply::of(world.http.get(at_entra)).await.location();
    let code = param(&callback, "code").unwrap();
    assert_eq!(world.token(&world.code_form(&code)).await.status(), 200);
}

#[tokio::test]
async fn as_15_other_methods_are_405() {
    let world = World::start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let request = world.http.request(method.clone(), world.authorize_url(&[]));
        let reply = Reply::of(request).await;
        assert_eq!((reply.status, reply.header("location")), (405, ""), "{method}");
        assert!(reply.header("allow").contains("GET"), "{method}: {reply:?}");
    }
}
