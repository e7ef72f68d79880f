//! The control plane at `/__emulator`: clock, keys, faults, request log, minting, settings, users, events.

use entragate_emulator::fixtures::{API, CLI, TENANT, TENANT2};
use entragate_emulator::{Emulator, KeySource};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Jwt, Token, members, oid, scope};
use crate::reply::Reply;

/// Queues a fault.
pub(crate) async fn inject(entra: &Entra, fault: &Value) {
    let reply = entra.operate("POST", "/faults", fault).await;
    assert!((200..300).contains(&reply.status), "{fault} refused: {}", reply.body);
}

/// 400 with a message and a hint.
#[track_caller]
pub(crate) fn assert_refused(reply: &Reply) {
    let json = reply.json();
    assert_eq!(reply.status, 400, "{json}");
    for name in ["error", "hint"] {
        assert!(json[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {json}");
    }
}

async fn now(entra: &Entra) -> u64 {
    entra.operate("GET", "", &Value::Null).await.ok()["now"].as_u64().expect("`now` is a number")
}

#[tokio::test]
async fn status_names_url_tenants_apps_and_users() {
    let entra = Entra::start().await;
    let status = entra.operate("GET", "", &Value::Null).await.ok();
    assert_eq!(status["url"], entra.b());
    let text = status.to_string();
    for expected in [TENANT, TENANT2, API, CLI, "alice", "mallory"] {
        assert!(text.contains(expected), "{expected}: {status}");
    }
    for name in ["url", "now", "tenants", "apps", "users"] {
        assert!(members(&status).contains(&name), "{name}: {status}");
    }
    assert!(status["now"].as_u64().expect("a number").abs_diff(entra.control().now()) <= 1);
}

#[tokio::test]
async fn clock_moves_codes_and_tokens_forward() {
    let entra = Entra::start().await;
    let before = now(&entra).await;
    let code = entra.code(&Authorize::base().user("alice")).await;
    let reply = entra.operate("POST", "/clock", &json!({"advance_seconds": 3600})).await.ok();
    assert_eq!(members(&reply), ["now"]);
    let after = reply["now"].as_u64().expect("a number");
    assert!((after - before).abs_diff(3600) <= 2, "{before} → {after}");
    let refusal = entra.token(&Token::code(&Authorize::base(), &code)).await;
    refusal.refusal(400, "invalid_grant", 70008);
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let issued_at = Jwt::access(&tokens).claims["iat"].as_u64().expect("a number");
    assert!(issued_at.abs_diff(after) <= 300, "{issued_at} against {after}");
}

#[tokio::test]
async fn clock_refuses_nonsense() {
    let entra = Entra::start().await;
    for body in [json!({"advance_seconds": -1}), json!({"advance": 1}), json!({}), json!([1])] {
        assert_refused(&entra.operate("POST", "/clock", &body).await);
    }
}

#[tokio::test]
async fn keys_rotate_and_retire_over_http() {
    let entra = Entra::start().await;
    let old = entra.mint(json!({})).await;
    for path in ["/keys/rotate", "/keys/retire"] {
        let reply = entra.operate("POST", path, &Value::Null).await;
        assert!((200..300).contains(&reply.status), "{path}: {}", reply.body);
        assert_eq!(entra.verify(&old).await.is_ok(), path == "/keys/rotate", "{path}");
    }
    entra.verified(&entra.mint(json!({})).await).await;
}

#[tokio::test]
async fn settings_are_read_and_patched_member_by_member() {
    let entra = Entra::start().await;
    let before = entra.operate("GET", "/settings", &Value::Null).await.ok();
    assert_eq!(before["resource_policy"], "strict");
    assert_eq!(before["resource_match"], "same_app");
    assert_eq!(before["consume_code_on_bad_verifier"], false);
    assert_eq!(before["refresh_without_scope"], "original");
    assert_eq!(before["restrict_user_consent"], false);
    assert_eq!(before["headless"], true);
    assert_eq!(before["advertise_pkce"], false);
    assert_eq!(before["advertise_cimd"], false);
    entra.settings(json!({"resource_policy": "ignore", "access_token_seconds": 60})).await;
    let after = entra.operate("GET", "/settings", &Value::Null).await.ok();
    assert_eq!((&after["resource_policy"], &after["access_token_seconds"]), (&json!("ignore"), &json!(60)));
    assert_eq!(after["resource_match"], before["resource_match"], "the rest stays");
}

#[tokio::test]
async fn settings_refuse_unknown_members_and_values() {
    let entra = Entra::start().await;
    let before = entra.operate("GET", "/settings", &Value::Null).await.ok();
    for body in [
        json!({"no_such_setting": true}),
        json!({"resource_policy": "lenient"}),
        json!({"resource_policy": "ignore", "advertise_pkce": "yes"}),
        json!("text"),
    ] {
        assert_refused(&entra.operate("PATCH", "/settings", &body).await);
    }
    let reply = entra.send(entra.request("PATCH", "/__emulator/settings").body("{not json")).await;
    assert_refused(&reply);
    let after = entra.operate("GET", "/settings", &Value::Null).await.ok();
    assert_eq!(after, before, "a refused change changes nothing");
}

#[tokio::test]
async fn advertise_flags_change_the_discovery_document() {
    let entra = Entra::start().await;
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    entra.settings(json!({"advertise_pkce": true, "advertise_cimd": true})).await;
    let document = entra.get(&path).await.ok();
    assert!(
        document["code_challenge_methods_supported"]
            .as_array()
            .is_some_and(|methods| methods.contains(&json!("S256"))),
        "{document}"
    );
    assert_eq!(document["client_id_metadata_document_supported"], true);
}

#[tokio::test]
async fn faults_refuse_nonsense_and_can_be_cleared() {
    let entra = Entra::start().await;
    for body in [
        json!({"endpoint": "nowhere", "kind": "unavailable"}),
        json!({"endpoint": "token", "kind": "meltdown"}),
        json!({"endpoint": "token", "kind": "unavailable", "often": 1}),
        json!({"kind": "unavailable"}),
    ] {
        assert_refused(&entra.operate("POST", "/faults", &body).await);
    }
    inject(&entra, &json!({"endpoint": "discovery", "kind": "unavailable"})).await;
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    assert_eq!(entra.get(&path).await.status, 503);
    let reply = entra.operate("DELETE", "/faults", &Value::Null).await;
    assert!((200..300).contains(&reply.status), "{}", reply.body);
    assert_eq!(entra.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_refused_body_is_answered_with_one_that_works() {
    let entra = Entra::start().await;
    for (method, path) in [
        ("POST", "/clock"),
        ("PATCH", "/settings"),
        ("POST", "/faults"),
        ("POST", "/tokens"),
        ("POST", "/auto-login"),
        ("PATCH", "/users/alice"),
        ("POST", "/apps/API/assign"),
        ("POST", "/apps/API/unassign"),
        ("POST", "/apps/WEB/secrets"),
    ] {
        let refusal = entra.operate(method, path, &json!([1])).await;
        assert_refused(&refusal);
        let hint = refusal.json()["hint"].as_str().expect("text").to_owned();
        let (from, to) = (hint.find('{').expect("an example"), hint.rfind('}').expect("an example"));
        let example: Value = serde_json::from_str(&hint[from..=to]).expect("the example is JSON");
        let reply = entra.operate(method, path, &example).await;
        assert!((200..300).contains(&reply.status), "{path} {example}: {}", reply.body);
    }
}

#[tokio::test]
async fn every_listed_control_exists() {
    let entra = Entra::start().await;
    let status = entra.operate("GET", "", &Value::Null).await.ok();
    let controls = status["controls"].as_array().expect("an array");
    for control in controls {
        let text = |name: &str| control[name].as_str().unwrap_or_default();
        assert!(!text("what").is_empty(), "{control}");
        let path = text("path").replace("{name}", "alice").replace("{app}", "API");
        let body = serde_json::from_str(text("body")).unwrap_or(Value::Null);
        let reply = entra.operate(text("method"), &path, &body).await;
        assert!((200..300).contains(&reply.status), "{control}: {}", reply.body);
    }
}

#[tokio::test]
async fn faults_never_hit_the_control_plane() {
    let entra = Entra::start().await;
    inject(&entra, &json!({"endpoint": "any", "kind": "close_connection"})).await;
    now(&entra).await;
}

#[tokio::test]
async fn request_log_keeps_protocol_requests_in_order_and_verbatim() {
    let entra = Entra::start().await;
    entra.operate("DELETE", "/requests", &Value::Null).await;
    let request = Authorize::base().user("alice").with("state", "ä &=+");
    let code = entra.code(&request).await;
    let redemption = Token::code(&request, &code).header("x-trial", "Wert");
    entra.redeem(&redemption).await;
    entra.get("/nowhere?a=1&a=2").await;

    let log = entra.operate("GET", "/requests", &Value::Null).await.ok();
    let log = log.as_array().expect("an array");
    assert_eq!(log.len(), 3, "the control plane does not log itself: {log:?}");
    let path = |name: &str| json!(format!("/{TENANT}/oauth2/v2.0/{name}"));
    assert_eq!((&log[0]["method"], &log[0]["path"]), (&json!("GET"), &path("authorize")));
    assert_eq!(log[0]["status"], 302);
    let query = log[0]["query"].as_array().expect("pairs");
    assert!(query.contains(&json!(["state", "ä &=+"])), "{query:?}");
    assert_eq!((&log[1]["method"], &log[1]["path"]), (&json!("POST"), &path("token")));
    assert_eq!(log[1]["status"], 200);
    let form = log[1]["form"].as_array().expect("pairs");
    assert!(form.contains(&json!(["code", code])), "values are verbatim");
    let headers = log[1]["headers"].as_array().expect("pairs");
    assert!(headers.contains(&json!(["x-trial", "Wert"])), "{headers:?}");
    assert_eq!(log[2]["query"], json!([["a", "1"], ["a", "2"]]));
    assert_eq!(log[2]["status"], 404);

    entra.operate("DELETE", "/requests", &Value::Null).await;
    assert_eq!(entra.operate("GET", "/requests", &Value::Null).await.ok(), json!([]));
}

#[tokio::test]
async fn request_log_is_readable_in_process() {
    let entra = Entra::start().await;
    entra.get("/nowhere?x=1").await;
    let log = entra.control().requests();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].method.as_str(), log[0].path.as_str(), log[0].status), ("GET", "/nowhere", 404));
    assert_eq!(log[0].query, [("x".to_owned(), "1".to_owned())]);
    entra.control().clear_requests();
    assert_eq!(entra.control().requests().len(), 0);
}

#[tokio::test]
async fn issued_tokens_are_listed() {
    let entra = Entra::start().await;
    assert_eq!(entra.operate("GET", "/tokens", &Value::Null).await.ok(), json!([]));
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let issued = entra.operate("GET", "/tokens", &Value::Null).await.ok();
    assert!(!issued.as_array().expect("an array").is_empty());
    let listed = |token: &Value| {
        issued.as_array().is_some_and(|all| all.iter().any(|issued| issued["token"] == *token))
    };
    assert!(listed(&tokens["access_token"]) && listed(&tokens["refresh_token"]), "{issued}");
    entra.mint(json!({})).await;
    assert_eq!(entra.control().issued().len(), issued.as_array().map_or(0, Vec::len), "a minted one is not");
}

#[tokio::test]
async fn auto_login_signs_in_without_hint_or_page() {
    let entra = Entra::start().await;
    entra.operate("POST", "/auto-login", &json!({"user": "bob"})).await.ok();
    let code = entra.code(&Authorize::base()).await;
    let tokens = entra.redeem(&Token::code(&Authorize::base(), &code)).await;
    assert_eq!(Jwt::access(&tokens).claims["oid"], oid("bob"));
    let hinted = entra.tokens(&Authorize::base().user("alice")).await;
    assert_eq!(Jwt::access(&hinted).claims["oid"], oid("alice"), "a hint is stronger");
    entra.operate("POST", "/auto-login", &json!({"user": null})).await.ok();
    entra.authorize(&Authorize::base()).await.assert_sign_in_page();

    entra.control().auto_login(Some("alice"));
    entra.code(&Authorize::base()).await;
    entra.control().auto_login(None);
    entra.authorize(&Authorize::base()).await.assert_sign_in_page();
    assert_refused(&entra.operate("POST", "/auto-login", &json!({"user": "nobody"})).await);
}

#[tokio::test]
async fn users_are_revoked_over_http() {
    let entra = Entra::start().await;
    for user in ["alice", "alice@contoso.test"] {
        let tokens = entra.tokens(&Authorize::base().user("alice")).await;
        entra.advance(1);
        let reply = entra.operate("POST", &format!("/users/{user}/revoke"), &Value::Null).await;
        assert!((200..300).contains(&reply.status), "{}", reply.body);
        let refresh = Token::refresh(CLI, &tokens).with("scope", &scope(API, "access"));
        entra.token(&refresh).await.refusal(400, "invalid_grant", 50173);
        entra.advance(1);
    }
    let reply = entra.operate("POST", "/users/nobody/revoke", &Value::Null).await;
    assert!((400..500).contains(&reply.status), "{}", reply.body);
}

#[tokio::test]
async fn reset_returns_everything_to_the_start() {
    let entra = Entra::start().await;
    let settings = entra.operate("GET", "/settings", &Value::Null).await.ok();
    let system_now = now(&entra).await;
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let code = entra.code(&Authorize::base().user("alice")).await;
    entra.advance(300);
    entra.settings(json!({"resource_policy": "ignore"})).await;
    inject(&entra, &json!({"endpoint": "keys", "kind": "unavailable"})).await;

    let reply = entra.operate("POST", "/reset", &Value::Null).await;
    assert!((200..300).contains(&reply.status), "{}", reply.body);
    assert!(now(&entra).await - system_now < 60, "the clock is the system's again");
    assert_eq!(entra.operate("GET", "/settings", &Value::Null).await.ok(), settings);
    assert_eq!(entra.operate("GET", "/requests", &Value::Null).await.ok(), json!([]));
    assert_eq!(entra.operate("GET", "/tokens", &Value::Null).await.ok(), json!([]));
    assert!(!entra.keys(&format!("/{TENANT}/discovery/v2.0/keys")).await.is_empty());
    browser.authorize(&Authorize::base()).await.assert_sign_in_page();
    assert_eq!(entra.token(&Token::code(&Authorize::base(), &code)).await.status, 400);
    let refresh = Token::refresh(CLI, &tokens).with("scope", &scope(API, "access"));
    assert_eq!(entra.token(&refresh).await.status, 400);
    entra.tokens(&Authorize::base().user("alice")).await;
}

#[tokio::test]
async fn control_plane_is_outside_tenant_paths_and_unknown_routes_are_404() {
    let entra = Entra::start().await;
    for path in ["/__emulator/nothing", "/__emulator/keys"] {
        assert_eq!(entra.get(path).await.status, 404, "{path}");
    }
    for path in [format!("/{TENANT}/__emulator"), "/common/__emulator/settings".to_owned()] {
        assert_eq!(entra.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn control_plane_refuses_browsers_of_other_sites() {
    let entra = Entra::start().await;
    let reply = entra.operate("GET", "/settings", &Value::Null).await;
    assert_eq!(reply.header("access-control-allow-origin"), None, "no site may read it");
    let request = entra.request("POST", "/__emulator/clock").header("origin", "https://evil.test");
    let reply = entra.send(request.json(&json!({"advance_seconds": 1000}))).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
    let request = entra.request("OPTIONS", "/__emulator/clock").header("origin", "https://evil.test");
    let reply = entra.send(request.header("access-control-request-method", "POST")).await;
    assert_eq!(reply.header("access-control-allow-origin"), None, "no preflight succeeds");
}

/// The status of a control-plane call that names this host.
async fn status_for_host(entra: &Entra, host: &str) -> u16 {
    entra.send(entra.request("GET", "/__emulator/tokens").header("host", host)).await.status
}

#[tokio::test]
async fn control_plane_refuses_a_name_that_was_rebound_to_this_machine() {
    let entra = Entra::start().await;
    let port = entra.b().rsplit(':').next().expect("a port").to_owned();
    for host in [
        "evil.test",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "localhost@evil.test",
        "evil.test@localhost",
        "login.contoso.test",
        "10.0.0.1",
        "0.0.0.0",
        "[::2]",
        "",
    ] {
        assert_eq!(status_for_host(&entra, host).await, 403, "{host}");
        assert_eq!(status_for_host(&entra, &format!("{host}:{port}")).await, 403, "{host}:{port}");
    }
    let reply = entra.send(entra.request("POST", "/__emulator/reset").header("host", "evil.test")).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
    assert!(reply.json()["hint"].as_str().is_some_and(|hint| hint.contains("127.0.0.1")), "{}", reply.body);
}

#[tokio::test]
async fn control_plane_refuses_what_came_through_a_proxy() {
    let entra = Entra::start().await;
    for (name, value) in [
        ("via", "1.1 proxy"),
        ("forwarded", "for=192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "localhost"),
        ("x-real-ip", "127.0.0.1"),
    ] {
        let reply = entra.send(entra.request("GET", "/__emulator/tokens").header(name, value)).await;
        assert_eq!(reply.status, 403, "{name}: {}", reply.body);
        assert_eq!(reply.json()["hint"], "call it directly", "{name}");
    }
}

#[tokio::test]
async fn control_plane_answers_every_name_of_loopback() {
    let entra = Entra::start().await;
    for host in ["localhost", "LocalHost", "127.0.0.1", "127.8.9.10", "[::1]"] {
        assert_eq!(status_for_host(&entra, host).await, 200, "{host}");
        assert_eq!(status_for_host(&entra, &format!("{host}:1")).await, 200, "{host}:1");
    }
}

#[tokio::test]
async fn control_plane_answers_the_host_of_its_public_url() {
    let builder = Emulator::builder().keys(KeySource::Embedded).public_url("https://login.contoso.test:8443");
    let entra = Entra::at_address(builder.start().await.expect("it starts"));
    for host in ["login.contoso.test:8443", "LOGIN.contoso.test", "localhost"] {
        assert_eq!(status_for_host(&entra, host).await, 200, "{host}");
    }
    assert_eq!(status_for_host(&entra, "evil.login.contoso.test").await, 403);
}

#[tokio::test]
async fn events_tell_of_answered_requests_without_secrets() {
    let entra = Entra::start().await;
    let mut events = entra.control().subscribe();
    let code = entra.code(&Authorize::base().user("alice")).await;
    entra.token(&Token::code(&Authorize::base(), "garbage")).await;
    let first = format!("{:?}", events.recv().await.expect("an event"));
    let second = format!("{:?}", events.recv().await.expect("an event"));
    assert!(!first.contains(&code), "{first}");
    assert!(second.contains("9002313"), "{second}");
}

#[tokio::test]
async fn equal_seeds_give_equal_codes() {
    let mut codes = Vec::new();
    for seed in [7, 7, 8] {
        let builder = Emulator::builder().keys(KeySource::Embedded).seed(seed);
        let entra = Entra::of(builder.start().await.expect("it starts"));
        codes.push(entra.code(&Authorize::base().user("alice")).await);
    }
    assert_eq!(codes[0], codes[1]);
    assert_ne!(codes[0], codes[2]);
}

#[tokio::test]
async fn public_url_replaces_the_listening_address_everywhere() {
    let builder = Emulator::builder().keys(KeySource::Embedded).public_url("https://login.contoso.test");
    let emulator = builder.start().await.expect("it starts");
    assert_eq!(emulator.url(), "https://login.contoso.test");
    let entra = Entra::at_address(emulator);
    let document = entra.get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).await.ok();
    assert_eq!(document["issuer"], format!("https://login.contoso.test/{TENANT}/v2.0"));
    assert_eq!(document["token_endpoint"], format!("https://login.contoso.test/{TENANT}/oauth2/v2.0/token"));
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    assert_eq!(Jwt::access(&tokens).claims["iss"], document["issuer"]);
}

#[tokio::test]
async fn serve_until_answers_until_told_to_stop() {
    let builder = Emulator::builder().keys(KeySource::Embedded);
    let emulator = builder.start().await.expect("it starts");
    let (addr, b) = (emulator.addr(), emulator.url().to_owned());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(emulator.serve_until(async {
        stopped.await.ok();
    }));
    let client = crate::fixture::http_client();
    let status = client.get(format!("{b}/__emulator")).send().await.expect("an answer").status();
    assert_eq!(status, 200);
    stop.send(()).expect("it is serving");
    serving.await.expect("it ends without a panic");
    client.get(format!("{b}/__emulator")).send().await.expect_err("nobody listens");
    assert_eq!(addr.port().to_string(), b.rsplit(':').next().unwrap_or_default());
}

/// Whether the port of a stopped emulator can be bound again.
async fn frees_its_port(polite: bool) -> bool {
    let builder = Emulator::builder().keys(KeySource::Embedded);
    let emulator = builder.start().await.expect("it starts");
    let addr = emulator.addr();
    if polite {
        emulator.shutdown().await;
    } else {
        drop(emulator);
        tokio::task::yield_now().await;
    }
    let again = Emulator::builder().keys(KeySource::Embedded).bind(addr).start().await;
    again.is_ok_and(|emulator| emulator.addr() == addr)
}

#[tokio::test]
async fn shutdown_and_drop_free_the_port() {
    for polite in [true, false] {
        // A parallel test may be given the port in between, though hardly twice.
        let freed = frees_its_port(polite).await || frees_its_port(polite).await;
        assert!(freed, "polite: {polite}");
    }
}
