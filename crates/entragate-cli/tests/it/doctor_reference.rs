//! The reference page is what the checks' files say, and every file says it in three parts.

use std::fs;

use entragate_cli::doctor::{CHECKS, reference};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/doctor.md");

#[test]
fn the_reference_page_is_up_to_date() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the program")]
    if std::env::var("UPDATE_DOCS").is_ok_and(|value| value == "1") {
        fs::write(PAGE, reference()).expect("the page can be written");
    }
    let page = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        page == reference(),
        "docs/reference/doctor.md is stale: run `UPDATE_DOCS=1 cargo test -p entragate-cli doctor_reference`"
    );
}

#[test]
fn every_check_says_what_why_and_how() {
    for check in CHECKS {
        for part in [check.documentation.what(), check.documentation.why(), check.documentation.fix()] {
            assert!(part.len() > 20 && part.ends_with('.'), "{}: {part:?}", check.name);
        }
    }
}
