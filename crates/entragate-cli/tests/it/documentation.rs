//! What the pages and the messages call a variable or a setting is one.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use entragate_cli::config::keys;
use entragate_cli::upstream::CALLER_VARIABLES;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Variables that are not settings of the gateway: of tests and scripts, and of Azure's platforms.
const OTHER_VARIABLES: [&str; 2] = ["ENTRAGATE_BIN", "AZURE_POD_IDENTITY_AUTHORITY_HOST"];

/// A page or a source file, with its name for messages.
struct Text {
    name: String,
    text: String,
}

/// Everything that tells people which variable or setting to use.
fn texts() -> Vec<Text> {
    let mut paths = vec![PathBuf::from("README.md"), PathBuf::from("SECURITY.md")];
    for (directory, extensions) in [
        ("docs", &["md"][..]),
        ("examples", &["md", "rs", "toml", "yaml", "yml", "sh", "json"]),
        ("crates/entragate/src", &["rs", "html", "md"]),
    ] {
        collect(Path::new(directory), extensions, &mut paths);
    }
    let read = |path: PathBuf| Text {
        text: fs::read_to_string(Path::new(ROOT).join(&path)).expect("a text"),
        name: path.display().to_string(),
    };
    paths.into_iter().map(read).collect()
}

fn collect(directory: &Path, extensions: &[&str], paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(Path::new(ROOT).join(directory)).expect("a directory") {
        let entry = entry.expect("an entry");
        let path = directory.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            if entry.file_name() != "target" {
                collect(&path, extensions, paths);
            }
        } else if path.extension().and_then(OsStr::to_str).is_some_and(|one| extensions.contains(&one)) {
            paths.push(path);
        }
    }
}

/// The words of a text that look like one of our variables, or like one of Azure's.
fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| {
        let rest = word.strip_prefix("ENTRAGATE_").or_else(|| word.strip_prefix("AZURE_"));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

fn unknown_variables(text: &str) -> Vec<&str> {
    let all = || keys::variables().chain(OTHER_VARIABLES).chain(CALLER_VARIABLES);
    let known = |word: &str| all().any(|known| known == word);
    variables_in(text).filter(|word| !known(word)).collect()
}

/// Names that the text calls settings and that are none.
fn unknown_keys(text: &str) -> Vec<&str> {
    let sections: BTreeSet<_> =
        keys::ALL.iter().map(|key| key.section()).filter(|one| !one.is_empty()).collect();
    let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let is_key = |name: &str| keys::ALL.iter().any(|key| key.path == name || last(key.path) == name);
    let is_end_of_a_key = |name: &str| {
        name.contains('_') && keys::ALL.iter().any(|key| last(key.path).ends_with(&format!("_{name}")))
    };
    let mut unknown = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        let line = line.trim_start().trim_start_matches(['/', '!']).trim_start();
        // "add it to NAME in entragate.toml"
        for (before, _) in line.match_indices(" in entragate.toml").map(|(at, _)| line.split_at(at)) {
            let name = before.rsplit(' ').next().unwrap_or_default().trim_matches('`');
            if name.contains('_') && !is_key(name) {
                unknown.push(name);
            }
        }
        if line.starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code {
            continue;
        }
        let pieces: Vec<_> = line.split('`').collect();
        for at in (1..pieces.len()).step_by(2) {
            let name = pieces[at];
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.')) {
                continue;
            }
            let follows = pieces.get(at + 1).is_some_and(|rest| rest.trim_start().starts_with("setting"));
            let precedes = ["setting ", "settings "].iter().any(|word| pieces[at - 1].ends_with(word));
            let in_section = name.split_once('.').is_some_and(|(section, _)| sections.contains(section));
            let wrong = if in_section {
                !keys::ALL.iter().any(|key| key.path == name)
            } else {
                (follows || precedes || is_end_of_a_key(name)) && !is_key(name)
            };
            if wrong {
                unknown.push(name);
            }
        }
    }
    unknown
}

#[test]
fn every_variable_in_the_pages_exists() {
    let mut seen = 0;
    for Text { name, text } in texts() {
        assert_eq!(unknown_variables(&text), [""; 0], "{name} names variables that nobody reads");
        seen += variables_in(&text).count();
    }
    assert!(seen > 50, "only {seen} variables were found: are these the right files?");
}

#[test]
fn every_setting_in_the_pages_exists() {
    for Text { name, text } in texts() {
        // In Rust code between backticks are fields and members of OAuth documents, too.
        let text =
            if Path::new(&name).extension() == Some(OsStr::new("rs")) { text.replace('`', "") } else { text };
        assert_eq!(unknown_keys(&text), [""; 0], "{name} names settings that do not exist");
    }
}

#[test]
fn names_that_do_not_exist_are_found() {
    for (text, wrong) in [
        ("correct ENTRAGATE_SCOPES", &["ENTRAGATE_SCOPES"][..]),
        ("`AZURE_TENANTID=x`, AZURE_TENANT_ID", &["AZURE_TENANTID"]),
        ("`ENTRAGATE_` one, ENTRAGATE_BIN, ENTRAGATE_UPSTREAM", &[]),
    ] {
        assert_eq!(unknown_variables(text), wrong, "{text}");
    }
    for (text, wrong) in [
        ("(loopback, hosted clients, `redirect_uris`)", &["redirect_uris"][..]),
        ("//! not allowed, add it to redirect_uris in entragate.toml", &["redirect_uris"]),
        ("set `entra.scope` or `upstream.url`", &["entra.scope"]),
        ("the `colour` setting, the setting `shed`, the `listen` setting", &["colour", "shed"]),
        ("`allowed_redirect_uris`, `client_id`, `scope`, `tools/list`", &[]),
        ("```json\n`redirect_uris`\n```\n", &[]),
    ] {
        assert_eq!(unknown_keys(text), wrong, "{text}");
    }
}

/// Blocks of TOML that are (part of) an `entragate.toml`.
#[test]
fn every_example_of_the_file_in_the_pages_has_known_keys_only() {
    let mut examples = 0;
    for Text { name, text } in texts() {
        let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        for block in blocks.filter(|block| block.contains("# entragate.toml")) {
            let table: toml::Table = block.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
            for (key, value) in table {
                let paths: Vec<_> = match value {
                    toml::Value::Table(members) if !keys::ALL.iter().any(|one| one.path == key) => {
                        members.keys().map(|member| format!("{key}.{member}")).collect()
                    }
                    _ => vec![key],
                };
                for path in paths {
                    assert!(keys::ALL.iter().any(|key| key.path == path), "{name}: {path} is not a setting");
                }
            }
            examples += 1;
        }
    }
    assert!(examples > 0);
}
