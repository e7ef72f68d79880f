//! Every item of the checklist has a test; the item is the number at the start of the test's name.
//!
//! The checklist is the numbered list of emulated behaviours that the emulator was built to. Its numbers, 1 to 112, are
//! explained under "Behaviours by number" in docs/reference/emulator.md; a number that is missing there is not
//! implemented. `e021_…` is a test of number 21.

use std::collections::BTreeMap;
use std::fmt::Write;

const MODULES: &[(&str, &str)] = &[
    ("agent", include_str!("agent.rs")),
    ("authorize_errors", include_str!("authorize_errors.rs")),
    ("authorize_redirects", include_str!("authorize_redirects.rs")),
    ("cimd", include_str!("cimd.rs")),
    ("client_assertion", include_str!("client_assertion.rs")),
    ("client_auth", include_str!("client_auth.rs")),
    ("client_credentials", include_str!("client_credentials.rs")),
    ("control", include_str!("control.rs")),
    ("device", include_str!("device.rs")),
    ("directory", include_str!("directory.rs")),
    ("directory_changes", include_str!("directory_changes.rs")),
    ("discovery", include_str!("discovery.rs")),
    ("errors", include_str!("errors.rs")),
    ("federated", include_str!("federated.rs")),
    ("graph_read", include_str!("graph_read.rs")),
    ("graph_write", include_str!("graph_write.rs")),
    ("hostile", include_str!("hostile.rs")),
    ("keys", include_str!("keys.rs")),
    ("obo", include_str!("obo.rs")),
    ("order", include_str!("order.rs")),
    ("ordered_refusals", include_str!("ordered_refusals.rs")),
    ("resource", include_str!("resource.rs")),
    ("sign_in", include_str!("sign_in.rs")),
    ("token_code", include_str!("token_code.rs")),
    ("token_refresh", include_str!("token_refresh.rs")),
    ("tokens", include_str!("tokens.rs")),
];

/// The items that must have a test: those that are implemented.
fn promised() -> impl Iterator<Item = u16> {
    1..=112
}

pub(crate) type Covered = BTreeMap<u16, Vec<String>>;

/// Test functions by item: an attribute line with `test`, then the `fn eNNN_…` it belongs to.
pub(crate) fn covered() -> Covered {
    let mut items = Covered::new();
    for (module, source) in MODULES {
        let mut is_test = false;
        for line in source.lines() {
            if line.starts_with("#[") {
                is_test |= line.contains("test]");
                continue;
            }
            let signature = line.strip_prefix("async ").unwrap_or(line);
            if let Some(name) = signature.strip_prefix("fn ").and_then(|rest| rest.split('(').next())
                && is_test
                && let Some(item) = item_of(name)
            {
                items.entry(item).or_default().push(format!("{module}::{name}"));
            }
            is_test = false;
        }
    }
    items
}

fn item_of(name: &str) -> Option<u16> {
    let (number, _) = name.strip_prefix('e')?.split_once('_')?;
    if number.len() == 3 { number.parse().ok() } else { None }
}

fn table(covered: &Covered) -> String {
    let mut text = String::new();
    for (item, tests) in covered {
        for test in tests {
            writeln!(text, "{item:>3}  {test}").expect("writing to a String succeeds");
        }
    }
    text
}

#[test]
fn every_item_of_the_checklist_has_a_test() {
    let covered = covered();
    let missing: Vec<u16> = promised().filter(|item| !covered.contains_key(item)).collect();
    assert!(missing.is_empty(), "no test for {missing:?}; the table is\n{}", table(&covered));
}

#[test]
fn the_reader_of_test_names_sees_only_tests() {
    assert_eq!(item_of("e022_localhost"), Some(22));
    for other in ["e22_x", "helper", "e022", "eabc_x", "session_x"] {
        assert_eq!(item_of(other), None, "{other}");
    }
}
