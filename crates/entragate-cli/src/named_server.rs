//! Which of the MCP servers behind a gateway is meant.

use std::sync::Arc;

use anyhow::Context as _;
use entragate::{Gate, Resource};

/// The server that `route` names, with its number from zero; without a name there must be no doubt. `option`: what names
/// it where the command was told.
pub(crate) fn named_server<'a>(
    gate: &'a Gate,
    route: Option<&str>,
    option: &str,
) -> anyhow::Result<(usize, &'a Arc<Resource>)> {
    let all = gate.resources();
    let choices = || all.iter().map(|one| one.path()).collect::<Vec<_>>().join(", ");
    match (route, all) {
        (None, [only]) => Ok((0, only)),
        (None, _) => anyhow::bail!("there are several MCP servers: name one with {option}: {}", choices()),
        (Some(name), all) => all
            .iter()
            .enumerate()
            .find(|(_, one)| one.path() == name || one.url() == name)
            .with_context(|| format!("no MCP server is at {name}: there are {}", choices())),
    }
}
