//! The plan as code, for whoever would rather run a script or keep a template.
//!
//! A script ([`graph`]) does the steps of the plan; a template describes what is wanted. Each format is one file with
//! one function of [`Source`] to text, and one arm in [`emit`].

mod graph;

use crate::graph::Directory;

use super::plan::Plan;
use super::wanted::Wanted;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A shell script of curl and jq
    Graph,
}

/// What a format is written from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What is to be there.
    pub wanted: &'a Wanted,
    /// What has to be done for it; with `--offline`, everything.
    pub plan: &'a Plan,
    /// The tenant's login host and Graph; `None` with `--offline`.
    pub directory: Option<&'a Directory>,
}

/// Writes the plan as code.
pub fn emit(format: Format, source: Source<'_>) -> String {
    match format {
        Format::Graph => graph::script(source),
    }
}
