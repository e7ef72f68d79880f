//! The reference page is what the code says, and every example on it works.

use std::fs;
use std::path::Path;

use entragate_cli::config::keys::{Key, Kind};
use entragate_cli::config::{keys, load, reference};

use crate::config_fixture::{RELAY, directory, file, with};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");

/// What the examples of broker mode need besides.
const KEY: (&str, &str) = ("ENTRAGATE_STATE_KEYS", "0123456789abcdef0123456789abcdef");

/// A stdio server, and where its program is found.
const STDIO: (&str, &str) = ("ENTRAGATE_UPSTREAM", "stdio: sh -c cat");
const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");

/// What an example needs besides: a setting of one kind of identity is refused with another.
fn beside(key: &Key) -> &'static [(&'static str, &'static str)] {
    match key.path {
        "upstream.audience" => &[("ENTRAGATE_UPSTREAM_IDENTITY", "assertion")],
        "upstream.credential" => &[
            ("ENTRAGATE_UPSTREAM_IDENTITY", "static"),
            ("ENTRAGATE_UPSTREAM_CREDENTIAL_HEADER", "X-Api-Key"),
        ],
        "upstream.credential_file" => &[("ENTRAGATE_UPSTREAM_IDENTITY", "static")],
        "upstream.credential_header" => {
            &[("ENTRAGATE_UPSTREAM_IDENTITY", "static"), ("ENTRAGATE_UPSTREAM_CREDENTIAL", "hunter2")]
        }
        "upstream.on_behalf_of_scopes" => &[("ENTRAGATE_UPSTREAM_IDENTITY", "on-behalf-of")],
        "upstream.environment" => &[STDIO, PATH, ("GITHUB_TOKEN", "hunter2")],
        "upstream.directory"
        | "upstream.max_processes"
        | "upstream.max_processes_per_user"
        | "upstream.start_timeout_seconds"
        | "upstream.idle_timeout_seconds" => &[STDIO, PATH],
        "routes" => &[("ENTRAGATE_UPSTREAM", "")],
        _ => &[],
    }
}

/// The example, with a file or directory that is there for one that is looked at at start.
fn example(key: &Key, text: &str) -> String {
    if key.path == keys::UPSTREAM_DIRECTORY.path {
        return text.replace(key.example, &directory("reference_directory").display().to_string());
    }
    if key.path != keys::UPSTREAM_CREDENTIAL_FILE.path {
        return text.to_owned();
    }
    let there = directory("reference_credential").join("mcp-server");
    fs::write(&there, "Bearer hunter2\n").expect("a file");
    text.replace(key.example, &there.display().to_string())
}

#[test]
fn the_reference_page_is_up_to_date() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the program")]
    if std::env::var("UPDATE_DOCS").is_ok_and(|value| value == "1") {
        let directory = Path::new(PAGE).parent().expect("the page is in a directory");
        fs::create_dir_all(directory).expect("the directory can be made");
        fs::write(PAGE, reference()).expect("the page can be written");
    }
    let page = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        page == reference(),
        "docs/reference/configuration.md is stale: run `UPDATE_DOCS=1 cargo test -p entragate-cli`"
    );
}

#[test]
fn every_example_for_the_environment_is_accepted() {
    for key in keys::ALL {
        for variable in key.variables() {
            let example = example(key, key.example);
            let changes = [&[KEY], beside(key), &[(variable, example.as_str())]].concat();
            let environment = with(&RELAY, &changes);
            load(&environment, None).unwrap_or_else(|problems| panic!("{variable}: {problems}"));
        }
    }
}

fn is_secret(path: &str) -> bool {
    keys::ALL.iter().any(|key| key.path == path && key.kind == Kind::Secret)
}

#[test]
fn every_example_for_the_file_is_accepted() {
    let page = reference();
    let mut examples = 0;
    for entry in page.split("\n### `").skip(1) {
        let path = entry.split('`').next().expect("the heading ends");
        let Some(line) = entry.split("```toml\n").nth(1).and_then(|rest| rest.split("\n```").next()) else {
            assert!(is_secret(path), "{path}: an entry without an example");
            continue;
        };
        let section = path.split_once('.').map(|(section, _)| format!("[{section}]\n")).unwrap_or_default();
        let key = keys::ALL.into_iter().find(|key| key.path == path).expect("a setting");
        let line = example(key, line);
        let file = file("reference_example", &format!("{section}{line}\n"));
        // What the file sets is left out of the environment, or the environment would win.
        let environment = RELAY.into_iter().chain([KEY]).chain(beside(key).iter().copied());
        let environment = environment.filter(|(name, _)| !key.variables().any(|variable| variable == *name));
        let environment = environment.collect();
        load(&environment, Some(&file)).unwrap_or_else(|problems| panic!("{path}: {problems}"));
        examples += 1;
    }
    assert_eq!(examples, keys::ALL.iter().filter(|key| key.kind != Kind::Secret).count());
}
