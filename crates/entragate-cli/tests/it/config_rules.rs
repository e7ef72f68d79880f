//! `rules` and `scope_implies`: what is read, and what refuses to start.

use entragate::{ClientId, Condition, Guid, Rule};
use entragate_cli::config::load;

use crate::config_fixture::{RELAY, TENANT, accepted, file, only, refused, with};

#[test]
fn rules_from_the_environment_and_from_the_file_are_the_same() {
    let inline = r#"[{ tools = ["admin_*"], roles = ["Admin"] }, { tools = ["*"], prompts = ["p"], resources = ["file:*"], methods = ["completion/complete"], scopes = ["access"] }]"#;
    let expected = [
        Rule::tools(["admin_*"]).roles(["Admin"]),
        Rule::tools(["*"])
            .and_prompts(["p"])
            .and_resources(["file:*"])
            .and_methods(["completion/complete"])
            .scopes(["access"]),
    ];
    assert_eq!(accepted(&with(&RELAY, &[("ENTRAGATE_RULES", inline)])).routes[0].rules, expected);
    let path = file("same_rules", &format!("rules = {inline}\n"));
    assert_eq!(load(&with(&RELAY, &[]), Some(&path)).expect("accepted").routes[0].rules, expected);
}

#[test]
fn rules_for_certain_callers_are_read() {
    let guid = "1111AAAA-1111-1111-1111-111111111111";
    let inline = format!(
        r#"[{{ tools = ["t"], when = "args.amount < 1000" }}, {{ tools = ["a"], users = ["*"], tenants = ["{guid}"], clients = ["c"] }}, {{ tools = ["b"], apps = ["*"], users = ["{guid}"] }}, {{ tools = ["c"], apps = ["{guid}"] }}]"#
    );
    let (id, app) = (Guid::parse(guid).expect("a GUID"), ClientId::parse(guid).expect("a GUID"));
    let small = Condition::parse("args.amount < 1000").expect("a condition");
    let expected = [
        Rule::tools(["t"]).when(small),
        Rule::tools(["a"]).any_user().tenants([id.clone()]).clients(["c"]),
        Rule::tools(["b"]).any_app().users([id]),
        Rule::tools(["c"]).apps([app]),
    ];
    assert_eq!(accepted(&with(&RELAY, &[("ENTRAGATE_RULES", &inline)])).routes[0].rules, expected);
}

#[test]
fn a_pattern_for_resources_that_no_uri_matches_is_refused() {
    for pattern in
        ["file:///public/../secret/*", "file:///%2e%2e/*", "file:\\\\\\\\share\\\\*", "file:///a\\tb"]
    {
        let rules = format!(r#"[{{ tools = ["a"], resources = ["{pattern}"] }}]"#);
        let problems = refused(&with(&RELAY, &[("ENTRAGATE_RULES", &rules)]));
        let problem = only(&problems);
        assert!(problem.message.starts_with("rule 1: resources `file:"), "{problem}");
        assert!(problem.message.contains("matches nothing"), "{problem}");
        assert!(problem.hint.contains("without the segments . and .."), "{problem}");
    }
    let rules =
        r#"[{ resources = ["FILE://localhost/my docs/*", "https://EXAMPLE.com", "file:///a..b/*"] }]"#;
    accepted(&with(&RELAY, &[("ENTRAGATE_RULES", rules)]));
}

#[test]
fn a_rule_that_nobody_can_ever_meet_is_warned_of() {
    let other =
        r#"[{ tools = ["a"] }, { tools = ["b"], tenants = ["99999999-1111-1111-1111-111111111111"] }]"#;
    let config = accepted(&with(&RELAY, &[("ENTRAGATE_RULES", other)]));
    let warning = config.warnings.iter().find(|warning| warning.key == "rules").expect("a warning");
    assert!(
        warning.message.contains("has rule 2, which nobody can ever meet: only tokens of tenant"),
        "{warning}"
    );
    let ours = format!(r#"[{{ tools = ["b"], tenants = ["{TENANT}"] }}]"#);
    let config = accepted(&with(&RELAY, &[("ENTRAGATE_RULES", &ours)]));
    assert!(config.warnings.iter().all(|warning| warning.key != "rules"));
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    for (rules, says, hint) in [
        ("[{ roles = [\"Admin\"] }]", "rule 1: names nothing", "add tools, prompts, resources or methods"),
        ("[{}]", "rule 1: names nothing", "add tools"),
        ("[{ tools = [] }]", "rule 1: tools is an empty list", "name something"),
        ("[{ tools = [\"a\"], roles = [] }]", "rule 1: roles is an empty list", "remove it"),
        ("[{ tools = [\"\"] }]", "rule 1: tools contains an empty string", "tools = [\"…\"]"),
        (
            "[{ tools = [\"a\"], roles = [\" \"] }]",
            "rule 1: roles contains an empty string",
            "roles = [\"…\"]",
        ),
        ("[{ tools = \"a\" }]", "rule 1: tools must be a list of strings, not a string", "tools = [\"…\"]"),
        (
            "[{ tools = [\"a\", 1] }]",
            "rule 1: tools must be a list of strings, and contains a whole number",
            "tools",
        ),
        (
            "[{ tool = [\"a\"], methods = [\"x\"] }]",
            "rule 1: `tool` is not part of a rule",
            "did you mean tools?",
        ),
        (
            "[{ tools = [\"a\"], colour = [\"x\"] }]",
            "rule 1: `colour` is not part of a rule",
            "a rule has tools",
        ),
        (
            "[{ tools = [\"a\"], scopes = [\"api://x/access\"] }]",
            "rule 1: scopes must be short names",
            "such as access",
        ),
        (
            "[{ tools = [\"a\"], tenants = [\"contoso.com\"] }]",
            "rule 1: tenants contains `contoso.com`, which is no tenant id",
            "copy the Tenant ID",
        ),
        (
            "[{ tools = [\"a\"], users = [\"alice@contoso.com\"] }]",
            "rule 1: users contains `…@contoso.com`, which is no object id",
            "copy the Object ID of the user",
        ),
        (
            "[{ tools = [\"a\"], apps = [\"daemon\"] }]",
            "rule 1: apps contains `daemon`, which is no application id",
            "copy the Application (client) ID",
        ),
        (
            "[{ tools = [\"a\"], groups = [\"Engineering\"] }]",
            "rule 1: groups contains `Engineering`, which is no object id",
            "names are not unique",
        ),
        (
            "[{ tools = [\"a\"], users = [\"*\", \"11111111-1111-1111-1111-111111111111\"] }]",
            "rule 1: users contains `*` and more",
            "users = [\"*\"]",
        ),
        (
            "[{ tools = [\"a\"], user = [\"*\"] }]",
            "rule 1: `user` is not part of a rule",
            "did you mean users?",
        ),
        (
            "[{ tools = [\"a\"], when = \"args.amount <\" }]",
            "rule 1: when is no condition: at character 14, it is no CEL",
            "== compares",
        ),
        (
            "[{ tools = [\"a\"], when = \"caller.mail == 'x'\" }]",
            "rule 1: when is no condition: at character",
            "caller.kind",
        ),
        (
            "[{ tools = [\"a\"], when = true }]",
            "rule 1: when must be a string, not true or false",
            "when = \"",
        ),
        (
            "[{ tools = [\"a\"], resources = [\"file:*\"], when = \"args.a == 1\" }]",
            "rule 1: `file:*` has no arguments, and `when` reads args",
            "a rule without `when`",
        ),
        ("[\"a\"]", "ENTRAGATE_RULES must be a list of tables", "for example ENTRAGATE_RULES='[{"),
        ("{ tools = [\"a\"] }", "ENTRAGATE_RULES must be a list of tables, not a table", "for example"),
        ("[{ tools = [admin] }]", "ENTRAGATE_RULES is not a TOML value", "for example ENTRAGATE_RULES='[{"),
    ] {
        let problems = refused(&with(&RELAY, &[("ENTRAGATE_RULES", rules)]));
        let problem = only(&problems);
        assert_eq!(problem.key, "rules", "{problem}");
        assert_eq!(problem.place.to_string(), "environment variable ENTRAGATE_RULES", "{problem}");
        assert!(problem.message.starts_with(says), "{problem}\n does not say {says}");
        assert!(problem.hint.contains(hint), "{problem}\n does not advise {hint}");
    }
}

#[test]
fn a_guard_behind_a_rule_that_names_the_same_calls_is_refused() {
    for rules in [
        r#"[{ tools = ["*"] }, { tools = ["admin_*"], roles = ["Admin"] }]"#,
        r#"[{ tools = ["a*"] }, { tools = ["admin_*"], roles = ["Admin"] }]"#,
        r#"[{ tools = ["x"] }, { tools = ["x"], roles = ["Admin"] }]"#,
        r#"[{ methods = ["tools/*"] }, { tools = ["admin_*"], roles = ["Admin"] }]"#,
        r#"[{ methods = ["*"] }, { resources = ["file:*"], roles = ["Admin"] }]"#,
    ] {
        let problems = refused(&with(&RELAY, &[("ENTRAGATE_RULES", rules)]));
        let problem = only(&problems);
        assert!(problem.message.starts_with("rule 2: "), "{problem}");
        assert!(problem.message.contains("is never reached: rule 1 comes first"), "{problem}");
        assert!(problem.hint.contains("put the narrower rule first"), "{problem}");
    }
    for rules in [
        r#"[{ tools = ["admin_*"], roles = ["Admin"] }, { tools = ["*"] }]"#,
        r#"[{ tools = ["*"] }, { prompts = ["*"] }, { methods = ["*"] }]"#,
        r#"[{ methods = ["resources/read"] }, { resources = ["*"] }]"#,
    ] {
        accepted(&with(&RELAY, &[("ENTRAGATE_RULES", rules)]));
    }
}

#[test]
fn scopes_that_imply_others_are_read_and_checked() {
    let variable = "ENTRAGATE_SCOPE_IMPLIES";
    let config = accepted(&with(&RELAY, &[(variable, "{ admin = [\"access\", \"read\"] }")]));
    assert_eq!(config.scope_implies, [("admin".to_owned(), vec!["access".to_owned(), "read".to_owned()])]);
    for (value, says) in [
        ("{ admin = \"access\" }", "scope_implies: admin must be a list of strings"),
        ("{ admin = [] }", "scope_implies: admin is an empty list"),
        ("{ \"\" = [\"access\"] }", "scope_implies: a name is empty"),
        ("{ \"api://x/admin\" = [\"access\"] }", "scope_implies: api://x/admin must be short names"),
        ("admin", "ENTRAGATE_SCOPE_IMPLIES is not a TOML value"),
    ] {
        let problems = refused(&with(&RELAY, &[(variable, value)]));
        let problem = only(&problems);
        assert_eq!(problem.key, "scope_implies", "{problem}");
        assert!(problem.message.starts_with(says), "{problem}\n does not say {says}");
    }
}
