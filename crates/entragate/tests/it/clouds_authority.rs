//! A sign-in host that is not the issuer's: it passes an emulated Entra's documents on, changed as a test
//! wants, and can be made to wait.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use entragate::AuthorityHost;
use entragate_emulator::Emulator;
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::world::client;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    V1,
    V2,
    Keys,
}

/// Changes a document, or answers with a status instead.
pub(crate) type Edit = dyn Fn(Document, &mut Value) -> Option<StatusCode> + Send + Sync;

#[derive(Clone)]
struct Passing {
    entra: SocketAddr,
    url: String,
    edit: Arc<Edit>,
    held: watch::Receiver<bool>,
    http: reqwest::Client,
}

pub(crate) struct Authority {
    url: String,
    held: watch::Sender<bool>,
}

impl Authority {
    pub(crate) async fn of(
        entra: &Emulator,
        edit: impl Fn(Document, &mut Value) -> Option<StatusCode> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (held, receiver) = watch::channel(false);
        let passing = Passing {
            entra: entra.addr(),
            url: url.clone(),
            edit: Arc::new(edit),
            held: receiver,
            http: client(),
        };
        let app = Router::new().fallback(pass).with_state(passing);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, held }
    }

    pub(crate) fn host(&self) -> AuthorityHost {
        AuthorityHost::parse(&self.url).unwrap()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// No answers until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(false);
    }
}

async fn pass(State(mut passing): State<Passing>, request: Request) -> Response {
    passing.held.wait_for(|held| !held).await.unwrap();
    let path = request.uri().path();
    let document = match path {
        _ if path.contains("/discovery/") => Document::Keys,
        _ if path.contains("/v2.0/.well-known") => Document::V2,
        _ => Document::V1,
    };
    let answer = passing.http.get(format!("http://{}{path}", passing.entra)).send().await.unwrap();
    let status = answer.status();
    let mut json: Value = answer.json().await.unwrap();
    if let Some(keys) = json.get("jwks_uri").and_then(Value::as_str) {
        let path = url::Url::parse(keys).unwrap().path().to_owned();
        json["jwks_uri"] = format!("{}{path}", passing.url).into();
    }
    match (passing.edit)(document, &mut json) {
        Some(StatusCode::FOUND) => {
            let location = format!("http://{}{path}", passing.entra);
            (StatusCode::FOUND, [(http::header::LOCATION, location)]).into_response()
        }
        Some(status) => status.into_response(),
        None => (status, json.to_string()).into_response(),
    }
}
