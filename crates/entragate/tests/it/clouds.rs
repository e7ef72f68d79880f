//! Other clouds and tenant types: the host is configuration, everything else comes from discovery.

use entragate::TenantId;
use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::clouds_authority::{Authority, Document};
use crate::world::{Reply, World, log};

/// The sign-in hosts of the public, national and sovereign clouds, and of an External ID tenant.
const CLOUDS: [&str; 5] = [
    "https://login.microsoftonline.com",
    "https://login.microsoftonline.us",
    "https://login.partner.microsoftonline.cn",
    "https://login.sovcloud-identity.fr",
    "https://contoso.ciamlogin.com",
];

async fn entra_at(public_url: &str) -> Emulator {
    Emulator::builder().keys(KeySource::Embedded).public_url(public_url).start().await.unwrap()
}

/// A gate whose sign-in host is `authority`, in front of an Entra whose documents it passes on.
async fn world(entra: Emulator, authority: &Authority) -> World {
    let host = authority.host();
    World::builder().gate(move |builder| builder.authority(host)).in_front_of(entra).await
}

async fn status(world: &World, token: &str) -> u16 {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    world.post(Some(token), &body).await.status().as_u16()
}

fn with(world: &World, version: u8, claims: Value) -> String {
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    let mut all = Map::from_iter([("aud".to_owned(), fixtures::API.into())]);
    all.extend(claims);
    world.control().mint(&MintRequest { version: Some(version), claims: all, ..MintRequest::default() })
}

fn reasons(log: &mut log::Captured, target: &str) -> String {
    let lines = log.lines();
    lines.into_iter().filter(|line| line.starts_with(target)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn rs_20_issuers_of_every_cloud_are_taken_from_its_discovery() {
    for cloud in CLOUDS {
        let entra = entra_at(cloud).await;
        let authority = Authority::of(&entra, |_, _| None).await;
        let world = world(entra, &authority).await;
        let v2 = format!("{cloud}/{}/v2.0", fixtures::TENANT);
        let v1 = format!("{cloud}/sts/{}/", fixtures::TENANT);
        assert_eq!(status(&world, &with(&world, 2, json!({ "iss": v2 }))).await, 200, "{cloud}");
        assert_eq!(status(&world, &with(&world, 1, json!({ "iss": v1 }))).await, 200, "{cloud}");
        for other in CLOUDS.into_iter().filter(|other| *other != cloud) {
            let foreign = format!("{other}/{}/v2.0", fixtures::TENANT);
            assert_eq!(status(&world, &with(&world, 2, json!({ "iss": foreign }))).await, 401, "{other}");
        }
        // Nor the host that was configured, where discovery names another.
        let configured = format!("{}/{}/v2.0", authority.url(), fixtures::TENANT);
        assert_eq!(status(&world, &with(&world, 2, json!({ "iss": configured }))).await, 401, "{cloud}");
    }
}

#[tokio::test]
async fn the_browser_is_sent_to_the_cloud_that_discovery_names() {
    for cloud in CLOUDS {
        let entra = entra_at(cloud).await;
        let authority = Authority::of(&entra, |_, _| None).await;
        let world = world(entra, &authority).await;
        let to_entra = Reply::of(world.http.get(world.authorize_url(&[]))).await.location();
        assert_eq!(to_entra.origin().ascii_serialization(), cloud);
    }
}

#[tokio::test]
async fn external_id_names_another_issuer_host_and_has_no_v1_document() {
    const ISSUER: &str = "https://11111111-1111-1111-1111-111111111111.ciamlogin.com/11111111-1111-1111-1111-111111111111/v2.0";
    let entra = entra_at("https://contoso.ciamlogin.com").await;
    let authority = Authority::of(&entra, |document, json| {
        match document {
            Document::V1 => return Some(StatusCode::NOT_FOUND),
            Document::V2 => json["issuer"] = ISSUER.into(),
            Document::Keys => {
                for key in json["keys"].as_array_mut().unwrap() {
                    key["issuer"] = ISSUER.into();
                }
            }
        }
        None
    })
    .await;
    let world = world(entra, &authority).await;
    let mut log = log::capture();
    assert_eq!(status(&world, &with(&world, 2, json!({ "iss": ISSUER }))).await, 200);
    let v1 = format!("https://contoso.ciamlogin.com/sts/{}/", fixtures::TENANT);
    assert_eq!(status(&world, &with(&world, 1, json!({ "iss": v1 }))).await, 401);
    assert_eq!(status(&world, &with(&world, 2, json!({}))).await, 401, "the host of the documents");
    assert_eq!(
        status(&world, &with(&world, 2, json!({ "iss": ISSUER, "tid": fixtures::TENANT2 }))).await,
        401
    );
    let reasons = reasons(&mut log, "entragate::token");
    assert_eq!(reasons.matches("check=issuer").count(), 2, "{reasons}");
    assert_eq!(reasons.matches("check=tenant ").count(), 1, "{reasons}");
}

#[tokio::test]
async fn a_domain_name_may_stand_for_the_tenant() {
    for domain in ["contoso.test", "contoso.onmicrosoft.com", "CONTOSO.test"] {
        let world = World::builder().tenant(domain).start().await;
        for version in [1, 2] {
            assert_eq!(status(&world, &with(&world, version, json!({}))).await, 200, "{domain} v{version}");
        }
        let mallory = MintRequest { user: Some("mallory".into()), ..MintRequest::default() };
        assert_eq!(status(&world, &world.control().mint(&mallory)).await, 401);
        let mixed = with(&world, 2, json!({ "tid": fixtures::TENANT2 }));
        assert_eq!(status(&world, &mixed).await, 401);
    }
    assert!(TenantId::parse("common").is_err());
}

/// With documents that cannot be trusted nothing is said about the token: 503, and the log says why.
async fn assert_unusable(
    edit: impl Fn(Document, &mut Value) -> Option<StatusCode> + Send + Sync + 'static,
    reason: &str,
) {
    let entra = entra_at("https://login.microsoftonline.com").await;
    let authority = Authority::of(&entra, edit).await;
    let world = world(entra, &authority).await;
    let mut log = log::capture();
    let token = with(&world, 2, json!({}));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let reply = Reply::read(world.post(Some(&token), &body).await).await;
    assert_eq!(reply.status, 503, "{reason}: {reply:?}");
    assert_eq!(reply.header("retry-after"), "5");
    let reasons = reasons(&mut log, "entragate::keys");
    assert!(reasons.contains(reason), "{reason} is not in {reasons}");
}

fn on(
    document: Document,
    change: impl Fn(&mut Value) + Send + Sync,
) -> impl Fn(Document, &mut Value) -> Option<StatusCode> {
    move |at, json| {
        if at == document {
            change(json);
        }
        None
    }
}

fn answer(document: Document, status: StatusCode) -> impl Fn(Document, &mut Value) -> Option<StatusCode> {
    move |at, _| (at == document).then_some(status)
}

#[tokio::test]
async fn documents_of_another_tenant_are_refused() {
    let other = |json: &mut Value| {
        json["issuer"] = format!("https://login.microsoftonline.com/{}/v2.0", fixtures::TENANT2).into();
    };
    assert_unusable(on(Document::V2, other), "is not of tenant").await;
}

#[tokio::test]
async fn a_templated_issuer_is_refused_because_it_names_no_tenant() {
    let template =
        |json: &mut Value| json["issuer"] = "https://login.microsoftonline.com/{tenantid}/v2.0".into();
    assert_unusable(on(Document::V2, template), "names no tenant").await;
}

#[tokio::test]
async fn endpoints_without_tls_are_refused_off_this_machine() {
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let plain = move |json: &mut Value| json[endpoint] = "http://login.evil.test/x".into();
        assert_unusable(on(Document::V2, plain), "is not https").await;
    }
}

#[tokio::test]
async fn redirected_documents_are_not_followed() {
    assert_unusable(answer(Document::V2, StatusCode::FOUND), "status 302").await;
    assert_unusable(answer(Document::V1, StatusCode::FOUND), "status 302").await;
    assert_unusable(answer(Document::Keys, StatusCode::FOUND), "status 302").await;
}

#[tokio::test]
async fn documents_that_do_not_come_are_an_outage_and_not_a_refusal() {
    for status in [500, 502, 503, 429, 408, 403] {
        let code = StatusCode::from_u16(status).unwrap();
        let reason = format!("status {status}");
        assert_unusable(answer(Document::V2, code), &reason).await;
        // Without the v1 issuer good v1 tokens would be refused.
        assert_unusable(answer(Document::V1, code), &reason).await;
        assert_unusable(answer(Document::Keys, code), &reason).await;
    }
}

#[tokio::test]
async fn key_sets_without_a_usable_key_are_an_outage() {
    assert_unusable(on(Document::Keys, |json| json["keys"] = json!([])), "no usable RSA key").await;
    let encryption = |json: &mut Value| {
        for key in json["keys"].as_array_mut().unwrap() {
            key["use"] = "enc".into();
        }
    };
    assert_unusable(on(Document::Keys, encryption), "no usable RSA key").await;
    assert_unusable(on(Document::Keys, |json| *json = json!("<html>")), "key set").await;
}

#[tokio::test]
async fn a_v1_issuer_of_another_tenant_is_not_accepted() {
    let entra = entra_at("https://login.microsoftonline.com").await;
    let foreign = format!("https://sts.windows.net/{}/", fixtures::TENANT2);
    let issuer = foreign.clone();
    let authority =
        Authority::of(&entra, on(Document::V1, move |json| json["issuer"] = issuer.clone().into())).await;
    let world = world(entra, &authority).await;
    assert_eq!(status(&world, &with(&world, 2, json!({}))).await, 200);
    let token = with(&world, 1, json!({ "iss": foreign }));
    assert_eq!(status(&world, &token).await, 401);
}

#[tokio::test]
async fn keys_name_whom_they_sign_for() {
    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
    const CONSUMERS: &str = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    for (issuer, expected) in [
        (json!(TEMPLATE), 200),
        (Value::Null, 200),
        (json!(CONSUMERS), 401),
        (json!(format!("https://login.microsoftonline.com/{}/v2.0", fixtures::TENANT2)), 401),
        (json!("https://login.microsoftonline.us/{tenantid}/v2.0"), 401),
    ] {
        let entra = entra_at("https://login.microsoftonline.com").await;
        let of_keys = issuer.clone();
        let authority = Authority::of(
            &entra,
            on(Document::Keys, move |json| {
                for key in json["keys"].as_array_mut().unwrap() {
                    key["issuer"] = of_keys.clone();
                }
            }),
        )
        .await;
        let world = world(entra, &authority).await;
        let mut log = log::capture();
        for version in [1, 2] {
            assert_eq!(
                status(&world, &with(&world, version, json!({}))).await,
                expected,
                "{issuer} v{version}"
            );
        }
        let refused = reasons(&mut log, "entragate::token").matches("check=key_issuer").count();
        assert_eq!(refused, if expected == 401 { 2 } else { 0 }, "{issuer}");
    }
}

#[tokio::test]
async fn key_sets_of_an_unknown_shape_do_not_hide_the_keys_that_are_known() {
    let entra = entra_at("https://login.microsoftonline.com").await;
    let authority = Authority::of(
        &entra,
        on(Document::Keys, |json| {
            let keys = json["keys"].as_array_mut().unwrap();
            keys.insert(0, json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "x": "AA", "y": "AA" }));
            keys.insert(0, json!({ "kty": "RSA", "use": "sig", "kid": "broken", "n": "!", "e": "AQAB" }));
            keys.insert(0, json!({ "kty": "RSA", "use": "sig", "n": "AQAB", "e": "AQAB" }));
        }),
    )
    .await;
    let world = world(entra, &authority).await;
    assert_eq!(status(&world, &with(&world, 2, json!({}))).await, 200);
    let published: Value =
        world.http.get(world.url("/oauth/jwks")).send().await.unwrap().json().await.unwrap();
    assert!(
        published["keys"].as_array().unwrap().iter().all(|key| key["kid"] != "ec" && key["kid"] != "broken")
    );
}
