//! Several MCP servers behind one gate in broker mode: a sign-in is for one of them.

use std::sync::Arc;

use entragate::once::{Memory, Once};
use entragate::{ApiApp, ClientId, GateBuilder, Route, Rule};
use entragate_emulator::fixtures;
use serde_json::{Value, json};

use super::wire::{Setup, assert_refused, changed, post, refresh_form};
use super::world::{BrokerWorld, Browser, Shown};
use crate::world::{Reply, log, param};

/// `/a` and `/b` for the gate's API app, `/c` for another one.
fn three(gate: GateBuilder) -> GateBuilder {
    let sibling = ApiApp::new(ClientId::parse(fixtures::SIBLING).unwrap()).with_scopes(["access"]).unwrap();
    gate.route(Route::new("/a").name("Server A"))
        .route(Route::new("/b").name("Server B"))
        .route(Route::new("/c").name("Server C").api(sibling).rules([Rule::tools(["*"]).roles(["Admin"])]))
}

async fn world() -> BrokerWorld {
    BrokerWorld::builder().gate(three).start().await
}

async fn call(world: &BrokerWorld, path: &str, token: &str) -> Reply {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami", "arguments": {} } });
    let request = world.http.post(world.url(path)).header("accept", "application/json, text/event-stream");
    Reply::of(request.bearer_auth(token).json(&message)).await
}

fn authorize(world: &BrokerWorld, client_id: &str, path: &str) -> String {
    world.authorize_url(client_id, &[("resource", Some(&world.url(path))), ("scope", None)])
}

async fn code(world: &BrokerWorld, client_id: &str, path: &str) -> String {
    let done = world.browse(&mut Browser::default(), &authorize(world, client_id, path), "alice").await;
    param(&done.location(), "code").unwrap_or_else(|| panic!("{}", done.location()))
}

/// Client id, access token and refresh token of a sign-in for the server at `path`.
async fn sign_in(world: &BrokerWorld, path: &str) -> (String, String, String) {
    let client_id = world.client_id().await;
    let code = code(world, &client_id, path).await;
    let (status, body) = world.token(&BrokerWorld::code_form(&client_id, &code)).await;
    assert_eq!(status, 200, "{body}");
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (client_id, text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn rs_19_a_token_for_one_server_is_401_at_every_other() {
    let world = world().await;
    let mut captured = log::capture();
    for path in ["/a", "/b", "/c"] {
        let (_, access, _) = sign_in(&world, path).await;
        // Twice: a token that was opened before is no other one.
        for _ in 0..2 {
            for at in ["/a", "/b", "/c"] {
                let reply = call(&world, at, &access).await;
                if at == path {
                    assert_eq!(reply.status, 200, "{path} at {at}: {reply:?}");
                    continue;
                }
                assert_eq!(reply.status, 401, "{path} at {at}: {reply:?}");
                assert_eq!(reply.json()["error"], "invalid_token");
                assert_eq!(
                    reply.json()["error_description"],
                    "The access token was issued for another server"
                );
                let metadata = format!("/.well-known/oauth-protected-resource{at}\"");
                assert!(reply.header("www-authenticate").contains(&metadata), "{reply:?}");
            }
        }
    }
    let refused = captured.lines();
    assert_eq!(refused.iter().filter(|line| line.contains("check=resource")).count(), 12, "{refused:#?}");
}

#[tokio::test]
async fn entra_is_asked_for_the_api_app_of_the_server_and_its_roles_count_there() {
    let world = world().await;
    let client_id = world.client_id().await;
    for (path, app) in [("/a", fixtures::API), ("/c", fixtures::SIBLING)] {
        let to_entra = world.approve(&mut Browser::default(), &authorize(&world, &client_id, path)).await;
        let scope = param(&to_entra.location(), "scope").unwrap();
        assert!(scope.starts_with(&format!("{app}/access ")), "{path}: {scope}");
    }
    // alice is Admin of both apps, bob of neither: he is turned away at the sign-in for the one that asks for it.
    let (_, access, _) = sign_in(&world, "/c").await;
    assert_eq!(call(&world, "/c", &access).await.json()["result"]["isError"], Value::Bool(false));
    let bob = world.browse(&mut Browser::default(), &authorize(&world, &client_id, "/c"), "bob").await;
    assert!(bob.html.contains("none of the app roles"), "{}", bob.html);
    let bob = world.browse(&mut Browser::default(), &authorize(&world, &client_id, "/a"), "bob").await;
    assert!(param(&bob.location(), "code").is_some());
}

#[tokio::test]
async fn as_36_codes_and_refresh_tokens_stay_with_their_server() {
    let world = world().await;
    let client_id = world.client_id().await;
    let code = code(&world, &client_id, "/a").await;
    let form = BrokerWorld::code_form(&client_id, &code);
    let (a, b) = (world.url("/a"), world.url("/b"));
    for (wrong, text) in [(b.as_str(), "the sign-in was for"), (world.gate.base_url().as_str(), "one of")] {
        let reply = post(&world, "/oauth/token", &changed(&form, "resource", Some(wrong))).await;
        assert!(assert_refused(&reply, 400, "invalid_target").contains(text), "{reply:?}");
    }
    // The code is still good: nobody has used it.
    let reply = post(&world, "/oauth/token", &changed(&form, "resource", Some(&a))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let refresh = reply.json()["refresh_token"].as_str().unwrap().to_owned();
    let form = refresh_form(&client_id, &refresh);
    let reply = post(&world, "/oauth/token", &changed(&form, "resource", Some(&b))).await;
    assert_refused(&reply, 400, "invalid_target");
    // As clients refresh that do not name the server (Go).
    let reply = post(&world, "/oauth/token", &form).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let access = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(call(&world, "/a", &access).await.status, 200);
    assert_eq!(call(&world, "/b", &access).await.status, 401);
}

#[tokio::test]
async fn who_names_no_server_is_told_which_there_are() {
    let world = world().await;
    let client_id = world.client_id().await;
    let origin = world.gate.base_url().as_str().to_owned();
    let of_two = format!("api://{}/access", fixtures::API);
    for (resource, scope) in
        [(None, None), (None, Some(of_two.as_str())), (Some(origin.as_str()), Some(of_two.as_str()))]
    {
        let url = world.authorize_url(&client_id, &[("resource", resource), ("scope", scope)]);
        let back = Browser::default().get(&world.http, &url).await.location();
        assert_eq!(param(&back, "error").as_deref(), Some("invalid_target"), "{back}");
        let text = param(&back, "error_description").unwrap();
        for path in ["/a", "/b", "/c"] {
            assert!(text.contains(&world.url(path)), "{text}");
        }
    }
    // One server only has this API app, and the client says that it means it.
    let of_c = format!("api://{}/access", fixtures::SIBLING);
    let url = world.authorize_url(&client_id, &[("resource", None), ("scope", Some(&of_c))]);
    let page = Browser::default().get(&world.http, &url).await;
    assert!(page.html.contains("Server C"), "{}", page.html);
}

async fn remembered(world: &BrokerWorld, browser: &mut Browser, client_id: &str, path: &str) -> Shown {
    let page = browser.get(&world.http, &authorize(world, client_id, path)).await;
    let to_entra = world.answer(browser, &page, &[("decision", "approve"), ("remember", "yes")]).await;
    let back = world.at_entra(browser, &to_entra.location(), "alice").await;
    browser.get(&world.http, back.as_str()).await
}

#[tokio::test]
async fn pages_name_the_server_and_a_consent_for_one_is_none_for_another() {
    let world = world().await;
    let client_id = world.client_id().await;
    let mut browser = Browser::default();
    for (path, name) in [("/a", "Server A"), ("/c", "Server C")] {
        let page = browser.get(&world.http, &authorize(&world, &client_id, path)).await;
        assert!(page.html.contains(name) && page.html.contains(&world.url(path)), "{}", page.html);
        assert!(!page.html.contains("Server B"), "{}", page.html);
    }
    let done = remembered(&world, &mut browser, &client_id, "/a").await;
    assert!(param(&done.location(), "code").is_some());
    browser.site = Some("none");
    let again = browser.get(&world.http, &authorize(&world, &client_id, "/a")).await;
    assert!(again.location().as_str().starts_with(world.entra.url()), "the consent is remembered");
    let other = browser.get(&world.http, &authorize(&world, &client_id, "/b")).await;
    assert_eq!(other.status, 200, "another server is another consent");
    let grants = browser.get(&world.http, &world.url("/auth/grants")).await;
    assert!(grants.html.contains("Server A") && !grants.html.contains("Server B"), "{}", grants.html);
    let traces = world.gate.sign_ins();
    assert!(traces.iter().any(|trace| trace.resource == world.url("/c")));
    let of_a = traces.iter().find(|trace| trace.resource == world.url("/a")).unwrap();
    let page = browser.get(&world.http, &world.url(&format!("/auth/trace/{}", of_a.id))).await;
    assert!(page.html.contains(&world.url("/a")), "{}", page.html);
}

#[tokio::test]
async fn a_server_that_is_taken_away_takes_its_tokens_along() {
    let store: Arc<dyn Once> = Arc::new(Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).gate(three).start().await;
    let (client_id, access, refresh) = sign_in(&world, "/b").await;
    let without = |gate: GateBuilder| gate.route(Route::new("/a")).route(Route::new("/d"));
    let other = Setup::sharing(&store).start_with(&world, without).await;
    assert_eq!(other.call("/a", &access).await.0, 401);
    let reply = other.refresh(&client_id, &refresh).await;
    assert_refused(&reply, 400, "invalid_grant");
    // It was not used up there.
    assert_eq!(world.refresh(&client_id, &refresh).await.0, 200);
}
