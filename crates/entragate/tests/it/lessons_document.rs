//! docs/security/lessons.md names tests that exist.

use std::collections::BTreeSet;
use std::path::Path;

use crate::spec_ids::tests;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where the checks of the suites that are no Rust tests are named.
const SUITES: [(&str, &[&str]); 3] = [
    ("clients", &["tests/clients/lib/judge.mjs", "tests/clients/lib/wire.mjs"]),
    ("conformance", &["tests/conformance/broken.mjs"]),
    ("pages", &["tests/pages/lib/pages.mjs", "tests/pages/lib/walks.mjs"]),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A row of a table of lessons, neither its head nor the line below.
struct Row<'a> {
    ids: Vec<&'a str>,
    tests: &'a str,
}

fn rows(page: &str) -> Vec<Row<'_>> {
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let (first, rest) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
    let (_, tests) = rest.rsplit_once(" | ")?;
    (tests != "test").then(|| Row { ids: ids(first), tests })
}

/// What stands in square brackets.
fn ids(cell: &str) -> Vec<&str> {
    cell.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(id, _)| id).collect()
}

/// Every second piece: what stands between two of these.
fn between(cell: &str, mark: char) -> impl Iterator<Item = &str> {
    cell.split(mark).skip(1).step_by(2)
}

/// The test names of a cell, and the checks of other suites: `suite: name`. A check may have code type in its name.
fn named(cell: &str) -> (Vec<&str>, Vec<&str>) {
    let plain = cell.split('*').step_by(2);
    (plain.flat_map(|piece| between(piece, '`')).collect(), between(cell, '*').collect())
}

#[test]
fn every_test_that_the_page_of_lessons_names_exists() {
    let page = read("docs/security/lessons.md");
    let known = tests();
    let (mut seen, mut missing) = (0, BTreeSet::new());
    for row in rows(&page) {
        let (tests, checks) = named(row.tests);
        assert!(row.tests == "–" || !(tests.is_empty() && checks.is_empty()), "{}", row.tests);
        seen += tests.len();
        missing.extend(tests.into_iter().filter(|name| !known.contains_key(*name)).map(str::to_owned));
        for check in checks {
            let (suite, name) = check.split_once(": ").unwrap_or_else(|| panic!("{check}: of which suite?"));
            let files = SUITES.iter().find(|(known, _)| *known == suite).map_or(&[][..], |(_, files)| *files);
            if !files.iter().any(|file| read(file).contains(name)) {
                missing.insert(check.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "docs/security/lessons.md names what does not exist: {missing:#?}");
    assert!(seen > 200, "only {seen} names were found: is the page still a table?");
}

#[test]
fn the_page_of_lessons_names_public_advisories_and_each_once() {
    let page = read("docs/security/lessons.md");
    let all: Vec<_> = rows(&page).into_iter().flat_map(|row| row.ids).collect();
    assert!(!all.is_empty());
    let mut once = BTreeSet::new();
    for id in all {
        assert!(id.starts_with("CVE-") || id.starts_with("GHSA-"), "{id} is no public advisory");
        assert!(once.insert(id), "{id} is there twice");
    }
}

#[test]
fn the_reader_of_the_page_finds_names_and_ids() {
    let page = "| id | wrong | stopped | test |\n|---|---|---|---|\n| [CVE-1](x), [GHSA-2](y) | `a` | b | `c`, `d`, *clients: no `e`* |\n| – | f | g | – |\ntext\n";
    let rows = rows(page);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].ids, ["CVE-1", "GHSA-2"]);
    assert_eq!(named(rows[0].tests), (vec!["c", "d"], vec!["clients: no `e`"]));
    assert_eq!((rows[1].ids.len(), rows[1].tests), (0, "–"));
}
