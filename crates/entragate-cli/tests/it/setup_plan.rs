//! Plans as pure data: options and a made-up tenant in, steps out. Nobody is asked.

use clap::Parser as _;
use entragate::Timestamp;
use entragate_cli::config::Environment;
use entragate_cli::graph::objects::{Application, PermissionGrant, ServicePrincipal};
use entragate_cli::setup::existing::{Existing, ExistingApp, Standing};
use entragate_cli::setup::plan::Plan;
use entragate_cli::setup::planning::{KnownSecret, Surroundings, plan};
use entragate_cli::setup::{Arguments, Request, WrongOption, emit, render, request};
use serde_json::{Value, json};

use crate::config_fixture::TENANT;
use crate::setup_fixture::requested;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    setup: Arguments,
}

fn try_request(options: &str) -> Result<Request, WrongOption> {
    let words = ["setup", "--tenant", TENANT, "--base-url", "https://mcp.contoso.com"];
    let line = Line::parse_from(words.into_iter().chain(options.split_whitespace()));
    requested(&line.setup)
}

fn wanted(options: &str) -> Request {
    try_request(options).unwrap_or_else(|error| panic!("{error}\n{}", error.hint))
}

fn planned(options: &str, existing: &Existing) -> Plan {
    let surroundings = Surroundings { now: Timestamp::from_unix(1_800_000_000), secret: KnownSecret::Lost };
    plan(TENANT, &wanted(options).wanted, existing, surroundings)
}

fn rendered(plan: &Plan) -> String {
    anstream::adapter::strip_str(&render::plan(plan)).to_string()
}

#[test]
fn broker_mode_from_nothing() {
    let plan = planned("--name Contoso", &Existing::nothing());
    insta::assert_snapshot!("setup_plan_broker", rendered(&plan));
    insta::assert_snapshot!("setup_plan_broker_json", serde_json::to_string_pretty(&plan).expect("JSON"));
}

#[test]
fn relay_mode_from_nothing() {
    let plan = planned(
        "--mode relay --name Contoso --clients claude-code,vscode,chatgpt,gemini-cli",
        &Existing::nothing(),
    );
    insta::assert_snapshot!("setup_plan_relay", rendered(&plan));
}

#[test]
fn a_script_of_the_plan() {
    let request = wanted("--mode relay --name Contoso --credential secret");
    let surroundings = Surroundings { now: Timestamp::from_unix(1_800_000_000), secret: KnownSecret::Lost };
    let plan = plan(TENANT, &request.wanted, &Existing::nothing(), surroundings);
    let source = emit::Source { wanted: &request.wanted, plan: &plan, directory: None };
    insta::assert_snapshot!("setup_emit_graph", emit::emit(emit::Format::Graph, source));
}

/// A registration that somebody made by hand.
fn by_hand(application: Value) -> ExistingApp {
    let application: Application = serde_json::from_value(application).expect("an application");
    let principal =
        ServicePrincipal { id: "sp".to_owned(), app_id: application.app_id.clone(), ..Default::default() };
    ExistingApp {
        application,
        principal: Some(principal),
        federated: Vec::new(),
        standing: Standing::Adopted,
    }
}

#[test]
fn what_somebody_else_put_there_stays_and_is_said() {
    let api = by_hand(json!({
        "id": "o1", "appId": "a1", "displayName": "Ours since 2019", "signInAudience": "AzureADMultipleOrgs",
        "identifierUris": ["api://a1", "https://legacy.contoso.com"],
        "api": {
            "requestedAccessTokenVersion": null,
            "oauth2PermissionScopes": [
                { "id": "s1", "value": "legacy", "type": "Admin", "isEnabled": true, "origin": "kept" },
                { "id": "s2", "value": "access", "type": "User", "isEnabled": false },
            ],
        },
        "appRoles": [
            { "id": "r1", "value": "Admin", "allowedMemberTypes": ["Application"], "isEnabled": true, "displayName": "Admin" },
            { "id": "r2", "value": "Robot", "allowedMemberTypes": ["Application"], "isEnabled": true, "displayName": "Robot" },
        ],
        "web": { "redirectUris": ["https://elsewhere.contoso.com/cb"] },
        "spa": { "redirectUris": ["https://mcp.contoso.com/auth/callback"] },
        "optionalClaims": { "idToken": [{ "name": "email" }], "accessToken": [{ "name": "idtyp" }, { "name": "ctry" }] },
        "requiredResourceAccess": [{ "resourceAppId": "x", "resourceAccess": [{ "id": "y", "type": "Role" }] }],
    }));
    let grant = PermissionGrant {
        id: "g1".to_owned(),
        client_id: "sp".to_owned(),
        consent_type: "AllPrincipals".to_owned(),
        resource_id: "sp".to_owned(),
        scope: Some(" legacy".to_owned()),
        ..Default::default()
    };
    let existing = Existing { api: Some(api), grants: Some(vec![grant]), ..Existing::nothing() };
    let plan = planned("", &existing);
    insta::assert_snapshot!("setup_plan_adopted", rendered(&plan));
    let body = plan.steps[0].request.as_ref().and_then(|request| request.body.clone()).expect("a change");
    insta::assert_snapshot!("setup_plan_adopted_body", serde_json::to_string_pretty(&body).expect("JSON"));
}

#[test]
fn each_scope_is_exposed_let_in_and_consented() {
    let scopes = |options: &str| {
        let plan = planned(options, &Existing::nothing());
        let names = ["api.oauth2PermissionScopes", "api.preAuthorizedApplications", "scope"];
        let fields = plan.steps.into_iter().flat_map(|step| step.fields);
        let fields = fields.filter(|field| names.contains(&field.name.as_str()));
        fields.map(|field| field.after).collect::<Vec<Value>>()
    };
    let both = json!(["access", "tools"]);
    let signing_in = json!(["openid", "profile", "offline_access"]);
    let expected = [&both, &both, &both, &signing_in].map(Clone::clone);
    for options in ["--scope access,tools", "--scope access --scope tools,access"] {
        assert_eq!(scopes(&format!("--mode relay {options}")), expected);
    }
    // An adopted registration may keep the ones that it has.
    let none = json!([]);
    for mode in ["broker", "relay"] {
        let found = scopes(&format!("--mode {mode} --scope= --adopt 11111111-2222-3333-4444-555555555555"));
        assert_eq!(found.iter().filter(|list| **list != none).collect::<Vec<_>>(), [&signing_in]);
    }
}

#[test]
fn options_that_cannot_be_meant_are_refused_with_what_to_write() {
    let refusals: Vec<String> = [
        "--scope api://x/access",
        "--scope=",
        "--roles Admin,User,.hidden",
        "--assign alice@contoso.com",
        "--assign alice@contoso.com=Owner",
        "--assign =Admin",
        "--identifier-uri https://mcp.contoso.com/",
        "--identifier-uri http://mcp.contoso.com",
        "--clients netscape",
        "--name <script>",
        "--adopt 1",
        "--adopt-client 11111111-2222-3333-4444-555555555555 --adopt 11111111-2222-3333-4444-555555555555",
        "--credential none",
        "--credential certificate",
        "--credential certificate --certificate /nowhere.pem",
        "--certificate x.pem",
        "--credential federated",
        "--federated-subject x",
        "--credential federated --federated-subject x --federated-issuer cluster",
        "--upstream ftp://x",
    ]
    .iter()
    .map(|options| match try_request(options) {
        Ok(_) => panic!("{options} was accepted"),
        Err(error) => format!("{options}\n  {error}\n  {}", error.hint),
    })
    .collect();
    insta::assert_snapshot!("setup_refusals", refusals.join("\n"));
}

#[tokio::test]
async fn setup_prepares_one_api_app_and_says_so_where_routes_are_listed() {
    let line = Line::parse_from(["setup", "--tenant", TENANT, "--base-url", "https://mcp.contoso.com"]);
    let environment: Environment = [("ENTRAGATE_ROUTES", "[]")].into_iter().collect();
    let error = request(&line.setup, &environment).await.map(|_| ()).expect_err("refused");
    assert!(error.to_string().contains("several MCP servers"), "{error}");
    assert!(error.hint.contains("--scope and --roles"), "{}", error.hint);
}
