//! What a check found, as data: what is wrong, where, why it matters, and what to do.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody, or nobody of some kind, can sign in or is kept out.
    Error,
    /// It works today and will not for long, or not as meant.
    Warning,
    /// Worth knowing.
    Information,
}

impl Severity {
    /// The word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The check that found it; filled in by whoever ran the check.
    pub check: &'static str,
    /// What is wrong.
    pub what: String,
    /// The setting, or the page of the Entra admin center.
    #[serde(rename = "where")]
    pub place: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// The same as a command to paste.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The error of Entra that people would see, such as AADSTS50011.
    #[serde(rename = "aadsts", skip_serializing_if = "Option::is_none")]
    pub code: Option<u64>,
}

impl Finding {
    fn new(severity: Severity, what: impl Into<String>, place: impl Into<String>) -> Self {
        Self {
            severity,
            check: "",
            what: what.into(),
            place: place.into(),
            why: String::new(),
            fix: String::new(),
            command: None,
            code: None,
        }
    }

    /// Something that stops people.
    pub fn error(what: impl Into<String>, place: impl Into<String>) -> Self {
        Self::new(Severity::Error, what, place)
    }

    /// Something that will stop people, or is not as meant.
    pub fn warning(what: impl Into<String>, place: impl Into<String>) -> Self {
        Self::new(Severity::Warning, what, place)
    }

    /// Something worth knowing.
    pub fn information(what: impl Into<String>, place: impl Into<String>) -> Self {
        Self::new(Severity::Information, what, place)
    }

    /// Why it matters.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// What to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// The same as a command.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// The error of Entra that people would see.
    #[must_use]
    pub fn prevents(mut self, code: u64) -> Self {
        self.code = Some(code);
        self
    }
}
