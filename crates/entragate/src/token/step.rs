//! A check as data: the gate runs the steps until one refuses, a report runs them all. Both run the same functions, so
//! that what `entragate token check` says and what the gate does cannot drift apart.

use super::refused::Refused;

/// One check of what has been read so far.
pub(crate) struct Step<T> {
    /// The name of the check in logs and reports ([`Refused::check`]).
    pub(crate) check: &'static str,
    /// What is there to be judged, for people: public identifiers only.
    pub(crate) found: fn(&T) -> String,
    /// The judgement.
    pub(crate) judge: fn(&T) -> Result<(), Refused>,
}

/// What the gate does: the first refusal ends it.
pub(crate) fn all<T>(steps: &[Step<T>], seen: &T) -> Result<(), Refused> {
    steps.iter().try_for_each(|step| (step.judge)(seen))
}
