//! The client credentials grant (RFC 6749 §4.4): an application asks in its own name.

use entragate::{ClientId, Clock, Credential, Secret, is_invisible};
use serde::Deserialize;

use super::error::SignInError;
use super::scope;
use crate::graph::directory::Directory;
use crate::graph::http::Http;

/// What the token endpoint answers, one way or the other.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) access_token: Option<String>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
}

impl Answer {
    /// Entra's words up to the trace ids.
    pub(super) fn refusal(&self) -> SignInError {
        let text = self.error_description.as_deref().or(self.error.as_deref()).unwrap_or_default();
        let text = text.split(" Trace ID:").next().unwrap_or_default();
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        SignInError::Refused(line.chars().filter(|c| !is_invisible(*c)).take(400).collect())
    }
}

pub(super) async fn token(
    http: &Http,
    directory: &Directory,
    client: &ClientId,
    credential: &Credential,
    clock: &impl Clock,
) -> Result<Secret, SignInError> {
    let endpoint = directory.token_endpoint.as_str();
    let proof = credential.parameters(client.as_str(), endpoint, clock.now()).await?;
    let scope = scope();
    let mut form =
        vec![("grant_type", "client_credentials"), ("client_id", client.as_str()), ("scope", scope.as_str())];
    form.extend(proof.iter().map(|(name, value)| (*name, value.expose())));
    let answer: Answer = ask(http, endpoint, &form).await?;
    match &answer.access_token {
        Some(token) => Ok(Secret::new(token)),
        None => Err(answer.refusal()),
    }
}

/// Posts a form and reads JSON, whatever the status code: RFC 6749's errors come with 400 and 401.
pub(super) async fn ask<T: for<'de> Deserialize<'de>>(
    http: &Http,
    endpoint: &str,
    form: &[(&str, &str)],
) -> Result<T, SignInError> {
    let answer = http
        .post_form(endpoint, form)
        .await
        .map_err(|source| SignInError::Unreachable { endpoint: endpoint.to_owned(), source })?;
    serde_json::from_slice(&answer.body).map_err(|_| SignInError::Unusable(endpoint.to_owned()))
}
