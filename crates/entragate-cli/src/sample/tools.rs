//! The tools: who calls, an ordinary one, one that the gateway's rules keep for administrators, and a slow one
//! that reports progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http::request::Parts;
use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    Implementation, ProgressNotificationParam, RequestMetaObject, ServerCapabilities, ServerConfig,
};
use rmcp::{Peer, RoleServer, ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;

/// The server's state: how often it added.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    additions: Arc<AtomicU64>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct Summands {
    /// The first number
    a: i64,
    /// The second number
    b: i64,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct Countdown {
    /// Where to start, 5 if left out
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 60))]
    from: u32,
    /// Milliseconds between two numbers, 300 if left out
    #[serde(default = "three_hundred")]
    #[schemars(range(min = 1, max = 10_000))]
    pause_ms: u64,
}

const fn five() -> u32 {
    5
}

const fn three_hundred() -> u64 {
    300
}

#[tool_router]
impl Tools {
    pub(super) fn new() -> Self {
        Self { additions: Arc::new(AtomicU64::new(0)) }
    }

    #[tool(description = "Says who is calling, as the gateway tells this server")]
    fn whoami(Extension(parts): Extension<Parts>) -> String {
        introduce(&parts.headers)
    }

    #[tool(description = "Adds two numbers")]
    fn add(&self, Parameters(Summands { a, b }): Parameters<Summands>) -> String {
        self.additions.fetch_add(1, Ordering::Relaxed);
        match a.checked_add(b) {
            Some(sum) => format!("{a} + {b} = {sum}"),
            None => "The sum is too large for this small server".to_owned(),
        }
    }

    #[tool(description = "Forgets all additions; for administrators")]
    fn admin_reset(&self) -> String {
        let forgotten = self.additions.swap(0, Ordering::Relaxed);
        format!("Reset; additions forgotten: {forgotten}")
    }

    #[tool(description = "Counts down slowly and reports progress on the way")]
    async fn countdown(
        Parameters(Countdown { from, pause_ms }): Parameters<Countdown>,
        meta: RequestMetaObject,
        client: Peer<RoleServer>,
    ) -> String {
        let from = from.clamp(1, 60);
        let pause = Duration::from_millis(pause_ms.clamp(1, 10_000));
        let token = meta.get_progress_token();
        for done in 0..from {
            if let Some(token) = &token {
                let progress = ProgressNotificationParam::new(token.clone(), f64::from(done))
                    .with_total(f64::from(from))
                    .with_message(format!("{} …", from - done));
                if client.notify_progress(progress).await.is_err() {
                    break; // nobody listens any more
                }
            }
            tokio::time::sleep(pause).await;
        }
        format!("Counted down from {from}")
    }
}

#[tool_handler]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("entragate-sample", env!("CARGO_PKG_VERSION")))
            .with_instructions("A sample server behind Entragate. Try whoami first.")
    }
}

/// What the identity headers say, in one sentence.
fn introduce(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(id) = text("x-entra-object-id") else {
        return "Nobody has signed in: no gateway has told this server who is calling".to_owned();
    };
    let name = text("x-forwarded-preferred-username").unwrap_or_else(|| "Somebody without a name".into());
    match text("x-forwarded-roles") {
        Some(roles) => format!("{name}, roles: {}, object id {id}", roles.replace(',', ", ")),
        None => format!("{name}, no roles, object id {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_comes_from_the_headers() {
        let mut headers = HeaderMap::new();
        assert!(introduce(&headers).starts_with("Nobody"));
        headers.insert("x-entra-object-id", http::HeaderValue::from_static("0-1"));
        assert_eq!(introduce(&headers), "Somebody without a name, no roles, object id 0-1");
        headers.insert("x-forwarded-preferred-username", http::HeaderValue::from_static("a@b.test"));
        headers.insert("x-forwarded-roles", http::HeaderValue::from_static("Admin,User"));
        assert_eq!(introduce(&headers), "a@b.test, roles: Admin, User, object id 0-1");
    }
}
