//! What an examination amounts to.

use super::check::{Check, Outcome};
use super::experience::Experience;
use super::finding::{Finding, Severity};

/// One check, examined.
pub struct Examined {
    /// The check.
    pub check: &'static Check,
    /// How it ended.
    pub outcome: Outcome,
}

/// Everything that was found.
pub struct Report {
    /// The checks that were asked for, in order.
    pub examined: Vec<Examined>,
    /// Their findings, the worst first.
    pub findings: Vec<Finding>,
    /// What each client would experience.
    pub clients: Vec<Experience>,
}

impl Report {
    pub(super) fn new(examined: Vec<Examined>, mut findings: Vec<Finding>, clients: Vec<Experience>) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        Self { examined, findings, clients }
    }

    /// How many findings of this severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// How many checks found nothing wrong.
    pub fn fine(&self) -> usize {
        self.examined.iter().filter(|examined| examined.outcome == Outcome::Fine).count()
    }

    /// How many checks could not look.
    pub fn not_checked(&self) -> usize {
        self.examined.iter().filter(|examined| matches!(examined.outcome, Outcome::NotChecked(_))).count()
    }

    /// Whether something is wrong: information is not.
    pub fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity != Severity::Information)
    }
}
