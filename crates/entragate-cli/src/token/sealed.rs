//! Tokens that a gateway sealed: without its key nobody can say whether they are genuine.

use entragate::{CheckOutcome, TokenReport, TokenVerdict};

use crate::config::Config;

/// Why there is no key to open a sealed token with. Without a configuration nobody knows whose it would be.
pub(super) fn no_key(config: Option<&Config>) -> Option<String> {
    match config {
        Some(config) => config.no_seal_key(),
        None => Some(
            "it is a sealed token of a gateway in broker mode, and with --tenant no configuration is read that says where its key is"
                .to_owned(),
        ),
    }
}

/// Takes back what was found with the wrong key.
pub(super) fn leave_unjudged(report: &mut TokenReport, why: String) {
    for check in report.checks.iter_mut().filter(|check| check.outcome == CheckOutcome::Failed) {
        check.outcome = CheckOutcome::NotReached;
        check.remedy = None;
    }
    report.verdict = TokenVerdict::Unjudged { reason: why };
}
