//! Without the feature `cel` nobody can state a condition.

use super::unmet::Unmet;
use crate::policy::call::Arguments;
use crate::principal::Principal;

/// A condition on arguments. Without the feature `cel` there is no way to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {}

impl Condition {
    /// The expression as written.
    pub fn source(&self) -> &str {
        match *self {}
    }

    /// Whether it says anything about the arguments of a call.
    pub fn reads_arguments(&self) -> bool {
        match *self {}
    }

    pub(crate) fn judge(&self, _: &Principal, _: &Arguments) -> Result<(), Unmet> {
        match *self {}
    }
}
