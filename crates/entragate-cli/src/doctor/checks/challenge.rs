//! # What it checks
//!
//! That a call without a token is answered with 401 and `WWW-Authenticate: Bearer resource_metadata="…", scope="…"`, for POST,
//! GET, HEAD and DELETE.
//!
//! # Why it matters
//!
//! This header is how clients learn where to sign in and with which scope (RFC 9728 §5.1). Different clients ask with
//! different methods.
//!
//! # How to fix
//!
//! Let the proxy pass `WWW-Authenticate` and the status 401 on. In nginx beware of `proxy_hide_header` and
//! `proxy_intercept_errors`; API gateways and web application firewalls often replace a 401 by a page of their own.

use http::Method;

use super::gateway;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Question, Site};

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    gateway::documents(gateway)?;
    let wanted = format!("resource_metadata=\"{}\"", gateway.urls.resource_metadata);
    let mut wrong = Vec::new();
    for method in [Method::POST, Method::GET, Method::HEAD, Method::DELETE] {
        let question = Question::new(method.clone(), &gateway.urls.mcp).header("accept", "application/json, text/event-stream");
        let problem = match gateway.ask(&question).await {
            Err(error) => Some(error.to_string()),
            Ok(answer) if answer.status.is_redirection() => continue,
            Ok(answer) if answer.status != http::StatusCode::UNAUTHORIZED => Some(format!("status {}", answer.status)),
            Ok(answer) => match answer.header("www-authenticate") {
                None => Some("no WWW-Authenticate".to_owned()),
                Some(header) if !header.starts_with("Bearer ") || !header.contains(&wanted) || !header.contains("scope=\"") => {
                    Some("another WWW-Authenticate".to_owned())
                }
                Some(_) => None,
            },
        };
        wrong.extend(problem.map(|problem| format!("{method}: {problem}")));
    }
    if wrong.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("a call without a token is not answered with the way to sign in ({})", wrong.join("; "));
    Ok(vec![
        Finding::error(what, "the ingress in front of BASE_URL")
            .because("Clients learn from this answer where to sign in and with which scope.")
            .fix("let the proxy pass status 401 and WWW-Authenticate on as they are"),
    ])
}
