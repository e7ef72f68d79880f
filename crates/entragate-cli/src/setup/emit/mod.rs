//! The plan as code, for whoever would rather run a script or keep a template.
//!
//! A script (`az`, `graph`) does the steps of the plan; a template (`bicep`, `terraform`) describes what is
//! wanted. Each format has one function of [`Source`] to text, and one arm in [`emit`].

mod az;
mod bicep;
mod graph;
mod shell;
mod terraform;
mod value;

use entragate::TenantId;

use crate::graph::Directory;

use super::plan::Plan;
use super::wanted::Wanted;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A shell script for the Azure CLI
    Az,
    /// A Bicep template for the Microsoft Graph extension
    Bicep,
    /// Terraform for the provider azuread
    Terraform,
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
        Format::Az => az::script(source),
        Format::Bicep => bicep::template(source),
        Format::Terraform => terraform::configuration(source),
        Format::Graph => graph::script(source),
    }
}

/// The tenant's id, if it was named by it or has been asked.
fn tenant_id(plan: &Plan) -> Option<String> {
    TenantId::parse(&plan.tenant).ok()?.as_guid().map(str::to_owned)
}
