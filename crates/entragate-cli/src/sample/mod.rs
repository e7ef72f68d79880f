//! A small MCP server to put the gateway in front of: an ordinary rmcp server on its own loopback port, which
//! knows nothing of Entra and believes the identity headers that the gateway sets, as a user's own server would.

mod command;
mod tools;

use std::io;
use std::sync::Arc;

use axum::Router;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use crate::serve;
pub use command::{Arguments, run};
use tools::Tools;

/// The path of its MCP endpoint.
pub const PATH: &str = "/mcp";

/// Serves the sample until `shutdown` completes.
pub async fn listen(listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    // The Host check of rmcp (against DNS rebinding) is kept, and knows the one name that the proxy uses.
    let host = listener.local_addr()?.to_string();
    let config = StreamableHttpServerConfig::default().with_allowed_hosts([host]);
    let tools = Tools::new();
    let service = StreamableHttpService::new(
        move || Ok(tools.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    serve::listen(listener, Router::new().route_service(PATH, service), shutdown).await
}
