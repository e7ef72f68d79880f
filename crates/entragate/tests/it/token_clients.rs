//! `/oauth/token`: how clients authenticate, and what is not a token request at all (RFC 6749 §2.3, §3.2).

use entragate_emulator::fixtures;
use http::Method;
use reqwest::RequestBuilder;
use serde_json::json;

use crate::world::{REDIRECT, Reply, VERIFIER, World};

/// A redemption without `client_id`: each test adds its way of naming the client.
fn anonymous(code: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
}

fn post(world: &World, form: &[(&str, &str)]) -> RequestBuilder {
    world.http.post(world.url("/oauth/token")).form(form)
}

#[track_caller]
fn assert_refused(reply: &Reply, status: u16, error: &str) -> String {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    let challenged = reply.header("www-authenticate").starts_with("Basic ");
    assert_eq!(challenged, status == 401, "a 401 names a scheme (RFC 6749 §5.2): {reply:?}");
    let body = reply.json();
    assert_eq!(body["error"], error, "{body}");
    body["error_description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn as_32_as_33_k25_every_way_in_which_clients_name_themselves() {
    let world = World::start().await;
    let id = ("client_id", fixtures::MCP);
    let empty = ("client_secret", "");
    let secret = ("client_secret", "whatever-it-remembers");
    for (way, form, basic) in [
        ("none", vec![id], None),
        ("post-empty", vec![id, empty], None),
        ("post", vec![id, secret], None),
        ("basic-empty", vec![id], Some((fixtures::MCP, Some("")))),
        ("basic-empty, id only in the header", vec![], Some((fixtures::MCP, Some("")))),
        ("basic, id only in the header", vec![], Some((fixtures::MCP, Some("s3cret")))),
        ("basic without a password", vec![], Some((fixtures::MCP, None))),
        ("basic and an empty secret", vec![id, empty], Some((fixtures::MCP, Some("")))),
        // RFC 6749 §2.3.1: form-encoded before it is joined.
        ("basic, encoded", vec![], Some(("c0000000%2D0000%2D4000%2D8000%2D000000000003", Some("")))),
    ] {
        let code = world.code("alice").await;
        let mut all = anonymous(&code);
        all.extend(form);
        let mut request = post(&world, &all);
        if let Some((id, password)) = basic {
            request = request.basic_auth(id, password);
        }
        let reply = Reply::of(request).await;
        assert_eq!(reply.status, 200, "{way}: {reply:?}");
        let sent = world.control().requests();
        let at_entra = sent.iter().rev().find(|request| request.path.ends_with("/token")).unwrap();
        assert_eq!(at_entra.header("authorization"), None, "{way}");
        assert_eq!(at_entra.param("client_secret"), None, "{way}: AADSTS700025");
    }
}

#[tokio::test]
async fn as_32_an_unknown_client_is_401_invalid_client_and_entra_is_not_asked() {
    let world = World::start().await;
    let code = world.code("alice").await;
    world.control().clear_requests();
    for (form, basic) in [
        (None, None),
        (Some(""), None),
        (Some("x"), None),
        (Some(fixtures::CLI), None),
        (Some(fixtures::API), None),
        (None, Some("x")),
        (None, Some("")),
        (Some(fixtures::MCP), Some(fixtures::CLI)),
        (Some(fixtures::CLI), Some(fixtures::MCP)),
    ] {
        let mut all = anonymous(&code);
        all.extend(form.map(|id| ("client_id", id)));
        let mut request = post(&world, &all);
        if let Some(id) = basic {
            request = request.basic_auth(id, Some(""));
        }
        let reply = Reply::of(request).await;
        let text = assert_refused(&reply, 401, "invalid_client");
        assert!(text.contains("register again"), "{text}");
    }
    let mut all = anonymous(&code);
    all.push(("client_id", fixtures::MCP));
    for header in ["Basic", "Basic ", "Basic !!!", "Basic eA==", "Bearer x", "Basic //79", "Digest x"] {
        let reply = Reply::of(post(&world, &all).header("authorization", header)).await;
        assert_refused(&reply, 401, "invalid_client");
    }
    assert_eq!(world.control().requests(), []);
    assert_eq!(Reply::of(post(&world, &all)).await.status, 200, "none of it used the code up");
}

#[tokio::test]
async fn as_32_two_ways_of_authentication_at_once_are_invalid_request() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let mut all = anonymous(&code);
    all.extend([("client_id", fixtures::MCP), ("client_secret", "s3cret")]);
    let reply = Reply::of(post(&world, &all).basic_auth(fixtures::MCP, Some("s3cret"))).await;
    assert_refused(&reply, 400, "invalid_request");
}

#[tokio::test]
async fn as_30_only_post_is_answered_and_says_so() {
    let world = World::start().await;
    for path in ["/oauth/token", "/token"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
            let reply = Reply::of(world.http.request(method.clone(), world.url(path))).await;
            assert_eq!(reply.status, 405, "{method} {path}");
            assert_eq!(reply.header("allow"), "POST, OPTIONS", "{method} {path}");
            if method != Method::HEAD {
                assert_eq!(reply.json()["error"], "invalid_request", "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn as_30_a_body_that_is_no_form_is_invalid_request() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let form = world.code_form(&code);
    let as_json: serde_json::Map<_, _> =
        form.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let url = world.url("/oauth/token");
    for request in [
        world.http.post(&url).json(&as_json),
        world.http.post(&url).body("grant_type=authorization_code"),
        world.http.post(&url).header("content-type", "text/plain").body("grant_type=x"),
        world.http.post(&url),
    ] {
        let text = assert_refused(&Reply::of(request).await, 400, "invalid_request");
        assert!(text.contains("application/x-www-form-urlencoded"), "{text}");
    }
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let kind = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    let reply = Reply::of(world.http.post(&url).header("content-type", kind).body(body)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn as_30_parameters_in_the_query_are_not_read() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let mut url = url::Url::parse(&world.url("/oauth/token")).unwrap();
    url.query_pairs_mut().extend_pairs(world.code_form(&code));
    let request = world.http.post(url).header("content-type", "application/x-www-form-urlencoded").body("");
    assert_refused(&Reply::of(request).await, 401, "invalid_client");
}

#[tokio::test]
async fn as_35_missing_parameters_are_named() {
    let world = World::start().await;
    let code = world.code("alice").await;
    let complete = world.code_form(&code);
    for missing in ["grant_type", "code", "redirect_uri", "code_verifier"] {
        for replacement in [None, Some((missing, ""))] {
            let mut form: Vec<_> = complete.iter().copied().filter(|(name, _)| *name != missing).collect();
            form.extend(replacement);
            let reply = Reply::of(post(&world, &form)).await;
            assert_eq!(assert_refused(&reply, 400, "invalid_request"), format!("{missing} is missing"));
        }
    }
    let form = [("grant_type", "refresh_token"), ("client_id", fixtures::MCP)];
    let reply = Reply::of(post(&world, &form)).await;
    assert_eq!(assert_refused(&reply, 400, "invalid_request"), "refresh_token is missing");
}

#[tokio::test]
async fn as_35_a_repeated_parameter_is_invalid_request() {
    let world = World::start().await;
    let code = world.code("alice").await;
    world.control().clear_requests();
    let complete = world.code_form(&code);
    for (name, value) in
        complete.iter().copied().chain([("scope", "a"), ("client_secret", "x"), ("foo", "x")])
    {
        let mut form = complete.clone();
        form.retain(|(other, _)| *other != name);
        form.extend([(name, value), (name, "other")]);
        let reply = Reply::of(post(&world, &form)).await;
        assert_eq!(assert_refused(&reply, 400, "invalid_request"), format!("{name} is repeated"));
    }
    assert_eq!(world.control().requests(), []);
}

#[tokio::test]
async fn as_35_other_grants_are_not_supported() {
    let world = World::start().await;
    for grant in [
        "client_credentials",
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "AUTHORIZATION_CODE",
    ] {
        let form = [("grant_type", grant), ("client_id", fixtures::MCP), ("code", "x")];
        assert_refused(&Reply::of(post(&world, &form)).await, 400, "unsupported_grant_type");
    }
    assert_eq!(world.control().requests(), [], "a form must not become another grant at Entra");
}

#[tokio::test]
async fn as_19_a_redirect_uri_that_is_none_does_not_reach_entra() {
    let world = World::start().await;
    let code = world.code("alice").await;
    world.control().clear_requests();
    for uri in ["javascript:alert(1)//", "http://evil.test/callback", "callback", "http://localhost/x#y"] {
        let mut form = world.code_form(&code);
        form.iter_mut().filter(|(name, _)| *name == "redirect_uri").for_each(|(_, value)| *value = uri);
        let reply = Reply::of(post(&world, &form)).await;
        assert_refused(&reply, 400, "invalid_request");
    }
    assert_eq!(world.control().requests(), []);
}

#[tokio::test]
async fn a_form_over_64_kib_is_413() {
    let world = World::start().await;
    let long = "x".repeat(65 * 1024);
    let form =
        [("grant_type", "refresh_token"), ("client_id", fixtures::MCP), ("refresh_token", long.as_str())];
    let reply = Reply::of(post(&world, &form)).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (413, Some("invalid_request")));
}
