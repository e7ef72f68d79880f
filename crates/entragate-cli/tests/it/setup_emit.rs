//! Plans as code: what `--emit` prints. `tests/setup` runs the scripts and validates the templates.

use clap::Parser as _;
use entragate::Timestamp;
use entragate_cli::graph::objects::{Application, ServicePrincipal};
use entragate_cli::graph::{Directory, GraphUrl};
use entragate_cli::setup::Arguments;
use entragate_cli::setup::emit::{Format, Source, emit};
use entragate_cli::setup::existing::{Existing, ExistingApp, Person, Standing};
use entragate_cli::setup::planning::{KnownSecret, Surroundings, plan};
use serde_json::{Value, json};

use crate::config_fixture::TENANT;
use crate::setup_fixture::requested;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    setup: Arguments,
}

fn emitted(format: Format, options: &[&str], existing: &Existing) -> String {
    let words = ["setup", "--tenant", TENANT, "--base-url", "https://mcp.contoso.com"];
    let line = Line::parse_from(words.iter().chain(options));
    let request = requested(&line.setup).expect("options that can be meant");
    let surroundings = Surroundings { now: Timestamp::from_unix(1_800_000_000), secret: KnownSecret::Lost };
    let plan = plan(TENANT, &request.wanted, existing, surroundings);
    emit(format, Source { wanted: &request.wanted, plan: &plan, directory: None })
}

const BROKER: [&str; 7] = [
    "--name",
    "Contoso",
    "--assign",
    "alice@contoso.com=Admin",
    "--assign",
    "group:11111111-2222-4333-8444-555555555555=User",
    "--assignment-required",
];
const RELAY: [&str; 10] = [
    "--mode",
    "relay",
    "--name",
    "Contoso",
    "--credential",
    "federated",
    "--federated-subject",
    "system:serviceaccount:mcp:gateway",
    "--federated-issuer",
    "https://oidc.contoso.com/cluster",
];

/// A tenant with the people of [`BROKER`] and nothing else.
fn people() -> Existing {
    let person =
        |who: &str, id: &str| Person { who: who.to_owned(), id: id.to_owned(), name: who.to_owned() };
    Existing {
        people: vec![
            person("alice@contoso.com", "a11ce000-0000-4000-8000-000000000000"),
            person("group:11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-555555555555"),
        ],
        ..Existing::nothing()
    }
}

#[test]
fn az_in_both_modes() {
    insta::assert_snapshot!("setup_emit_az_broker", emitted(Format::Az, &BROKER, &people()));
    insta::assert_snapshot!("setup_emit_az_relay", emitted(Format::Az, &RELAY, &Existing::nothing()));
}

#[test]
fn bicep_in_both_modes() {
    insta::assert_snapshot!("setup_emit_bicep_broker", emitted(Format::Bicep, &BROKER, &people()));
    insta::assert_snapshot!("setup_emit_bicep_relay", emitted(Format::Bicep, &RELAY, &Existing::nothing()));
}

#[test]
fn terraform_in_both_modes() {
    insta::assert_snapshot!("setup_emit_terraform_broker", emitted(Format::Terraform, &BROKER, &people()));
    insta::assert_snapshot!(
        "setup_emit_terraform_relay",
        emitted(Format::Terraform, &RELAY, &Existing::nothing())
    );
}

/// Graph's address comes from the tenant's document or from `--graph-url`.
#[test]
fn the_address_of_graph_is_a_text_in_the_script() {
    let authority = entragate::AuthorityHost::default();
    let directory = Directory {
        tenant: TENANT.to_owned(),
        graph: GraphUrl::on_host("graph.microsoft.us", &authority).expect("a host"),
        authority,
        token_endpoint: "https://login.microsoftonline.us/token".parse().expect("a URL"),
        device_endpoint: None,
    };
    let line = Line::parse_from(["setup", "--tenant", TENANT]);
    let request = requested(&line.setup).expect("options that can be meant");
    let surroundings = Surroundings { now: Timestamp::from_unix(1_800_000_000), secret: KnownSecret::Lost };
    let plan = plan(TENANT, &request.wanted, &Existing::nothing(), surroundings);
    let source = Source { wanted: &request.wanted, plan: &plan, directory: Some(&directory) };
    let text = emit(Format::Graph, source);
    assert!(text.contains("\nGRAPH=${GRAPH_URL:-'https://graph.microsoft.us/v1.0'}\n"), "{text}");
    for bad in ["$(id).test", "graph.test;id", "graph.test`id`", "}'"] {
        assert!(GraphUrl::on_host(bad, &directory.authority).is_err(), "{bad} was accepted");
    }
}

const FORMATS: [Format; 4] = [Format::Az, Format::Bicep, Format::Terraform, Format::Graph];

#[test]
fn names_stay_texts_in_every_language() {
    let options = ["--name", r#"a'b "c" ${API_OBJECT_ID} $(id) `id` \ #{x} %{y}"#];
    // `%` is no letter of a name.
    let name = options[1].replace('%', "");
    for format in FORMATS {
        let text = emitted(format, &["--name", &name], &Existing::nothing());
        let quoted = match format {
            Format::Az | Format::Graph => r#"a'\''b \"c\" "#,
            Format::Bicep => r#"'a\'b "c" \${API_OBJECT_ID} $(id) `id` \\ #{x} {y}'"#,
            Format::Terraform => r#""a'b \"c\" $${API_OBJECT_ID} $(id) `id` \\ #{x} {y}""#,
        };
        assert!(text.contains(quoted), "{format:?}\n{text}");
    }
}

#[test]
fn no_format_holds_a_secret() {
    for format in FORMATS {
        let text = emitted(format, &["--credential", "secret"], &Existing::nothing());
        for word in ["secretText\":", "AZURE_CLIENT_SECRET=ey", "BEGIN"] {
            assert!(!text.contains(word), "{format:?} holds {word}\n{text}");
        }
    }
}

/// The API app of an earlier run, without anything.
fn bare() -> Existing {
    let application: Value = json!({
        "id": "0b1ec700-0000-4000-8000-000000000001",
        "appId": "a9900000-0000-4000-8000-000000000001",
        "displayName": "Contoso",
        "uniqueName": "contoso",
        "tags": ["entragate-setup"],
        "identifierUris": ["https://mcp.contoso.com/other"],
    });
    let application: Application = serde_json::from_value(application).expect("an application");
    let principal = ServicePrincipal {
        id: "5e000000-0000-4000-8000-000000000001".to_owned(),
        app_id: application.app_id.clone(),
        ..Default::default()
    };
    let api = ExistingApp {
        application,
        principal: Some(principal),
        federated: Vec::new(),
        standing: Standing::Made,
    };
    Existing { api: Some(api), ..Existing::nothing() }
}

#[test]
fn what_is_there_is_changed_and_not_made_again() {
    let text = emitted(Format::Az, &["--name", "Contoso"], &bare());
    assert!(text.contains("API_OBJECT_ID='0b1ec700-0000-4000-8000-000000000001'"), "{text}");
    assert!(text.contains("# change: API app registration"), "{text}");
    assert!(text.contains("https://mcp.contoso.com/other"), "somebody's URI stays\n{text}");
    assert!(!text.contains("Prefer=create-if-missing"), "{text}");
    let text = emitted(Format::Terraform, &["--name", "Contoso"], &bare());
    let import = "terraform import azuread_application_registration.api /applications/0b1ec700-0000-4000-8000-000000000001";
    assert!(text.contains(import), "{text}");
}
