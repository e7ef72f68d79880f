//! The MCP side of the played client: rmcp's, with a memory for progress notifications.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation, JsonObject,
    ProgressNotificationParam,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, NotificationContext, RunningService,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{StreamableHttpClient, StreamableHttpClientTransportConfig};
use rmcp::{ClientHandler, RoleClient};
use serde_json::Value;
use tokio::sync::mpsc;

/// Longer than any call here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connected client.
pub(super) struct Client {
    service: RunningService<RoleClient, Handler>,
    progress: mpsc::UnboundedReceiver<Instant>,
}

/// What a tool answered.
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) is_error: bool,
    /// When progress was reported, before the answer came.
    pub(super) progress: Vec<Instant>,
}

impl Client {
    /// Connects; whether a token is sent is the business of `http`.
    pub(super) async fn connect<C: StreamableHttpClient + Sync>(
        http: C,
        url: &str,
        lifecycle: ClientLifecycleMode,
    ) -> Result<Self, ClientInitializeError> {
        let (sender, progress) = mpsc::unbounded_channel();
        let config = StreamableHttpClientTransportConfig::with_uri(url);
        let transport = StreamableHttpClientTransport::with_client(http, config);
        let service = Handler { progress: sender }.serve_with_lifecycle(transport, lifecycle).await?;
        Ok(Self { service, progress })
    }

    /// The server's name and the protocol version that was agreed on.
    pub(super) fn server(&self) -> String {
        let Some(server) = self.service.peer().peer_info() else { return "an unknown server".to_owned() };
        let name = server.server_info.as_ref().map_or("a server without a name", |known| known.name.as_str());
        format!("{name}, MCP {}", server.protocol_version)
    }

    /// The names of the tools, sorted.
    pub(super) async fn tools(&self) -> anyhow::Result<Vec<String>> {
        let tools = tokio::time::timeout(PATIENCE, self.service.list_all_tools()).await??;
        let mut names: Vec<String> = tools.into_iter().map(|tool| tool.name.into_owned()).collect();
        names.sort();
        Ok(names)
    }

    /// Calls a tool; `arguments` is a JSON object.
    pub(super) async fn call(&mut self, tool: &'static str, arguments: Value) -> anyhow::Result<Answer> {
        let arguments: JsonObject = serde_json::from_value(arguments)?;
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let call = self.service.call_tool(request);
        let result: CallToolResult =
            tokio::time::timeout(PATIENCE, call).await.context("there was no answer")??;
        let mut progress = Vec::new();
        while let Ok(when) = self.progress.try_recv() {
            progress.push(when);
        }
        let texts: Vec<&str> =
            result.content.iter().filter_map(|part| Some(part.as_text()?.text.as_str())).collect();
        Ok(Answer { text: texts.join("\n"), is_error: result.is_error == Some(true), progress })
    }

    /// Ends the session.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.service.cancel().await?;
        Ok(())
    }
}

/// Remembers when progress was reported.
pub(super) struct Handler {
    progress: mpsc::UnboundedSender<Instant>,
}

impl ClientHandler for Handler {
    #[expect(clippy::disallowed_methods, reason = "measures how progress is spread out, decides nothing")]
    async fn on_progress(&self, _: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        // Nobody waits for progress after the last call.
        self.progress.send(Instant::now()).ok();
    }

    fn get_info(&self) -> ClientConfig {
        let this = Implementation::new("entragate-demo", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), this)
    }
}
