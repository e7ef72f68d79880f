//! Broker mode: what it needs, what it takes, and what it refuses.

use std::time::Duration;

use entragate_cli::config::{BrokerConfig, Environment, Identity, Keys, Severity, Store, explain, load};

use crate::config_fixture::{API, CLIENT, TENANT, accepted, directory, only, refused, with};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// One app registration, one gateway.
const BROKER: [(&str, &str); 6] = [
    ("AZURE_TENANT_ID", TENANT),
    ("AZURE_CLIENT_ID", API),
    ("AZURE_CLIENT_SECRET", "hunter2"),
    ("BASE_URL", "https://mcp.contoso.com"),
    ("ENTRAGATE_STATE_KEYS", KEY),
    ("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp"),
];

fn broker(environment: &Environment) -> BrokerConfig {
    match accepted(environment).identity {
        Identity::Broker(broker) => *broker,
        other => panic!("not in broker mode: {other:?}"),
    }
}

#[test]
fn without_a_client_app_the_gateway_is_the_authorization_server() {
    let broker = broker(&with(&BROKER, &[]));
    assert_eq!((broker.tenant.as_str(), broker.api.id().as_str()), (TENANT, API));
    assert!(broker.client.is_none() && broker.registration && broker.clients.is_empty());
    assert_eq!(broker.credential.kind(), "client secret");
    assert!(matches!((&broker.keys, &broker.store), (Keys::Given(_), Store::Memory)));
    assert_eq!(broker.access_token_life, Duration::from_secs(1_800));
    assert_eq!(broker.remember_consent, Duration::from_secs(90 * 86_400));
}

#[test]
fn the_mode_can_be_named_and_an_app_of_its_own_can_sign_people_in() {
    let named = [
        ("ENTRAGATE_MODE", "broker"),
        ("AZURE_MCP_CLIENT_ID", CLIENT),
        ("ENTRAGATE_BROKER_CLIENT_ID", CLIENT),
    ];
    let explained = explain(&with(&BROKER, &named), None).expect("accepted");
    let Identity::Broker(broker) = &explained.config.identity else { panic!("not in broker mode") };
    assert_eq!(broker.client.as_ref().map(entragate::ClientId::as_str), Some(CLIENT));
    let note = explained.config.warnings.iter().find(|finding| finding.key == "entra.mcp_client_id");
    assert_eq!(note.map(|note| note.severity), Some(Severity::Note));
}

#[test]
fn what_seals_must_be_given_where_others_can_connect() {
    let problems = refused(&with(&BROKER, &[("ENTRAGATE_STATE_KEYS", "")]));
    let problem = only(&problems);
    assert_eq!(problem.key, "state.keys");
    assert!(
        problem.hint.contains("openssl rand -base64 32")
            && problem.hint.contains("ENTRAGATE_STATE_DIRECTORY")
    );
    let directory = directory("broker_state");
    let in_directory =
        [("ENTRAGATE_STATE_KEYS", ""), ("ENTRAGATE_STATE_DIRECTORY", directory.to_str().expect("a path"))];
    let kept = broker(&with(&BROKER, &in_directory));
    assert!(matches!((&kept.keys, &kept.store), (Keys::InDirectory(_), Store::Directory(_))));
    let here = [("ENTRAGATE_STATE_KEYS", ""), ("BASE_URL", "")];
    assert!(matches!(broker(&with(&BROKER, &here)).keys, Keys::OfThisProcess));
    let shared =
        [("ENTRAGATE_STATE_KEYS", ""), ("BASE_URL", ""), ("ENTRAGATE_STATE_REDIS_URL", "redis://localhost")];
    assert_eq!(only(&refused(&with(&BROKER, &shared))).key, "state.keys", "replicas need the same key");
}

#[test]
fn keys_that_could_be_guessed_or_hide_that_one_is_missing_are_refused_and_not_printed() {
    for keys in ["hunter2", &format!("{KEY},hunter2"), &format!("{KEY},{KEY}")] {
        let problems = refused(&with(&BROKER, &[("ENTRAGATE_STATE_KEYS", keys)]));
        assert_eq!(only(&problems).key, "state.keys");
        assert!(!problems.to_string().contains("hunter2") && !problems.to_string().contains(KEY));
    }
    let rotated = format!("new-{KEY}, {KEY}");
    assert!(matches!(broker(&with(&BROKER, &[("ENTRAGATE_STATE_KEYS", &rotated)])).keys, Keys::Given(_)));
}

#[test]
fn exactly_one_credential_is_needed_and_the_platforms_own_gives_way() {
    let problems = refused(&with(&BROKER, &[("AZURE_CLIENT_SECRET", "")]));
    let problem = only(&problems);
    assert_eq!(problem.key, "entra.client_secret");
    for way in ["entra.certificate_file", "AZURE_FEDERATED_TOKEN_FILE", "entra.managed_identity"] {
        assert!(problem.hint.contains(way), "{way} is not in the hint: {}", problem.hint);
    }
    let two = [("ENTRAGATE_ENTRA_MANAGED_IDENTITY", CLIENT)];
    assert!(only(&refused(&with(&BROKER, &two))).message.contains("several credentials"));
    let beside = [("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token")];
    assert_eq!(broker(&with(&BROKER, &beside)).credential.kind(), "client secret");
    let missing = [("AZURE_CLIENT_SECRET", ""), ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/client.pem")];
    let problems = refused(&with(&BROKER, &missing));
    assert_eq!(only(&problems).key, "entra.certificate_file");
    let identity = [("AZURE_CLIENT_SECRET", ""), ("ENTRAGATE_ENTRA_MANAGED_IDENTITY", CLIENT)];
    assert_eq!(broker(&with(&BROKER, &identity)).credential.kind(), "managed identity");
    let nobody = [("AZURE_CLIENT_SECRET", ""), ("ENTRAGATE_ENTRA_MANAGED_IDENTITY", "me")];
    assert_eq!(only(&refused(&with(&BROKER, &nobody))).key, "entra.managed_identity");
}

#[test]
fn a_token_file_alone_is_enough_as_aks_sets_it() {
    let path = directory("broker_token").join("token");
    std::fs::write(&path, "eyJ.x.y").expect("a file");
    let aks = [("AZURE_CLIENT_SECRET", ""), ("AZURE_FEDERATED_TOKEN_FILE", path.to_str().expect("a path"))];
    assert_eq!(broker(&with(&BROKER, &aks)).credential.kind(), "federated token file");
}

#[test]
fn numbers_stay_within_what_clients_and_entra_bear() {
    for (name, value) in [
        ("ENTRAGATE_BROKER_ACCESS_TOKEN_MINUTES", "14"),
        ("ENTRAGATE_BROKER_ACCESS_TOKEN_MINUTES", "91"),
        ("ENTRAGATE_BROKER_REMEMBER_CONSENT_DAYS", "366"),
    ] {
        assert!(only(&refused(&with(&BROKER, &[(name, value)]))).hint.contains("give a number from"));
    }
    let never = broker(&with(&BROKER, &[("ENTRAGATE_BROKER_REMEMBER_CONSENT_DAYS", "0")]));
    assert_eq!(never.remember_consent, Duration::ZERO);
}

#[test]
fn documents_are_limited_by_domain_and_by_url() {
    let lists = [
        ("ENTRAGATE_CLIENT_DOCUMENTS_ALLOW", "claude.ai,https://zed.dev/oauth/client-metadata.json"),
        ("ENTRAGATE_CLIENT_DOCUMENTS_DENY", "evil.com"),
    ];
    broker(&with(&BROKER, &lists));
    for wrong in ["*.claude.ai", "http://claude.ai/x", "https://claude.ai", "10.0.0.1"] {
        let problems = refused(&with(&BROKER, &[("ENTRAGATE_CLIENT_DOCUMENTS_ALLOW", wrong)]));
        assert_eq!(only(&problems).key, "client_documents.allow", "{wrong}");
    }
}

#[test]
fn clients_with_a_fixed_id_are_read_and_wrong_ones_named() {
    let secret = directory("broker_clients").join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789\n").expect("a file");
    let good = format!(
        r#"[{{ id = "copilot", name = "Copilot Studio", redirect_uris = ["https://global.consent.azure-apim.net/redirect/x"], secret_file = "{}" }}]"#,
        secret.display()
    );
    let read = broker(&with(&BROKER, &[("ENTRAGATE_CLIENTS", &good)]));
    assert_eq!(read.clients.iter().map(entragate::ConfiguredClient::id).collect::<Vec<_>>(), ["copilot"]);
    for (wrong, says) in [
        (r#"[{ redirect_uris = ["https://a.test/cb"] }]"#, "client id"),
        (r#"[{ id = "https://a.test/x", redirect_uris = ["https://a.test/cb"] }]"#, "client id"),
        (r#"[{ id = "a" }]"#, "redirect URI"),
        (r#"[{ id = "a", redirect_uris = ["http://evil.test/cb"] }]"#, "redirect URI"),
        (r#"[{ id = "a", redirect_uri = ["https://a.test/cb"] }]"#, "not part of a client"),
        (r#"[{ id = "a", redirect_uris = "https://a.test/cb" }]"#, "wrong type"),
        (
            r#"[{ id = "a", redirect_uris = ["https://a.test/cb"], secret_file = "/nowhere" }]"#,
            "cannot be read",
        ),
        (
            r#"[{ id = "a", redirect_uris = ["https://a.test/cb"] }, { id = "a", redirect_uris = ["https://b.test/cb"] }]"#,
            "there twice",
        ),
    ] {
        let problems = refused(&with(&BROKER, &[("ENTRAGATE_CLIENTS", wrong)]));
        assert!(only(&problems).message.contains(says), "{wrong}: {problems}");
    }
}

#[test]
fn secrets_of_this_mode_do_not_belong_into_a_file() {
    for line in ["state = { keys = \"x\" }", "state = { redis_url = \"redis://:hunter2@redis\" }"] {
        let path = crate::config_fixture::file("broker_secret_in_file", line);
        let problems = load(&with(&BROKER, &[]), Some(&path)).map(|_| ()).expect_err("refused");
        assert!(problems.to_string().contains("does not belong into a file"), "{problems}");
        assert!(!problems.to_string().contains("hunter2"), "{problems}");
    }
}
