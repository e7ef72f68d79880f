//! `/oauth/token`: Entra's errors in the client's language, so that clients start over where that helps and
//! only there (docs/clients.md K44, K47).

use entragate::{ApiApp, ClientId, RedirectRule};
use entragate_emulator::{Endpoint, Fault, FaultKind, fixtures};

use crate::world::{Reply, Tokens, World, log, param};

async fn refresh(world: &World, tokens: &Tokens) -> Reply {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", fixtures::MCP),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    Reply::read(world.token(&form).await).await
}

fn fault(endpoint: Endpoint, kind: FaultKind) -> Fault {
    Fault { endpoint, kind, times: None }
}

/// An error, and its description: only characters of RFC 6749 §5.2, nobody's address, no trace.
#[track_caller]
fn assert_error(reply: &Reply, status: u16, error: &str) -> String {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    let body = reply.json();
    assert_eq!(body["error"], error, "{body}");
    let text = body["error_description"].as_str().unwrap().to_owned();
    assert!(text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{text}");
    for hidden in ["@", "Trace ID", "Timestamp", "  "] {
        assert!(!text.contains(hidden), "{hidden:?} in {text}");
    }
    text
}

/// Entra's error as it should arrive: its code, what to do, and the id for the sign-in log.
#[track_caller]
fn assert_explained(text: &str, aadsts: &str) {
    assert!(text.starts_with(&format!("{aadsts}: ")), "{text}");
    assert!(text.contains(" [Entragate: "), "{text}");
    let (_, id) =
        text.split_once("] Correlation ID: ").unwrap_or_else(|| panic!("no correlation id: {text}"));
    assert_eq!(id.len(), 36, "{text}");
}

#[tokio::test]
async fn k44_whoever_must_come_back_gets_invalid_grant_on_which_every_client_signs_in_anew() {
    for (change, aadsts) in [("revoke", "AADSTS50173"), ("mfa", "AADSTS50076"), ("block", "AADSTS53003")] {
        let world = World::start().await;
        let tokens = world.sign_in("bob").await;
        match change {
            "revoke" => {
                // Within the second of the sign-in, the order would be unknown.
                world.control().advance(std::time::Duration::from_secs(5));
                world.control().revoke_user("bob");
            }
            "mfa" => world.control().set(|settings| settings.mfa_required_users = vec!["bob".into()]),
            _ => world.control().set(|settings| settings.ca_blocked_users = vec!["bob".into()]),
        }
        let reply = refresh(&world, &tokens).await;
        let text = assert_error(&reply, 400, "invalid_grant");
        assert_explained(&text, aadsts);
    }
}

#[tokio::test]
async fn k44_a_refresh_token_that_rested_ninety_days_is_invalid_grant_aadsts700082() {
    let world = World::start().await;
    let tokens = world.sign_in("alice").await;
    world.control().advance(std::time::Duration::from_secs(91 * 24 * 3600));
    let text = assert_error(&refresh(&world, &tokens).await, 400, "invalid_grant");
    assert_explained(&text, "AADSTS700082");
}

#[tokio::test]
async fn k45_an_unknown_refresh_token_or_code_is_invalid_grant_or_the_typescript_sdk_gives_up() {
    let world = World::start().await;
    let tokens = world.sign_in("alice").await;
    let truncated = tokens.refresh[..tokens.refresh.len() / 2].to_owned();
    for refresh_token in ["x", "a.b.c", truncated.as_str(), tokens.access.as_str()] {
        let reply = refresh(&world, &Tokens { refresh: refresh_token.to_owned(), ..tokens.clone() }).await;
        assert_error(&reply, 400, "invalid_grant");
    }
    for code in ["x", "0.AAAA", tokens.refresh.as_str()] {
        let reply = Reply::read(world.token(&world.code_form(code)).await).await;
        assert_error(&reply, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn k45_a_refresh_token_of_another_client_app_is_invalid_grant_and_not_invalid_client() {
    let world = World::start().await;
    // Somebody signs in at Entra without the gate, as another client app.
    let at_entra = world.at_entra(&world.authorize_url(&[])).await;
    let url = at_entra.as_str().replace(fixtures::MCP, fixtures::CLI) + "&login_hint=alice@contoso.test";
    let callback = Reply::of(world.http.get(url)).await.location();
    let code = param(&callback, "code").unwrap();
    let mut form = world.code_form(&code);
    form.iter_mut().filter(|(name, _)| *name == "client_id").for_each(|(_, value)| *value = fixtures::CLI);
    let url = at_entra.as_str().split('?').next().unwrap().replace("/authorize", "/token");
    let body = Reply::of(world.http.post(url).form(&form)).await.text;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let tokens =
        Tokens { access: String::new(), refresh: body["refresh_token"].as_str().unwrap().into(), body };
    let text = assert_error(&refresh(&world, &tokens).await, 400, "invalid_grant");
    assert_explained(&text, "AADSTS70000");
}

#[tokio::test]
async fn k47_throttling_is_503_with_the_time_that_entra_asked_for() {
    let world = World::start().await;
    let tokens = world.sign_in("alice").await;
    world.control().inject(fault(Endpoint::Token, FaultKind::Throttle { retry_after_seconds: 17 }));
    let reply = refresh(&world, &tokens).await;
    assert_error(&reply, 503, "temporarily_unavailable");
    assert_eq!(reply.header("retry-after"), "17");
    let requests = world.control().requests();
    assert_eq!(requests.iter().filter(|request| request.status == 429).count(), 1, "asked once, not again");
    world.control().clear_faults();
    assert_eq!(refresh(&world, &tokens).await.status, 200, "the refresh token is still good");
}

#[tokio::test]
async fn k47_an_outage_of_entra_is_503_whatever_it_looks_like() {
    let mut world = World::start().await;
    let tokens = world.sign_in("alice").await;
    for kind in [FaultKind::Unavailable, FaultKind::CloseConnection] {
        let code = world.code("alice").await;
        world.control().inject(fault(Endpoint::Token, kind.clone()));
        for reply in
            [refresh(&world, &tokens).await, Reply::read(world.token(&world.code_form(&code)).await).await]
        {
            assert_error(&reply, 503, "temporarily_unavailable");
            assert_ne!(reply.header("retry-after"), "", "{kind:?}");
        }
        world.control().clear_faults();
        let reply = Reply::read(world.token(&world.code_form(&code)).await).await;
        assert_eq!(reply.status, 200, "{kind:?}: the code was not used up: {reply:?}");
    }
    world.shut_entra_down().await;
    let reply = refresh(&world, &tokens).await;
    assert_error(&reply, 503, "temporarily_unavailable");
    assert_eq!(reply.header("retry-after"), "5");
}

#[tokio::test]
async fn k47_a_gate_that_never_reached_entra_says_503_too() {
    let mut world = World::start().await;
    world.shut_entra_down().await;
    let reply = Reply::read(world.token(&world.code_form("x")).await).await;
    assert_error(&reply, 503, "temporarily_unavailable");
    assert_eq!(reply.header("retry-after"), "5");
}

/// WEB is confidential: the mistake of registering the redirect URI as "Web" (row 6 of
/// docs/incompatibilities).
#[tokio::test]
async fn k44_a_confidential_client_app_is_server_error_that_names_the_row_aadsts7000218() {
    let callback = "https://gw.contoso.test/auth/callback";
    let rule = RedirectRule::parse(callback).unwrap();
    let world =
        World::builder().client(fixtures::WEB).gate(move |gate| gate.redirect_rules([rule])).start().await;
    let changes = [("redirect_uri", Some(callback))];
    let code = param(&world.browse(&world.authorize_url(&changes), "alice").await, "code").unwrap();
    let mut form = world.code_form(&code);
    form.iter_mut().filter(|(name, _)| *name == "redirect_uri").for_each(|(_, value)| *value = callback);
    let mut log = log::capture();
    let reply = Reply::read(world.token(&form).await).await;
    // Not `invalid_client`: clients would throw their registration away and start again, for ever.
    let text = assert_error(&reply, 500, "server_error");
    assert_explained(&text, "AADSTS7000218");
    assert!(text.contains("Mobile and desktop applications"), "{text}");
    assert!(text.contains("see row 13 of docs/incompatibilities"), "{text}");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("aadsts=") && line.contains("AADSTS7000218")), "{lines:?}");
    let requests = world.control().requests();
    assert_eq!(
        requests.iter().filter(|request| request.status == 401).count(),
        1,
        "Entra did say invalid_client"
    );
}

#[tokio::test]
async fn a_token_that_this_server_would_refuse_ends_here_with_the_reason_and_not_in_401_loops() {
    // The Application ID URI of another app: Entra issues tokens for that one.
    let api = ApiApp::new(ClientId::parse(fixtures::SIBLING).unwrap())
        .with_identifier_uris([format!("api://{}", fixtures::API)])
        .unwrap()
        .with_scopes(["access"])
        .unwrap();
    let mut log = log::capture();
    let world = World::builder().api(api).start().await;
    let scope = format!("api://{}/access", fixtures::API);
    let callback = world.browse(&world.authorize_url(&[("scope", Some(&scope))]), "alice").await;
    let code = param(&callback, "code").unwrap();
    let reply = Reply::read(world.token(&world.code_form(&code)).await).await;
    let text = assert_error(&reply, 500, "server_error");
    assert!(text.contains(&format!("audience `{}` is not the API app", fixtures::API)), "{text}");
    assert!(text.contains("Check the app registrations"), "{text}");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("check=audience")), "{lines:?}");
}

#[tokio::test]
async fn as_35_an_address_that_entra_quotes_back_is_left_out() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let mut form = world.code_form(&code);
    let other = "http://localhost:51789/callback?user=alice@contoso.test";
    form.iter_mut().filter(|(name, _)| *name == "redirect_uri").for_each(|(_, value)| *value = other);
    let mut log = log::capture();
    let reply = Reply::read(world.token(&form).await).await;
    let text = assert_error(&reply, 400, "invalid_grant");
    assert_explained(&text, "AADSTS500112");
    assert!(text.contains("(user)"), "{text}");
    assert!(log.lines().iter().all(|line| !line.contains("alice@")));
}

#[tokio::test]
async fn as_35_error_uri_is_kept() {
    let world = World::start().await;
    let tokens = world.sign_in("alice").await;
    let code = Reply::read(world.token(&world.code_form(&tokens.refresh)).await).await;
    let uri = code.json()["error_uri"].as_str().unwrap_or_else(|| panic!("{code:?}")).to_owned();
    assert!(uri.contains("/error?code="), "{uri}");
}

#[tokio::test]
async fn an_error_description_in_full() {
    let world = World::start().await;
    let code = world.code("alice").await;
    Reply::read(world.token(&world.code_form(&code)).await).await;
    let reply = Reply::read(world.token(&world.code_form(&code)).await).await;
    let text = assert_error(&reply, 400, "invalid_grant");
    let (text, _) = text.split_once(" Correlation ID: ").unwrap();
    insta::assert_snapshot!(text, @"AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token. [Entragate: the code was redeemed before: the client posted it twice. The client must redeem a code once and not repeat the request; the person signs in again meanwhile]");
}
