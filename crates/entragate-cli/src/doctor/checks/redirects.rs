//! # What it checks
//!
//! That no address of the gateway redirects: metadata, token, registration, and the MCP path.
//!
//! # Why it matters
//!
//! Strict clients follow no redirect for metadata, tokens are not sent to another address, and `Authorization` is dropped on
//! the way. The usual cause is a proxy that adds or removes a slash, or sends http to https.
//!
//! # How to fix
//!
//! Give people the final address, and set `BASE_URL` to it. In nginx a `location /mcp/` redirects `/mcp`: write
//! `location /mcp`.

use entragate::is_invisible;
use http::Method;

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Question, Site};

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    let base = &site.config.base_url;
    let mut asked = vec![
        (gateway.urls.resource_metadata.clone(), gateway.resource_metadata.clone()),
        (gateway.urls.server_metadata.clone(), gateway.server_metadata.clone()),
    ];
    for url in [gateway.urls.mcp.clone(), base.join("/oauth/token"), base.join("/oauth/register")] {
        if let Ok(answer) = gateway.ask(&Question::new(Method::POST, &url)).await {
            asked.push((url, answer));
        }
    }
    let moved = asked.iter().filter(|(_, answer)| answer.status.is_redirection());
    let moved: Vec<String> = moved
        .map(|(url, answer)| {
            let target = answer.header("location").unwrap_or("somewhere").chars().filter(|c| !is_invisible(*c));
            format!("{url} to {}", target.collect::<String>())
        })
        .collect();
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::error(format!("the proxy in front of the gateway redirects {}", moved.join(", ")), "the ingress in front of BASE_URL")
            .because("Clients follow no redirect for metadata and lose the token on one.")
            .fix("let the proxy pass paths on as they are, without adding or removing a slash, and set BASE_URL to the final address"),
    ])
}
