//! The device authorization grant (RFC 8628): a person signs in with a browser, on this machine or another.

use std::time::Duration;

use entragate::{ClientId, Secret, is_invisible};
use serde::Deserialize;

use super::app::{self, Answer};
use super::error::SignInError;
use crate::graph::directory::Directory;
use crate::graph::http::Http;

#[derive(Deserialize)]
struct Begun {
    #[serde(flatten)]
    refusal: Answer,
    #[serde(default)]
    device_code: String,
    #[serde(default)]
    user_code: String,
    #[serde(default)]
    verification_uri: String,
    #[serde(default)]
    expires_in: u64,
    #[serde(default)]
    interval: u64,
}

pub(super) async fn token(
    http: &Http,
    directory: &Directory,
    client: &ClientId,
    scope: &str,
    say: impl Fn(&str),
) -> Result<Secret, SignInError> {
    let endpoint = directory.device_endpoint.as_ref().ok_or(SignInError::NoDeviceCodes)?;
    let form = [("client_id", client.as_str()), ("scope", scope)];
    let begun: Begun = app::ask(http, endpoint.as_str(), &form).await?;
    if begun.device_code.is_empty() {
        return Err(begun.refusal.refusal());
    }
    let text = |text: &str| text.chars().filter(|c| !is_invisible(*c)).take(200).collect::<String>();
    say(&format!(
        "To sign in, open {} in a browser and enter the code {}",
        text(&begun.verification_uri),
        text(&begun.user_code)
    ));
    poll(http, directory.token_endpoint.as_str(), client, &begun).await
}

async fn poll(http: &Http, endpoint: &str, client: &ClientId, begun: &Begun) -> Result<Secret, SignInError> {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client.as_str()),
        ("device_code", begun.device_code.as_str()),
    ];
    let mut interval = Duration::from_secs(begun.interval.clamp(1, 60));
    let tries = begun.expires_in.clamp(1, 3600) / interval.as_secs() + 1;
    for _ in 0..tries {
        tokio::time::sleep(interval).await;
        let answer: Answer = app::ask(http, endpoint, &form).await?;
        match (&answer.access_token, answer.error.as_deref()) {
            (Some(token), _) => return Ok(Secret::new(token)),
            (None, Some("authorization_pending")) => {}
            // RFC 8628 §3.5.
            (None, Some("slow_down")) => interval += Duration::from_secs(5),
            (None, Some("authorization_declined" | "access_denied")) => return Err(SignInError::Declined),
            (None, Some("expired_token" | "code_expired")) => return Err(SignInError::Expired),
            _ => return Err(answer.refusal()),
        }
    }
    Err(SignInError::Expired)
}
