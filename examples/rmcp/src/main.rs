//! Your own rmcp server behind the gate: the layer wraps the Streamable HTTP service, and tools read who
//! is calling from the request.
//!
//! Run it with the tenant and the two registrations: `cargo run -p example-rmcp -- TENANT_ID API_CLIENT_ID
//! MCP_CLIENT_ID`, then add `http://localhost:3002/mcp` to an MCP client.

use entragate::{ApiApp, BaseUrl, ClientId, Gate, Principal, Relay, Rule, TenantId};
use rmcp::handler::server::tool::Extension;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &str| arguments.next().ok_or_else(|| format!("argument {name} is missing"));
    let registrations = Relay {
        tenant: TenantId::parse(&next("TENANT_ID")?)?,
        api: ApiApp::new(ClientId::parse(&next("API_CLIENT_ID")?)?).with_scopes(["access"])?,
        client: ClientId::parse(&next("MCP_CLIENT_ID")?)?,
    };
    let gate = Gate::relay(BaseUrl::parse("http://localhost:3002")?, registrations)
        .rules([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])])
        .listen_addresses([([127, 0, 0, 1], 3002).into()])
        .build()?;
    axum::serve(TcpListener::bind(("127.0.0.1", 3002)).await?, app(&gate)).await?;
    Ok(())
}

fn app(gate: &Gate) -> axum::Router {
    let authority = gate.base_url().authority();
    let config = StreamableHttpServerConfig::default().with_allowed_hosts([authority]);
    let service = StreamableHttpService::new(|| Ok(Tools), LocalSessionManager::default().into(), config);
    gate.protect(service)
}

/// An MCP server as anybody would write it.
#[derive(Clone)]
struct Tools;

#[tool_router]
impl Tools {
    #[tool(description = "Says who is calling")]
    fn whoami(Extension(request): Extension<http::request::Parts>) -> String {
        // The layer put the verified caller into the request's extensions.
        match request.extensions.get::<Principal>() {
            Some(who) => format!("{} in tenant {}", who.username().unwrap_or("somebody"), who.tenant_id()),
            None => "nobody passed the gate".to_owned(),
        }
    }

    #[tool(description = "Only for administrators, says the rule in main()")]
    fn admin_reset() -> String {
        "reset".to_owned()
    }
}

#[tool_handler]
impl ServerHandler for Tools {}

#[cfg(test)]
mod tests {
    use entragate::AuthorityHost;
    use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};
    use serde_json::{Value, json};

    use super::*;

    /// The JSON of an answer that may be an event stream.
    async fn json_of(response: reqwest::Response) -> Value {
        assert_eq!(response.status(), 200);
        let text = response.text().await.unwrap();
        let data =
            text.lines().filter_map(|line| line.strip_prefix("data: ")).find(|data| data.starts_with('{'));
        serde_json::from_str(data.unwrap_or(&text)).unwrap_or_else(|_| panic!("{text}"))
    }

    #[tokio::test]
    async fn tools_learn_who_calls_and_the_admin_tool_is_guarded() {
        let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base =
            BaseUrl::parse(&format!("http://localhost:{}", listener.local_addr().unwrap().port())).unwrap();
        let registrations = Relay {
            tenant: TenantId::parse(fixtures::TENANT).unwrap(),
            api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()),
            client: ClientId::parse(fixtures::MCP).unwrap(),
        };
        let gate = Gate::relay(base.clone(), registrations)
            .authority(AuthorityHost::parse(entra.url()).unwrap())
            .rules([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])])
            .build()
            .unwrap();
        let app = app(&gate);
        tokio::spawn(async move { axum::serve(listener, app).await });
        gate.ready().await.unwrap();

        #[expect(clippy::disallowed_methods, reason = "a test client is no product code")]
        let http = reqwest::Client::new();
        let claims = json!({ "preferred_username": "bob@contoso.test" });
        let claims = claims.as_object().unwrap().clone();
        let bob =
            entra.control().mint(&MintRequest { user: Some("bob".into()), claims, ..MintRequest::default() });
        let post = |body: Value, session: Option<String>| {
            let request = http.post(base.join("/mcp")).bearer_auth(&bob);
            let request = request.header("accept", "application/json, text/event-stream").json(&body);
            match session {
                Some(session) => request.header("mcp-session-id", session),
                None => request,
            }
            .send()
        };
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } });
        let opened = post(hello, None).await.unwrap();
        let session = opened.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
        json_of(opened).await;
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(post(ready, session.clone()).await.unwrap().status(), 202);

        let call = |tool: &str| json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": tool, "arguments": {} } });
        let who = json_of(post(call("whoami"), session.clone()).await.unwrap()).await;
        assert_eq!(
            who["result"]["content"][0]["text"],
            format!("bob@contoso.test in tenant {}", fixtures::TENANT)
        );
        let refused = json_of(post(call("admin_reset"), session.clone()).await.unwrap()).await;
        assert_eq!(refused["result"]["isError"], true);
        let list = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list" });
        let tools = json_of(post(list, session).await.unwrap()).await;
        assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 1, "{tools}");
    }
}
