//! Each requirement that relay mode can meet has a test whose name begins with its id (`rs_01_…`, `as_06_…`,
//! `dc_02_…`, `k31_…`; several ids may follow each other), or stands in [`ELSEWHERE`] with the reason.
//!
//! `cargo test -p entragate --test it spec_ids -- --nocapture` prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// RS: the gateway as MCP server. AS: as authorization server. DC: registration. K: what measured clients need.
const REQUIREMENTS: [(&str, std::ops::RangeInclusive<u8>); 5] =
    [("RS", 1..=29), ("AS", 1..=42), ("DC", 1..=12), ("K", 1..=18), ("K", 20..=56)];

/// Where a requirement without a test of its name is met, or why it is not.
enum Elsewhere {
    /// A test with another name covers it: a unit test, one of the binary, a row of the refusal matrix.
    Test(&'static str),
    /// Nothing to test in relay mode.
    Not(&'static str),
}

use Elsewhere::{Not, Test};

#[rustfmt::skip]
const ELSEWHERE: &[(&str, Elsewhere)] = &[
    ("RS-18", Test("sibling_app")),
    ("RS-23", Test("id_token_for_the_api")),
    ("AS-04", Not("K06 wins: clients without PRM ask for the metadata below the MCP path, and a 404 ends there")),
    ("AS-10", Not("client ID metadata documents need an authorization server of our own")),
    ("AS-22", Not("Entra answers the client and sends no iss: decision 0001, asserted by as_09")),
    ("AS-36", Not("refresh tokens are Entra's: bound to client and user there, not rotated strictly")),
    ("AS-37", Not("whether a refresh token is issued is Entra's decision")),
    ("AS-42", Test("base_url_refuses_what_clients_could_not_compare_or_trust")),
    ("DC-08", Not("the client id is the one of AZURE_MCP_CLIENT_ID, which the operator chose with relay mode")),
    ("DC-09", Not("relay mode has no consent page that could show a name: decision 0001")),
    ("DC-11", Not("nothing is stored")),
    ("DC-12", Not("one client id for all: decision 0001")),
    ("K11", Not("Entra answers the client and sends no iss: decision 0001, asserted by as_09")),
    ("K13", Not("no client ID metadata documents, revocation or device code without an authorization server of our own")),
    ("K27", Not("client ID metadata documents need an authorization server of our own")),
    ("K28", Not("the one client id is pre-registered by its nature; a secret is never looked at, see k25")),
    ("K36", Not("relay mode has no consent page: decision 0001")),
    ("K49", Not("Entra has no revocation endpoint, so none is advertised")),
    ("K52", Test("server_that_is_down_is_a_json_rpc_error_for_every_request_id")),
    ("K56", Not("a finding about the operator's network, not an answer on the wire")),
];

/// Sources whose tests count: of the library, and of the binary that serves it.
const SOURCES: [&str; 3] = ["src", "tests/it", "../entragate-cli/tests/it"];

type Covered = BTreeMap<String, BTreeSet<String>>;

/// The ids at the start of a test's name.
fn ids(name: &str) -> Vec<String> {
    let mut parts = name.split('_').peekable();
    let mut ids = Vec::new();
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    while let Some(part) = parts.next() {
        let number = parts.peek().copied().unwrap_or_default();
        match part {
            "rs" | "as" | "dc" if is_number(number) => {
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
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    let mut directories: Vec<_> = SOURCES.iter().map(|source| root.join(source)).collect();
    while let Some(directory) = directories.pop() {
        for entry in
            std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(tests_in(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    names
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

fn covered(tests: &BTreeSet<String>) -> Covered {
    let mut covered = Covered::new();
    for test in tests {
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
        let elsewhere = ELSEWHERE.iter().find(|(known, _)| *known == id).map(|(_, why)| why);
        match (covered.get(&id), elsewhere) {
            (Some(names), None | Some(Test(_))) => {
                for name in names {
                    println!("{id:6} {name}");
                }
            }
            (None, Some(Test(name))) if tests.contains(*name) => println!("{id:6} {name}"),
            (None, Some(Not(reason))) => println!("{id:6} - {reason}"),
            (None, Some(Test(name))) => wrong.push(format!("{id}: there is no test {name}")),
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

#[test]
fn the_reader_of_test_names_finds_leading_ids_and_only_those() {
    assert_eq!(ids("rs_01_rs_02_k01_every_method_is_told"), ["RS-01", "RS-02", "K01"]);
    assert_eq!(ids("k22_cursor_body_keeps_the_good_uris"), ["K22"]);
    for none in ["as_expected", "rs_x", "k_22", "k221_x", "session_k22", "dc_1_x"] {
        assert_eq!(ids(none), [""; 0], "{none}");
    }
    let source = "#[tokio::test]\nasync fn a() {\n}\nfn helper() {\n}\nmatrix! {\n    row, \"x\", y;\n}\n";
    assert_eq!(tests_in(source), ["a", "row"]);
}
