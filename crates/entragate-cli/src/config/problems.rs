//! What is wrong with a configuration, as data: the key, the place, what, and what to do about it.

use std::fmt;

use owo_colors::OwoColorize as _;

/// Where a value was read, or where a missing one is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A variable.
    Variable(String),
    /// A point in a file.
    File {
        /// The file as it was named.
        file: String,
        /// Counted from one.
        line: usize,
        /// Counted from one, in characters.
        column: usize,
        /// The line itself; left out when it may hold a secret.
        text: Option<String>,
    },
    /// A whole file.
    WholeFile(String),
    /// The command line.
    CommandLine,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::File { file, line, column, .. } => write!(f, "{file}:{line}:{column}"),
            Self::WholeFile(file) => f.write_str(file),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Refuses to start.
    Error,
    /// Starts, and is probably not what was meant.
    Warning,
    /// Starts, and is worth knowing.
    Note,
}

impl Severity {
    /// The word that begins the message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that is wrong or noteworthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The key of `entragate.toml`, or the name of what is no key.
    pub key: String,
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Finding {
    /// The finding with colours, for a terminal.
    pub fn in_colour(&self) -> impl fmt::Display {
        InColour(self)
    }

    fn write_body(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  --> {}", self.place)?;
        if let Place::File { line, column, text: Some(text), .. } = &self.place {
            let number = line.to_string();
            let gutter = " ".repeat(number.len());
            let pointer = " ".repeat(column.saturating_sub(1));
            write!(f, "\n {gutter} |\n {number} | {text}\n {gutter} | {pointer}^")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity.name(), self.message)?;
        self.write_body(f)?;
        write!(f, "\n  hint: {}", self.hint)
    }
}

struct InColour<'a>(&'a Finding);

impl fmt::Display for InColour<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { severity, message, hint, .. } = self.0;
        match severity {
            Severity::Error => write!(f, "{}", severity.name().red().bold())?,
            Severity::Warning => write!(f, "{}", severity.name().yellow().bold())?,
            Severity::Note => write!(f, "{}", severity.name().cyan().bold())?,
        }
        write!(f, ": {}", message.bold())?;
        self.0.write_body(f)?;
        write!(f, "\n  {}: {hint}", "hint".green())
    }
}

/// Everything that keeps a configuration from being used; at least one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Finding>);

impl Problems {
    /// The problems, when there is one.
    pub(super) fn collect(findings: Vec<Finding>) -> Option<Self> {
        (!findings.is_empty()).then_some(Self(findings))
    }

    /// The problems in the order in which they are printed.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
