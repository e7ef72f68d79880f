//! `entragate policy`: exit codes, and what is refused.

use serde_json::Value;

use crate::policy_fixture::{Printed, Rules};

const NOBODY: &str = "http://127.0.0.1:9";
const RULES: &str = r#"
[[rules]]
tools = ["admin_*"]
roles = ["Admin"]

[[rules]]
tools = ["here"]
tenants = ["11111111-1111-1111-1111-111111111111"]

[[rules]]
tools = ["inspector"]
clients = ["c0000000-0000-4000-8000-000000000003"]

[[rules]]
tools = ["*"]
scopes = ["write"]
"#;

fn rules(name: &str) -> Rules {
    Rules::new(name, NOBODY, RULES)
}

fn test(rules: &Rules, arguments: &[&str]) -> Printed {
    rules.run("", &[&["policy", "test"], arguments].concat())
}

#[test]
fn an_allowed_call_is_0_a_denied_one_1_and_both_name_the_rule() {
    let rules = rules("policy_command");
    for (arguments, code, decision, rule) in [
        (&["--role", "Admin", "--tool", "admin_x"][..], 0, "allowed", Some(1)),
        (&["--role", "User", "--tool", "admin_x"], 1, "refused", Some(1)),
        (&["--tool", "x"], 1, "step_up", Some(4)),
        (&["--scope", "write", "--tool", "x"], 1, "step_up", Some(4)),
        (&["--scope", "access", "--scope", "write", "--tool", "x"], 0, "allowed", Some(4)),
        (&["--prompt", "p"], 1, "refused", None),
        (&["--resource", "file:///x"], 1, "refused", None),
        (&["--resource", "file:///x", "--method", "resources/subscribe"], 1, "refused", None),
        (&["--resource", "file:///a/.\t./x"], 1, "malformed", None),
        (&["--method", "tools/list"], 0, "allowed", None),
        (&["--method", "x/y"], 1, "refused", None),
        // Of this gateway's tenant and with its client app, unless something else is said.
        (&["--tool", "here"], 0, "allowed", Some(2)),
        (&["--tool", "here", "--tenant", "22222222-2222-2222-2222-222222222222"], 1, "refused", Some(2)),
        (&["--tool", "inspector"], 0, "allowed", Some(3)),
        (&["--tool", "inspector", "--client", "other"], 1, "refused", Some(3)),
        (
            &["--app", "d0000000-0000-4000-8000-000000000001", "--role", "Admin", "--tool", "admin_x"],
            0,
            "allowed",
            Some(1),
        ),
        (&["--tool", "inspector", "--arguments", "{\"a\":1}"], 0, "allowed", Some(3)),
    ] {
        let printed = test(&rules, &[arguments, &["--json"]].concat());
        assert_eq!(
            (printed.code, printed.stderr.as_str()),
            (Some(code), ""),
            "{arguments:?}: {}",
            printed.stdout
        );
        let answer: Value = serde_json::from_str(&printed.stdout).expect("JSON");
        assert_eq!(answer["decision"], decision, "{arguments:?}");
        assert_eq!(answer["rule"]["number"].as_u64(), rule, "{arguments:?}");
        assert_eq!(test(&rules, arguments).code, Some(code));
    }
}

#[test]
fn what_cannot_be_judged_is_2_and_says_what_to_do() {
    let rules = rules("policy_command_wrong");
    for (arguments, says) in [
        (&["--role", "x"][..], "name one call: a tool, a prompt, a resource or a method"),
        (&["--tool", "x", "--prompt", "y"], "cannot be used with"),
        (&["--tool", "x", "--group", "Engineering"], "--group is wrong"),
        (&["--tool", "x", "--tenant", "contoso.com"], "--tenant is wrong"),
        (&["--tool", "x", "--user", "alice@contoso.com"], "--user is wrong"),
        (&["--tool", "x", "--app", "daemon"], "--app is wrong"),
        (&["--tool", "x", "--arguments", "foo"], "--arguments is not JSON: write an object"),
        (&["--tool", "x", "--arguments", "[1]"], "--arguments is not a JSON object"),
        (&["--prompt", "x", "--arguments", "{"], "--arguments is not JSON"),
        (&["--tool", "x", "--arguments", "{},\"name\":\"y\""], "--arguments is not JSON"),
        (&["--tool", "x", "--token", "nofile"], "--token is neither a file nor a token"),
        (
            &["--tool", "x", "--app", "d0000000-0000-4000-8000-000000000001", "--scope", "a"],
            "cannot be used with",
        ),
        (&["--tool", "x", "--route", "/other"], "no MCP server is at /other: there are /mcp"),
        (&["--tool", "x", "--token", "-", "--role", "y"], "cannot be used with"),
        (&["--tool", "x", "--token", "-"], "there is no token"),
        (&["--expect", "absent.toml"], "cannot read absent.toml"),
        (&["--expect", "absent.toml", "--role", "x"], "leave out the others"),
    ] {
        let printed = test(&rules, arguments);
        assert_eq!(
            (printed.code, printed.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {}",
            printed.stderr
        );
        assert!(printed.stderr.contains(says), "{arguments:?}: {}", printed.stderr);
    }
    let open = Rules::new("policy_command_open", NOBODY, RULES);
    let open = [
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_MCP_CLIENT_ID",
        "AZURE_AUTHORITY_HOST",
        "ENTRAGATE_ENTRA_SCOPES",
    ]
    .into_iter()
    .fold(open, Rules::without);
    let printed = test(&open, &["--tool", "x"]);
    assert_eq!(printed.code, Some(2));
    assert!(printed.stderr.contains("no rule is asked: set AZURE_TENANT_ID"), "{}", printed.stderr);
}

#[test]
fn a_file_of_expectations_that_is_wrong_is_2_and_says_where() {
    let rules = rules("policy_command_file");
    for (text, says) in [
        ("", "missing field `tests`"),
        ("tests = []", "has no test"),
        ("[[tests]]\ncall = { tool = \"x\" }", "missing field `expect`"),
        ("[[tests]]\ncall = { tool = \"x\" }\nexpect = \"maybe\"", "unknown variant `maybe`"),
        ("[[tests]]\ncall = { tol = \"x\" }\nexpect = \"denied\"", "unknown field `tol`"),
        ("[[tests]]\nname = \"n\"\ncall = {}\nexpect = \"denied\"", "policy-tests.toml: `n`"),
        (
            "[[tests]]\ncaller = { user = \"bob\" }\ncall = { tool = \"x\" }\nexpect = \"denied\"",
            "policy-tests.toml: `test 1`",
        ),
        (
            "[[tests]]\ncaller = { groups = [\"x\"] }\ncall = { tool = \"x\" }\nexpect = \"denied\"",
            "`groups` is wrong",
        ),
        (
            "[[tests]]\ncall = { tool = \"x\", arguments = \"foo\" }\nexpect = \"denied\"",
            "`arguments` is not JSON",
        ),
        (
            "[[tests]]\ncall = { method = \"x\", arguments = {} }\nexpect = \"denied\"",
            "a method has no arguments here",
        ),
    ] {
        rules.write("policy-tests.toml", text);
        let printed = test(&rules, &["--expect", "policy-tests.toml"]);
        assert_eq!((printed.code, printed.stdout.as_str()), (Some(2), ""), "{text}: {}", printed.stderr);
        assert!(printed.stderr.contains(says), "{text}: {}", printed.stderr);
    }
}

#[test]
fn which_of_several_servers_is_meant_is_asked_for_in_the_words_of_the_place() {
    let routes = r#"
        [[routes]]
        path = "/a"
        url = "http://127.0.0.1:9/a"
        [[routes]]
        path = "/b"
        url = "http://127.0.0.1:9/b"
    "#;
    let rules = Rules::new("policy_command_routes", NOBODY, routes);
    rules.write("policy-tests.toml", "[[tests]]\ncall = { tool = \"x\" }\nexpect = \"denied\"");
    for (arguments, says) in [
        (&["--tool", "x"][..], "name one with --route: /a, /b"),
        (&["--expect", "policy-tests.toml"], "name one with `route`: /a, /b"),
    ] {
        let printed = test(&rules, arguments);
        assert_eq!(printed.code, Some(2), "{}", printed.stderr);
        assert!(printed.stderr.contains(says), "{}", printed.stderr);
    }
}

#[test]
fn every_expectation_that_is_not_met_is_named_in_text_and_json() {
    let rules = rules("policy_command_unmet");
    let text = r#"
        [[tests]]
        name = "fits"
        caller = { roles = ["Admin"] }
        call = { tool = "admin_x" }
        expect = "allowed"
        [[tests]]
        name = "wrong"
        call = { tool = "admin_x" }
        expect = "allowed"
        [[tests]]
        call = { tool = "x" }
        expect = "denied"
        because = "role"
    "#;
    rules.write("policy-tests.toml", text);
    let printed = test(&rules, &["--expect", "policy-tests.toml"]);
    assert_eq!(printed.code, Some(1));
    for says in [
        "✓ fits\n",
        "✗ wrong\n    expected allowed, found denied because of role by rule 1 (entragate.toml:2:1)\n",
        "✗ test 3\n    expected denied because of role, found step_up for write by rule 4 (entragate.toml:14:1)\n",
        "\n1 passed, 2 failed\n",
    ] {
        assert!(printed.stdout.contains(says), "{} without {says}", printed.stdout);
    }
    let printed = test(&rules, &["--expect", "policy-tests.toml", "--json"]);
    let report: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!((&report["passed"], &report["failed"], printed.code), (&1.into(), &2.into(), Some(1)));
    assert_eq!(report["tests"][1]["name"], "wrong");
}

#[test]
fn explain_marks_what_nobody_can_ever_call() {
    let printed = rules("policy_explain").run("", &["policy", "explain"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(printed.stdout);
    let dead = r#"
        [[rules]]
        tools = ["a"]
        tenants = ["22222222-2222-2222-2222-222222222222"]
        [[rules]]
        tools = ["b"]
        apps = ["*"]
        scopes = ["write"]
        [[rules]]
        tools = ["c"]
        [[rules]]
        tools = ["d"]
        when = "false"
    "#;
    let printed = Rules::new("policy_explain_dead", NOBODY, dead).run("", &["policy", "explain", "--json"]);
    assert_eq!(printed.code, Some(1), "{}", printed.stderr);
    let report: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    let rules = &report["routes"][0]["rules"];
    assert!(
        rules[0]["nobody"].as_str().is_some_and(|why| why.starts_with("only tokens of tenant 11111111-"))
    );
    assert!(
        rules[1]["nobody"]
            .as_str()
            .is_some_and(|why| why.contains("programs in their own name have no scopes"))
    );
    assert_eq!(rules[3]["nobody"], "its condition is `false`");
    assert_eq!(
        (&rules[2]["nobody"], &report["routes"][0]["everything_else"]),
        (&Value::Null, &"denied".into())
    );
    // What an earlier rule leaves nothing to decide is refused before.
    let shadowed = "rules = [{ tools = [\"*\"] }, { tools = [\"x\"] }]";
    let printed = Rules::new("policy_explain_shadow", NOBODY, shadowed).run("", &["policy", "explain"]);
    assert_eq!(printed.code, Some(2));
    assert!(printed.stderr.contains("tools `x` is never reached: rule 1 comes first"), "{}", printed.stderr);
}
