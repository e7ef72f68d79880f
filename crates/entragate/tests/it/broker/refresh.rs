//! `grant_type=refresh_token` in broker mode: Entra is asked every time, and its answer decides.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate::{ApiApp, ClientId, Rule};
use entragate_emulator::{Access, Endpoint, Fault, FaultKind, TokenKind, fixtures};
use serde_json::{Value, json};

use super::wire::{Breakable, Setup, assert_alive, assert_refused, changed, post, refresh_form};
use super::world::{BrokerWorld, Browser, SignedIn, app, signed_in};
use crate::world::{Reply, param};

const TOKEN: &str = "/oauth/token";
const MINUTE: Duration = Duration::from_secs(60);

async fn refreshed(world: &BrokerWorld, signed_in: &SignedIn) -> Reply {
    post(world, TOKEN, &refresh_form(&signed_in.client_id, &signed_in.refresh)).await
}

/// A world whose API app also has `admin`, granted to everybody.
async fn with_two_scopes() -> BrokerWorld {
    BrokerWorld::builder()
        .directory(|directory| {
            let scopes = vec!["access".into(), "admin".into()];
            app(directory, fixtures::API).admin_consent =
                vec![Access { app: "API".into(), scopes, ..Access::default() }];
        })
        .gate(|gate| gate.rules([Rule::tools(["admin_*"]).scopes(["admin"]), Rule::tools(["*"])]))
        .start()
        .await
}

async fn sign_in_with_scope(world: &BrokerWorld, scope: &str) -> SignedIn {
    let client_id = world.client_id().await;
    let url = world.authorize_url(&client_id, &[("scope", Some(scope))]);
    let callback = world.browse(&mut Browser::default(), &url, "alice").await.location();
    let code = param(&callback, "code").unwrap();
    let (status, body) = world.token(&BrokerWorld::code_form(&client_id, &code)).await;
    assert_eq!(status, 200, "{body}");
    signed_in(client_id, body)
}

#[tokio::test]
async fn as_36_k40_k42_a_refresh_gives_new_tokens_of_the_same_scope() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let reply = refreshed(&world, &alice).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"));
    let body = reply.json();
    assert_eq!((&body["scope"], &body["token_type"]), (&alice.body["scope"], &json!("Bearer")));
    assert_eq!(body["expires_in"], 1_800);
    let renewed = signed_in(alice.client_id.clone(), body);
    assert!(renewed.access != alice.access && renewed.refresh != alice.refresh);
    // A call that is under way with the old one goes on.
    assert_eq!(world.call(&alice.access, "whoami").await.0, 200);
    assert_alive(&world, &renewed).await;
}

#[tokio::test]
async fn k41_k48_every_refresh_reaches_entra_with_a_scope_and_without_resource_and_origin() {
    let world = BrokerWorld::start().await;
    let mut bob = world.sign_in("bob").await;
    world.control().clear_requests();
    let told = bob.body["scope"].as_str().unwrap().to_owned();
    let (mcp, origin) = (world.url("/mcp"), world.url("/"));
    let variants: [&[(&str, &str)]; 9] = [
        &[],
        &[("scope", "")],
        &[("scope", &told)],
        &[("scope", "access")],
        &[("scope", "openid profile offline_access")],
        &[("scope", "https://graph.microsoft.com/User.Read")],
        &[("resource", &mcp)],
        &[("resource", &origin)],
        &[("scope", &told), ("resource", fixtures::API)],
    ];
    for more in variants {
        let mut form = refresh_form(&bob.client_id, &bob.refresh);
        form.extend(more.iter().copied());
        let request = world.http.post(world.url(TOKEN)).header("origin", "http://localhost:6274").form(&form);
        let reply = Reply::of(request).await;
        assert_eq!(reply.status, 200, "{more:?} {reply:?}");
        bob = signed_in(bob.client_id.clone(), reply.json());
        assert_eq!(world.call(&bob.access, "whoami").await.0, 200);
    }
    let requests = world.control().requests();
    let at_token: Vec<_> = requests.iter().filter(|request| request.path.ends_with("/token")).collect();
    assert_eq!(at_token.len(), variants.len());
    for request in at_token {
        let scope = format!("{}/access openid profile offline_access", fixtures::API);
        assert_eq!(request.param("scope"), Some(scope.as_str()));
        assert_eq!((request.param("resource"), request.header("origin")), (None, None));
        assert_eq!(request.header("cookie"), None);
    }
}

#[tokio::test]
async fn as_25_t9_a_refresh_for_another_resource_is_invalid_target_and_replaces_nothing() {
    let world = BrokerWorld::start().await;
    let alice = world.sign_in("alice").await;
    let form = refresh_form(&alice.client_id, &alice.refresh);
    for resource in ["https://elsewhere.test/mcp", "/mcp", "http://localhost/mcp#x"] {
        let reply = post(&world, TOKEN, &changed(&form, "resource", Some(resource))).await;
        assert_refused(&reply, 400, "invalid_target");
    }
    assert_eq!(world.grants_at_entra("refresh_token"), 0);
    assert_alive(&world, &alice).await;
}

#[tokio::test]
async fn as_36_t8_a_narrower_scope_is_given_for_once_and_a_wider_one_is_not() {
    let world = with_two_scopes().await;
    let both = sign_in_with_scope(&world, "access admin").await;
    assert_eq!(both.body["scope"], "access admin");
    assert_eq!(world.call(&both.access, "admin_reset").await.0, 200);
    let form = refresh_form(&both.client_id, &both.refresh);
    let reply = post(&world, TOKEN, &changed(&form, "scope", Some("access"))).await;
    let narrow = signed_in(both.client_id.clone(), reply.json());
    assert_eq!(narrow.body["scope"], "access");
    assert_eq!(world.call(&narrow.access, "whoami").await.0, 200);
    assert_eq!(world.call(&narrow.access, "admin_reset").await.0, 403);
    // The refresh token is as wide as before (RFC 6749 §6).
    let (_, body) = world.refresh(&narrow.client_id, &narrow.refresh).await;
    assert_eq!(body["scope"], "access admin");
    assert_eq!(world.call(body["access_token"].as_str().unwrap(), "admin_reset").await.0, 200);

    let one = sign_in_with_scope(&world, "access").await;
    assert_eq!(world.call(&one.access, "admin_reset").await.0, 403);
    let form = refresh_form(&one.client_id, &one.refresh);
    for wider in ["access admin", "admin", "access made-up"] {
        let reply = post(&world, TOKEN, &changed(&form, "scope", Some(wider))).await;
        assert_refused(&reply, 400, "invalid_scope");
    }
    assert_alive(&world, &one).await;
}

#[tokio::test]
async fn as_36_after_default_a_scope_that_entra_did_not_grant_is_invalid_scope() {
    let world =
        BrokerWorld::builder().api(ApiApp::new(ClientId::parse(fixtures::API).unwrap())).start().await;
    let alice = sign_in_with_scope(&world, "openid").await;
    let form = refresh_form(&alice.client_id, &alice.refresh);
    let reply = post(&world, TOKEN, &changed(&form, "scope", Some("made-up"))).await;
    assert_refused(&reply, 400, "invalid_scope");
    let reply = post(&world, TOKEN, &changed(&form, "scope", Some("access"))).await;
    assert_eq!((reply.status, &reply.json()["scope"]), (200, &json!("access")));
}

#[tokio::test]
async fn k45_as_36_the_token_of_another_client_is_invalid_grant_and_stays_as_it_was() {
    let world = BrokerWorld::start().await;
    let (alice, stranger) = (world.sign_in("alice").await, world.client_id().await);
    let access = alice.access.replacen("ega_", "egr_", 1);
    for (client_id, token) in [
        (stranger.as_str(), alice.refresh.as_str()),
        (&alice.client_id, alice.access.as_str()),
        (&alice.client_id, access.as_str()),
        (&alice.client_id, "made-up"),
        (&alice.client_id, &alice.refresh[..alice.refresh.len() - 1]),
        (&alice.client_id, &alice.refresh[4..]),
    ] {
        let reply = post(&world, TOKEN, &refresh_form(client_id, token)).await;
        assert_refused(&reply, 400, "invalid_grant");
    }
    assert_refused(
        &post(&world, TOKEN, &refresh_form("egc_made-up", &alice.refresh)).await,
        401,
        "invalid_client",
    );
    assert_eq!(world.grants_at_entra("refresh_token"), 0);
    assert_alive(&world, &alice).await;
}

#[tokio::test]
async fn k44_whom_entra_refuses_signs_in_again_and_the_token_works_when_entra_relents() {
    for (change, aadsts) in [("mfa", "AADSTS50076"), ("block", "AADSTS53003")] {
        let world = BrokerWorld::start().await;
        let bob = world.sign_in("bob").await;
        world.control().set(|settings| match change {
            "mfa" => settings.mfa_required_users = vec!["bob".into()],
            _ => settings.ca_blocked_users = vec!["bob".into()],
        });
        let text = assert_refused(&refreshed(&world, &bob).await, 400, "invalid_grant");
        assert!(text.starts_with(aadsts) && text.contains("Correlation ID: "), "{text}");
        let trace = &world.gate.sign_ins()[0].id;
        assert!(text.ends_with(&format!("(sign-in {trace})")), "{text}");
        world.control().set(|settings| {
            settings.mfa_required_users.clear();
            settings.ca_blocked_users.clear();
        });
        assert_alive(&world, &bob).await;
    }
}

#[tokio::test]
async fn k44_who_was_signed_out_at_entra_is_signed_out_here_at_the_next_refresh() {
    let world = BrokerWorld::start().await;
    let bob = world.sign_in("bob").await;
    // Within the second of the sign-in, the order would be unknown.
    world.advance(Duration::from_secs(5)).await;
    world.control().revoke_user("bob");
    let text = assert_refused(&refreshed(&world, &bob).await, 400, "invalid_grant");
    assert!(text.starts_with("AADSTS50173"), "{text}");
    world.advance(Duration::from_secs(30 * 60)).await;
    assert_eq!(world.call(&bob.access, "whoami").await.0, 401);
}

#[tokio::test]
async fn k44_the_claims_that_a_refresh_met_go_along_with_the_next_sign_in() {
    let world = BrokerWorld::start().await;
    let bob = world.sign_in("bob").await;
    world.control().set(|settings| settings.mfa_required_users = vec!["bob".into()]);
    assert_refused(&refreshed(&world, &bob).await, 400, "invalid_grant");

    let mut browser = Browser::default();
    let url = world.authorize_url(&bob.client_id, &[]);
    let mut to_entra = world.approve(&mut browser, &url).await.location();
    let mut challenged = 0;
    let callback = loop {
        let claims = param(&to_entra, "claims");
        challenged += u32::from(claims.is_some());
        if let Some(claims) = claims {
            let claims: Value = serde_json::from_str(&claims).unwrap();
            assert!(claims["access_token"]["capolids"].is_object(), "{claims}");
        }
        to_entra.query_pairs_mut().append_pair("__emulator_mfa", "approve");
        let back = world.at_entra(&mut browser, &to_entra, "bob").await;
        let shown = browser.get(&world.http, back.as_str()).await;
        if shown.location().as_str().starts_with(world.entra.url()) {
            assert_eq!(shown.status, 303);
            to_entra = shown.location();
        } else {
            break shown.location();
        }
    };
    assert_eq!(challenged, 1);
    let code = param(&callback, "code").unwrap();
    let (_, body) = world.token(&BrokerWorld::code_form(&bob.client_id, &code)).await;
    let renewed = assert_alive(&world, &signed_in(bob.client_id.clone(), body)).await;
    // The demand was met once and is not made again.
    let url = world.authorize_url(&renewed.client_id, &[]);
    let mut to_entra = world.approve(&mut browser, &url).await.location();
    to_entra.query_pairs_mut().append_pair("__emulator_mfa", "approve");
    let back = world.at_entra(&mut browser, &to_entra, "bob").await;
    let done = browser.get(&world.http, back.as_str()).await.location();
    assert!(param(&done, "code").is_some(), "{done}");
}

#[tokio::test]
async fn as_36_a_token_that_rests_for_ninety_days_is_over() {
    let world = BrokerWorld::start().await;
    let bob = world.sign_in("bob").await;
    world.advance(Duration::from_secs(89 * 24 * 3600)).await;
    let renewed = signed_in(bob.client_id.clone(), refreshed(&world, &bob).await.json());
    world.advance(Duration::from_secs(89 * 24 * 3600)).await;
    let renewed = signed_in(bob.client_id.clone(), refreshed(&world, &renewed).await.json());
    world.advance(Duration::from_secs(90 * 24 * 3600)).await;
    assert_refused(&refreshed(&world, &renewed).await, 400, "invalid_grant");
    assert_eq!(world.grants_at_entra("refresh_token"), 2);
}

#[tokio::test]
async fn k47_t11_while_entra_is_away_clients_are_told_to_wait_and_keep_their_token() {
    let faults = [
        (FaultKind::Throttle { retry_after_seconds: 17 }, "17"),
        (FaultKind::Unavailable, "5"),
        (FaultKind::CloseConnection, "5"),
    ];
    for (kind, seconds) in faults {
        let world = BrokerWorld::start().await;
        let bob = world.sign_in("bob").await;
        world.control().inject(Fault { endpoint: Endpoint::Token, kind, times: None });
        for _ in 0..2 {
            let reply = refreshed(&world, &bob).await;
            assert_refused(&reply, 503, "temporarily_unavailable");
            assert_eq!(reply.header("retry-after"), seconds);
        }
        world.control().clear_faults();
        world.advance(2 * MINUTE).await;
        assert_alive(&world, &bob).await;
    }
}

#[tokio::test]
async fn k47_while_the_store_is_away_clients_are_told_to_wait_and_keep_their_token() {
    let store = Arc::new(Breakable::default());
    let world = BrokerWorld::builder().once(store.clone()).start().await;
    let bob = world.sign_in("bob").await;
    let code = world.code(&bob.client_id, "bob").await;
    store.breaks(true);
    let reply = refreshed(&world, &bob).await;
    assert_refused(&reply, 503, "temporarily_unavailable");
    assert_eq!(reply.header("retry-after"), "5");
    let redemption = BrokerWorld::code_form(&bob.client_id, &code);
    assert_refused(&post(&world, TOKEN, &redemption).await, 503, "temporarily_unavailable");
    let revocation = [("client_id", bob.client_id.as_str()), ("token", &bob.refresh)];
    assert_refused(&post(&world, "/oauth/revoke", &revocation).await, 503, "temporarily_unavailable");
    store.breaks(false);
    assert_alive(&world, &bob).await;
    assert_eq!(world.token(&redemption).await.0, 200);
}

#[tokio::test]
async fn k44_who_lost_the_role_that_the_rules_ask_for_signs_in_again_and_reads_why() {
    let store: Arc<dyn entragate::once::Once> = Arc::new(entragate::once::Memory::new());
    let world = BrokerWorld::builder().once(Arc::clone(&store)).start().await;
    let (alice, carol) = (world.sign_in("alice").await, world.sign_in("carol").await);
    let strict = Setup::sharing(&store)
        .start_with(&world, |gate| gate.rules([Rule::tools(["*"]).roles(["Admin"])]))
        .await;
    let reply = strict.refresh(&carol.client_id, &carol.refresh).await;
    let text = assert_refused(&reply, 400, "invalid_grant");
    assert!(text.contains("none of the app roles") && text.contains("Admin"), "{text}");
    assert_eq!(strict.refresh(&alice.client_id, &alice.refresh).await.status, 200);
}

#[tokio::test]
async fn nothing_of_entras_and_nothing_of_the_person_can_be_read_in_what_the_client_gets() {
    let world = BrokerWorld::start().await;
    let client_id = world.client_id().await;
    let code = world.code(&client_id, "alice").await;
    let (_, body) = world.token(&BrokerWorld::code_form(&client_id, &code)).await;
    let alice = signed_in(client_id.clone(), body);
    let renewed = assert_alive(&world, &alice).await;
    let entras: Vec<String> = world.control().issued().iter().map(|issued| issued.token.clone()).collect();
    let kinds: Vec<TokenKind> = world.control().issued().iter().map(|issued| issued.kind).collect();
    assert!(kinds.contains(&TokenKind::Refresh) && kinds.contains(&TokenKind::Access));
    let oid = fixtures::user_oid("alice");
    let packed = oid.replace('-', "");
    let mut hidden: Vec<&str> = entras.iter().map(|token| &token[..24]).collect();
    hidden.extend(["alice", "Alice", "Andersen", "contoso", oid, &packed, fixtures::TENANT, "Admin"]);
    for token in [&code, &alice.access, &alice.refresh, &renewed.access, &renewed.refresh, &client_id] {
        let mut readable = vec![token.as_bytes().to_vec()];
        for part in token.split(['.', '_']) {
            // A JOSE header. Only at the beginning: in the middle three letters come about by chance.
            assert!(!part.starts_with("eyJ"), "{token}");
            // Base64 read at each of its four places.
            readable.extend((0..4.min(part.len())).filter_map(|at| {
                let whole = part.len() - at - (part.len() - at) % 4;
                URL_SAFE_NO_PAD.decode(&part[at..at + whole]).ok()
            }));
        }
        readable.push(URL_SAFE_NO_PAD.decode(&token[4..]).unwrap());
        for bytes in readable {
            let text = String::from_utf8_lossy(&bytes);
            for word in &hidden {
                assert!(!text.contains(word), "{word} in {token}");
            }
        }
    }
}
