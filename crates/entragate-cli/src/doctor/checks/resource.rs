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

use serde_json::Value;

use super::gateway;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Site, document};

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    let (resource, _) = gateway::documents(gateway)?;
    let said = |document: &Value| document["resource"].as_str().unwrap_or_default().to_owned();
    let mut all = vec![(gateway.urls.mcp.clone(), said(&resource))];
    for (url, answer) in &gateway.others {
        let document = answer.as_ref().ok().and_then(document);
        all.push((url.clone(), document.as_ref().map(said).unwrap_or_default()));
    }
    let wrong = all.into_iter().filter(|(url, says)| url != says);
    Ok(wrong.map(|(url, says)| {
        let what = match says.as_str() {
            "" => format!("the MCP URL {url} has no metadata"),
            says => format!("the MCP URL is {url}, its metadata is about {says}"),
        };
        Finding::error(what, "BASE_URL")
            .because("Clients compare the two and refuse a document about something else.")
            .fix("set BASE_URL and the MCP server's path so that together they are the URL that people type")
    })
    .collect())
}
