//! `docs/security/refusals.md` is what the matrix observed, so it cannot be wrong for long.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::refusals::{MATRIX, observe};
use crate::world::{World, log};

const INTRODUCTION: &str = "# Refused tokens

Every way in which a credential can be wrong, what the client is told, and the `check` that the log line with
target `entragate::token` names. Written by a test from what was observed on the wire; to change it, change
`crates/entragate/tests/it/refusals.rs` and run `UPDATE_DOCS=1 cargo test -p entragate`.

The client is told enough to act on and nothing to probe with: the same sentence for everything that only a
forger or a broken issuer could produce. In every row the `WWW-Authenticate` header carries
`error=\"invalid_token\"`, the sentence, the scope and the URL of the protected resource metadata; no part of the
token is in the log. `entragate token check` makes the same checks on a token that you have, and says what to do
([guide](../guide/token-check.md)).

| Defect | Status | Check in the log | What the client is told |
|---|---|---|---|
";

#[tokio::test]
async fn the_page_of_refusals_is_what_was_observed() {
    let world = World::start().await;
    let mut log = log::capture();
    let mut page = INTRODUCTION.to_owned();
    for row in MATRIX {
        let seen = observe(&world, &mut log, row, &row.make(world.control())).await;
        let defect = row.defect.replace('|', "\\|");
        writeln!(page, "| {defect} | {} | `{}` | {} |", seen.status, seen.check, seen.text).unwrap();
        // A `kid` nobody knows makes Entra be asked once in 30 seconds; each row is to be judged on its own.
        world.control().advance(Duration::from_secs(31));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security/refusals.md");
    #[expect(clippy::disallowed_methods, reason = "the test's own switch, not configuration")]
    let update = std::env::var("UPDATE_DOCS").is_ok_and(|value| value == "1");
    if update {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/security/refusals.md is stale: run `UPDATE_DOCS=1 cargo test -p entragate`"
    );
}
