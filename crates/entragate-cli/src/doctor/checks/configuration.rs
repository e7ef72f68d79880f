//! # What it checks
//!
//! The configuration as `entragate serve` reads it: every problem that keeps the gateway from starting, and everything
//! that starts and is probably not what was meant.
//!
//! # Why it matters
//!
//! A gateway with half a configuration refuses to start; one with an odd configuration starts and surprises people later.
//!
//! # How to fix
//!
//! Each finding names the setting, the place where it was read, and what to write instead. `entragate config check` shows
//! all settings in force, `docs/reference/configuration.md` describes them.

use crate::config::{self, Severity};
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

#[expect(clippy::unused_async, reason = "the signature of every check")]
pub(super) async fn run(site: &Site) -> Checked {
    Ok(site.config.warnings.iter().map(finding).collect())
}

/// A problem of the configuration, as the doctor reports it.
pub(in crate::doctor) fn finding(problem: &config::Finding) -> Finding {
    let what = problem.message.clone();
    let place = problem.place.to_string();
    let (finding, why) = match problem.severity {
        Severity::Error => (Finding::error(what, place), "The gateway does not start with it."),
        Severity::Warning => (Finding::warning(what, place), "The gateway starts, and is probably not what was meant."),
        Severity::Note => (Finding::information(what, place), "Worth knowing."),
    };
    finding.because(why).fix(problem.hint.clone())
}
