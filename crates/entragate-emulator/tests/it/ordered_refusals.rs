//! Refusals by order of the control plane: every code, at both endpoints, as docs/reference/emulator.md lists them.

use std::fmt::Write;

use entragate_emulator::fixtures::{CLI, TENANT};
use entragate_emulator::{Endpoint, Fault, FaultError, FaultKind};
use serde_json::{Value, json};

use crate::control::assert_refused;
use crate::documentation::rows;
use crate::fixture::{Authorize, Entra, Token};
use crate::reply::Reply;

/// The codes whose meaning an authorization server in front of Entra has to know.
const WANTED: [u64; 87] = [
    28000, 28003, 50011, 50013, 50020, 50034, 50057, 50058, 50074, 50076, 50078, 50079, 50105, 50173, 50194,
    50196, 53000, 53003, 54005, 65001, 65002, 65004, 65005, 70000, 70002, 70003, 70005, 70008, 70011, 70016,
    70019, 70020, 70021, 70043, 90002, 90008, 90009, 90014, 90015, 90023, 90094, 90095, 90102, 500_011,
    500_112, 500_113, 500_131, 500_133, 501_051, 501_481, 501_491, 530_032, 650_052, 650_053, 650_056,
    650_057, 700_005, 700_016, 700_024, 700_025, 700_027, 700_030, 700_038, 700_051, 700_054, 700_081,
    700_082, 700_084, 700_211, 700_212, 700_213, 900_023, 900_144, 900_561, 900_971, 901_002, 1_002_012,
    7_000_215, 7_000_218, 7_000_222, 7_000_229, 9_001_023, 9_002_313, 9_002_325, 9_002_326, 9_002_327,
    9_010_010,
];

fn refuse(entra: &Entra, endpoint: Endpoint, code: u64, claims: Option<&str>) {
    let kind = FaultKind::Refuse { code, claims: claims.map(str::to_owned) };
    entra.control().inject(Fault { endpoint, kind, times: Some(1) });
}

async fn at_token(entra: &Entra, code: u64) -> Reply {
    refuse(entra, Endpoint::Token, code, None);
    entra.token(&Token::code(&Authorize::base(), "whatever")).await
}

async fn at_authorize(entra: &Entra, code: u64, request: &Authorize) -> Reply {
    refuse(entra, Endpoint::Authorize, code, None);
    entra.authorize(request).await
}

/// Status and error of the JSON, with what else it carries.
async fn token_cell(entra: &Entra, code: u64) -> String {
    let reply = at_token(entra, code).await;
    let json = reply.json();
    // The prefix of old has a second code, which the reader of refusals does not expect.
    if code == 70002 {
        assert_eq!(json["error_codes"], json!([70002, 54005]));
    } else {
        reply.refusal(reply.status, json["error"].as_str().expect("text"), code);
    }
    let description = json["error_description"].as_str().expect("text");
    // Entra itself writes this one.
    assert!(!description.replace("{EmailHidden}", "").contains('{'), "{description}");
    let mut cell = format!("{} `{}`", reply.status, json["error"].as_str().expect("text"));
    if let Some(suberror) = json["suberror"].as_str() {
        write!(cell, ", `{suberror}`").expect("writing to a String succeeds");
    }
    if json["claims"].is_string() {
        cell.push_str(", claims");
    }
    cell
}

/// Whether a person sees it or the client, with and without `prompt=none`.
async fn authorize_cell(entra: &Entra, code: u64) -> String {
    let request = Authorize::base();
    let shown = at_authorize(entra, code, &request).await;
    let silent = at_authorize(entra, code, &request.with("prompt", "none")).await;
    let error = |reply: &Reply| {
        let location = reply.location();
        let error = location.get("error").expect("an error").to_owned();
        location.refusal(&error, code);
        assert_eq!(location.get("error_uri"), Some(format!("{}/error?code={code}", entra.b()).as_str()));
        assert_eq!(location.names().last(), Some(&"state"));
        error
    };
    if shown.status == 302 {
        assert_eq!(error(&shown), error(&silent));
        return format!("`{}`", error(&shown));
    }
    let config = shown.config().expect("an error page");
    assert_eq!(config["iErrorCode"], code, "{config}");
    if silent.status == 302 { format!("page, silently `{}`", error(&silent)) } else { "page".to_owned() }
}

#[tokio::test]
async fn e097_every_code_can_be_ordered_and_is_documented() {
    let entra = Entra::start().await;
    let hint = entra
        .operate("POST", "/faults", &json!({"endpoint": "token", "kind": {"refuse": {"code": 1}}}))
        .await;
    assert_refused(&hint);
    let hint = hint.json()["hint"].as_str().expect("text").to_owned();
    let codes: Vec<u64> = hint.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let missing: Vec<&u64> = WANTED.iter().filter(|code| !codes.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?} cannot be ordered");
    let mut lines = Vec::new();
    for code in codes {
        let (token, authorize) = (token_cell(&entra, code).await, authorize_cell(&entra, code).await);
        lines.push(vec![code.to_string(), token, authorize]);
    }
    let documented: Vec<Vec<String>> =
        rows("### Ordered refusals").into_iter().filter(|row| row[0].parse::<u64>().is_ok()).collect();
    let plain = |line: &Vec<String>| -> Vec<String> {
        line.iter().map(|cell| cell.trim_matches('`').to_owned()).collect()
    };
    let table: Vec<String> = lines.iter().map(|line| format!("| {} |", line.join(" | "))).collect();
    let expected: Vec<Vec<String>> = lines.iter().map(plain).collect();
    assert_eq!(documented, expected, "the table is\n{}", table.join("\n"));
}

#[tokio::test]
async fn e097_an_ordered_refusal_is_entra_s_own() {
    let entra = Entra::start().await;
    let refusal = at_token(&entra, 7_000_215).await.refusal(401, "invalid_client", 7_000_215);
    refusal.says(&format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
         client secret ID, for a secret added to app '{CLI}'."
    ));
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    refuse(&entra, Endpoint::Token, 70043, None);
    let request = Token::code(&Authorize::base(), "x").header("client-request-id", id);
    let refusal = entra.token(&request).await.refusal(400, "invalid_grant", 70043);
    assert_eq!(refusal.correlation_id, id);
    refusal.begins("The refresh token has expired or is invalid due to sign-in frequency checks");
    let json = at_token(&entra, 70002).await.json();
    let description = json["error_description"].as_str().expect("text");
    assert!(
        description.starts_with("AADSTS70002: Error validating credentials. AADSTS54005: OAuth2 "),
        "{json}"
    );
}

#[tokio::test]
async fn e097_a_refresh_and_a_code_are_refused_in_their_own_words() {
    let entra = Entra::start().await;
    at_token(&entra, 70000)
        .await
        .refusal(400, "invalid_grant", 70000)
        .says("The provided value for the 'code' parameter is not valid.");
    refuse(&entra, Endpoint::Token, 70000, None);
    let refresh = Token::refresh(CLI, &json!({"refresh_token": "x"}));
    entra
        .token(&refresh)
        .await
        .refusal(400, "invalid_grant", 70000)
        .says("The provided value for the input parameter 'refresh_token' or 'assertion' is not valid.");
}

#[tokio::test]
async fn e097_ordered_claims_are_sent_as_ordered() {
    let entra = Entra::start().await;
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    refuse(&entra, Endpoint::Token, 50076, Some(claims));
    let refusal = entra.token(&Token::code(&Authorize::base(), "x")).await;
    let refusal = refusal.refusal(400, "invalid_grant", 50076);
    assert_eq!(
        (&refusal.json["claims"], &refusal.json["suberror"]),
        (&json!(claims), &json!("basic_action"))
    );
    refuse(&entra, Endpoint::Token, 50173, Some(claims));
    let refusal = entra.token(&Token::code(&Authorize::base(), "x")).await;
    assert_eq!(refusal.json()["claims"], claims, "any code may come with claims");
    refuse(&entra, Endpoint::Authorize, 50076, Some(claims));
    let location = entra.authorize(&Authorize::base()).await.location();
    assert_eq!(location.get("claims"), Some(claims));
    assert_eq!(location.names(), ["error", "error_description", "error_uri", "claims", "state"]);
}

#[tokio::test]
async fn e097_an_ordered_refusal_goes_to_registered_uris_only() {
    let entra = Entra::start().await;
    let stranger = Authorize::base().with("redirect_uri", "https://evil.test/callback");
    at_authorize(&entra, 65004, &stranger).await.page(50011);
    at_authorize(&entra, 65004, &Authorize::base().without("client_id")).await.page(900_144);
    let declined = at_authorize(&entra, 65004, &Authorize::base()).await.location();
    declined.refusal("access_denied", 65004);
    assert_eq!(declined.get("error_subcode"), Some("cancel"));
    let posted = at_authorize(&entra, 50058, &Authorize::base().with("response_mode", "form_post")).await;
    assert_eq!(posted.forms()[0].get("error"), Some("login_required"));
}

#[tokio::test]
async fn e097_an_ordered_refusal_wears_off() {
    let entra = Entra::start().await;
    let fault = json!({"endpoint": "token", "kind": {"refuse": {"code": 50173}}, "times": 2});
    crate::control::inject(&entra, &fault).await;
    let listed = entra.operate("GET", "/faults", &Value::Null).await.ok();
    assert_eq!(listed[0]["kind"], json!({"refuse": {"code": 50173, "claims": null}}));
    let redemption = Token::code(&Authorize::base(), &entra.code(&Authorize::base().user("alice")).await);
    for _ in 0..2 {
        entra.token(&redemption).await.refusal(400, "invalid_grant", 50173);
    }
    entra.redeem(&redemption).await;
    let log = entra.control().requests();
    assert_eq!(log[1].status, 400, "an ordered refusal is logged like any");
}

#[tokio::test]
async fn refusals_that_do_not_exist_cannot_be_ordered() {
    let entra = Entra::start().await;
    for (endpoint, kind) in [
        ("token", json!({"refuse": {"code": 12345}})),
        ("token", json!({"refuse": {"code": -1}})),
        ("token", json!({"refuse": {"code": "50076"}})),
        ("token", json!({"refuse": {}})),
        ("token", json!({"refuse": {"code": 50076, "claims": {"access_token": {}}}})),
        ("keys", json!({"refuse": {"code": 50076}})),
        ("any", json!({"refuse": {"code": 50076}})),
    ] {
        assert_refused(&entra.operate("POST", "/faults", &json!({"endpoint": endpoint, "kind": kind})).await);
    }
    let kind = FaultKind::Refuse { code: 12345, claims: None };
    let fault = Fault { endpoint: Endpoint::Token, kind, times: None };
    assert_eq!(entra.control().try_inject(fault), Err(FaultError::UnknownCode(12345)));
    assert_eq!(entra.get(&format!("/{TENANT}/discovery/v2.0/keys")).await.status, 200);
}
