//! Your own axum server behind the gate, next to routes that stay open.
//!
//! The guard is a tower layer: it goes round any router, here round one that somebody else wrote and that
//! is nested below `/mcp`. Nothing has to be registered anywhere for it to find its configuration.
//!
//! Run it with the five variables of the README (it reads the two registrations and the tenant from its
//! arguments): `cargo run -p example-axum -- TENANT_ID API_CLIENT_ID MCP_CLIENT_ID`.

use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use entragate::{ApiApp, BaseUrl, ClientId, Gate, Principal, Relay, Rule, TenantId};
use serde_json::{Value, json};
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
        // The admin guard: `admin_*` for the app role Admin, the rest for anybody who signed in.
        .rules([Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"])])
        .listen_addresses([([127, 0, 0, 1], 3002).into()])
        .build()?;
    axum::serve(TcpListener::bind(("127.0.0.1", 3002)).await?, app(&gate)).await?;
    Ok(())
}

/// The whole application: the gate's own endpoints, the guarded router, an open route.
fn app(gate: &Gate) -> Router {
    let guarded = third_party::router().layer(gate.layer());
    gate.router().nest("/mcp", guarded).route("/health", get(|| async { "fine" }))
}

/// A router that knows nothing of the gate.
mod third_party {
    use super::{Extension, Json, Principal, Router, Value, json, post};

    pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
        Router::new().route("/", post(call))
    }

    /// Whoever gets here has signed in; the principal says who it is.
    async fn call(Extension(who): Extension<Principal>, Json(message): Json<Value>) -> Json<Value> {
        let text =
            format!("{} with roles {:?}", who.username().unwrap_or_else(|| who.object_id()), who.roles());
        let content = json!([{ "type": "text", "text": text }]);
        Json(
            json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "content": content, "isError": false } }),
        )
    }
}

#[cfg(test)]
mod tests {
    use entragate::AuthorityHost;
    use entragate_emulator::{Emulator, KeySource, MintRequest, fixtures};

    use super::*;

    #[tokio::test]
    async fn a_nested_third_party_router_is_guarded_and_its_neighbour_is_open() {
        let entra = Emulator::builder().keys(KeySource::Embedded).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let registrations = Relay {
            tenant: TenantId::parse(fixtures::TENANT).unwrap(),
            api: ApiApp::new(ClientId::parse(fixtures::API).unwrap()),
            client: ClientId::parse(fixtures::MCP).unwrap(),
        };
        let base = BaseUrl::parse(&format!("http://localhost:{}", addr.port())).unwrap();
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
        let (mcp, health) = (base.join("/mcp"), base.join("/health"));
        assert_eq!(http.get(&health).send().await.unwrap().text().await.unwrap(), "fine");
        let call = |tool: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool } });
        assert_eq!(http.post(&mcp).json(&call("whoami")).send().await.unwrap().status(), 401);

        let bob = entra.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() });
        let answer = http.post(&mcp).bearer_auth(&bob).json(&call("whoami")).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(text.contains("User") && text.contains("\"isError\":false"), "{text}");
        let refused = http.post(&mcp).bearer_auth(&bob).json(&call("admin_reset")).send().await.unwrap();
        assert_eq!(refused.status(), 200);
        assert!(refused.text().await.unwrap().contains("`Admin`"));
    }
}
