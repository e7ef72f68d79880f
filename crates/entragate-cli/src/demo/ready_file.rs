//! The addresses of a running demo for whoever started it, because ports may be free ones.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use entragate_emulator::fixtures;
use serde_json::json;

use super::stage::Stage;

/// Writes the file in one step: whoever waits for it never reads half of it.
pub(super) fn write(path: &Path, stage: &Stage) -> anyhow::Result<()> {
    let addresses = json!({
        "mcp_url": stage.mcp_url,
        "base_url": stage.base_url.as_str(),
        "emulator_url": stage.emulator_url(),
        "tenant": fixtures::TENANT,
        "api": fixtures::API,
        "client": fixtures::MCP,
    });
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = Path::new(&unfinished);
    fs::write(unfinished, format!("{addresses:#}\n"))
        .and_then(|()| fs::rename(unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
