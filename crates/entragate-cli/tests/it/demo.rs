//! `entragate demo`: the flow that it plays, the flow that it tells, and what it does not accept.

use std::fs;
use std::process::Output;

use crate::config_fixture::directory;
use crate::demo_fixture::{Demo, call, demo, get, post};

/// Numbers that differ from run to run, each replaced by `#`: those after `before` or in front of `after`.
fn redacted(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut redacted = text.to_owned();
    for before in ["localhost:", "127.0.0.1:"] {
        let parts = redacted.split(before);
        let rest = parts.enumerate().map(|(index, part)| match index {
            0 => part.to_owned(),
            _ => format!("#{}", part.trim_start_matches(is_digit)),
        });
        redacted = rest.collect::<Vec<_>>().join(before);
    }
    redacted = redacted
        .split("client id egc_")
        .enumerate()
        .map(|(index, part)| match index {
            0 => part.to_owned(),
            _ => format!("client id egc_#{}", part.trim_start_matches(|c: char| c != '…')),
        })
        .collect();
    for after in [" ms)", " minutes,", " requests ("] {
        let parts: Vec<&str> = redacted.split(after).collect();
        let last = parts.len() - 1;
        let rest = parts.into_iter().enumerate().map(|(index, part)| {
            let stem = part.trim_end_matches(is_digit);
            if index == last || stem == part { part.to_owned() } else { format!("{stem}#") }
        });
        redacted = rest.collect::<Vec<_>>().join(after);
    }
    redacted
}

fn run(name: &str, arguments: &[&str]) -> Output {
    demo(&directory(name), arguments).output().expect("the binary runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn once_signs_alice_and_bob_in_and_every_step_works() {
    let output = run("demo_once", &["--once"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}\n{}", stderr(&output));
    assert_eq!(stderr(&output), "", "what is expected is no warning");
    insta::assert_snapshot!(redacted(&printed));
}

#[test]
fn once_in_broker_mode_signs_in_through_the_consent_page() {
    let output = run("demo_once_broker", &["--once", "--mode", "broker"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}\n{}", stderr(&output));
    assert_eq!(stderr(&output), "", "what is expected is no warning");
    insta::assert_snapshot!(redacted(&printed));
}

#[test]
fn once_works_behind_a_company_proxy_that_cannot_reach_this_machine() {
    let mut command = demo(&directory("demo_once_proxy"), &["--once"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let output = command.output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn once_takes_no_address_and_no_rules() {
    for arguments in [&["--once", "--listen", "127.0.0.1:0"][..], &["--once", "--config", "rules.toml"]] {
        let output = run("demo_once_alone", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn introduction_says_how_to_connect() {
    let demo = Demo::start("demo_introduction", &[]);
    insta::assert_snapshot!(redacted(&demo.introduction));
}

#[test]
fn introduction_of_broker_mode_says_how_to_connect() {
    let demo = Demo::start("demo_introduction_broker", &["--mode", "broker"]);
    insta::assert_snapshot!(redacted(&demo.introduction));
}

#[test]
fn ready_file_names_what_answers() {
    let demo = Demo::start("demo_ready", &[]);
    let metadata = get(&demo.url("base_url", "/.well-known/oauth-protected-resource/mcp"));
    assert_eq!(metadata.status, 200);
    assert_eq!(metadata.json()["resource"], demo.ready["mcp_url"]);
    let tenant = demo.ready["tenant"].as_str().expect("a tenant");
    let entra = get(&demo.url("emulator_url", &format!("/{tenant}/v2.0/.well-known/openid-configuration")));
    assert_eq!(entra.status, 200);
    let control = get(&demo.url("emulator_url", "/__emulator")).json();
    assert_eq!(control["url"], demo.ready["emulator_url"]);
}

#[test]
fn sign_in_is_told_in_thirteen_steps() {
    let mut demo = Demo::start("demo_narration", &[]);
    let token = demo.sign_in("bob");
    let mcp_url = demo.url("mcp_url", "");
    assert_eq!(call(&mcp_url, Some(&token), "initialize").status, 200);
    let refused = call(&mcp_url, Some(&token), "tools/call admin_reset");
    assert!(refused.body.contains("`Admin`"), "{}", refused.body);
    let clock = demo.url("emulator_url", "/__emulator/clock");
    post(&clock, "application/json", None, r#"{"advance_seconds":7200}"#);
    assert_eq!(call(&mcp_url, Some(&token), "tools/list").status, 401);
    let told = demo.read_until(|line| line.contains("refused a token"));
    let (told, how_long_ago) = told.rsplit_once(": ").expect("the reason");
    assert!(how_long_ago.contains("expired"), "{how_long_ago}");
    insta::assert_snapshot!(redacted(told));
}

#[cfg(unix)]
#[test]
fn signal_stops_it_and_is_no_failure() {
    let demo = Demo::start("demo_stop", &[]);
    let token = demo.sign_in("alice");
    assert_eq!(call(&demo.url("mcp_url", ""), Some(&token), "initialize").status, 200);
    let (code, rest) = demo.terminate();
    assert_eq!(code, Some(0), "{rest}");
}

#[test]
fn rules_come_from_a_file_when_one_is_named() {
    let rules = directory("demo_rules").join("rules.toml");
    fs::write(&rules, "[[rules]]\ntools = [\"add\"]\nroles = [\"Owner\"]\n").expect("a file");
    let demo = Demo::start("demo_rules", &["--config", "rules.toml"]);
    assert!(demo.introduction.contains("those of rules.toml"), "{}", demo.introduction);
    let token = demo.sign_in("alice");
    let refused = call(&demo.url("mcp_url", ""), Some(&token), "tools/call add");
    assert!(refused.body.contains("`Owner`"), "{}", refused.body);
}

#[test]
fn identity_in_the_file_is_refused_with_the_reason() {
    for (name, text, says) in [
        (
            "demo_identity",
            "[entra]\ntenant_id = \"contoso.com\"\n",
            "entra.tenant_id says who signs people in",
        ),
        ("demo_mode", "mode = \"relay\"\n", "mode says who signs people in"),
        ("demo_listen", "listen = \"127.0.0.1:1\"\n", "use --listen to choose the address"),
        ("demo_typo", "rulez = []\n", "rulez"),
    ] {
        fs::write(directory(name).join("rules.toml"), text).expect("a file");
        let output =
            run(name, &["--config", "rules.toml", "--listen", "127.0.0.1:0", "--emulator", "127.0.0.1:0"]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains(says), "{name}: {}", stderr(&output));
    }
}

#[test]
fn addresses_that_others_can_reach_are_refused() {
    for option in ["--listen", "--emulator"] {
        let output = run("demo_public", &[option, "0.0.0.0:0"]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(stderr(&output).contains("can be reached from other machines"), "{}", stderr(&output));
    }
}
