//! `entragate.toml`: every key, in its place, with the line when it is wrong.

use entragate_cli::config::{Environment, Identity, UpstreamIdentity, load};

use crate::config_fixture::{RELAY, directory, file, only, with};

const COMPLETE: &str = r#"
mode = "relay"
listen = "[::1]:3002"
base_url = "https://mcp.contoso.com"
resource_name = "Contoso tools"
allowed_hosts = ["mcp.internal:3002"]
allowed_origins = ["https://inspector.contoso.com"]
allowed_redirect_uris = ["cursor:"]
hosted_callbacks = false
max_body_bytes = 1_048_576

[admin]
listen = "127.0.0.1:3003"

[sign_in_rate]
per_second = 1
burst = 2

[entra]
tenant_id = "11111111-2222-3333-4444-555555555555"
client_id = "aaaaaaaa-0000-4000-8000-000000000001"
mcp_client_id = "cccccccc-0000-4000-8000-000000000001"
authority_host = "https://login.microsoftonline.us"
federated_token_file = "/token"
identifier_uris = ["api://mcp.contoso.com"]
scopes = ["access"]

[upstream]
url = "https://tools.contoso.com/v1/mcp"
path = "/mcp"
also = ["/messages"]
connect_timeout_seconds = 2
response_header_timeout_seconds = 300
identity = "none"

[log]
format = "json"
filter = "debug"

[scope_implies]
admin = ["access"]

[[rules]]
tools = ["admin_*"]
roles = ["Admin"]

[[rules]]
tools = ["*"]
"#;

#[test]
fn the_file_alone_is_enough() {
    let path = file("the_file_alone", COMPLETE);
    let config = load(&Environment::default(), Some(&path)).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.listen.to_string(), "[::1]:3002");
    assert_eq!(config.admin_listen.map(|address| address.to_string()).as_deref(), Some("127.0.0.1:3003"));
    assert_eq!(config.routes[0].resource_name.as_deref(), Some("Contoso tools"));
    assert_eq!(config.max_body_bytes, 1_048_576);
    assert!(!config.hosted_callbacks);
    assert_eq!((config.sign_in_rate.per_second.get(), config.sign_in_rate.burst.get()), (1, 2));
    assert_eq!(config.routes[0].http().unwrap().path, "/mcp");
    assert_eq!(
        config.routes[0].http().unwrap().response_header_timeout.map(|wait| wait.as_secs()),
        Some(300)
    );
    assert_eq!(config.routes[0].http().unwrap().identity, UpstreamIdentity::Nobody);
    assert_eq!(config.routes[0].rules.len(), 2);
    assert_eq!(config.scope_implies, [("admin".to_owned(), vec!["access".to_owned()])]);
    assert!(matches!(config.identity, Identity::Relay(_)));
}

#[test]
fn the_environment_wins_over_the_file() {
    let path = file("environment_wins", COMPLETE);
    let environment = with(
        &[],
        &[
            ("ENTRAGATE_LISTEN", "127.0.0.1:4000"),
            ("BASE_URL", "https://other.contoso.com"),
            ("ENTRAGATE_RULES", "[]"),
        ],
    );
    let config = load(&environment, Some(&path)).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:4000");
    assert_eq!(config.base_url.as_str(), "https://other.contoso.com");
    assert!(config.routes[0].rules.is_empty());
}

#[test]
fn a_wrong_value_in_the_file_is_a_problem_even_where_the_environment_wins() {
    let path = file("overridden", "listen = 5\n");
    let environment = with(&RELAY, &[("ENTRAGATE_LISTEN", "127.0.0.1:4000")]);
    let problems = load(&environment, Some(&path)).map(|_| ()).expect_err("accepted");
    assert_eq!(only(&problems).message, "listen must be a string, not a whole number");
}

#[test]
fn the_variable_names_the_file_and_the_command_line_another() {
    let by_variable = file("by_variable", "resource_name = \"variable\"\n");
    let by_option = file("by_option", "resource_name = \"option\"\n");
    let variable = by_variable.display().to_string();
    let environment = with(&RELAY, &[("ENTRAGATE_CONFIG", &variable)]);
    let name = |option| load(&environment, option).expect("accepted").routes[0].resource_name.clone();
    assert_eq!(name(None).as_deref(), Some("variable"));
    assert_eq!(name(Some(by_option.as_path())).as_deref(), Some("option"));
}

/// A file, appended to nothing, on top of a good environment; the one problem's key, line, message and hint.
#[track_caller]
fn refuses(name: &str, text: &str, key: &str, line: usize, says: &str, hint: &str) {
    let path = file(name, text);
    let problems = load(&with(&RELAY, &[]), Some(&path)).map(|_| ()).expect_err("accepted");
    let problem = only(&problems);
    assert_eq!(problem.key, key, "{problem}");
    let place = format!("{}:{line}:", path.display());
    assert!(problem.place.to_string().starts_with(&place), "{problem}");
    assert!(problem.message.contains(says), "{problem}\n does not say {says}");
    assert!(problem.hint.contains(hint), "{problem}\n does not advise {hint}");
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_one() {
    refuses("unknown_1", "\nlistenn = 1\n", "listenn", 2, "listenn is not a setting", "did you mean listen?");
    refuses(
        "unknown_2",
        "[upstrem]\nurl = 1\n",
        "upstrem",
        1,
        "upstrem is not a setting",
        "did you mean upstream?",
    );
    refuses(
        "unknown_3",
        "[entra]\ntenant = 1\n",
        "entra.tenant",
        2,
        "is not a setting",
        "did you mean entra.tenant_id?",
    );
    refuses(
        "unknown_4",
        "tenant_id = 1\n",
        "tenant_id",
        1,
        "is not a setting",
        "did you mean entra.tenant_id?",
    );
    refuses(
        "unknown_5",
        "AZURE_TENANT_ID = 1\n",
        "AZURE_TENANT_ID",
        1,
        "is not a setting",
        "mean entra.tenant_id?",
    );
    refuses("unknown_6", "[colour]\nx = 1\n", "colour", 1, "is not a setting", "entragate config reference");
}

#[test]
fn wrong_types_are_refused_with_an_example() {
    refuses(
        "type_1",
        "listen = 3002\n",
        "listen",
        1,
        "must be a string, not a whole number",
        "listen = \"0.0.0.0:3002\"",
    );
    refuses("type_2", "entra = 5\n", "entra", 1, "entra is a table, not a whole number", "write [entra]");
    refuses(
        "type_3",
        "[upstream]\nalso = \"/x\"\n",
        "upstream.also",
        2,
        "a list of strings",
        "also = [\"/messages\"]",
    );
    refuses("type_4", "allowed_hosts = [1]\n", "allowed_hosts", 1, "a list of strings", "allowed_hosts = [");
    refuses("type_5", "rules = 1.5\n", "rules", 1, "not a number with a fraction", "rules = [{");
    refuses("type_6", "scope_implies = 2026-01-01\n", "scope_implies", 1, "not a date", "scope_implies = {");
    refuses(
        "type_7",
        "max_body_bytes = 0xffffffffffffffffff\n",
        "max_body_bytes",
        1,
        "not ",
        "max_body_bytes = 1048576",
    );
}

#[test]
fn a_secret_does_not_belong_into_the_file_and_is_not_printed() {
    let path = file("secret_in_file", "[entra]\nclient_secret = \"hunter2\"\n");
    let problems =
        load(&with(&RELAY, &[("AZURE_CLIENT_SECRET", "")]), Some(&path)).map(|_| ()).expect_err("accepted");
    let problem = only(&problems);
    assert_eq!(problem.key, "entra.client_secret");
    assert!(problem.hint.contains("set AZURE_CLIENT_SECRET"), "{problem}");
    assert!(!problems.to_string().contains("hunter2"), "{problem}");

    for text in ["session_key = \"hunter2\"\n", "sesion_key = \"hunter2\"\n", "session_key = hunter2\n"] {
        let path = file("session_key_in_file", text);
        let problems = load(&with(&RELAY, &[]), Some(&path)).map(|_| ()).expect_err("accepted");
        assert!(!problems.to_string().contains("hunter2"), "{problems}");
    }
}

#[test]
fn what_is_not_toml_is_refused_with_line_and_column_and_nothing_is_called_missing() {
    let path = file("not_toml", "mode = relay\n\n[upstream\nurl = \"http://127.0.0.1:3000/mcp\"\n");
    let problems = load(&with(&[], &[("ENTRAGATE_LISTEN", "0.0.0.0:1")]), Some(&path))
        .map(|_| ())
        .expect_err("accepted");
    let printed = problems.to_string().replace(&path.display().to_string(), "entragate.toml");
    insta::assert_snapshot!(printed);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let path = directory("absent").join("nowhere.toml");
    let variable = path.display().to_string();
    let problems =
        load(&with(&RELAY, &[("ENTRAGATE_CONFIG", &variable)]), None).map(|_| ()).expect_err("accepted");
    let problem = only(&problems);
    assert_eq!(problem.key, "ENTRAGATE_CONFIG");
    assert_eq!(problem.place.to_string(), "environment variable ENTRAGATE_CONFIG");
    assert!(problem.message.ends_with("there is no such file"), "{problem}");
    let problems = load(&with(&RELAY, &[]), Some(&path)).map(|_| ()).expect_err("accepted");
    assert_eq!(only(&problems).place.to_string(), "command line");
}

#[test]
fn an_unreadable_file_never_means_development_mode() {
    let path = directory("absent").join("nowhere.toml");
    let environment = with(&[], &[("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp")]);
    assert!(load(&environment, Some(&path)).is_err());
}
