//! Each requirement has a test whose name begins with its id (`rs_01_…`, `as_06_…`, `ci_08_…`, `k31_…`; several ids may
//! follow each other), or stands in [`ELSEWHERE`] with the reason. What relay mode cannot meet, broker mode does.
//!
//! What the ids mean is in `docs/requirements.md`, and for K in `docs/clients.md`, whose column of tests is
//! written here. `cargo test -p entragate --test it spec_ids -- --nocapture` prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// RS: the gateway as MCP server. AS: as authorization server. DC: registration. CI: metadata documents. TR: traffic. S:
/// best practices. K: what measured clients need.
const REQUIREMENTS: [(&str, std::ops::RangeInclusive<u8>); 8] = [
    ("RS", 1..=29),
    ("AS", 1..=42),
    ("DC", 1..=12),
    ("CI", 1..=18),
    ("TR", 1..=28),
    ("S", 1..=36),
    ("K", 1..=18),
    ("K", 20..=56),
];

/// Where a requirement without a test of its name is met, or why it is not.
enum Elsewhere {
    /// A test with another name covers it, or a part of it: of the binary, or named after another id.
    Test(&'static str),
    /// Nothing to test.
    Not(&'static str),
}

use Elsewhere::{Not, Test};

#[rustfmt::skip]
const ELSEWHERE: &[(&str, Elsewhere)] = &[
    ("RS-18", Test("sibling_app")),
    ("RS-23", Test("id_token_for_the_api")),
    ("AS-04", Not("K06 wins: clients without PRM ask for the metadata below the MCP path, and a 404 ends there")),
    ("AS-37", Not("whether a refresh token is issued is Entra's decision")),
    ("AS-42", Test("base_url_refuses_what_clients_could_not_compare_or_trust")),
    ("TR-06", Not("allowed, not demanded: no heartbeats are added to a stream")),
    ("S-12", Test("sibling_app")),
    ("S-13", Test("rs_25_k54_the_clients_token_stops_at_the_gate")),
    ("S-14", Test("a_refused_token_is_explained_in_the_log_without_the_token")),
    ("S-18", Test("the_connection_goes_to_the_judged_address_after_one_look_up")),
    ("S-19", Test("the_operators_proxy_resolves_and_decides")),
    ("S-23", Test("tr_01_tr_25_tr_27_everything_else_reaches_the_mcp_server_as_it_was_sent")),
    ("S-24", Not("the gateway offers no page for it; the MCP server is told who is calling, see TR-02")),
    ("S-27", Test("as_40_k15_any_page_may_read_metadata")),
    ("S-28", Test("a_foreign_origin_is_403_and_may_not_even_read_that")),
    ("S-32", Test("nobody_but_the_gateway_says_who_is_calling")),
    ("S-33", Not("a property of the operator's network")),
    ("K26", Test("as_39_sign_in_endpoints_are_rate_limited_and_metadata_is_not")),
    ("K54", Test("nobody_but_the_gateway_says_who_is_calling")),
    ("K56", Not("a finding about the operator's network, not an answer on the wire")),
];

/// Sources whose tests count, of the library and of the binary that serves it, and how the page of clients
/// tells them apart.
const SOURCES: [(&str, &str); 4] = [
    ("src", "src/"),
    ("tests/it", ""),
    ("../entragate-cli/src", "entragate-cli: src/"),
    ("../entragate-cli/tests/it", "entragate-cli: "),
];

/// Names of tests, and the files that have one of that name.
pub(crate) type Tests = BTreeMap<String, BTreeSet<String>>;
type Covered = BTreeMap<String, BTreeSet<String>>;

/// The ids at the start of a test's name.
fn ids(name: &str) -> Vec<String> {
    let mut parts = name.split('_').peekable();
    let mut ids = Vec::new();
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    while let Some(part) = parts.next() {
        let number = parts.peek().copied().unwrap_or_default();
        match part {
            "rs" | "as" | "dc" | "ci" | "tr" | "s" if is_number(number) => {
                ids.push(format!("{}-{number}", part.to_ascii_uppercase()));
                parts.next();
            }
            _ if part.strip_prefix('k').is_some_and(is_number) => ids.push(part.to_ascii_uppercase()),
            _ => break,
        }
    }
    ids
}

/// Names of test functions and of rows of the refusal matrix, each of which is a test.
pub(crate) fn tests() -> Tests {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = Tests::new();
    let mut directories: Vec<_> =
        SOURCES.iter().map(|(source, label)| (root.join(source), (*label).to_owned())).collect();
    while let Some((directory, label)) = directories.pop() {
        for entry in
            std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        {
            let path = entry.unwrap().path();
            let file = format!("{label}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                directories.push((path, format!("{file}/")));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                for name in tests_in(&std::fs::read_to_string(&path).unwrap()) {
                    tests.entry(name).or_default().insert(file.clone());
                }
            }
        }
    }
    tests
}

fn tests_in(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut is_test, mut in_matrix) = (false, false);
    for line in source.lines().map(str::trim) {
        if line == "matrix! {" || line == "}" {
            in_matrix = line != "}";
        } else if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
        } else if in_matrix && let Some((name, _)) = line.split_once(", \"") {
            names.push(name.to_owned());
        } else {
            let signature = line.strip_prefix("async ").unwrap_or(line);
            if let Some(name) = signature.strip_prefix("fn ").and_then(|rest| rest.split('(').next())
                && is_test
            {
                names.push(name.to_owned());
            }
            is_test = false;
        }
    }
    names
}

/// The tests of each id: those that begin with it and those of [`ELSEWHERE`].
fn covered(tests: &Tests) -> Covered {
    let mut covered = Covered::new();
    for (id, why) in ELSEWHERE {
        if let Test(name) = why {
            covered.entry((*id).to_owned()).or_default().insert((*name).to_owned());
        }
    }
    for test in tests.keys() {
        for id in ids(test) {
            covered.entry(id).or_default().insert(test.clone());
        }
    }
    covered
}

fn requirements() -> Vec<String> {
    let name = |prefix: &str, number: u8| {
        if prefix == "K" { format!("K{number:02}") } else { format!("{prefix}-{number:02}") }
    };
    REQUIREMENTS
        .into_iter()
        .flat_map(|(prefix, numbers)| numbers.map(move |number| name(prefix, number)))
        .collect()
}

#[test]
fn every_requirement_has_a_test_or_a_reason() {
    let tests = tests();
    let covered = covered(&tests);
    let mut wrong = Vec::new();
    for id in requirements() {
        let mut reasons = ELSEWHERE.iter().filter(|(known, _)| *known == id);
        let reason = reasons.find_map(|(_, why)| if let Not(reason) = why { Some(reason) } else { None });
        match (covered.get(&id), reason) {
            (Some(names), None) => {
                for name in names {
                    println!("{id:6} {name}");
                    if !tests.contains_key(name) {
                        wrong.push(format!("{id}: there is no test {name}"));
                    }
                }
            }
            (None, Some(reason)) => println!("{id:6} - {reason}"),
            (None, None) => wrong.push(format!("{id}: no test begins with it and no reason is given")),
            (Some(names), Some(_)) => {
                wrong.push(format!("{id}: {names:?} cover it, so take it off ELSEWHERE"));
            }
        }
    }
    let known: BTreeSet<String> = requirements().into_iter().collect();
    let unknown = covered.keys().map(String::as_str).chain(ELSEWHERE.iter().map(|(id, _)| *id));
    wrong.extend(
        unknown.filter(|id| !known.contains(*id)).map(|id| format!("{id}: there is no such requirement")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The id of a row that defines one.
fn defined(line: &str) -> Option<&str> {
    line.strip_prefix("| ")?.split(" | ").next()
}

/// The row with the files of its tests in the last column.
fn with_files(line: &str, tests: &Tests, covered: &Covered) -> Option<String> {
    let id =
        defined(line).filter(|id| id.starts_with('K') && requirements().iter().any(|known| known == id))?;
    let (row, _) = line.strip_suffix(" |")?.rsplit_once(" | ")?;
    let names = covered.get(id).into_iter().flatten();
    let files: BTreeSet<_> =
        names.filter_map(|name| tests.get(name)).flatten().map(|file| format!("`{file}`")).collect();
    let files = files.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!("{row} | {} |", if files.is_empty() { "–" } else { &files }))
}

#[test]
fn the_page_of_clients_names_the_files_of_the_tests() {
    let tests = tests();
    let covered = covered(&tests);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md");
    let page: String = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| with_files(line, &tests, &covered).unwrap_or_else(|| line.to_owned()) + "\n")
        .collect();
    #[expect(clippy::disallowed_methods, reason = "the test's own switch, not configuration")]
    let update = std::env::var("UPDATE_DOCS").is_ok_and(|value| value == "1");
    if update {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    let stale: Vec<_> = page.lines().zip(written.lines()).filter(|(new, old)| new != old).collect();
    assert!(
        stale.is_empty(),
        "docs/clients.md is stale: run `UPDATE_DOCS=1 cargo test -p entragate`\n{stale:#?}"
    );
}

#[test]
fn every_requirement_is_defined_once() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let pages =
        ["requirements.md", "clients.md"].map(|page| std::fs::read_to_string(docs.join(page)).unwrap());
    for id in requirements() {
        let rows =
            pages.iter().flat_map(|page| page.lines()).filter(|line| defined(line) == Some(&id)).count();
        assert_eq!(rows, 1, "{id}");
    }
}

#[test]
fn a_row_of_the_page_of_clients_gets_its_files_and_other_lines_stay() {
    let tests = Tests::from([("k01_a".to_owned(), BTreeSet::from(["a.rs".to_owned(), "b.rs".to_owned()]))]);
    let covered = covered(&tests);
    let row = |line| with_files(line, &tests, &covered);
    assert_eq!(row("| K01 | x | y | z |").as_deref(), Some("| K01 | x | y | `a.rs`, `b.rs` |"));
    assert_eq!(row("| K11 | x | y | `z.rs` |").as_deref(), Some("| K11 | x | y | – |"));
    for other in ["| K19 | x | y | z |", "| RS-01 | x | y |", "| # | x | y | z |", "|---|---|", "K01", ""] {
        assert_eq!(row(other), None, "{other}");
    }
}

#[test]
fn the_reader_of_test_names_finds_leading_ids_and_only_those() {
    assert_eq!(ids("rs_01_rs_02_k01_every_method_is_told"), ["RS-01", "RS-02", "K01"]);
    assert_eq!(ids("k22_cursor_body_keeps_the_good_uris"), ["K22"]);
    assert_eq!(ids("s_06_ci_08_s_07_no_cookie"), ["S-06", "CI-08", "S-07"]);
    for none in ["as_expected", "rs_x", "k_22", "k221_x", "session_k22", "dc_1_x", "s_x", "s_1_x"] {
        assert_eq!(ids(none), [""; 0], "{none}");
    }
    let source = "#[tokio::test]\nasync fn a() {\n}\nfn helper() {\n}\nmatrix! {\n    row, \"x\", y;\n}\n";
    assert_eq!(tests_in(source), ["a", "row"]);
}
