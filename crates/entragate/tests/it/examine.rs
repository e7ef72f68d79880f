//! `Gate::examine` and the gate agree on every credential of the refusal matrix, or they would drift apart.

use entragate::{
    Access, AuthorityHost, BaseUrl, CheckOutcome, ClientId, Gate, Relay, Rule, SavedKeys, TenantId,
    TokenReport, TokenVerdict,
};
use entragate_emulator::{Defect, MintRequest, fixtures};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Map, Value, json};
use std::time::Duration;

use crate::refusals::{MATRIX, mint, observe, present, with_claims};
use crate::world::{EmulatedTime, World, log};

fn headers(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap())])
}

async fn examined(gate: &Gate, token: &str) -> TokenReport {
    gate.examine(&headers(token)).await.unwrap()
}

fn check_of(report: &TokenReport) -> &'static str {
    match &report.verdict {
        TokenVerdict::Refused { check, .. } => check,
        other => panic!("{other:?}"),
    }
}

/// Nothing of a token's signature, and not its payload, is in the text.
fn assert_discreet(text: &str, token: &str) {
    let mut parts = token.split('.').skip(1);
    if let Some(payload) = parts.next().filter(|payload| payload.len() >= 16) {
        assert!(!text.contains(payload), "the payload is shown: {text}");
    }
    for part in parts {
        for window in part.as_bytes().windows(16) {
            let window = std::str::from_utf8(window).unwrap_or("\u{fffd}");
            assert!(!text.contains(window), "16 characters of the signature are shown: {text}");
        }
    }
}

#[tokio::test]
async fn a_report_and_the_gate_agree_over_the_whole_refusal_matrix() {
    let world = World::start().await;
    let mut log = log::capture();
    for row in MATRIX {
        let authorization = row.make(world.control());
        let headers: HeaderMap = authorization.iter().map(|value| (AUTHORIZATION, value.clone())).collect();
        let observed = observe(&world, &mut log, row, &authorization).await;
        let report = world.gate.examine(&headers).await.unwrap();
        let first = report.first_failure().unwrap();
        assert_eq!(first.check, observed.check, "{}: {report:?}", row.name);
        assert_eq!(check_of(&report), observed.check, "{}", row.name);
        assert!(first.remedy.as_ref().is_some_and(|text| text.len() > 20), "{}: {first:?}", row.name);
        let shown = format!("{report:?} {}", serde_json::to_string(&report).unwrap());
        for value in &authorization {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            assert_discreet(&shown, text.rsplit(' ').next().unwrap());
        }
        // Looking is not refusing: nothing is in the log, and nobody is remembered.
        let lines = log.lines();
        assert!(lines.iter().all(|line| !line.starts_with("entragate::token ")), "{}: {lines:?}", row.name);
        world.control().advance(Duration::from_secs(31));
    }
}

#[tokio::test]
async fn a_token_that_the_gate_accepts_passes_every_check() {
    let world = World::start().await;
    let daemon = MintRequest { client: Some("DMN".into()), user: None, ..MintRequest::default() };
    for request in [
        MintRequest::default(),
        MintRequest { version: Some(1), ..MintRequest::default() },
        MintRequest { defect: Some(Defect::AudArray), ..MintRequest::default() },
        MintRequest { user: Some("gina".into()), ..MintRequest::default() },
        daemon,
    ] {
        let token = mint(&world, &request);
        let accepted = present(&world, &[headers(&token)[AUTHORIZATION].clone()]).await.status == 200;
        let report = examined(&world.gate, &token).await;
        assert_eq!(report.verdict == TokenVerdict::Valid, accepted, "{report:?}");
        assert!(accepted, "{request:?}");
        assert!(report.checks.iter().all(|check| check.outcome == CheckOutcome::Passed), "{report:?}");
        let bearer = report.bearer.as_ref().unwrap();
        assert!(bearer.is_verified && bearer.tenant_id.as_deref() == Some(fixtures::TENANT));
        assert_discreet(&serde_json::to_string(&report).unwrap(), &token);
    }
}

#[tokio::test]
async fn after_the_first_failure_the_rest_is_still_judged() {
    let world = World::start().await;
    let claims = json!({ "exp": 1, "aud": fixtures::SIBLING, "scp": null, "roles": null });
    let report = examined(&world.gate, &with_claims(world.control(), &claims)).await;
    let failed: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.outcome == CheckOutcome::Failed)
        .map(|check| check.check)
        .collect();
    assert_eq!(failed, ["audience", "expired", "no_permission"]);
    // Under an algorithm that is refused no signature is looked at, and nobody is believed.
    let none = mint(&world, &MintRequest { defect: Some(Defect::AlgNone), ..MintRequest::default() });
    let report = examined(&world.gate, &none).await;
    let signature = report.checks.iter().find(|check| check.check == "signature").unwrap();
    assert_eq!(signature.outcome, CheckOutcome::NotReached);
    assert!(!report.bearer.as_ref().unwrap().is_verified && report.access.is_none());
}

#[tokio::test]
async fn remedies_name_the_setting_that_is_wrong() {
    let world = World::start().await;
    let spoilt = |defect| mint(&world, &MintRequest { defect: Some(defect), ..MintRequest::default() });
    for (token, expected) in [
        (spoilt(Defect::OtherTenant), "correct AZURE_TENANT_ID"),
        (spoilt(Defect::SiblingApp), "correct AZURE_CLIENT_ID"),
        (spoilt(Defect::IdToken), "the access_token"),
        (spoilt(Defect::GraphNonce), "api://"),
        (spoilt(Defect::Jwe), "tokenEncryptionKeyId"),
        (spoilt(Defect::Expired), "It ended 1 h"),
        (spoilt(Defect::NotYetValid), "clock"),
        (spoilt(Defect::ConsumersKey), "personal account"),
        (spoilt(Defect::WrongCloudInstance), "AZURE_AUTHORITY_HOST"),
        (spoilt(Defect::NoScpNoRoles), "Expose"),
        (
            with_claims(world.control(), &json!({ "aud": "https://mcp.contoso.test/mcp" })),
            "ENTRAGATE_ENTRA_IDENTIFIER_URIS",
        ),
        (with_claims(world.control(), &json!({ "scp": "/", "roles": null, "idtyp": "app" })), "not a scope"),
        ("ega_x.y.z".to_owned(), "ega_"),
    ] {
        let report = examined(&world.gate, &token).await;
        let TokenVerdict::Refused { remedy, .. } = &report.verdict else { panic!("{report:?}") };
        assert!(remedy.contains(expected), "{expected}: {remedy}");
    }
}

#[tokio::test]
async fn what_the_rules_allow_is_told_rule_by_rule() {
    let rules = [
        Rule::tools(["admin_*"]).roles(["Admin"]),
        Rule::tools(["write"]).scopes(["write"]),
        Rule::tools(["*"]).and_methods(["completion/complete"]),
    ];
    let world = World::builder().gate(move |builder| builder.rules(rules)).start().await;
    let bob = mint(&world, &MintRequest { user: Some("bob".into()), ..MintRequest::default() });
    let access = examined(&world.gate, &bob).await.access.unwrap();
    let told: Vec<(String, Option<&str>)> =
        access.rules.iter().map(|rule| (rule.names.join(", "), rule.needs.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("tools/call admin_*".to_owned(), Some("needs app role Admin")),
            ("tools/call write".to_owned(), Some("needs scope write")),
            ("tools/call *, completion/complete".to_owned(), None),
        ]
    );
    let other = mint(&world, &MintRequest { scp: Some("other".into()), ..MintRequest::default() });
    let access = examined(&world.gate, &other).await.access.unwrap();
    assert_eq!((access.missing_scopes, access.overall), (vec!["access".to_owned()], Access::Refused));
}

fn members(object: &Value) -> Map<String, Value> {
    object.as_object().unwrap().clone()
}

#[tokio::test]
async fn agent_identities_are_named_and_need_a_role_like_every_program() {
    let world = World::start().await;
    let agent = json!({
        "scp": "/", "idtyp": "app", "sub": "another", "xms_act_fct": "3 9 11", "xms_sub_fct": "9 3 11",
        "xms_par_app_azp": fixtures::CLI,
    });
    let daemon = MintRequest {
        client: Some("DMN".into()),
        user: None,
        claims: members(&agent),
        ..MintRequest::default()
    };
    let mut log = log::capture();
    let token = mint(&world, &daemon);
    assert_eq!(present(&world, &[headers(&token)[AUTHORIZATION].clone()]).await.status, 200);
    let blueprint = format!("agent_blueprint={}", fixtures::CLI);
    assert!(
        log.lines().iter().any(|line| line.starts_with("entragate::signin") && line.contains(&blueprint))
    );
    let report = examined(&world.gate, &token).await;
    let bearer = report.bearer.as_ref().unwrap();
    assert_eq!((bearer.kind, bearer.agent), (Some("application"), Some("an agent in its own name")));
    assert_eq!(bearer.agent_blueprint.as_deref(), Some(fixtures::CLI));
    assert!(bearer.scopes.is_empty(), "a slash is no scope: {bearer:?}");
    assert!(report.notes.iter().any(|note| note.contains("decides nothing")));
    // Facets are numbers, not digits, and a claim of another type names nobody.
    for claims in [json!({ "xms_act_fct": "111 9" }), json!({ "xms_par_app_azp": 7 })] {
        let token = with_claims(world.control(), &claims);
        assert_eq!(examined(&world.gate, &token).await.bearer.unwrap().agent, None);
    }
    // Without a role it may do nothing, whatever its blueprint is.
    let mut claims = members(&agent);
    claims.insert("roles".into(), Value::Null);
    let token = mint(&world, &MintRequest { claims, ..daemon });
    assert_eq!(check_of(&examined(&world.gate, &token).await), "no_permission");
}

fn offline(world: &World, keys: SavedKeys, tenant: &str) -> Result<Gate, entragate::GateError> {
    let relay = Relay {
        tenant: TenantId::parse(tenant).unwrap(),
        api: entragate::ApiApp::new(ClientId::parse(fixtures::API).unwrap()),
        client: ClientId::parse(fixtures::MCP).unwrap(),
    };
    Gate::relay(BaseUrl::parse("http://localhost:9").unwrap(), relay)
        .authority(AuthorityHost::parse(world.entra.url()).unwrap())
        .clock(EmulatedTime(world.control().clone()))
        .saved_keys(keys)
        .build()
}

#[tokio::test]
async fn saved_keys_judge_while_entra_is_down() {
    let mut world = World::start().await;
    let keys = world.gate.keys_to_save().await.unwrap().to_json();
    let good = mint(&world, &MintRequest::default());
    let v1 = mint(&world, &MintRequest { version: Some(1), ..MintRequest::default() });
    let expired = mint(&world, &MintRequest { defect: Some(Defect::Expired), ..MintRequest::default() });
    let unknown = mint(&world, &MintRequest { defect: Some(Defect::KidUnknown), ..MintRequest::default() });
    let saved = SavedKeys::parse(&keys).unwrap();
    assert!(saved.saved_at().is_some());
    let gate = offline(&world, saved.clone(), fixtures::TENANT).unwrap();
    let other = offline(&world, saved, "99999999-9999-4999-8999-999999999999");
    assert!(matches!(other, Err(entragate::GateError::SavedKeys(_))));
    let key_set = serde_json::from_str::<Value>(&keys).unwrap()["jwks"].to_string();
    let bare = offline(&world, SavedKeys::parse(&key_set).unwrap(), fixtures::TENANT).unwrap();
    world.shut_entra_down().await;
    for token in [&good, &v1] {
        assert_eq!(examined(&gate, token).await.verdict, TokenVerdict::Valid);
    }
    assert_eq!(check_of(&examined(&gate, &expired).await), "expired");
    assert_eq!(check_of(&examined(&gate, &unknown).await), "kid_unknown");
    assert_eq!(examined(&bare, &good).await.verdict, TokenVerdict::Valid);
    for bad in ["", "{}", "[]", r#"{"keys":1}"#] {
        assert!(SavedKeys::parse(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn without_keys_nothing_is_said_about_a_token_that_has_no_fault_of_its_own() {
    let mut world = World::start().await;
    let good = mint(&world, &MintRequest::default());
    let jwe = mint(&world, &MintRequest { defect: Some(Defect::Jwe), ..MintRequest::default() });
    world.shut_entra_down().await;
    let report = examined(&world.gate, &good).await;
    assert!(matches!(report.verdict, TokenVerdict::Unjudged { .. }), "{report:?}");
    assert!(!report.bearer.unwrap().is_verified && report.access.is_none());
    // What is wrong by itself is wrong without keys.
    assert_eq!(check_of(&examined(&world.gate, &jwe).await), "encrypted");
}
