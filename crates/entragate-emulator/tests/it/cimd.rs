//! Number 111 of the checklist: clients whose id is the URL of their metadata document, in the preview as far as known.

use axum::Router;
use axum::routing::get;
use entragate_emulator::fixtures::API;
use serde_json::{Value, json};

use crate::fixture::{Authorize, Entra, Jwt, Token, scope};

/// A client's web server on a free port of this machine.
struct Host(String);

impl Host {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let document = |id: String| {
            json!({
                "client_id": id,
                "client_name": "Example MCP client",
                "redirect_uris": ["http://localhost/callback", "https://client.test/callback"],
                "token_endpoint_auth_method": "none",
            })
        };
        let serve = |body: String| get(move || async move { body });
        let good = document(format!("{base}/client.json"));
        let mut large = document(format!("{base}/large.json"));
        large["client_name"] = "x".repeat(20_000).into();
        let app = Router::new()
            .route("/client.json", serve(good.to_string()))
            .route("/copy.json", serve(good.to_string()))
            .route("/large.json", serve(large.to_string()))
            .route("/text", serve("hello".to_owned()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self(base)
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }
}

fn as_client(id: &str) -> Authorize {
    Authorize::base().with("client_id", id).user("bob")
}

async fn approving(clients: &[&str]) -> Entra {
    let entra = Entra::start().await;
    entra.settings(json!({ "advertise_cimd": true, "approved_cimd_clients": clients })).await;
    entra
}

#[tokio::test]
async fn e111_without_the_flag_a_url_is_no_client_700016() {
    let (entra, host) = (Entra::start().await, Host::start().await);
    let page = entra.authorize(&as_client(&host.url("client.json"))).await;
    page.page(700_016).begins("Application with identifier 'http://127.0.0.1:");
    let discovery =
        format!("/{}/v2.0/.well-known/openid-configuration", entragate_emulator::fixtures::TENANT);
    let document = entra.get(&discovery).await.ok();
    assert_eq!(document.get("client_id_metadata_document_supported"), None);
    entra.settings(json!({ "advertise_cimd": true })).await;
    let document = entra.get(&discovery).await.ok();
    assert_eq!(document["client_id_metadata_document_supported"], true);
}

#[tokio::test]
async fn e111_a_client_that_nobody_approved_90094() {
    let (entra, host) = (approving(&[]).await, Host::start().await);
    let request = as_client(&host.url("client.json"));
    for user in ["bob", "alice"] {
        entra.authorize(&request.clone().user(user)).await.page(90094);
    }
    let mut silent = entra.browser();
    silent.sign_in("bob").await;
    let reply = silent.authorize(&request.with("prompt", "none")).await;
    reply.location().refusal("interaction_required", 90094);
}

#[tokio::test]
async fn e111_an_approved_client_gets_tokens_of_an_agent() {
    let host = Host::start().await;
    let id = host.url("client.json");
    let entra = approving(&[&id]).await;
    let request = as_client(&id).scope(&format!("{} openid profile offline_access", scope(API, "access")));
    let tokens = entra.tokens(&request).await;
    let claims = entra.verified(tokens["access_token"].as_str().expect("a token")).await;
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!(API), &json!("access")));
    assert_eq!((&claims["xms_act_fct"], &claims["azpacr"]), (&json!("9 3 11"), &json!("0")));
    for name in ["azp", "xms_par_app_azp"] {
        assert!(crate::reply::is_guid(claims[name].as_str().expect("text")), "{claims}");
    }
    assert_ne!(claims["azp"], claims["xms_par_app_azp"]);
    let id_token = Jwt::parse(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!(id_token.claims["aud"], id);
    let again = entra.redeem(&Token::refresh(&id, &tokens)).await;
    assert_eq!(Jwt::access(&again).claims["xms_par_app_azp"], claims["xms_par_app_azp"]);
}

#[tokio::test]
async fn e111_other_clients_have_no_agent_claims() {
    let entra = approving(&[]).await;
    let claims = Jwt::access(&entra.tokens(&Authorize::base().user("bob")).await).claims;
    for name in ["xms_act_fct", "xms_par_app_azp"] {
        assert_eq!(claims.get(name), None::<&Value>);
    }
}

#[tokio::test]
async fn e111_redirect_uris_are_those_of_the_document() {
    let host = Host::start().await;
    let id = host.url("client.json");
    let entra = approving(&[&id]).await;
    for uri in ["http://localhost:1/callback", "https://client.test/callback"] {
        entra.code(&as_client(&id).with("redirect_uri", uri)).await;
    }
    for uri in ["http://localhost:1/other", "https://client.test:8443/callback", "https://evil.test/callback"]
    {
        entra.authorize(&as_client(&id).with("redirect_uri", uri)).await.page(50011);
    }
}

#[tokio::test]
async fn e111_a_document_that_is_not_the_client_s_is_refused() {
    let host = Host::start().await;
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone = format!("http://{}/client.json", unused.local_addr().expect("an address"));
    drop(unused);
    let ids = [
        (host.url("copy.json"), "'client_id' in the document is another one"),
        (host.url("text"), "the answer is no client metadata document"),
        (host.url("large.json"), "the document is larger than 16384 bytes"),
        (host.url("missing.json"), "the answer has status 404"),
        (gone, "nobody answers there"),
        ("http://client.test/client.json".to_owned(), "it does not begin with https://"),
        (host.url(""), "it has no path"),
    ];
    let entra = approving(&ids.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>()).await;
    for (id, reason) in ids {
        let page = entra.authorize(&as_client(&id)).await.page(700_016);
        page.says(&format!("The client metadata document '{id}' cannot be used: {reason}."));
    }
}

#[tokio::test]
async fn e111_no_tokens_without_a_user() {
    let host = Host::start().await;
    let id = host.url("client.json");
    let entra = approving(&[&id]).await;
    entra.tokens(&as_client(&id)).await;
    let request = Token::client_credentials(&id, "x", &scope(API, ".default"));
    entra.token(&request).await.refusal(401, "invalid_client", 7_000_215);
}
