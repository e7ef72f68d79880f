//! # What it checks
//!
//! That `resource` of the protected resource metadata is the MCP URL that people type, byte for byte.
//!
//! # Why it matters
//!
//! RFC 9728 §3.3: with a slash at the end nine of eleven measured clients refuse, with another path Gemini CLI, VS Code, the
//! Go SDK and Spring do.
//!
//! # How to fix
//!
//! Set `BASE_URL` and the path of the MCP server so that together they are the URL that people type, without a slash at the
//! end, and let nothing rewrite the document.

use super::gateway;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    let (resource, _) = gateway::documents(gateway)?;
    let says = resource["resource"].as_str().unwrap_or_default();
    if says == gateway.urls.mcp {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::error(format!("the MCP URL is {}, its metadata is about {says}", gateway.urls.mcp), "BASE_URL")
            .because("Clients compare the two and refuse a document about something else.")
            .fix("set BASE_URL and the MCP server's path so that together they are the URL that people type"),
    ])
}
