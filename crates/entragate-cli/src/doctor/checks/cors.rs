//! # What it checks
//!
//! That web pages may read the metadata and use the token endpoint, and may see `WWW-Authenticate` (CORS).
//!
//! # Why it matters
//!
//! Clients in a browser (MCP Inspector 1 in direct mode, web clients) get no further than the first request without it. Others
//! do not care.
//!
//! # How to fix
//!
//! The gateway answers preflights itself. Let the proxy pass `OPTIONS` and the `Access-Control-` headers on, and add none of its
//! own: two `Access-Control-Allow-Origin` are as good as none.

use http::Method;

use super::gateway;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Gateway, Question, Site};

/// The origin of MCP Inspector; loopback origins are always allowed.
const ORIGIN: &str = "http://localhost:6274";

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    gateway::documents(gateway)?;
    let token = site.config.base_url.join("/oauth/token");
    let mut wrong = Vec::new();
    for url in [&gateway.urls.resource_metadata, &gateway.urls.server_metadata, &token] {
        let preflight = Question::new(Method::OPTIONS, url)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "mcp-protocol-version");
        if !allows(gateway, preflight, "access-control-allow-origin").await {
            wrong.push(format!("the preflight of {url}"));
        }
    }
    let call = Question::new(Method::POST, &gateway.urls.mcp);
    if !allows(gateway, call, "access-control-expose-headers").await {
        wrong.push(format!("WWW-Authenticate of {}", gateway.urls.mcp));
    }
    if wrong.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::warning(format!("web pages may not read {}", wrong.join(", ")), "the ingress in front of BASE_URL")
            .because("Clients in a browser stop at the first request.")
            .fix("let the proxy pass OPTIONS and the Access-Control headers on, and add none of its own"),
    ])
}

async fn allows(gateway: &Gateway, question: Question, header: &str) -> bool {
    let answer = gateway.ask(&question.header("origin", ORIGIN)).await;
    answer.is_ok_and(|answer| answer.status.is_redirection() || answer.headers.get_all(header).iter().count() == 1)
}
