//! `[groups]`: when groups are read from Microsoft Graph, and what refuses to start.

use entragate_cli::config::{Config, Severity};

use crate::config_fixture::{RELAY, accepted, only, refused, with};

const RULES: (&str, &str) =
    ("ENTRAGATE_RULES", r#"[{ tools = ["a"], groups = ["9A000000-0000-4000-8000-000000000003"] }]"#);
const NO_SECRET: (&str, &str) = ("AZURE_CLIENT_SECRET", "");

fn says(config: &Config, text: &str) -> bool {
    config.warnings.iter().any(|finding| finding.message.contains(text))
}

#[test]
fn a_credential_and_a_rule_over_groups_are_enough() {
    let config = accepted(&with(&RELAY, &[RULES]));
    assert!(config.graph_groups.is_some());
    assert!(!says(&config, "is set and not used"), "the secret is used: {:?}", config.warnings);
    let keys = "k".repeat(32);
    let broker = with(&RELAY, &[RULES, ("ENTRAGATE_MODE", "broker"), ("ENTRAGATE_STATE_KEYS", &keys)]);
    assert!(accepted(&broker).graph_groups.is_some());
}

#[test]
fn without_a_rule_over_groups_nothing_is_read_and_the_secret_is_not_used() {
    let config = accepted(&with(&RELAY, &[("ENTRAGATE_RULES", r#"[{ tools = ["a"] }]"#)]));
    assert!(config.graph_groups.is_none());
    assert!(says(&config, "AZURE_CLIENT_SECRET is set and not used"), "{:?}", config.warnings);
    let config = accepted(&with(&RELAY, &[("ENTRAGATE_GROUPS_OVERAGE", "graph")]));
    assert!(config.graph_groups.is_none() && says(&config, "has no effect: no rule names groups"));
}

#[test]
fn without_a_credential_the_start_warns_unless_refusing_is_meant() {
    let config = accepted(&with(&RELAY, &[RULES, NO_SECRET]));
    assert!(config.graph_groups.is_none());
    let warning = config.warnings.iter().find(|finding| finding.key == "groups.overage").expect("a warning");
    assert_eq!(warning.severity, Severity::Warning);
    assert!(warning.message.contains("more than 200 groups"), "{}", warning.message);
    for secret in [NO_SECRET, ("AZURE_CLIENT_SECRET", "hunter2")] {
        let config = accepted(&with(&RELAY, &[RULES, secret, ("ENTRAGATE_GROUPS_OVERAGE", "refuse")]));
        assert!(config.graph_groups.is_none() && !says(&config, "200 groups"), "{:?}", config.warnings);
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (changes, says, hint) in [
        (
            vec![RULES, NO_SECRET, ("ENTRAGATE_GROUPS_OVERAGE", "graph")],
            "there is no credential",
            "AZURE_CLIENT_SECRET",
        ),
        (vec![("ENTRAGATE_GROUPS_OVERAGE", "ask")], "neither graph nor refuse", "set it to graph"),
        (vec![("ENTRAGATE_GROUPS_CACHE_SECONDS", "5")], "ENTRAGATE_GROUPS_CACHE_SECONDS", "10"),
        (vec![("ENTRAGATE_GROUPS_TIMEOUT_SECONDS", "16")], "ENTRAGATE_GROUPS_TIMEOUT_SECONDS", "15"),
        (
            vec![("ENTRAGATE_RULES", r#"[{ tools = ["a"], groups = ["Engineering"] }]"#)],
            "rule 1: groups contains `Engineering`, which is no object id",
            "Object ID",
        ),
        (
            vec![("ENTRAGATE_RULES", r#"[{ groups = ["9a000000-0000-4000-8000-000000000003"] }]"#)],
            "names nothing",
            "add tools",
        ),
    ] {
        let problems = refused(&with(&RELAY, &changes));
        let problem = only(&problems);
        assert!(problem.message.contains(says), "{says}: {problem:?}");
        assert!(problem.hint.contains(hint), "{hint}: {problem:?}");
    }
}
