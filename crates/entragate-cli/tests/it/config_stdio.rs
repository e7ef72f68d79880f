//! `upstream.url = "stdio: …"`: what it becomes, and what refuses to start.

use std::time::Duration;

use entragate_cli::config::{ServerConfig, Severity, StdioConfig};

use crate::config_fixture::{DEVELOPMENT, RELAY, accepted, only, refused, with};

const PATH: (&str, &str) = ("PATH", "/nonexistent:/usr/bin:/bin");
const COMMAND: (&str, &str) = ("ENTRAGATE_UPSTREAM", "stdio: sh -c 'echo \"a b\" | cat' x");
const ENV: &str = "ENTRAGATE_UPSTREAM_ENVIRONMENT";

fn stdio(changes: &[(&str, &str)]) -> StdioConfig {
    let config = accepted(&with(&RELAY, &[&[PATH, COMMAND][..], changes].concat()));
    match &config.routes[0].server {
        ServerConfig::Stdio(stdio) => stdio.clone(),
        ServerConfig::Http(_) => panic!("it is reached over HTTP"),
    }
}

fn refuses(changes: &[(&str, &str)], key: &str, says: &str, hint: &str) {
    let problems = refused(&with(&RELAY, &[&[PATH, COMMAND][..], changes].concat()));
    let finding = only(&problems);
    assert_eq!(finding.key, key, "{finding}");
    assert!(finding.message.contains(says) && finding.hint.contains(hint), "{finding}");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn command_is_found_and_split_and_the_rest_has_defaults() {
    let config = stdio(&[]);
    assert!(config.program.is_absolute() && config.program.ends_with("sh"), "{}", config.program.display());
    assert_eq!(config.arguments, ["-c", "echo \"a b\" | cat", "x"]);
    assert_eq!((config.path.as_str(), config.directory), ("/mcp", None));
    assert!(config.tells_caller);
    assert_eq!((config.max_processes, config.max_processes_per_user), (64, 8));
    assert_eq!(
        (config.start_timeout, config.idle_timeout),
        (Duration::from_secs(60), Duration::from_secs(1800))
    );
    assert_eq!(stdio(&[("ENTRAGATE_UPSTREAM_PATH", "/tools")]).path, "/tools");
    assert_eq!(stdio(&[("ENTRAGATE_UPSTREAM_MAX_PROCESSES", "3")]).max_processes_per_user, 3);
    assert!(!stdio(&[("ENTRAGATE_UPSTREAM_IDENTITY", "none")]).tells_caller);
}

#[test]
fn environment_is_what_a_program_needs_and_what_is_named() {
    let given = [("HOME", "/home/x"), ("OTHER", "hunter2"), (ENV, "OTHER,A=1=2,B=$OTHER,HOME=/h")];
    let config = stdio(&given);
    let all: Vec<(&str, &str)> =
        config.environment.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(all, [PATH, ("OTHER", "hunter2"), ("A", "1=2"), ("B", "hunter2"), ("HOME", "/h")]);
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn started_as_root_it_warns_that_nothing_is_hidden_from_root() {
    let warns = |environment| {
        let warnings = accepted(&environment).warnings;
        warnings.iter().any(|warning| {
            warning.severity == Severity::Warning
                && warning.key == "upstream.url"
                && warning.message.contains("as root")
                && warning.hint.contains("User=")
        })
    };
    assert!(warns(with(&RELAY, &[PATH, COMMAND]).of_root()));
    assert!(!warns(with(&RELAY, &[PATH, COMMAND])));
    assert!(!warns(with(&RELAY, &[PATH]).of_root()), "a server that runs by itself is no matter of ours");
}

#[test]
fn command_that_cannot_be_run_is_refused() {
    let upstream = |value| [("ENTRAGATE_UPSTREAM", value)];
    let row = |value, says, hint| refuses(&upstream(value), "upstream.url", says, hint);
    row("stdio: no-such-program -y x", "in no directory of PATH", "install it");
    row("stdio: /nonexistent/server", "is not there", "absolute path");
    row("stdio: /etc/passwd", "may be executed", "absolute path");
    row("stdio: sh -c a | b", "an unquoted |", "single quotes");
    row("stdio: TOKEN=hunter2 sh", "an assignment", "upstream.environment");
    row("stdio:", "names no program", "npx -y some-server");
    refuses(&[("PATH", "/nonexistent")], "upstream.url", "in no directory of PATH", "container image");
    refuses(&[("ENTRAGATE_UPSTREAM_PATH", "/oauth/x")], "upstream.path", "collides", "another public path");
}

#[test]
fn variables_that_must_not_or_cannot_be_handed_on_are_refused() {
    let row = |value, says, hint| refuses(&[(ENV, value)], "upstream.environment", says, hint);
    row("AZURE_CLIENT_SECRET", "a setting of the gateway's own", "another name");
    row("A=$AZURE_CLIENT_SECRET", "a setting of the gateway's own", "another name");
    row("A=$ENTRAGATE_STATE_KEYS", "a setting of the gateway's own", "another name");
    row("ENTRAGATE_CALLER_ROLES=hunter2", "keeps ENTRAGATE_* for itself", "another name");
    row("A=${AZURE_CLIENT_SECRET}", "gives A a value in braces", "without braces");
    row("NOT_SET", "NOT_SET, which is not set", "NAME=value");
    row("A=1,A=2", "names A twice", "once");
    row("=hunter2", "does not begin with the name", "NAME=$OTHER");
    row("a b=hunter2", "does not begin with the name", "NAME=$OTHER");
}

#[test]
fn secret_that_stands_in_the_configuration_is_warned_of_and_never_shown() {
    let config = accepted(&with(&RELAY, &[PATH, COMMAND, (ENV, "GITHUB_TOKEN=hunter2,TEAM=x")]));
    let warning =
        config.warnings.iter().find(|finding| finding.key == "upstream.environment").expect("a warning");
    assert!(
        warning.message.contains("GITHUB_TOKEN") && !warning.to_string().contains("hunter2"),
        "{warning}"
    );
}

#[test]
fn variable_within_a_value_is_warned_of_and_a_lone_dollar_is_not() {
    let warned = |value: &str| {
        let variables = [PATH, COMMAND, ("AZURE_TENANT", "x"), (ENV, value)];
        let warnings = accepted(&with(&RELAY, &variables)).warnings;
        let found: Vec<String> = warnings
            .iter()
            .filter(|finding| finding.key == "upstream.environment")
            .map(ToString::to_string)
            .collect();
        assert!(!found.concat().contains("hunter2"), "{found:?}");
        found.concat().contains("within the value of A,")
    };
    for value in ["A=a$hunter2", "A=a${hunter2}", "A=${hunter2} b", "A=$hunter2-x"] {
        assert!(warned(value), "{value}");
    }
    for value in ["A=$5", "A=^hunter2$", "A=$", "A=$AZURE_TENANT", "B=hunter2"] {
        assert!(!warned(value), "{value}");
    }
}

#[test]
fn settings_of_the_other_kind_of_server_are_refused() {
    for (variable, value, key) in [
        ("ENTRAGATE_UPSTREAM_REPLICAS", "http://127.0.0.1:3001/mcp", "upstream.replicas"),
        ("ENTRAGATE_UPSTREAM_ALSO", "/messages", "upstream.also"),
        ("ENTRAGATE_UPSTREAM_CONNECT_TIMEOUT_SECONDS", "2", "upstream.connect_timeout_seconds"),
        (
            "ENTRAGATE_UPSTREAM_RESPONSE_HEADER_TIMEOUT_SECONDS",
            "2",
            "upstream.response_header_timeout_seconds",
        ),
        ("ENTRAGATE_UPSTREAM_AUDIENCE", "x", "upstream.audience"),
        ("ENTRAGATE_UPSTREAM_CREDENTIAL", "Bearer hunter2", "upstream.credential"),
        ("ENTRAGATE_UPSTREAM_ON_BEHALF_OF_SCOPES", "User.Read", "upstream.on_behalf_of_scopes"),
    ] {
        refuses(&[(variable, value)], key, "no effect on a stdio server", "remove it");
    }
    for identity in ["headers", "assertion", "static", "token", "on-behalf-of", "x"] {
        let change = [("ENTRAGATE_UPSTREAM_IDENTITY", identity)];
        refuses(&change, "upstream.identity", "a stdio server gets no headers", "environment");
    }
    for (variable, value) in [
        (ENV, "A=1"),
        ("ENTRAGATE_UPSTREAM_DIRECTORY", "/"),
        ("ENTRAGATE_UPSTREAM_MAX_PROCESSES", "1"),
        ("ENTRAGATE_UPSTREAM_MAX_PROCESSES_PER_USER", "1"),
        ("ENTRAGATE_UPSTREAM_START_TIMEOUT_SECONDS", "1"),
        ("ENTRAGATE_UPSTREAM_IDLE_TIMEOUT_SECONDS", "1"),
    ] {
        let problems = refused(&with(&DEVELOPMENT, &[(variable, value)]));
        let finding = only(&problems);
        assert!(finding.message.contains("belongs to a stdio server"), "{finding}");
    }
}

#[test]
fn numbers_that_cannot_be_meant_are_refused() {
    let more =
        [("ENTRAGATE_UPSTREAM_MAX_PROCESSES", "2"), ("ENTRAGATE_UPSTREAM_MAX_PROCESSES_PER_USER", "3")];
    refuses(
        &more,
        "upstream.max_processes_per_user",
        "more than upstream.max_processes",
        "no more than there are",
    );
    refuses(&[("ENTRAGATE_UPSTREAM_MAX_PROCESSES", "0")], "upstream.max_processes", "is 0", "from 1");
    refuses(
        &[("ENTRAGATE_UPSTREAM_DIRECTORY", "/nonexistent")],
        "upstream.directory",
        "no directory",
        "make it",
    );
}

#[test]
fn routes_can_be_of_either_kind() {
    let routes = r#"[{ url = "stdio: sh -c x", path = "/a", environment = ["A=1"] }, { url = "http://127.0.0.1:1/mcp", path = "/b" }]"#;
    let config =
        accepted(&with(&DEVELOPMENT, &[PATH, ("ENTRAGATE_UPSTREAM", ""), ("ENTRAGATE_ROUTES", routes)]));
    assert!(matches!(&config.routes[0].server, ServerConfig::Stdio(stdio) if stdio.path == "/a"));
    assert!(config.routes[1].http().is_some());
    let routes = r#"[{ url = "stdio: sh -c x", path = "/a", identity = "assertion" }]"#;
    let problems =
        refused(&with(&DEVELOPMENT, &[PATH, ("ENTRAGATE_UPSTREAM", ""), ("ENTRAGATE_ROUTES", routes)]));
    assert!(only(&problems).message.contains("route 1: identity is `assertion`"), "{problems}");
}
