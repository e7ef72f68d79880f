//! What a check is: a name, its three-part documentation, what it needs, and a function from the site to findings.

use std::pin::Pin;

use super::documentation::Documentation;
use super::finding::Finding;
use super::site::Site;

/// What a check's function returns.
pub(super) type Checked = Result<Vec<Finding>, Skip>;

/// A check at work.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// One check.
pub struct Check {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it looks at.
    pub group: Group,
    /// What it checks, why it matters, how to fix it.
    pub documentation: Documentation,
    pub(super) run: for<'a> fn(&'a Site) -> Running<'a>,
}

/// What a check looks at, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Settings and network.
    Surroundings,
    /// The gateway, as a strict client sees it.
    Gateway,
    /// Entra, without signing in.
    Entra,
    /// App registrations, through Microsoft Graph.
    Registrations,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Surroundings, Self::Gateway, Self::Entra, Self::Registrations];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Surroundings => "Settings and network",
            Self::Gateway => "The gateway, as a strict client sees it",
            Self::Entra => "Entra, without signing in",
            Self::Registrations => "App registrations, through Microsoft Graph",
        }
    }
}

/// Why a check came to no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Skip {
    /// It could not look: never the same as "nothing wrong".
    NotChecked(String),
    /// There is nothing to look at in this mode.
    NotApplicable(&'static str),
}

impl Skip {
    pub(super) fn not_checked(reason: impl Into<String>) -> Self {
        Self::NotChecked(reason.into())
    }
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing wrong.
    Fine,
    /// Something was found.
    Found,
    /// It could not look, and why.
    NotChecked(String),
    /// There is nothing to look at, and why.
    NotApplicable(&'static str),
}
