//! Why a condition does not hold.

/// A condition that does not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unmet {
    /// The expression as the operator wrote it.
    pub(crate) condition: String,
    pub(crate) why: Why,
}

/// Everything that is not `true`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "cel"),
    expect(dead_code, reason = "without conditions there is nothing that does not hold")
)]
pub(crate) enum Why {
    /// It is false.
    False,
    /// It is neither true nor false: an argument is missing, or of another type.
    Unclear(String),
    /// The arguments can be read in more than one way, or are more than is looked at.
    Unreadable(String),
}

impl Unmet {
    /// What the arguments lack, for people; nothing when they are simply others than allowed.
    pub(crate) fn detail(&self) -> Option<&str> {
        match &self.why {
            Why::False => None,
            Why::Unclear(text) | Why::Unreadable(text) => Some(text),
        }
    }
}
