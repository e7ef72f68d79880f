//! An MCP server as one would write it by hand: a JWT library, Entra's keys, one issuer, one audience, no roles.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::net::TcpListener;

struct Naive {
    keys: JwkSet,
    validation: Validation,
}

/// Starts it and returns its URL. `discovery` is the document that names the one issuer and the keys.
pub(super) async fn start(http: &reqwest::Client, discovery: &str, audience: &str) -> String {
    let fetch = async |url: &str| http.get(url).send().await.unwrap();
    let document: Value = fetch(discovery).await.json().await.unwrap();
    let keys = fetch(document["jwks_uri"].as_str().unwrap()).await.json().await.unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[document["issuer"].as_str().unwrap()]);
    validation.set_audience(&[audience]);

    let app = axum::Router::new().route("/mcp", post(mcp)).with_state(Arc::new(Naive { keys, validation }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn mcp(State(naive): State<Arc<Naive>>, headers: HeaderMap, body: Bytes) -> Response {
    match naive.validate(&headers) {
        Ok(()) => {
            let message: Value = serde_json::from_slice(&body).unwrap();
            let text = format!("{} executed", message["params"]["name"].as_str().unwrap());
            let result = json!({ "content": [{ "type": "text", "text": text }], "isError": false });
            let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
            ([("content-type", "application/json")], answer.to_string()).into_response()
        }
        Err(error) => (StatusCode::UNAUTHORIZED, error).into_response(),
    }
}

impl Naive {
    fn validate(&self, headers: &HeaderMap) -> Result<(), String> {
        let sent = headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = sent.and_then(|sent| sent.strip_prefix("Bearer ")).ok_or("no token")?;
        let kid = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?.kid;
        let key = kid.and_then(|kid| self.keys.find(&kid)).ok_or("unknown key")?;
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        match jsonwebtoken::decode::<Value>(token, &key, &self.validation) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}
