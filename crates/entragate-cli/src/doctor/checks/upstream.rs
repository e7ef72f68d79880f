//! # What it checks
//!
//! Whether the MCP server behind the gateway (`ENTRAGATE_UPSTREAM`) answers, whether its path is there, and whether it asks
//! for a sign-in of its own. A stdio server is started, greeted and ended.
//!
//! # Why it matters
//!
//! People sign in successfully and then see a server without tools, or with errors only.
//!
//! # How to fix
//!
//! Start the server (a stdio server: run its command by hand), or correct host, port and path in `ENTRAGATE_UPSTREAM`. A server that authenticates by itself (App
//! Service authentication, "Easy Auth", is the usual one) must let the gateway in: switch its authentication off and make it
//! reachable for the gateway only.

use http::StatusCode;

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::config::{ServerConfig, StdioConfig};
use crate::doctor::site::{Question, Site};
use crate::upstream::{NoServer, probe};

pub(super) async fn run(site: &Site) -> Checked {
    let mut found = Vec::new();
    for route in &site.config.routes {
        // With several servers the finding is about one of the list.
        let setting = if site.config.routes.len() > 1 { "routes" } else { "ENTRAGATE_UPSTREAM" };
        match &route.server {
            ServerConfig::Http(upstream) => {
                for url in upstream.urls() {
                    found.extend(look(site, url, setting).await);
                }
            }
            ServerConfig::Stdio(stdio) => found.extend(start(stdio, setting).await),
        }
    }
    Ok(found)
}

async fn start(stdio: &StdioConfig, setting: &'static str) -> Option<Finding> {
    let NoServer { what, said } = probe(stdio).await.err()?;
    let finding = Finding::error(format!("the MCP server does not start: {what}"), setting)
        .because("Nobody gets a session, and so people sign in and have no tools.");
    Some(match said {
        Some(said) => finding.fix(format!("mind what it says: {said}")),
        None => finding.fix(format!("run the command of {setting} by hand, as the user that the gateway runs as")),
    })
}

async fn look(site: &Site, url: &url::Url, setting: &'static str) -> Option<Finding> {
    // Without what an operator may have put before `@`.
    let shown = format!("{}{}", url.origin().ascii_serialization(), url.path());
    let finding = |what: String| Finding::error(what, setting);
    let why = "People sign in and then have no tools.";
    let initialize = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "ping",
    });
    let found = match site.wire.ask(&Question::json(url.as_str(), &initialize)).await {
        Err(error) => {
            finding(format!("the MCP server at {shown} cannot be reached: {error}")).fix(error.hint())
        }
        Ok(answer) => match answer.status {
            StatusCode::NOT_FOUND => finding(format!("{shown} answers 404: there is something, but no MCP server"))
                .fix(format!("correct the path in {setting}; many servers are at /mcp")),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                finding(format!("the MCP server at {shown} asks for a sign-in of its own ({})", answer.status)).fix(
                    "switch authentication off at the MCP server, App Service authentication included, and let nobody but \
                     the gateway reach it",
                )
            }
            status if status.is_server_error() => finding(format!("the MCP server at {shown} answers {status}"))
                .fix("look into the MCP server's log"),
            status if status.is_redirection() => finding(format!("the MCP server at {shown} answers {status}, elsewhere"))
                .fix(format!("write the address that it redirects to into {setting}, slash included")),
            _ => return None,
        },
    };
    Some(found.because(why))
}
