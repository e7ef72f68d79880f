//! `/oauth/authorize` refuses: a page where nobody is to be trusted, a redirect with the reason otherwise.

use entragate_emulator::{Endpoint, Fault, FaultKind, fixtures};

use crate::world::{CHALLENGE, REDIRECT, Reply, World, param};

async fn ask(world: &World, changes: &[(&str, Option<&str>)]) -> Reply {
    Reply::of(
        world.http.get(world.authorize_url(changes)).header("accept", "text/html,application/xhtml+xml"),
    )
    .await
}

/// A page for a person: nothing is sent anywhere.
#[track_caller]
fn assert_page(reply: &Reply) {
    assert_eq!((reply.status, reply.header("location")), (400, ""), "{reply:?}");
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "no-store");
    for active in ["<script", "href=", "src=", "<form", "<meta http-equiv", "onerror"] {
        assert!(!reply.text.contains(active), "{active} in {}", reply.text);
    }
}

/// An error that the client gets at its callback, with its `state`.
#[track_caller]
fn assert_redirect(reply: &Reply, error: &str) -> url::Url {
    let callback = reply.location();
    assert!(callback.as_str().starts_with(&format!("{REDIRECT}?")), "{callback}");
    assert_eq!(param(&callback, "error").as_deref(), Some(error), "{callback}");
    assert_eq!(param(&callback, "state").as_deref(), Some("xyz"), "{callback}");
    assert_eq!(param(&callback, "code"), None, "{callback}");
    // Entra sends no `iss`, so neither do we: half of it is worse than none
    // (docs/clients.md, what relay mode cannot serve).
    assert_eq!(param(&callback, "iss"), None, "{callback}");
    let text = param(&callback, "error_description").unwrap();
    assert!(text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{text}");
    assert!(text.contains(' '), "{text}");
    assert!(!reply.header("location").contains('+'), "spaces are %20: {}", reply.header("location"));
    callback
}

#[tokio::test]
async fn as_17_an_unknown_client_gets_a_page_and_no_redirect() {
    let world = World::start().await;
    for client in [
        None,
        Some(""),
        Some("x"),
        Some(fixtures::CLI),
        Some(fixtures::API),
        Some("https://vscode.dev/oauth/client-metadata.json"),
    ] {
        let reply = ask(&world, &[("client_id", client)]).await;
        assert_page(&reply);
        assert!(reply.text.contains("The client_id is not known here"), "{}", reply.text);
        assert!(reply.text.contains("add it again"), "it says how to repair it: {}", reply.text);
    }
}

#[tokio::test]
async fn as_17_as_18_as_19_a_bad_redirect_uri_gets_a_page_and_no_redirect() {
    let world = World::start().await;
    for uri in [
        None,
        Some(""),
        Some("https://evil.test/callback"),
        Some("http://evil.test/callback"),
        Some("http://localhost.evil.test/callback"),
        Some("http://localhost@evil.test/callback"),
        Some("http://localhost/callback#fragment"),
        Some("http://LOCALHOST/callback"),
        Some("http://localhost/a/../callback"),
        Some("https://claude.ai/api/mcp/auth_callback/"),
        Some("https://claude.ai/api/mcp/auth_callback?next=https://evil.test"),
        Some("https://claude.ai/API/mcp/auth_callback"),
        Some("http://claude.ai/api/mcp/auth_callback"),
        Some("https://claude.ai%2fapi/mcp/auth_callback"),
        Some("https://chatgpt.com/connector/oauth/%2e%2e/x"),
        Some("https://chatgpt.com@evil.test/connector/oauth/x"),
        Some("javascript:alert(1)"),
        Some("data:text/html,x"),
        Some("cursor://anysphere.cursor-mcp/oauth/callback"),
        Some("//evil.test/callback"),
        Some("/callback"),
        Some("callback"),
    ] {
        assert_page(&ask(&world, &[("redirect_uri", uri)]).await);
    }
}

#[tokio::test]
async fn as_17_a_redirect_uri_that_could_be_allowed_says_with_which_setting() {
    let world = World::start().await;
    let reply = ask(&world, &[("redirect_uri", Some("https://chat.contoso.com/oauth/callback"))]).await;
    assert_page(&reply);
    for told in [
        "https://chat.contoso.com/oauth/callback",
        "allowed_redirect_uris in entragate.toml",
        "ENTRAGATE_ALLOWED_REDIRECT_URIS",
    ] {
        assert!(reply.text.contains(told), "{told}: {}", reply.text);
    }
}

#[tokio::test]
async fn as_17_upstream_client_id_with_an_evil_redirect_uri_stays_on_the_page() {
    let world = World::start().await;
    // The client id is public knowledge, so it must buy nothing.
    let reply =
        ask(&world, &[("client_id", Some(fixtures::MCP)), ("redirect_uri", Some("https://evil.test/"))])
            .await;
    assert_page(&reply);
    assert_eq!(world.control().requests(), []);
}

#[tokio::test]
async fn as_41_a_page_cannot_be_framed_runs_no_script_and_leaks_no_referrer() {
    let world = World::start().await;
    let reply = ask(&world, &[("client_id", Some("x"))]).await;
    assert_page(&reply);
    assert_eq!(reply.header("x-frame-options"), "DENY");
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let policy = reply.header("content-security-policy");
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]
    {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn what_was_sent_is_escaped_on_the_page() {
    let world = World::start().await;
    for evil in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'><svg/onload=alert(1)>",
        "</code></main><iframe srcdoc=x>",
        "&lt;script&gt;",
    ] {
        for name in ["client_id", "redirect_uri"] {
            let reply =
                ask(&world, &[(name, Some(evil)), ("state", Some(evil)), ("scope", Some(evil))]).await;
            assert_eq!((reply.status, reply.header("location")), (400, ""));
            assert!(!reply.text.contains(evil), "{name}: {}", reply.text);
            let tags: Vec<&str> = reply.text.matches(['<']).collect();
            let clean = ask(&world, &[(name, Some("x"))]).await;
            assert_eq!(tags.len(), clean.text.matches(['<']).count(), "{name}: {}", reply.text);
        }
    }
    // In a redirect, the same strings are data.
    let reply = ask(&world, &[("response_type", Some("<script>"))]).await;
    let callback = assert_redirect(&reply, "unsupported_response_type");
    assert!(!callback.as_str().contains("%3C"), "{callback}");
}

#[tokio::test]
async fn k29_mcp_remote_asks_for_json_and_registers_again_on_invalid_client() {
    let world = World::start().await;
    for (changes, error) in [
        ([("client_id", Some("x"))], "invalid_client"),
        ([("client_id", None)], "invalid_client"),
        ([("redirect_uri", Some("https://evil.test/"))], "invalid_request"),
    ] {
        for method in ["GET", "POST"] {
            let url = url::Url::parse(&world.authorize_url(&changes)).unwrap();
            let form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let request = match method {
                "GET" => world.http.get(url),
                _ => world.http.post(world.url("/oauth/authorize")).form(&form),
            };
            let reply = Reply::of(request.header("accept", "application/json")).await;
            assert_eq!((reply.status, reply.header("location")), (400, ""), "{changes:?}");
            assert_eq!(reply.json()["error"], error, "{changes:?}");
            assert_eq!(reply.header("cache-control"), "no-store");
        }
    }
    // A good request is the same for both.
    let request = world.http.get(world.authorize_url(&[])).header("accept", "application/json");
    assert_eq!(Reply::of(request).await.status, 302);
}

#[tokio::test]
async fn as_20_k37_without_s256_nobody_signs_in() {
    let world = World::start().await;
    let long = format!("{CHALLENGE}A");
    for changes in [
        vec![("code_challenge", None)],
        vec![("code_challenge", None), ("code_challenge_method", None)],
        vec![("code_challenge_method", None)],
        vec![("code_challenge_method", Some("plain"))],
        vec![("code_challenge_method", Some("s256"))],
        vec![("code_challenge_method", Some("S512"))],
        vec![("code_challenge", Some("a"))],
        vec![("code_challenge", Some(&CHALLENGE[..42]))],
        vec![("code_challenge", Some(long.as_str()))],
        vec![("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"))],
        vec![("code_challenge", Some(""))],
    ] {
        let callback = assert_redirect(&ask(&world, &changes).await, "invalid_request");
        let text = param(&callback, "error_description").unwrap();
        assert!(text.contains("code_challenge"), "{changes:?}: {text}");
    }
    assert_eq!(world.control().requests(), [], "Entra would take them all");
}

#[tokio::test]
async fn as_16_only_response_type_code_is_supported() {
    let world = World::start().await;
    for (response_type, error) in [
        (None, "invalid_request"),
        (Some(""), "invalid_request"),
        (Some("token"), "unsupported_response_type"),
        (Some("id_token"), "unsupported_response_type"),
        (Some("code id_token"), "unsupported_response_type"),
        (Some("CODE"), "unsupported_response_type"),
    ] {
        assert_redirect(&ask(&world, &[("response_type", response_type)]).await, error);
    }
}

#[tokio::test]
async fn a_response_mode_other_than_query_is_refused() {
    let world = World::start().await;
    for mode in ["fragment", "form_post", "query.jwt", "Query"] {
        assert_redirect(&ask(&world, &[("response_mode", Some(mode))]).await, "invalid_request");
    }
    assert_eq!(ask(&world, &[("response_mode", Some("query"))]).await.status, 302);
    let at_entra = world.at_entra(&world.authorize_url(&[("response_mode", Some("query"))])).await;
    assert_eq!(param(&at_entra, "response_mode"), None);
}

#[tokio::test]
async fn as_25_as_26_k30_a_resource_of_somebody_else_is_invalid_target() {
    let world = World::start().await;
    let base = world.base().to_owned();
    let port = world.addr.port();
    for resource in [
        "https://evil.test/mcp".to_owned(),
        format!("{base}/mcp2"),
        format!("{base}/MCP"),
        format!("{base}/mcp#x"),
        format!("{base}/mcp?x=1"),
        format!("https://localhost:{port}/mcp"),
        format!("http://localhost.evil.test:{port}/mcp"),
        "http://localhost/mcp".to_owned(),
        format!("api://{}", fixtures::SIBLING),
        "https://graph.microsoft.com".to_owned(),
        "/mcp".to_owned(),
        "mcp".to_owned(),
    ] {
        let callback =
            assert_redirect(&ask(&world, &[("resource", Some(&resource))]).await, "invalid_target");
        let text = param(&callback, "error_description").unwrap();
        assert!(text.contains(&format!("{base}/mcp")), "it says what would be right: {text}");
        let mut both = url::Url::parse(&world.authorize_url(&[])).unwrap();
        both.query_pairs_mut().append_pair("resource", &resource);
        assert_redirect(&Reply::of(world.http.get(both)).await, "invalid_target");
    }
}

#[tokio::test]
async fn as_15_a_repeated_parameter_is_an_error_and_not_a_choice() {
    let world = World::start().await;
    for (name, second) in [
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("login_hint", "bob@contoso.test"),
        ("nonce", "n"),
    ] {
        let mut url = url::Url::parse(&world.authorize_url(&[(name, Some("code"))])).unwrap();
        url.query_pairs_mut().append_pair(name, second);
        let callback = assert_redirect(&Reply::of(world.http.get(url)).await, "invalid_request");
        assert_eq!(param(&callback, "error_description"), Some(format!("{name} is repeated")));
    }
}

#[tokio::test]
async fn as_15_a_repeated_state_is_not_returned_because_either_could_be_the_attackers() {
    let world = World::start().await;
    let mut url = url::Url::parse(&world.authorize_url(&[])).unwrap();
    url.query_pairs_mut().append_pair("state", "other");
    let callback = Reply::of(world.http.get(url)).await.location();
    assert_eq!(param(&callback, "error").as_deref(), Some("invalid_request"));
    assert_eq!(param(&callback, "state"), None);
}

#[tokio::test]
async fn as_15_as_17_a_repeated_client_or_redirect_uri_is_a_page_because_the_last_one_could_be_evil() {
    let world = World::start().await;
    for (name, second) in [
        ("client_id", fixtures::MCP),
        ("client_id", "x"),
        ("redirect_uri", REDIRECT),
        ("redirect_uri", "http://localhost:2/callback"),
        ("redirect_uri", "https://evil.test/"),
    ] {
        let mut url = url::Url::parse(&world.authorize_url(&[])).unwrap();
        url.query_pairs_mut().append_pair(name, second);
        let reply = Reply::of(world.http.get(url)).await;
        assert_page(&reply);
        assert!(reply.text.contains(&format!("{name} is repeated")), "{}", reply.text);
    }
}

#[tokio::test]
async fn an_error_keeps_the_query_of_the_callback() {
    let world = World::start().await;
    let uri = "http://localhost:1/callback?tab=7";
    let callback = ask(&world, &[("redirect_uri", Some(uri)), ("code_challenge", None)]).await.location();
    assert!(callback.as_str().starts_with(&format!("{uri}&error=invalid_request&")), "{callback}");
}

#[tokio::test]
async fn an_outage_of_entra_is_told_to_the_client_as_temporary() {
    let mut world = World::start().await;
    world.shut_entra_down().await;
    let callback = assert_redirect(&ask(&world, &[]).await, "temporarily_unavailable");
    assert!(param(&callback, "error_description").unwrap().contains("try again"), "{callback}");
    // What is wrong with the request is still said first.
    assert_redirect(&ask(&world, &[("code_challenge", None)]).await, "invalid_request");
    assert_page(&ask(&world, &[("client_id", None)]).await);
}

#[tokio::test]
async fn an_outage_after_the_first_sign_in_changes_nothing_on_this_leg() {
    let mut world = World::start().await;
    let url = world.authorize_url(&[]);
    let at_entra = world.at_entra(&url).await;
    world.shut_entra_down().await;
    assert_eq!(Reply::of(world.http.get(url)).await.location(), at_entra, "the endpoint is known");
}

#[tokio::test]
async fn a_discovery_document_that_fails_once_is_asked_again() {
    let world = World::start().await;
    let fault = Fault { endpoint: Endpoint::Discovery, kind: FaultKind::Unavailable, times: Some(1) };
    world.control().inject(fault);
    assert_redirect(&ask(&world, &[]).await, "temporarily_unavailable");
    world.control().advance(std::time::Duration::from_secs(6));
    world.at_entra(&world.authorize_url(&[])).await;
}

#[tokio::test]
async fn k35_entras_own_refusals_come_to_the_client_with_its_state() {
    let world = World::start().await;
    let at_entra = world.at_entra(&world.authorize_url(&[("prompt", Some("none"))])).await;
    let callback = Reply::of(world.http.get(at_entra)).await.location();
    assert_eq!(param(&callback, "error").as_deref(), Some("login_required"), "{callback}");
    assert_eq!(param(&callback, "state").as_deref(), Some("xyz"));
}

#[tokio::test]
async fn a_posted_form_over_64_kib_is_refused() {
    let world = World::start().await;
    let form = [("state", "x".repeat(65 * 1024))];
    let reply = Reply::of(world.http.post(world.url("/oauth/authorize")).form(&form)).await;
    assert_eq!((reply.status, reply.header("location")), (413, ""));
}
