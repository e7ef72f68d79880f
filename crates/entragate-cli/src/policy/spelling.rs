//! What the parts of a caller and a call are called where they were written, so that a message can name them.

/// Where they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// On the command line.
    Options,
    /// In a file of expectations.
    Keys,
}

impl Spelling {
    /// A part by its name, which in a file is in the plural where there can be several.
    pub(super) fn of(self, option: &str, key: &str) -> String {
        match self {
            Self::Options => format!("--{option}"),
            Self::Keys => format!("`{key}`"),
        }
    }
}
