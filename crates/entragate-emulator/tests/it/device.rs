//! §10.4, item 95: the device authorization grant.

use entragate_emulator::fixtures::{API, CLI, TENANT, WEB};
use serde_json::Value;

use crate::fixture::{Authorize, Entra, Jwt, Token, encode, members, oid, scope};
use crate::reply::Reply;

async fn device_code(entra: &Entra, client: &str, tenant: &str) -> Reply {
    let scope = encode(&format!("{} offline_access", scope(API, "access")));
    let request = entra
        .request("POST", &format!("/{tenant}/oauth2/v2.0/devicecode"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("client_id={client}&scope={scope}"));
    entra.send(request).await
}

async fn started(entra: &Entra) -> (Value, Token) {
    let device = device_code(entra, CLI, TENANT).await.ok();
    let poll = Token::device(CLI, device["device_code"].as_str().expect("a device_code"));
    (device, poll)
}

#[tokio::test]
async fn e095_device_authorization_has_the_members_of_entra() {
    let entra = Entra::start().await;
    let device = device_code(&entra, CLI, TENANT).await.ok();
    assert_eq!(
        members(&device),
        [
            "device_code",
            "expires_in",
            "interval",
            "message",
            "user_code",
            "verification_uri"
        ]
    );
    assert_eq!(device["expires_in"], 900);
    assert_eq!(device["interval"], 5);
    let text = |name: &str| device[name].as_str().expect("a string").to_owned();
    assert!(text("message").contains(&text("user_code")));
    assert!(text("message").contains(&text("verification_uri")));
    assert!(text("verification_uri").starts_with(entra.b()), "{device}");
}

#[tokio::test]
async fn e095_pending_70016() {
    let entra = Entra::start().await;
    let (_, poll) = started(&entra).await;
    for _ in 0..2 {
        let refusal = entra
            .token(&poll)
            .await
            .refusal(400, "authorization_pending", 70016);
        refusal.says("OAuth 2.0 device flow error. Authorization is pending. Continue polling.");
    }
}
