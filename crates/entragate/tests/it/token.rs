//! `/oauth/token`: grants come in from the client, go out to Entra, and come back as the client can read them.

use std::time::Duration;

use entragate_emulator::{RecordedRequest, fixtures};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::{REDIRECT, Reply, Tokens, VERIFIER, World, log, param};

const ALWAYS: &str = "openid profile offline_access";

fn access() -> String {
    format!("api://{}/access", fixtures::API)
}

/// What Entra's token endpoint got last.
fn received(world: &World) -> RecordedRequest {
    let requests = world.control().requests();
    let last = requests.into_iter().rev().find(|request| request.path.ends_with("/oauth2/v2.0/token"));
    last.expect("Entra's token endpoint was asked")
}

fn names(pairs: &[(String, String)]) -> Vec<&str> {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names
}

async fn token(world: &World, form: &[(&str, &str)]) -> Reply {
    Reply::read(world.token(form).await).await
}

fn refresh_form(tokens: &Tokens) -> Vec<(&str, &str)> {
    vec![("grant_type", "refresh_token"), ("client_id", fixtures::MCP), ("refresh_token", &tokens.refresh)]
}

/// A token answer as the strictest client reads it (docs/clients.md K40).
#[track_caller]
fn assert_tokens(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    let body = reply.json();
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "token_type", "expires_in", "scope", "refresh_token"]);
    assert_eq!(body["token_type"], "Bearer");
    let lifetime = body["expires_in"].as_u64().unwrap_or_else(|| panic!("not an integer: {body}"));
    assert!((900..=5_400).contains(&lifetime), "Claude Code refreshes all the time below 300 s: {lifetime}");
    assert_eq!(body["scope"], access(), "what was published, without what was added towards Entra");
    body
}

#[tokio::test]
async fn as_34_k40_k43_a_token_answer_has_exactly_the_members_of_oauth() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let body = assert_tokens(&token(&world, &world.code_form(&code)).await);
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    assert_eq!(
        world.post(body["access_token"].as_str(), &ping).await.status(),
        200,
        "the token opens the door"
    );
}

#[tokio::test]
async fn as_28_the_token_is_for_this_server_only() {
    let world = World::start().await;
    let token = world.sign_in("alice").await.access;
    let claims = crate::refusals::payload(&token);
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!(fixtures::API), &json!("access")));
}

#[tokio::test]
async fn as_34_refresh_gives_new_tokens_of_the_same_kind() {
    let world = World::start().await;
    let first = world.sign_in("alice").await;
    world.control().advance(Duration::from_secs(2 * 3600));
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    assert_eq!(world.post(Some(&first.access), &ping).await.status(), 401, "it expired");
    let body = assert_tokens(&token(&world, &refresh_form(&first)).await);
    assert_ne!(body["access_token"], first.access.as_str());
    assert_ne!(body["refresh_token"], first.refresh.as_str());
    assert_eq!(world.post(body["access_token"].as_str(), &ping).await.status(), 200);
    // The answer to the code looked the same.
    assert_eq!(first.body["scope"], body["scope"]);
}

#[tokio::test]
async fn entra_gets_a_code_with_scope_and_nothing_that_it_refuses() {
    let world = World::start().await;
    let code = world.code("alice").await;
    assert_tokens(&token(&world, &world.code_form(&code)).await);
    let received = received(&world);
    let expected = ["client_id", "code", "code_verifier", "grant_type", "redirect_uri", "scope"];
    assert_eq!(names(&received.form), expected);
    assert_eq!(received.param("scope"), Some(format!("{} {ALWAYS}", access()).as_str()));
    assert_eq!(received.param("client_id"), Some(fixtures::MCP));
    assert_eq!(received.param("redirect_uri"), Some(REDIRECT));
    assert_eq!(received.query, []);
}

#[tokio::test]
async fn k41_entra_gets_scope_on_refresh_or_the_second_hour_ends_in_aadsts90009() {
    let world = World::start().await;
    world.control().set(|settings| {
        settings.refresh_without_scope = entragate_emulator::RefreshWithoutScope::Reject90009;
    });
    let tokens = world.sign_in("alice").await;
    assert_tokens(&token(&world, &refresh_form(&tokens)).await);
    let received = received(&world);
    assert_eq!(names(&received.form), ["client_id", "grant_type", "refresh_token", "scope"]);
    assert_eq!(received.param("scope"), Some(format!("{} {ALWAYS}", access()).as_str()));
}

#[tokio::test]
async fn k48_origin_secrets_resource_and_unknown_parameters_stop_here_aadsts9002326_700025_9010010() {
    let world = World::start().await;
    let mcp = world.url("/mcp");
    let own_origin = format!("http://localhost:{}", world.addr.port());
    for origin in ["http://localhost:6274", own_origin.as_str()] {
        let code = world.code("alice").await;
        let mut form = world.code_form(&code);
        form.extend([
            ("resource", mcp.as_str()),
            ("resource", mcp.as_str()),
            ("client_secret", "s3cret"),
            ("client_assertion", "x"),
            ("audience", "x"),
            ("claims", "{}"),
            ("requested_token_use", "on_behalf_of"),
        ]);
        let request = world.http.post(world.url("/oauth/token")).form(&form);
        let request = request.header("origin", origin).header("cookie", "a=b").header("referer", origin);
        assert_tokens(&Reply::of(request).await);
        let received = received(&world);
        let expected = ["client_id", "code", "code_verifier", "grant_type", "redirect_uri", "scope"];
        assert_eq!(names(&received.form), expected);
        for header in ["origin", "cookie", "referer", "authorization", "sec-fetch-site", "x-forwarded-for"] {
            assert_eq!(received.header(header), None, "{header}");
        }
    }
}

#[tokio::test]
async fn as_25_k30_resource_is_compared_on_this_leg_too_in_any_number_of_copies() {
    let world = World::start().await;
    let tokens = world.sign_in("alice").await;
    let (mcp, base) = (world.url("/mcp"), world.base().to_owned());
    let (slash, origin_slash) = (format!("{mcp}/"), format!("{base}/"));
    for resources in [
        vec![],
        vec![mcp.as_str()],
        vec![&slash],
        vec![&base],
        vec![&origin_slash],
        vec![&mcp, &mcp],
        vec![&mcp, &origin_slash],
        vec![""],
    ] {
        for grant in ["code", "refresh"] {
            let code = world.code("alice").await;
            let mut form = if grant == "code" { world.code_form(&code) } else { refresh_form(&tokens) };
            form.extend(resources.iter().map(|resource| ("resource", *resource)));
            assert_tokens(&token(&world, &form).await);
            assert_eq!(received(&world).param("resource"), None, "{resources:?}");
        }
    }
    for resources in [vec!["https://evil.test/mcp"], vec![&mcp, "https://evil.test/mcp"]] {
        let mut form = refresh_form(&tokens);
        form.extend(resources.iter().map(|resource| ("resource", *resource)));
        let reply = token(&world, &form).await;
        assert_eq!(
            (reply.status, reply.json()["error"].as_str()),
            (400, Some("invalid_target")),
            "{resources:?}"
        );
    }
}

#[tokio::test]
async fn k41_refresh_works_with_every_scope_a_client_replays() {
    let world = World::start().await;
    let mut tokens = world.sign_in("alice").await;
    let (api, uri) = (access(), format!("api://{}", fixtures::API));
    let all = format!("{api} {ALWAYS} email");
    let mixed = format!("{uri}/.default {api}");
    let guid = format!("{}/access", fixtures::API);
    for (scope, at_entra) in [
        (None, format!("{api} {ALWAYS}")),
        (Some(""), format!("{api} {ALWAYS}")),
        // mcp-remote and Gemini: what the token answer said.
        (Some(api.as_str()), format!("{api} {ALWAYS}")),
        (Some(all.as_str()), format!("{api} {ALWAYS} email")),
        (Some("access"), format!("{api} {ALWAYS}")),
        (Some("openid offline_access"), format!("{api} {ALWAYS}")),
        (Some(guid.as_str()), format!("{api} {ALWAYS}")),
        (Some("https://graph.microsoft.com/User.Read"), format!("{api} {ALWAYS}")),
        // Copilot CLI: AADSTS70011.
        (Some(mixed.as_str()), format!("{api} {ALWAYS}")),
    ] {
        let mut form = refresh_form(&tokens);
        form.extend(scope.map(|scope| ("scope", scope)));
        let body = assert_tokens(&token(&world, &form).await);
        assert_eq!(received(&world).param("scope"), Some(at_entra.as_str()), "{scope:?}");
        tokens.refresh = body["refresh_token"].as_str().unwrap().to_owned();
    }
}

#[tokio::test]
async fn k40_scope_speaks_the_published_vocabulary_also_where_entra_says_more() {
    let world = World::start().await;
    for scope in [None, Some("openid"), Some("access"), Some("openid profile email offline_access")] {
        let callback = world.browse(&world.authorize_url(&[("scope", scope)]), "alice").await;
        let code = param(&callback, "code").unwrap();
        assert_tokens(&token(&world, &world.code_form(&code)).await);
    }
}

#[tokio::test]
async fn k17_the_root_alias_redeems_and_refreshes() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let request = world.http.post(world.url("/token")).form(&world.code_form(&code));
    let body = assert_tokens(&Reply::of(request).await);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", fixtures::MCP),
        ("refresh_token", body["refresh_token"].as_str().unwrap()),
    ];
    assert_tokens(&Reply::of(world.http.post(world.url("/token")).form(&form)).await);
}

#[tokio::test]
async fn as_31_a_wrong_verifier_is_invalid_grant_and_the_right_one_still_works() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let mut form = world.code_form(&code);
    let other = VERIFIER.replace('d', "e");
    form.iter_mut().filter(|(name, _)| *name == "code_verifier").for_each(|(_, value)| *value = &other);
    let reply = token(&world, &form).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_grant")), "{reply:?}");
    assert!(reply.text.contains("AADSTS501481"), "{}", reply.text);
    assert_tokens(&token(&world, &world.code_form(&code)).await);
}

#[tokio::test]
async fn as_31_a_verifier_that_cannot_be_one_does_not_reach_entra() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let (short, long) = (&VERIFIER[..42], VERIFIER.repeat(3));
    world.control().clear_requests();
    for (verifier, error) in
        [(short, "invalid_grant"), (&long, "invalid_grant"), ("ä", "invalid_grant"), ("", "invalid_request")]
    {
        let mut form = world.code_form(&code);
        form.iter_mut().filter(|(name, _)| *name == "code_verifier").for_each(|(_, value)| *value = verifier);
        let reply = token(&world, &form).await;
        assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some(error)), "{verifier}");
    }
    assert_eq!(world.control().requests(), []);
}

#[tokio::test]
async fn as_29_k46_a_code_buys_tokens_once_aadsts54005() {
    let world = World::start().await;
    let code = world.code("alice").await;
    assert_tokens(&token(&world, &world.code_form(&code)).await);
    let reply = token(&world, &world.code_form(&code)).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_grant")), "{reply:?}");
    assert!(reply.text.contains("AADSTS54005"), "{}", reply.text);
}

#[tokio::test]
async fn as_29_of_twenty_parallel_redemptions_one_wins() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let form = world.code_form(&code);
    let replies = join_all((0..20).map(|_| token(&world, &form))).await;
    let won = replies.iter().filter(|reply| reply.status == 200).count();
    let lost =
        replies.iter().filter(|reply| reply.status == 400 && reply.text.contains("invalid_grant")).count();
    assert_eq!((won, lost), (1, 19));
}

#[tokio::test]
async fn as_29_k46_an_expired_code_is_invalid_grant_aadsts70008() {
    let world = World::start().await;
    let code = world.code("alice").await;
    world.control().advance(Duration::from_secs(11 * 60));
    let reply = token(&world, &world.code_form(&code)).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_grant")), "{reply:?}");
    assert!(reply.text.contains("AADSTS70008"), "{}", reply.text);
}

#[tokio::test]
async fn as_30_another_redirect_uri_is_invalid_grant_aadsts500112() {
    let world = World::start().await;
    let code = world.code("alice").await;
    for other in [
        "http://localhost:51790/callback",
        "http://127.0.0.1:51789/callback",
        "http://localhost:51789/callback?x=1",
    ] {
        let mut form = world.code_form(&code);
        form.iter_mut().filter(|(name, _)| *name == "redirect_uri").for_each(|(_, value)| *value = other);
        let reply = token(&world, &form).await;
        assert_eq!(
            (reply.status, reply.json()["error"].as_str()),
            (400, Some("invalid_grant")),
            "{other}: {reply:?}"
        );
        assert!(reply.text.contains("AADSTS500112"), "{}", reply.text);
    }
    assert_tokens(&token(&world, &world.code_form(&code)).await);
}

#[tokio::test]
async fn k42_ten_processes_may_refresh_with_the_same_token() {
    let world = World::start().await;
    let tokens = world.sign_in("alice").await;
    let form = refresh_form(&tokens);
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for reply in join_all((0..10).map(|_| token(&world, &form))).await {
        let body = assert_tokens(&reply);
        assert_eq!(world.post(body["access_token"].as_str(), &ping).await.status(), 200);
    }
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let world = World::start().await;
    let tokens = world.sign_in("alice").await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    assert_eq!(world.post(Some(&tokens.refresh), &ping).await.status(), 401);
}

#[tokio::test]
async fn a_whole_sign_in_can_be_read_in_the_log_and_nothing_secret_is_in_it() {
    let mut log = log::capture();
    let world = World::start().await;
    world.post(None, &json!({})).await;
    world.get("/.well-known/oauth-protected-resource/mcp").await;
    world.get("/.well-known/oauth-authorization-server").await;
    let body = json!({ "redirect_uris": [REDIRECT] });
    world.http.post(world.url("/oauth/register")).json(&body).send().await.unwrap();
    let state = "state-that-nobody-should-log";
    let callback = world.browse(&world.authorize_url(&[("state", Some(state))]), "alice").await;
    let code = param(&callback, "code").unwrap();
    let tokens = assert_tokens(&token(&world, &world.code_form(&code)).await);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", fixtures::MCP), ("refresh_token", refresh)];
    assert_tokens(&token(&world, &form).await);
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    world.post(tokens["access_token"].as_str(), &ping).await;
    // And what goes wrong.
    token(&world, &world.code_form(&code)).await;
    token(&world, &[("grant_type", "refresh_token"), ("client_id", "x"), ("refresh_token", refresh)]).await;

    let lines = log.lines();
    let legs: Vec<&str> = lines
        .iter()
        .filter(|line| line.starts_with("entragate::signin"))
        .filter_map(|line| line.split(" leg=").nth(1)?.split(' ').next())
        .collect();
    let expected = [
        "challenge",
        "protected_resource_metadata",
        "authorization_server_metadata",
        "register",
        "authorize",
        "code",
        "refresh",
        "call",
        "refused",
        "refused",
    ];
    assert_eq!(legs, expected);
    let access = tokens["access_token"].as_str().unwrap();
    for secret in [code.as_str(), refresh, access, VERIFIER, state, "alice@"] {
        let secret = &secret[..secret.len().min(24)];
        assert!(
            !lines.iter().any(|line| line.starts_with("entragate::") && line.contains(secret)),
            "{secret}: {lines:#?}"
        );
    }
}
