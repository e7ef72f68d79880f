//! # What it checks
//!
//! That the authorization server metadata says what clients need to hear: PKCE with `S256`, clients without a secret (`none`),
//! `code`, both grants, and endpoints below `BASE_URL`.
//!
//! # Why it matters
//!
//! claude.ai, ChatGPT, Zed, the C# and the Go SDK refuse a server that does not advertise PKCE; clients with metadata documents
//! refuse one without `none`.
//!
//! # How to fix
//!
//! The gateway always says so. If it does not arrive, something on the way answers with another document, Entra's own for
//! example.

use serde_json::Value;

use super::gateway;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let (_, server) = gateway::documents(site.gateway().await?)?;
    let needed = [
        ("code_challenge_methods_supported", "S256"),
        ("token_endpoint_auth_methods_supported", "none"),
        ("response_types_supported", "code"),
        ("grant_types_supported", "authorization_code"),
        ("grant_types_supported", "refresh_token"),
    ];
    let lacks = |(list, value): &(&str, &str)| !server[*list].as_array().is_some_and(|all| all.iter().any(|one| one == value));
    let mut wrong: Vec<String> =
        needed.iter().filter(|need| lacks(need)).map(|(list, value)| format!("{list} lacks {value}")).collect();
    let base = site.config.base_url.as_str();
    for endpoint in ["authorization_endpoint", "token_endpoint"] {
        let elsewhere = |url: &Value| !url.as_str().is_some_and(|url| url.starts_with(base));
        if elsewhere(&server[endpoint]) {
            wrong.push(format!("{endpoint} is not below {base}"));
        }
    }
    if wrong.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::error(format!("the authorization server metadata is not what clients need: {}", wrong.join(", ")), "BASE_URL")
            .because("Clients that demand it refuse to sign in.")
            .fix("let nothing on the way answer in the gateway's place"),
    ])
}
