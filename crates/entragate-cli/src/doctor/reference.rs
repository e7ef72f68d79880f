//! `docs/reference/doctor.md`, written from the documentation of the checks.

use std::fmt::Write as _;

use super::check::Group;
use super::checks::ALL;

const HEAD: &str = "\
<!-- Written by a test from crates/entragate-cli/src/doctor/checks/*.rs. Do not edit: UPDATE_DOCS=1 cargo test -p entragate-cli doctor_reference -->

# Checks of `entragate doctor`

```sh
entragate doctor                          # everything that needs no credential
entragate doctor --graph az               # and the app registrations, as whoever is signed in to the Azure CLI
entragate doctor --clients claude-code    # what stops one of these clients is an error
entragate doctor --graph az --fix         # and what setup would do about it; --apply does it
entragate doctor --only clock --json
```

Exit code 0: nothing wrong, 1: errors or warnings, 2: could not run. A check that could not look says so and why; it never counts
as fine. Without `--apply` nothing is changed; nobody signs in, no secret is printed. Not verified against a live tenant: the behaviour of Entra
that the checks rely on is documented or published, and tested against the emulator.

";

/// The page.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for group in Group::ALL {
        if !ALL.iter().any(|check| check.group == group) {
            continue;
        }
        let _ = writeln!(page, "## {}\n", group.title());
        for check in ALL.iter().filter(|check| check.group == group) {
            let documentation = check.documentation;
            let _ = writeln!(page, "### `{}`\n\n{}\n", check.name, documentation.what());
            let _ = writeln!(page, "**Why it matters.** {}\n", documentation.why());
            let _ = writeln!(page, "**How to fix.** {}\n", documentation.fix());
        }
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}
