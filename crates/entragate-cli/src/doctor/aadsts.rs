//! Findings about an AADSTS code: what it means and what to do come from the one catalogue.

use entragate::ClientId;
use entragate::aadsts::{self, Names, Step};

use super::finding::Finding;
use super::site::Site;

/// An error with the catalogue's words about the code.
pub(super) fn error(site: &Site, code: u64, what: impl Into<String>, place: impl Into<String>) -> Finding {
    told(&site.names(), code, what, place)
}

/// As [`error`], where the app to repair need not be the one that signs people in.
pub(super) fn error_of(
    site: &Site,
    app: &ClientId,
    code: u64,
    what: impl Into<String>,
    place: impl Into<String>,
) -> Finding {
    told(&Names { client: Some(app.to_string()), ..site.names() }, code, what, place)
}

fn told(names: &Names, code: u64, what: impl Into<String>, place: impl Into<String>) -> Finding {
    let finding = Finding::error(format!("{} (AADSTS{code})", what.into()), place).prevents(code);
    let Some(entry) = aadsts::find(code) else {
        return finding
            .because("Microsoft knows more about it.")
            .fix(format!("see {}", aadsts::lookup_url(code)));
    };
    let finding = finding.because(names.fill(entry.meaning)).fix(names.fill(&entry.advice()));
    match entry.command {
        Step::Do(command) => finding.command(names.fill(command)),
        Step::Impossible(_) => finding,
    }
}
