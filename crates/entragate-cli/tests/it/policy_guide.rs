//! docs/guide/policy.md: its configuration is accepted, its tests pass, and its commands print what the page says.

use std::fs;

use crate::policy_fixture::Rules;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/policy.md");
const NOBODY: &str = "http://127.0.0.1:9";

fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// The commands of a block, each with what it prints.
fn played(rules: &Rules, block: &str) -> String {
    let mut out = String::new();
    for line in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let printed = rules.shell(line);
        out.extend(["$ ", line, "\n", &printed.stdout]);
    }
    out
}

#[test]
fn the_commands_of_the_guide_print_what_it_says() {
    let page = fs::read_to_string(GUIDE).expect("the page");
    let toml = blocks(&page, "toml");
    let rules = Rules::new("policy_guide", NOBODY, toml[0]);
    rules.write("policy-tests.toml", toml[1]);
    let mut played_page = page.clone();
    for block in blocks(&page, "console") {
        played_page = played_page.replace(block, &played(&rules, block));
    }
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the program")]
    if std::env::var("UPDATE_DOCS").is_ok_and(|value| value == "1") {
        fs::write(GUIDE, &played_page).expect("the page can be written");
        return;
    }
    assert!(
        page == played_page,
        "docs/guide/policy.md says something else; UPDATE_DOCS=1 writes:\n{played_page}"
    );
}

#[test]
fn the_tests_of_the_guide_pass_and_fail_when_the_rules_change() {
    let page = fs::read_to_string(GUIDE).expect("the page");
    let toml = blocks(&page, "toml");
    let run = |name: &str, config: &str| {
        let rules = Rules::new(name, NOBODY, config);
        rules.write("policy-tests.toml", toml[1]);
        rules.run("", &["policy", "test", "--expect", "policy-tests.toml"])
    };
    let printed = run("policy_guide_passes", toml[0]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{}", printed.stdout);
    let printed = run("policy_guide_fails", &toml[0].replace("roles = [\"Admin\"]", "roles = [\"User\"]"));
    assert_eq!(printed.code, Some(1));
    let says = "✗ only administrators delete\n    expected denied because of role, found allowed by rule 1 (entragate.toml:1:1)";
    assert!(printed.stdout.contains(says), "{}", printed.stdout);
}
